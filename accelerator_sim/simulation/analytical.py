"""The analytical engine: exact access counts in closed form, and a bottleneck estimate of cycles.

Every resource of the machine has a busy time: the PEs, the source ports and links of each data type, the GLB banks,
the off-chip channel.  Those that work side by side cost the largest of them; work that the architecture
file declares not overlapped (weights of the next pass, first windows, the configuration) is added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.kernels.imbalance import Peers, PeWork, Zeros, fullest_row, lost_cycles
from accelerator_sim.mapping.mapping import Stationary
from accelerator_sim.mapping.uneven import largest_normals
from accelerator_sim.simulation.bottleneck import Bottleneck
from accelerator_sim.simulation.outcome import Resource
from accelerator_sim.simulation.schedule import Schedule


def pe_cycles(schedule: Schedule) -> float:
    """Cycles of the busiest PE: issue slots, psum service where it does not overlap, drain and pipeline fill."""
    problem, d = schedule.problem, schedule.deals
    pe = problem.architecture.pe
    windows = d.G.tiles * d.N.steps * d.P.steps * d.Q.steps
    compute = windows * d.C.steps * d.R.tiles * schedule.loops.S * problem.iact_density * filter_cycles(schedule)
    service = windows * schedule.accumulations * d.M.steps * pe.psum_service.cycles_per_psum
    beside, stages = pe.psum_service.overlaps_macs, pe.pipeline_stages - 1 - problem.refilled_stages
    load = later_window_cycles(schedule) if pe.iact_buffer == "single" else 0.0
    compute += windows * schedule.accumulations * d.M.tiles * problem.restart_cycles
    if not beside:
        each, of_link = problem.control_cycles
        service += windows * schedule.accumulations * d.M.tiles * (each + of_link * links(schedule))
    busy = max(compute, service) + load if beside else compute + max(service, load)
    if not beside and problem.work is None:
        busy += windows * imbalance_cycles(schedule)
        stages += 2 * (links(schedule) - 1)
    return busy + drain_cycles(schedule) + schedule.passes * stages


def later_window_cycles(schedule: Schedule) -> float:
    """Cycles of the first iact port for all windows but the first ones of passes, where those are a serial fill."""
    hidden = schedule.problem.architecture.overlap.iact_fill
    return max(0.0, iact_port_cycles(schedule) - (0.0 if hidden else iact_fill_cycles(schedule)))


def links(schedule: Schedule) -> int:
    """PEs of a chain of psums."""
    return schedule.deals.C.top.units * schedule.deals.R.top.units


def passes_in_turn(schedule: Schedule) -> int:
    """Passes of those that add up to one psum in which a GLB bank is read and written in turn."""
    glb = schedule.problem.architecture.glb
    if schedule.problem.architecture.flat or glb.psum.ports > 1:
        return 0
    return max(0, schedule.accumulations - (not glb.psum_read_first) - glb.psum_final_to_dram)


def pe_work(schedule: Schedule) -> PeWork:
    """The work of a PE in a window."""
    problem, filters, channels = schedule.problem, schedule.deals.M, schedule.deals.C
    pe = problem.architecture.pe
    service = filters.summed(lambda tile: problem.service_cycles(tile.steps)) / filters.tiles
    return PeWork(
        slots=filter_cycles(schedule) / filters.tiles,
        variance=filters.summed(lambda tile: problem.slot_variance(tile.steps)) / filters.tiles,
        filters=filters.steps / filters.tiles / problem.architecture.lanes,
        unpaired=filters.summed(lambda tile: problem.unpaired(tile.steps)) / filters.tiles,
        channels=channels.steps / channels.tiles,
        taps=float(schedule.taps),
        service=service,
        turns=max(service, service * problem.turn_cycles - 1.0),
        front=float(max(1, pe.pipeline_stages - 2)),
    )


def imbalance_cycles(schedule: Schedule) -> float:
    """Cycles that a window of all passes loses by uneven zeros (`kernels.imbalance`)."""
    problem, mapping, d = schedule.problem, schedule.mapping, schedule.deals
    largest, chain = largest_normals(problem.architecture.pes), links(schedule)
    windows = d.G.tiles * d.N.steps * d.P.steps * d.Q.steps
    positions = mapping.parts("N") * mapping.parts("P") * mapping.parts("Q")
    peers = Peers(
        links=largest[0, chain],
        others=largest[0, chain - 1],
        others_variance=largest[1, chain - 1],
        filter_chains=largest[0, d.M.top.units],
        position_chains=largest[0, positions] / math.sqrt(windows),
        group_chains=largest[0, d.G.top.units],
        root=math.sqrt(chain),
    )
    lost = lost_cycles.function(zeros(schedule), pe_work(schedule), peers)
    accumulations, shared = schedule.accumulations, passes_in_turn(schedule)
    whole = d.M.tiles * ((accumulations - shared) * lost.plain + shared * lost.shared)
    service = problem.architecture.pe.psum_service.cycles_per_psum
    return float(whole - accumulations * d.M.steps * service)


def zeros(schedule: Schedule) -> Zeros:
    """The zeros of the layer as the PEs meet them."""
    return Zeros(schedule.problem.iact_density, *schedule.problem.channel_spreads)


def filter_cycles(schedule: Schedule) -> float:
    """Cycles of the busiest PE for one iact, summed over the filter passes."""
    return schedule.deals.M.summed(lambda tile: schedule.problem.cycles_per_iact(tile.steps))


def drain_cycles(schedule: Schedule) -> float:
    """Cycles in which the last psums of each pass leave the array and the first of the next enter."""
    problem, d = schedule.problem, schedule.deals
    if problem.architecture.overlap.psum_drain:
        return 0.0
    per_tile = d.N.tiles * d.Q.tiles * schedule.accumulations
    rate = problem.words_per_cycle("psum")
    if problem.architecture.pooled:
        return 2.0 * per_tile * schedule.loops.G * schedule.loops.M * first_strips(schedule) / rate
    return 2.0 * per_tile * d.P.tiles * d.G.tiles * d.M.steps / rate


def first_strips(schedule: Schedule) -> int:
    """Output rows of the first strip of the first cluster, summed over the tiles."""
    parts = schedule.mapping.cluster_parts("P")
    return schedule.deals.P.summed(lambda tile: min(parts, tile.cluster_steps))


def iact_port_cycles(schedule: Schedule) -> float:
    """Cycles in which the iact ports of the first (the busiest) cluster, PE or the one bus take their words in."""
    problem = schedule.problem
    if problem.architecture.private:
        return _pe_iacts(schedule) * schedule.sent_iact_pairs / problem.words_per_cycle("iact")
    contention = schedule.mapping.cluster_rows.C if schedule.mapping.cluster_rows.M > 1 else 1
    words = _cluster_iacts(schedule, _cluster_rows(schedule), _cluster_columns(schedule), schedule.deals.M.tiles)
    return words * contention * schedule.sent_iact_pairs / problem.words_per_cycle("iact")


def _pe_iacts(schedule: Schedule) -> int:
    """Iacts that the first PE receives."""
    d = schedule.deals
    columns = schedule.columns_in_passes(d.Q.steps, d.Q.tiles)
    return d.M.tiles * d.G.tiles * d.N.steps * d.C.steps * d.P.steps * d.R.tiles * columns


def _cluster_rows(schedule: Schedule) -> int:
    """Input rows sent to the first cluster in one filter pass."""
    rows, p = schedule.loops.rows, schedule.deals.P
    return schedule.deals.R.summed(lambda taps: rows.streamed(p.cluster_steps, p.steps, taps.elements))


def _cluster_columns(schedule: Schedule) -> int:
    """Input columns sent to the first cluster in one filter pass: each PE of those that share them gets its own."""
    parts, q = schedule.mapping.cluster_parts("Q"), schedule.deals.Q
    return schedule.columns_in_passes(q.cluster_steps, q.summed(lambda tile: min(tile.units, parts)))


def _cluster_iacts(schedule: Schedule, rows: int, columns: int, rounds: int) -> int:
    d = schedule.deals
    return rounds * d.G.cluster_steps * d.N.cluster_steps * d.C.cluster_steps * rows * columns


def iact_bank_cycles(schedule: Schedule) -> float:
    """Cycles in which the iact banks of the first cluster are read and filled; its filter group shares the tile."""
    problem = schedule.problem
    if problem.architecture.flat or schedule.iact_bypasses_glb:
        return 0.0
    p = schedule.deals.P
    reads = _cluster_iacts(schedule, _cluster_rows(schedule), _cluster_columns(schedule), schedule.deals.M.tiles)
    filled = schedule.loops.rows.touched(p.cluster_steps, p.tiles)
    across = schedule.loops.columns.touched(schedule.deals.Q.cluster_steps, schedule.deals.Q.tiles)
    beside = schedule.loops.held or problem.architecture.overlap.glb_fill
    writes = 0 if beside else _cluster_iacts(schedule, filled, across, schedule.iact_rounds)
    read, written = reads * schedule.sent_iact_pairs, writes * schedule.iact_pairs
    words = read + written if problem.architecture.glb.iact.ports == 1 else max(read, written)
    share = schedule.mapping.array_parts("M") * problem.bank_words_per_cycle("iact")
    return words / share


def iact_fill_cycles(schedule: Schedule) -> float:
    """Cycles in which the first window of each pass enters the PEs (the first S columns of their rows)."""
    problem, m, d = schedule.problem, schedule.mapping, schedule.deals
    rows = schedule.loops.rows
    if problem.architecture.private:
        lines = d.P.tiles * d.R.tiles
        words = d.M.tiles * d.G.tiles * d.C.steps * lines * schedule.loops.S * d.Q.tiles * d.N.tiles
        return words * schedule.sent_iact_pairs / problem.words_per_cycle("iact")
    strips = first_strips(schedule)
    lines = d.R.summed(lambda taps: rows.streamed(strips, d.P.tiles, taps.elements))
    per_row = schedule.loops.S * m.cluster_parts("Q") * d.Q.tiles * m.cluster_parts("N") * d.N.tiles
    words = d.M.tiles * d.G.cluster_steps * d.C.cluster_steps * lines * per_row
    return words * schedule.sent_iact_pairs / problem.words_per_cycle("iact")


def weight_port_cycles(schedule: Schedule) -> float:
    """Cycles in which the weight port of the first PE row, of the first PE or the one bus takes its words in."""
    problem, d = schedule.problem, schedule.deals
    more = 0.0
    if problem.architecture.pooled:
        words = schedule.weight_sent
    else:
        filters = d.G.tiles * d.M.steps if problem.architecture.private else d.G.row_steps * d.M.row_steps
        words = schedule.weight_rounds * filters * d.C.steps * d.R.tiles * schedule.loops.S
        more = _fullest_row(schedule)
    pairs = problem.weight_port_pairs(schedule.mapping.M0)
    return words * (pairs + more) / problem.words_per_cycle("weight")


def _fullest_row(schedule: Schedule) -> float:
    """Words that the fullest PE row has beyond the mean, for each weight of it."""
    d, largest = schedule.deals, largest_normals(schedule.problem.architecture.pes)
    steps = d.M.steps if schedule.problem.architecture.private else d.M.row_steps
    rows = largest[0, links(schedule)]
    return float(fullest_row.function(zeros(schedule), pe_work(schedule), steps / d.M.steps, rows))


def psum_port_cycles(schedule: Schedule) -> float:
    """Cycles in which the busier of the two psum ports of a PE column (or of the two buses) moves its words."""
    problem, filters = schedule.problem, schedule.deals.M
    out, into = _psum_words(schedule)
    words = max(out, into) / problem.words_per_cycle("psum")
    if not problem.architecture.pooled:
        return words
    # A flit is of one chain, however few psums it has.
    chains = schedule.loops.outputs / schedule.loops.M * filters.units * schedule.accumulations
    service = filters.summed(lambda tile: problem.service_cycles(tile.steps)) / filters.tiles
    return max(words, chains * service / problem.psum_flit_rate)


def _psum_words(schedule: Schedule) -> tuple[int, int]:
    """Psums out of and into the first PE column (its last and first PE, with links of their own), or over the buses."""
    if schedule.problem.architecture.pooled:
        return schedule.psum_out, schedule.psum_in
    d = schedule.deals
    words = d.G.tiles * d.N.steps * d.P.steps * d.Q.steps * d.M.steps
    first = 0 if schedule.problem.architecture.glb.psum_read_first else 1
    return words * schedule.accumulations, words * (schedule.accumulations - first)


def psum_bank_cycles(schedule: Schedule) -> float:
    """Cycles in which the psum banks of the first PE column are read and written."""
    problem = schedule.problem
    if problem.architecture.flat or schedule.psum_bypasses_glb:
        return 0.0
    out, reads = _psum_words(schedule)
    per_pass = out // schedule.accumulations
    drained = 0 if problem.architecture.glb.psum_final_to_dram else per_pass
    writes = out - (per_pass if problem.architecture.glb.psum_final_to_dram else 0)
    reads += drained
    words = reads + writes if problem.architecture.glb.psum.ports == 1 else max(reads, writes)
    return words / problem.bank_words_per_cycle("psum")


def dram_bytes(schedule: Schedule) -> dict[str, float]:
    """Bytes over the off-chip channel, by tensor (psum: the output activations)."""
    problem, mapping = schedule.problem, schedule.mapping
    return {
        "iact": schedule.iact_fetched * problem.iact_dram_bits(mapping.C0, schedule.taps) / 8.0,
        "weight": schedule.weight_fetched * problem.weight_dram_bits(mapping.M0) / 8.0,
        "psum": schedule.loops.outputs * problem.oact_dram_bits / 8.0,
    }


def exposed_requests(schedule: Schedule) -> int:
    """Requests to the off-chip channel whose latency the array waits for.

    Those of iacts and weights that are made at the same time wait together; where the next ones are requested ahead,
    only the first is waited for, and of overlapped writes only the last.
    """
    overlap, d, m = schedule.problem.architecture.overlap, schedule.deals, schedule.mapping
    keeps_iacts = m.stationary is Stationary.IACT
    fetches = d.G.tiles * schedule.tiles * (1 if keeps_iacts else schedule.filter_tiles * d.C.tiles)
    if schedule.loops.held:
        fetches = 0
    fetched = 1 if m.stationary is Stationary.WEIGHT else schedule.weight_rounds
    loads = d.G.tiles * d.M.tiles * schedule.accumulations * fetched
    writes = d.G.tiles * schedule.tiles * d.M.tiles
    reads = max(1 if overlap.dram_iact else fetches, 1 if overlap.weights_ahead else loads)
    return reads + (1 if overlap.dram_oact else writes)


@dataclass(frozen=True)
class Load:
    """Busy cycles of the resources of a layer that work side by side, and of those that nothing hides, but for the
    transfers over the off-chip channel; and the bytes that it moves, by tensor."""

    side: dict[Resource, float]
    serial: dict[Resource, float]
    moved: dict[str, float]

    def on_channel(self, architecture: Architecture) -> Bottleneck:
        """The bottleneck with the off-chip channel of a machine that is otherwise the one of the load."""
        overlap, dram = architecture.overlap, architecture.dram
        channel = {tensor: size / (dram.bandwidth / architecture.clock) for tensor, size in self.moved.items()}
        serial = {
            **self.serial,
            Resource.DRAM_IACT: 0.0 if overlap.dram_iact else channel["iact"],
            Resource.DRAM_OACT: 0.0 if overlap.dram_oact else channel["psum"],
        }
        reads = channel["weight"] + (channel["iact"] if overlap.dram_iact else 0.0)
        writes = channel["psum"] if overlap.dram_oact else 0.0
        return Bottleneck(
            {**self.side, Resource.DRAM: max(reads, writes) if dram.duplex else reads + writes},
            serial,
        )


def load_of(schedule: Schedule) -> Load:
    """What a schedule asks of its machine."""
    architecture = schedule.problem.architecture
    overlap = architecture.overlap
    side = {
        Resource.PE: pe_cycles(schedule),
        Resource.IACT_PORT: iact_port_cycles(schedule),
        Resource.IACT_BANK: iact_bank_cycles(schedule),
        Resource.PSUM_PORT: psum_port_cycles(schedule),
        Resource.PSUM_BANK: psum_bank_cycles(schedule),
        Resource.WEIGHT_PORT: weight_port_cycles(schedule) if overlap.weight_fill else 0.0,
    }
    times = schedule.passes if architecture.configuration.per == "pass" else 1
    serial = {
        Resource.WEIGHT_FILL: 0.0 if overlap.weight_fill else weight_port_cycles(schedule),
        Resource.IACT_FILL: 0.0 if overlap.iact_fill else iact_fill_cycles(schedule),
        Resource.DRAM_IACT: 0.0,  # of the channel, in the order of the sum
        Resource.DRAM_OACT: 0.0,
        Resource.CONFIGURATION: float(architecture.configuration.time * times),
        Resource.DRAM_LATENCY: float(exposed_requests(schedule) * schedule.problem.latency_cycles),
    }
    return Load(side, serial, dram_bytes(schedule))


def channel_load_of(schedule: Schedule) -> Load:
    """What a schedule asks of the off-chip channel alone."""
    waited = float(exposed_requests(schedule) * schedule.problem.latency_cycles)
    return Load({}, {Resource.DRAM_LATENCY: waited}, dram_bytes(schedule))


def bottleneck(schedule: Schedule) -> Bottleneck:
    """Busy cycles of the resources that work side by side, and cycles that nothing hides."""
    return load_of(schedule).on_channel(schedule.problem.architecture)
