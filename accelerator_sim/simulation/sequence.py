"""The outcome of runs that follow one another, as that of one layer: dense phases of a dilated or transposed one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from accelerator_sim.kernels.causes import Cause
from accelerator_sim.mapping.mapping import ceil_div
from accelerator_sim.simulation.outcome import Access, Counts, NocUse, Outcome, Timing, Verdict
from accelerator_sim.simulation.timing import BINS


def one_after_another(outcomes: Sequence[Outcome], macs: int) -> Outcome:
    """Return the outcome of several runs on one machine, one after another.

    macs: multiply-accumulates of all, as the whole layer counts them.  A data type that is stored in words of several
    widths is counted in the widest one, to whole words; PEs are active that are so in some run.
    """
    counts = Counts(
        active_pes=max(each.counts.active_pes for each in outcomes),
        idle_pes=min(each.counts.idle_pes for each in outcomes),
        macs=macs,
        effectual_macs=sum(each.counts.effectual_macs for each in outcomes),
        macs_issued=sum(each.counts.macs_issued for each in outcomes),
        macs_gated=sum(each.counts.macs_gated for each in outcomes),
        accesses=_accesses([access for each in outcomes for access in each.counts.accesses]),
        noc=_networks([use for each in outcomes for use in each.counts.noc]),
        dram_bytes=dict(_added(each.counts.dram_bytes for each in outcomes)),
    )
    pes = counts.active_pes + counts.idle_pes
    return Outcome(counts, _timing([each.timing for each in outcomes], pes), _verdict(outcomes))


def _added(parts: Iterable[dict[Any, int]]) -> Counter[Any]:
    total: Counter[Any] = Counter()
    for part in parts:
        for key, value in part.items():
            total[key] += value
    return total


def _accesses(accesses: list[Access]) -> tuple[Access, ...]:
    widest: dict[tuple[str, str], int] = {}
    for access in accesses:
        key = access.level, access.tensor
        widest[key] = max(widest.get(key, 0), access.word_bits)
    total: dict[tuple[str, str], Access] = {}
    for access in accesses:
        key = access.level, access.tensor
        bits = widest[key]
        so_far = total.get(key) or Access(access.level, access.tensor, 0, 0, bits)
        total[key] = replace(
            so_far,
            reads=so_far.reads + ceil_div(access.reads * access.word_bits, bits),
            writes=so_far.writes + ceil_div(access.writes * access.word_bits, bits),
        )
    return tuple(total.values())


def _networks(uses: list[NocUse]) -> tuple[NocUse, ...]:
    by_tensor: dict[str, list[NocUse]] = {}
    for use in uses:
        by_tensor.setdefault(use.tensor, []).append(use)
    return tuple(_network(members) for members in by_tensor.values())


def _network(uses: list[NocUse]) -> NocUse:
    """What one data type did, in the mode in which most of its words went."""
    bits = max(use.word_bits for use in uses)

    def words(part: Callable[[NocUse], int]) -> int:
        return sum(ceil_div(part(use) * use.word_bits, bits) for use in uses)

    return replace(
        max(uses, key=lambda use: use.words * use.word_bits),
        links_used=max(use.links_used for use in uses),
        word_bits=bits,
        words=words(lambda use: use.words),
        word_hops=words(lambda use: use.word_hops),
        delivered=words(lambda use: use.delivered),
        local_hops=words(lambda use: use.local_hops),
    )


def _timing(parts: list[Timing], pes: int) -> Timing:
    longest = max(parts, key=lambda part: part.cycles)
    known = any(part.losses_pe_cycles is not None for part in parts)
    return Timing(
        cycles=sum(part.cycles for part in parts),
        bound_by=longest.bound_by,
        exposed_cycles=dict(_added(part.exposed_cycles for part in parts)),
        losses_pe_cycles=dict(_added(_losses(part, pes) for part in parts)) if known else None,
        resource_cycles=dict(_added(part.resource_cycles for part in parts)),
        pe_busy=tuple(map(sum, zip(*(part.pe_busy for part in parts if part.pe_busy), strict=True))),
        fifo_marks={name: max(part.fifo_marks.get(name, 0) for part in parts) for name in longest.fifo_marks},
        utilization_over_time=_over_time(parts),
    )


def _losses(part: Timing, pes: int) -> dict[Cause, int]:
    """PE-cycles lost by cause; where only data move, all PEs wait for them."""
    if part.losses_pe_cycles is not None:
        return part.losses_pe_cycles
    return {cause: cycles * pes for cause, cycles in part.exposed_cycles.items()}


def _over_time(parts: list[Timing]) -> tuple[float, ...]:
    """Utilization in equal parts of the whole time; none while only data move."""
    if not any(part.utilization_over_time for part in parts):
        return ()
    lengths = np.concatenate([np.full(BINS, part.cycles / BINS) for part in parts])
    levels = np.concatenate([part.utilization_over_time or np.zeros(BINS) for part in parts])
    ends = np.concatenate([[0.0], np.cumsum(lengths)])
    done = np.concatenate([[0.0], np.cumsum(lengths * levels)])
    edges = np.linspace(0.0, ends[-1], BINS + 1)
    shares = np.diff(np.interp(edges, ends, done)) / (ends[-1] / BINS)
    return tuple(round(float(share), 6) for share in shares)


def _verdict(outcomes: Sequence[Outcome]) -> Verdict | None:
    verdicts = [each.verdict for each in outcomes if each.verdict is not None]
    if not verdicts:
        return None
    names = ("outputs", "different", "overflows")
    return Verdict(*(sum(getattr(verdict, name) for verdict in verdicts) for name in names))
