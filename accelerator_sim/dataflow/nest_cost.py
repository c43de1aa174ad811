"""What nests take: cycles of the busiest resource, and an `Outcome` for the account of energy.

Time is a bottleneck estimate from the architecture file, like that of the analytical engine: PEs, one network per data
type, GLB banks and the off-chip channel work side by side, and transfers that the file does not overlap are added.  On
a mesh a word goes to as many clusters as its targets fill, and traffic is taken to be even over the clusters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.architecture.networks import Tensor
from accelerator_sim.dataflow.nest import Nests, ceil_div
from accelerator_sim.dataflow.nest_counts import NestWords, words_of
from accelerator_sim.energy.account import access_energy, network_energy
from accelerator_sim.files.errors import CheckFailed
from accelerator_sim.kernels.rounding import CYCLE_SLIP
from accelerator_sim.noc.wires import source_words
from accelerator_sim.simulation.bottleneck import Bottleneck
from accelerator_sim.simulation.outcome import Access, Counts, Level, NocUse, Outcome, Resource
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.workload.arrays import Floats, Ints


@dataclass(frozen=True, eq=False)
class NestCost:
    """Nests, what they move, and how long they take.

    `unit` is that of the technology table: in MACs, transfers are charged by the rule of ISCA 2016 (`charged`).
    """

    nests: Nests
    unit: EnergyUnit

    @cached_property
    def words(self) -> NestWords:
        """The words that they move."""
        return words_of(self.nests)

    @property
    def architecture(self) -> Architecture:
        """The machine."""
        return self.nests.problem.architecture

    # --- the network -------------------------------------------------------------------------------------------------
    def sent(self, tensor: Tensor) -> Ints:
        """Words that sources put on the network of a data type."""
        w = self.words
        return {"iact": w.iact_sent, "weight": w.weight_sent, "psum": w.psum_in + w.psum_out}[tensor]

    def delivered(self, tensor: Tensor) -> Ints:
        """Words that arrive at PEs over the network (psums: or at the GLB)."""
        w = self.words
        return {"iact": w.iact_delivered, "weight": w.weight_delivered, "psum": w.psum_in + w.psum_out}[tensor]

    def handed(self, tensor: Tensor) -> Ints:
        """Words that go from PE to PE."""
        zero = np.zeros_like(self.nests.m0)
        return {"iact": self.words.iact_handed, "weight": zero, "psum": self.words.psum_handed}[tensor]

    def charged(self, tensor: Tensor) -> Ints:
        """Deliveries that cost a transfer over the array.

        In a normalised table a transfer between two levels is charged at the more expensive one, and a level without
        reuse is bypassed (ISCA 2016 III-D): a word that goes from the GLB to one PE only pays for the GLB alone.
        """
        delivered = self.delivered(tensor)
        if self.unit is not EnergyUnit.MAC or tensor == "psum":
            return delivered
        return np.where(delivered == self.sent(tensor), 0, delivered)

    def hops(self, tensor: Tensor) -> Ints:
        """Words times the mesh links between the clusters of their targets."""
        if self.architecture.flat or tensor == "psum":
            return np.zeros_like(self.nests.m0)
        return self.sent(tensor) * (self._clusters(tensor) - 1)

    def _clusters(self, tensor: Tensor) -> Ints:
        fan_out = ceil_div(self.delivered(tensor) + self.handed(tensor), np.maximum(self.sent(tensor), 1))
        places = self.architecture.pe_cluster.count
        return np.minimum(ceil_div(fan_out, places), self.architecture.cluster_array.count)

    def rate(self, tensor: Tensor) -> float:
        """Words that the network of a data type takes in a cycle."""
        return source_words(self.architecture, tensor)

    def port_cycles(self, tensor: Tensor) -> Floats:
        """Cycles in which the network of a data type is busy."""
        w = self.words
        if tensor == "psum":
            both: Floats = np.maximum(w.psum_in, w.psum_out) / self.rate(tensor)
            return both
        reached = 1 if self.architecture.flat else self._clusters(tensor)
        cycles: Floats = self.sent(tensor) * reached / self.rate(tensor)
        return cycles

    def bank_cycles(self, tensor: Tensor) -> Floats:
        """Cycles in which the GLB banks of a data type are busy; buses take fewer words than their banks."""
        store = getattr(self.architecture.glb, tensor)
        shared = self.architecture.glb.shared
        if self.architecture.flat or store is None:
            return np.zeros(self.nests.m0.shape)
        banks = store.banks or (shared.banks if shared is not None else 0)
        rate = store.port_width // getattr(self.architecture.precision, tensor) * banks
        reads, writes = self.glb(tensor)
        words = reads + writes if store.ports == 1 else np.maximum(reads, writes)
        cycles: Floats = words / max(rate * self.architecture.cluster_array.count, 1)
        return cycles

    def glb(self, tensor: Tensor) -> tuple[Ints, Ints]:
        """Words read from and written to the GLB."""
        w = self.words
        return {
            "iact": (w.iact_read, w.iact_filled),
            "weight": (w.weight_read, w.weight_filled),
            "psum": (w.psum_read, w.psum_written),
        }[tensor]

    # --- off-chip ----------------------------------------------------------------------------------------------------
    def dram_bits(self, tensor: Tensor) -> Ints:
        """Bits over the off-chip channel, uncompressed (psum: the output activations)."""
        p, w = self.architecture.precision, self.words
        outputs = np.full_like(self.nests.m0, self.nests.loops.outputs)
        of_file = self.nests.problem.layer.weight_bits
        if of_file is None:
            weight = w.weight_fetched * p.weight
        else:
            weight = np.ceil(w.weight_fetched * of_file).astype(np.int64)
        return {"iact": w.iact_fetched * p.iact, "weight": weight, "psum": outputs * p.oact}[tensor]

    # --- time --------------------------------------------------------------------------------------------------------
    @cached_property
    def pe_cycles(self) -> Floats:
        """Cycles of the busiest PE: its MACs, and the psums that it hands out meanwhile or between."""
        n, pe = self.nests, self.architecture.pe
        simd = self.architecture.lanes
        full = ceil_div(np.minimum(n.length["M"], n.loops.M), n.spatial["M"])
        last = n.steps("M") - (n.passes("M") - 1) * full
        slots = (n.passes("M") - 1) * ceil_div(full, simd) + ceil_div(last, simd)
        windows = n.steps("G") * n.steps("N") * n.steps("P") * n.steps("Q")
        compute = windows * n.steps("C") * n.steps("R") * n.steps("S") * slots
        if not n.flow.holds("psum"):
            return compute.astype(np.float64)
        service = windows * n.accumulations * n.steps("M") * pe.psum_service.cycles_per_psum
        busy: Floats = np.maximum(compute, service) if pe.psum_service.overlaps_macs else compute + service
        return busy

    @cached_property
    def resources(self) -> tuple[dict[Resource, Floats], dict[Resource, Floats]]:
        """Busy cycles of what works side by side, and cycles that nothing hides, each by name."""
        a, shape = self.architecture, self.nests.m0.shape
        per_cycle = self.nests.problem.bytes_per_cycle
        channel = {t: self.dram_bits(t) / 8.0 / per_cycle for t in TENSORS}
        nothing = np.zeros(shape)
        # Only weights that rest in SPads are filled in ahead; the others come with their MACs.
        fills = self.nests.flow.holds("weight") and not a.overlap.weight_fill
        side = {Resource.PE: self.pe_cycles}
        side |= {Resource.IACT_PORT: self.port_cycles("iact"), Resource.PSUM_PORT: self.port_cycles("psum")}
        side[Resource.WEIGHT_PORT] = nothing if fills else self.port_cycles("weight")
        side |= {Resource(f"{t}_bank"): self.bank_cycles(t) for t in TENSORS}
        serial = {
            Resource.WEIGHT_FILL: self.port_cycles("weight") if fills else nothing,
            Resource.DRAM_IACT: nothing if a.overlap.dram_iact else channel["iact"],
            Resource.DRAM_OACT: nothing if a.overlap.dram_oact else channel["psum"],
            Resource.CONFIGURATION: np.full(shape, float(a.configuration.cycles)),
        }
        reads = channel["weight"] + (channel["iact"] if a.overlap.dram_iact else 0.0)
        writes = channel["psum"] if a.overlap.dram_oact else nothing
        side[Resource.DRAM] = np.maximum(reads, writes) if a.dram.duplex else reads + writes
        if a.dram.bandwidth != math.inf:
            serial[Resource.DRAM_LATENCY] = np.full(shape, a.dram.latency * a.clock)
        return side, serial

    @cached_property
    def cycles(self) -> Floats:
        """Whole cycles."""
        side, serial = self.resources
        busiest = np.max(np.stack(list(side.values())), axis=0)
        whole: Floats = np.ceil(busiest + sum(serial.values()) - CYCLE_SLIP)
        return whole

    # --- results -----------------------------------------------------------------------------------------------------
    def outcome(self, index: int = 0) -> Outcome:
        """What one of the nests does.  Raises CheckFailed where its counts break a law."""
        alone = NestCost(self.nests.at(index), self.unit)
        alone.check()
        side, serial = ({resource: float(v[0]) for resource, v in part.items()} for part in alone.resources)
        pes, loops = int(alone.nests.pes[0]), self.nests.loops
        counts = Counts(
            active_pes=pes,
            idle_pes=self.architecture.pes - pes,
            macs=loops.macs,
            effectual_macs=loops.macs,
            macs_issued=loops.macs,
            macs_gated=0,
            accesses=tuple(Access(*key, *_pair(reads, writes), bits) for key, reads, writes, bits in alone.accesses()),
            noc=tuple(alone._network(t) for t in TENSORS),
            dram_bytes={t: math.ceil(int(alone.dram_bits(t)[0]) / 8) for t in TENSORS},
        )
        return Outcome(counts, Bottleneck(side, serial).timing)

    def accesses(self) -> list[tuple[tuple[Level, Tensor], Ints | int, Ints | int, int]]:
        """Level and tensor, words read, words written, and bits of a word; a memory that is not used is left out."""
        a, w, flow = self.architecture, self.words, self.nests.flow
        p, spad, macs = a.precision, a.pe.spad, self.nests.loops.macs
        bits: dict[Tensor, int] = {"iact": p.iact, "weight": p.weight, "psum": p.psum}
        rows: list[tuple[tuple[Level, Tensor], Ints | int, Ints | int, int]] = [
            (("dram", "iact"), w.iact_fetched, 0, p.iact),
            (("dram", "weight"), w.weight_fetched, 0, p.weight),
            (("dram", "psum"), 0, self.nests.loops.outputs, p.oact),
        ]
        for t in TENSORS:
            reads, writes = self.glb(t)
            if np.any(reads) or np.any(writes):
                rows.append((("glb", t), reads, writes, bits[t]))
        rows += [(("noc", t), self.sent(t), self.delivered(t), bits[t]) for t in ("iact", "weight")]
        rows.append((("noc", "psum"), w.psum_in, w.psum_out, p.psum))
        if flow.holds("iact"):
            rows.append((("spad", "iact"), w.spad_iact_read, w.iact_delivered, spad.iact.width))
        if flow.holds("weight"):
            rows.append((("spad", "weight"), w.spad_weight_read, w.spad_weight_written, spad.weight.width))
        if flow.holds("psum"):
            rows.append((("spad", "psum"), w.spad_psum, w.spad_psum, spad.psum.width))
        rows += [(("mac", "iact"), macs, 0, p.iact), (("mac", "weight"), macs, 0, p.weight)]
        rows.append((("mac", "psum"), macs, macs, p.psum))
        return rows

    def _network(self, tensor: Tensor) -> NocUse:
        return NocUse(
            tensor=tensor,
            mode="multicast" if int(self.delivered(tensor)[0]) > int(self.sent(tensor)[0]) else "unicast",
            links_used=0,
            words=int(self.sent(tensor)[0]),
            word_hops=int(self.hops(tensor)[0]),
            word_bits=int(getattr(self.architecture.precision, tensor)),
            delivered=int(self.charged(tensor)[0]),
            local_hops=int(self.handed(tensor)[0]),
        )

    def check(self) -> None:
        """Check the laws of nests: raises CheckFailed with the layer, the law and both sides."""
        w, loops, name = self.words, self.nests.loops, self.nests.problem.layer.name
        laws: list[tuple[str, Any, Any]] = [
            ("PEs in use exist", self.nests.pes, self.architecture.pes),
            ("cycles >= MACs / peak", math.floor(loops.macs / self.architecture.macs_per_cycle), self.cycles),
            ("each weight is fetched", loops.weights, w.weight_fetched),
            ("weights fetched are sent", w.weight_fetched, w.weight_sent),
            ("weights sent arrive", w.weight_sent, w.weight_delivered),
            ("iacts sent arrive", w.iact_sent, w.iact_delivered + w.iact_handed),
            ("no operand comes more often than at every MAC", w.weight_delivered, loops.macs),
            ("each output leaves the array", loops.outputs, w.psum_out),
            ("psums that leave are handed on before", 0, w.psum_handed),
            ("iacts handed on", 0, w.iact_handed),
        ]
        for law, less, more in laws:
            if np.any(np.asarray(less) > np.asarray(more)):
                raise CheckFailed(f"layer {name}: {self.nests.flow.name}: law violated: {law}: {less} > {more}")


def _pair(reads: Ints | int, writes: Ints | int) -> tuple[int, int]:
    return tuple(int(np.asarray(words).reshape(-1)[0]) for words in (reads, writes))  # type: ignore[return-value]


@dataclass(frozen=True)
class Prices:
    """Energy of one of each thing that a machine does, by the rules of the account."""

    actions: ActionEnergies
    architecture: Architecture

    def fetch(self, tensor: Tensor) -> float:
        """Energy of a word from off-chip."""
        return self._access("dram", tensor, 1, 0, int(getattr(self.architecture.precision, tensor)))

    def energy(self, cost: NestCost) -> Floats:
        """Energy of nests, chip and DRAM: what `account` charges for the outcome of each."""
        actions, pes = self.actions, self.architecture.pes
        total = np.full(cost.nests.m0.shape, actions.mac * cost.nests.loops.macs)
        for (level, tensor), reads, writes, bits in cost.accesses():
            if level in ("noc", "mac"):  # charged with the networks and the MACs
                continue
            total = total + reads * self._access(level, tensor, 1, 0, bits)
            total = total + writes * self._access(level, tensor, 0, 1, bits)
        for t in TENSORS:
            total = total + cost.hops(t) * self._network(t, word_hops=1)
            total = total + cost.charged(t) * self._network(t, delivered=1)
            total = total + cost.handed(t) * self._network(t, local_hops=1)
        active, idle = cost.nests.pes * cost.cycles, (pes - cost.nests.pes) * cost.cycles
        total = total + active * actions.clock_active + idle * actions.clock_idle
        return total + cost.cycles * (actions.leakage_w / self.architecture.clock)

    def _access(self, level: Level, tensor: Tensor, reads: int, writes: int, bits: int) -> float:
        return access_energy(Access(level, tensor, reads, writes, bits), self.actions, self.architecture)

    def _network(self, tensor: Tensor, word_hops: int = 0, delivered: int = 0, local_hops: int = 0) -> float:
        bits = int(getattr(self.architecture.precision, tensor))
        use = NocUse(tensor, "", 0, 0, word_hops, bits, delivered, local_hops)
        return network_energy(use, self.actions, self.architecture)
