"""What can be published of a run: named quantities, each with its unit and its definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from accelerator_sim.energy.chip_blocks import energy_by_block
from accelerator_sim.kernels.causes import Cause
from accelerator_sim.mapping.legality import glb_use
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.results.accounted_run import AccountedRun
from accelerator_sim.validation.broadcast import broadcast_imbalance
from accelerator_sim.validation.issue_slots import slots_of_pointwise
from accelerator_sim.workload.pattern import draw

WORD_BYTES = 2
"""Bytes of a word in the access counts of JSSC 2017, Table V (16 bits)."""


_OUTSIDE = (Cause.DRAM, Cause.CONFIGURATION)


def _processing_s(run: AccountedRun) -> float:
    """Time without waiting for off-chip iacts and oacts and without configuration, as JSSC 2017 Table V splits it."""
    outside = sum(outcome.timing.exposed_cycles.get(cause, 0) for _, outcome, _ in run.parts for cause in _OUTSIDE)
    return (run.cycles - outside) / run.result.architecture.clock


def _glb_bytes(run: AccountedRun) -> float:
    """Bytes between the GLB and the PEs; fills and drains are not in the count of JSSC 2017 Table V."""
    words = 0
    for schedule, outcome, _ in run.schedules():
        psum, iact = outcome.counts.access("glb", "psum"), outcome.counts.access("glb", "iact")
        words += psum.reads - schedule.psum_drained + psum.writes + iact.reads
    return float(words * WORD_BYTES)


def _glb_mib(run: AccountedRun) -> float:
    """MiB between the GLB and the PEs, filters included: the "MB" of JSSC 2017 Table VI."""
    filters = sum(outcome.counts.access("glb", "weight").reads for _, outcome, _ in run.schedules())
    return (_glb_bytes(run) + filters * WORD_BYTES) / 2**20


def _glb_kib(tensor: int) -> Callable[[AccountedRun], float]:
    def kib(run: AccountedRun) -> float:
        used = [glb_use(Tiling(schedule.problem, schedule.mapping))[tensor] for schedule, _, _ in run.schedules()]
        return max(used) / 8192

    return kib


def _share(*parts: str) -> Callable[[AccountedRun], float]:
    def share(run: AccountedRun) -> float:
        energy = run.energy
        return sum(energy.as_dict()[part] for part in parts) / energy.chip

    return share


def _block(name: str) -> Callable[[AccountedRun], float]:
    """Share of the chip's energy of a block, with its part of clock and leakage."""

    def share(run: AccountedRun) -> float:
        blocks = energy_by_block(run.energy, run.technology, run.result.architecture, run.seconds)
        return blocks[name] / run.energy.chip

    return share


def _macs(part: str) -> Callable[[AccountedRun], float]:
    """Energy in multiples of one MAC; raises EnergyUnitError where the technology is not normalised."""

    def energy(run: AccountedRun) -> float:
        breakdown = run.energy
        return breakdown.unit.macs(breakdown.total if part == "total" else breakdown.as_dict()[part])

    return energy


def _saved_by_gating(run: AccountedRun) -> float:
    """What the zero iacts save of the energy of the PEs, in which their MACs would switch too."""
    actions, energy = run.actions, run.energy
    psum, weight = actions.spad_access("psum"), actions.spad_access("weight")[0]
    gated = sum(outcome.counts.macs_gated for _, outcome, _ in run.parts)
    saved = gated * (actions.mac - actions.mac_gated + weight + sum(psum))
    return saved / (saved + energy.mac + energy.spad + energy.clock)


Levels = tuple[float, float, float, float]
"""A number for each level of ISCA 2016, III-D: DRAM, GLB, array, RF."""


def input_cost(reuse: Levels, costs: Levels) -> float:
    """Energy of an input value that is used a b c d times: ISCA 2016, III-D.

    reuse: times that each level hands it to the cheaper ones; costs: joules of a read.
    """
    (a, b, c, d), (dram, glb, array, rf) = reuse, costs
    return a * dram + a * b * glb + a * b * c * array + a * b * c * d * rf


def psum_cost(reuse: Levels, costs: Levels) -> float:
    """Energy of a psum of a b c d accumulations, split over the levels in the same way: ISCA 2016, III-D."""
    (a, b, c, d), (dram, glb, array, rf) = reuse, costs
    return (2 * a - 1) * dram + 2 * a * (b - 1) * glb + a * b * (c - 1) * array + 2 * a * b * c * (d - 1) * rf


def _rule(run: AccountedRun) -> float:
    """Our energy of data movement over that of the decomposition rules, all three data types together.

    A level in which nothing is reused may be bypassed (b = 1 without banks: no GLB term).
    """
    ours = rule = 0.0
    actions, precision = run.actions, run.result.architecture.precision
    for schedule, outcome, energy in run.schedules():
        loops = schedule.loops
        for tensor, values, fetched, stored in (
            ("iact", schedule.iact_fetched // schedule.iact_rounds, schedule.iact_fetched, schedule.iact_filled),
            ("weight", loops.weights, schedule.weight_fetched, schedule.weight_filled),
        ):
            sent = outcome.counts.access("noc", tensor)
            costs = (
                actions.dram_read_bit * getattr(precision, tensor),
                actions.glb_access(tensor)[0] if stored else 0.0,
                actions.delivery(tensor),
                actions.spad_access(tensor)[0],
            )
            reuse = fetched / values, sent.reads / fetched, sent.writes / sent.reads, loops.macs / sent.writes
            rule += values * input_cost(reuse, costs)
        chains = schedule.psum_chain / loops.outputs
        reuse = 1.0, float(schedule.accumulations), chains / schedule.accumulations, loops.macs / schedule.psum_chain
        costs = (
            actions.dram_write_bit * precision.oact,
            sum(actions.glb_access("psum")) / 2,
            actions.noc_local,
            sum(actions.spad_access("psum")) / 2,
        )
        rule += loops.outputs * psum_cost(reuse, costs)
        ours += energy.total - energy.mac
    return ours / rule


def _padded_macs(run: AccountedRun) -> float:
    """Effectual MACs where iacts of the padding count as work: as many of these taps as there are non-zero weights."""
    total = 0.0
    for layer, outcome, _ in run.parts:
        padding = layer.layer.macs - layer.layer.inside_macs
        total += outcome.counts.effectual_macs + padding * layer.layer.density.weight
    return total


def _broadcast_imbalance(run: AccountedRun) -> float:
    """Cycles over evenly spread work of the layers on a machine that broadcasts iacts, weighted by their work."""
    result = run.result
    layers = [layer.layer for layer, _, _ in run.parts]
    work = [layer.effectual_macs for layer in layers]
    over = [broadcast_imbalance(layer, draw(layer, result.seed), result.architecture) for layer in layers]
    return sum(each * macs for each, macs in zip(over, work, strict=True)) / sum(work)


def _slots_of_16(run: AccountedRun) -> float:
    """Issue slots of pointwise layers in PEs that hold 16 filters."""
    result = run.result
    lanes = result.architecture.pe.macs_per_cycle
    layers = [layer.layer for layer, _, _ in run.parts]
    return float(sum(slots_of_pointwise(layer, draw(layer, result.seed), 16, lanes) for layer in layers))


@dataclass(frozen=True)
class Quantity:
    """How a published quantity follows from a run."""

    unit: str
    of: Callable[[AccountedRun], float]


QUANTITIES: dict[str, Quantity] = {
    "cycles": Quantity("cycles", lambda run: run.cycles),
    "inferences_per_s": Quantity("1/s", lambda run: run.result.batch / run.seconds),
    "inferences_per_j": Quantity("1/J", lambda run: run.result.batch / run.energy.chip_j),
    "gops_per_w": Quantity("GOPS/W", lambda run: 2e-9 * run.work.macs / run.energy.chip_j),
    "total_ms": Quantity("ms", lambda run: run.seconds * 1e3),
    "processing_ms": Quantity("ms", lambda run: _processing_s(run) * 1e3),
    "power_mw": Quantity("mW", lambda run: run.energy.chip_j / run.seconds * 1e3),
    "dram_mb": Quantity("MB", lambda run: run.work.dram_bytes / 1e6),
    "glb_mb": Quantity("MB", lambda run: _glb_bytes(run) / 1e6),
    "glb_mib": Quantity("MiB", _glb_mib),
    "glb_iact_kib": Quantity("KiB", _glb_kib(0)),
    "glb_psum_kib": Quantity("KiB", _glb_kib(1)),
    "active_pes": Quantity("PEs", lambda run: max(o.counts.active_pes for _, o, _ in run.parts)),
    "effectual_macs": Quantity("MACs", lambda run: run.work.effectual_macs),
    "effectual_macs_padded": Quantity("MACs", _padded_macs),
    "pe_block": Quantity("of chip", _block("pe")),
    "noc_block": Quantity("of chip", _block("noc")),
    "glb_share": Quantity("of chip", _share("glb")),
    "noc_share": Quantity("of chip", _share("noc")),
    "clock_share": Quantity("of chip", _share("clock")),
    "gating_saving": Quantity("of PE", _saved_by_gating),
    "mac_energy": Quantity("MAC", _macs("mac")),
    "spad_energy": Quantity("MAC", _macs("spad")),
    "noc_energy": Quantity("MAC", _macs("noc")),
    "glb_energy": Quantity("MAC", _macs("glb")),
    "dram_energy": Quantity("MAC", _macs("dram")),
    "total_energy": Quantity("MAC", _macs("total")),
    "broadcast_imbalance": Quantity("", _broadcast_imbalance),
    "slots_of_16": Quantity("slots", _slots_of_16),
    "rule_ratio": Quantity("", _rule),
}
"""Unit and definition of each quantity, by name.  Energies and the rates derived from them are of the chip alone."""
