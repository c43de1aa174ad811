"""From words and multiply-accumulates to the accesses of every memory: the counts that all engines share."""

from __future__ import annotations

import math

from accelerator_sim.kernels.rounding import whole_words
from accelerator_sim.mapping.mapping import ceil_div
from accelerator_sim.noc.modes import links_used, mode_of
from accelerator_sim.simulation.outcome import Access, Counts, NocUse
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import Stored


def counts_of(schedule: Schedule, stored: Stored) -> Counts:
    """Count what a schedule does with the words that are stored."""
    active = schedule.active_pes
    return Counts(
        active_pes=active,
        idle_pes=schedule.problem.architecture.pes - active,
        macs=schedule.loops.macs,
        effectual_macs=stored.effectual,
        macs_issued=stored.issued,
        macs_gated=stored.gated,
        accesses=_accesses(schedule, stored),
        noc=_noc(schedule, stored),
        dram_bytes={tensor: math.ceil(bits / 8.0) for tensor, bits in _dram_bits(schedule, stored).items()},
    )


def counts_of_traffic(pes: int, accesses: tuple[Access, ...], dram_bytes: dict[str, int]) -> Counts:
    """Count what moves while none of the PEs works."""
    return Counts(0, pes, 0, 0, 0, 0, accesses, (), dram_bytes)


def _dram_bits(schedule: Schedule, stored: Stored) -> dict[str, float]:
    """Bits over the off-chip channel, by tensor (psum: the output activations)."""
    return {
        "iact": stored.iact.fetched_bits,
        "weight": stored.weight.fetched_bits,
        "psum": schedule.loops.outputs * schedule.problem.oact_dram_bits,
    }


def _accesses(schedule: Schedule, stored: Stored) -> tuple[Access, ...]:
    """Accesses of every memory level."""
    problem, loops = schedule.problem, schedule.loops
    precision, spad = problem.architecture.precision, problem.architecture.pe.spad
    bits = {"iact": problem.iact_bits, "weight": problem.weight_bits, "psum": precision.psum}
    operands = {"iact": stored.iact, "weight": stored.weight}
    executed = stored.issued - stored.gated
    moved = _dram_bits(schedule, stored)
    rows = [Access("dram", t, whole_words(moved[t] / bits[t]), 0, bits[t]) for t in ("iact", "weight")]
    rows.append(Access("dram", "psum", 0, whole_words(moved["psum"] / precision.oact), precision.oact))

    psum_reads = 0 if schedule.psum_bypasses_glb else schedule.psum_in + schedule.psum_drained
    rows += [
        Access("glb", "iact", stored.iact.read, stored.iact.filled, bits["iact"]),
        Access("glb", "psum", psum_reads, schedule.psum_written, bits["psum"]),
    ]
    if schedule.weight_filled:
        rows.append(Access("glb", "weight", stored.weight.read, stored.weight.filled, bits["weight"]))
    rows += [Access("noc", t, words.sent, words.delivered, bits[t]) for t, words in operands.items()]
    rows.append(Access("noc", "psum", schedule.psum_in, schedule.psum_out, bits["psum"]))
    # A psum is updated by every MAC but the first of a window in a PE (ISCA 2016 III-D).
    updates = round(executed * (1.0 - schedule.psum_chain / loops.macs))
    written = ceil_div(stored.weight.delivered, problem.architecture.weights_per_word)
    rows += [
        Access("spad", "iact", stored.iact_reads, stored.iact.kept, spad.iact.width),
        Access("spad", "weight", stored.weight_reads, written, spad.weight.width),
        Access("spad", "psum", updates, updates, spad.psum.width),
    ]
    rows += [Access("mac", t, executed, 0, getattr(precision, t)) for t in ("iact", "weight")]
    rows.append(Access("mac", "psum", executed, executed, precision.psum))
    return tuple(rows)


def _noc(schedule: Schedule, stored: Stored) -> tuple[NocUse, ...]:
    problem, mapping = schedule.problem, schedule.mapping
    bits = {"iact": problem.iact_bits, "weight": problem.weight_bits, "psum": problem.architecture.precision.psum}
    iact, weight, into, out = stored.iact, stored.weight, schedule.psum_in, schedule.psum_out
    architecture = problem.architecture
    kind = architecture.noc.iact.kind
    rings = {t: architecture.network(t).ring(architecture.cluster_array) for t in bits}
    reached = {"iact": iact.delivered, "weight": weight.delivered, "psum": into + out}
    if problem.architecture.noc.iact.floods:  # every word reaches every PE, and most of them drop it
        reached = {t: n * problem.architecture.pes for t, n in (("iact", iact.sent), ("weight", weight.sent))}
        reached["psum"] = into * problem.architecture.pes + out
    words = {
        "iact": (iact.sent, iact.hops, 0),
        "weight": (weight.sent, weight.hops, 0),
        "psum": (into + out, schedule.psum_hops, schedule.psum_local_hops),
    }
    return tuple(
        NocUse(
            tensor=t,
            mode=mode_of(mapping, t, kind),
            links_used=links_used(mapping, t, rings[t].rows),
            words=sent,
            word_hops=hops,
            word_bits=bits[t],
            delivered=reached[t],
            local_hops=local,
        )
        for t, (sent, hops, local) in words.items()
    )
