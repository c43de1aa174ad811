"""A plain-Python machine that runs one pass clock by clock: an oracle for the engines.

Every part has a `step(now)` and acts on what happened before `now`; a pass is `while not done: step all parts`.  Parts
note *when* things happen, and look at each other's notes through `happened(notes, index, now)` only, so the order in
which they are visited cannot matter (inside a PE: it leaves a window, moves psums, writes, issues, then addresses).

Rules: `docs/engines.md`.  Who works on what comes from the walker's places and deals, not from the kernels.  Where that
page leaves it open, a PE
- completes a window when the words of the window are written (a raw flit may hold words of later ones, which wait);
- completes none before it has its weights, even one without iacts; with `overlaps_macs`, none before the psums of the
  window two before have been moved, and only one a cycle;
- visits nothing of a window before all that the window before needs has been written, and has no dropped visit enter
  while the stages before the MACs are full;
- lets go of words that no visit of their last window follows when that window is complete.

PEs in lock-step ask each other within a cycle whether all have ended the window; each answers once a cycle, from what
it did in earlier ones.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from accelerator_sim.architecture.networks import HierarchicalMesh
from accelerator_sim.mapping.mapping import Encoding
from accelerator_sim.simulation.machine import lanes_of, psum_flit
from accelerator_sim.simulation.schedule import Schedule
from tests.oracles.rings import hops, rings_of
from tests.oracles.walker import ORDER, Place, Walk, chunks, span

Name = tuple[int, ...]
Key = tuple[int, ...]
Tile = dict[str, list[int]]
PATIENCE = 100_000
"""Cycles after which a pass is taken to be stuck."""


@dataclass
class PassResult:
    """What a pass took, and where the cycles of each PE went."""

    cycles: int
    fill: int
    busiest_lane_reads: int
    busy: dict[Name, int]
    finish: dict[Name, int]
    most_iact_fifo: int
    most_psum_fifo: int
    waits: dict[Name, dict[str, int]]


class Setting:
    """The machine and what is asked of it in this pass."""

    def __init__(
        self, schedule: Schedule, iact_mask: Any, weight_mask: Any, psum_in: bool, time_shared: bool, early: bool
    ) -> None:
        self.schedule, self.iact_mask, self.weight_mask = schedule, iact_mask, weight_mask
        self.psum_in, self.early = psum_in, early
        architecture, mapping = schedule.problem.architecture, schedule.mapping
        pe = architecture.pe
        self.architecture = architecture
        self.flat, self.macs = architecture.flat, architecture.lanes
        self.least = pe.min_cycles_per_iact if pe.min_cycles_per_iact > 1 else 0
        self.lock, self.start_latency = pe.lock_step, pe.start_latency
        self.single, self.reloads = pe.iact_buffer == "single", pe.iact_window == "reload"
        self.hop = architecture.noc.hop_cycles
        self.psum_start, self.later = pe.psum_service.start, pe.psum_service.latency - 1
        self.address_words = pe.csc is not None and pe.csc.iact_stream in ("words", "filled")
        self.filler = pe.csc is not None and pe.csc.iact_stream == "filled"
        self.front, self.tail = max(1, pe.pipeline_stages - 2), min(2, pe.pipeline_stages)
        self.overlap = pe.psum_service.overlaps_macs
        self.spad_words = max(
            mapping.C0 * ((schedule.taps - 1) * schedule.loops.columns.dilation + 1), pe.spad.iact.values or 0
        )
        self.csc_iact = mapping.iact_encoding is Encoding.CSC
        self.csc_weight = mapping.weight_encoding is Encoding.CSC
        self.iact_depth, self.psum_depth = pe.fifo_depth["iact"], pe.fifo_depth["psum"]
        # Over a link of its own, a PE gets words_per_cycle / PEs words a cycle, or one in that many cycles.
        self.private = architecture.noc.iact.kind == "unicast"
        networks = {t: getattr(architecture.noc, t) for t in ("iact", "weight", "psum")}
        pes = architecture.pes
        self.turn = {t: -(-pes // n.words_per_cycle) if self.private else 1 for t, n in networks.items()}
        self.weight_words = 0
        if not isinstance(architecture.noc.weight, HierarchicalMesh):
            words = architecture.noc.weight.words_per_cycle
            self.weight_words = max(1, words // pes) if self.private else words
        lanes = lanes_of(schedule, "iact")
        self.iact_words, self.iact_lanes = lanes.words, lanes.count
        self.psums, self.service, self.psum_lanes = psum_flit(schedule)
        store = architecture.glb.psum
        bursts = store.access == "burst" and store.ports == 1 and not architecture.flat
        self.alternates, self.bursts = time_shared and not bursts, time_shared and bursts
        # The last burst of the pass before is written first.
        drains = bursts and architecture.overlap.psum_drain and not schedule.psum_bypasses_glb
        self.psums_from = -(-mapping.M0 // self.psums) if drains else 0


def happened(notes: list[int], index: int, now: int) -> bool:
    """Whether the event of that number happened before this cycle (events of negative number always have)."""
    return index < 0 or (index < len(notes) and notes[index] < now)


def product_of(tile: Tile, letters: str) -> Iterator[tuple[int, ...]]:
    """All places in a share of some dimensions."""
    return itertools.product(*(range(len(tile[d])) for d in letters))


# --- what is sent -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Word:
    """One stored iact of an input row, and the first and last of the row's windows that have it."""

    column: int
    channel: int
    first: int
    last: int


@dataclass(frozen=True)
class Flit:
    """Words that travel together; `window` is the one of its row that needs it first."""

    image: int
    strip: int
    window: int
    words: tuple[Word, ...]


def row_flits(s: Setting, share: Tile, image: int, strip: int) -> list[Flit]:
    """The flits of one row of windows."""
    rows, columns = s.schedule.loops.rows, s.schedule.loops.columns
    row = share["P"][strip] * rows.stride + share["R"][0] * rows.dilation - rows.before
    starts = [q * columns.stride - columns.before + share["S"][0] * columns.dilation for q in share["Q"]]
    extent, stride = (len(share["S"]) - 1) * columns.dilation + 1, columns.stride
    segments: list[tuple[int, list[int]]] = []
    for k, start in enumerate(starts):
        needed = list(range(start, start + extent))
        if s.reloads:
            segments.append((k, needed))
        elif k == 0 and stride < extent:
            segments += [(k, piece) for piece in chunks(needed, stride)]
        else:
            segments.append((k, needed[-stride:]))

    def stored(column: int, channel: int) -> bool:
        if not s.csc_iact:
            return True
        inside = 0 <= row < rows.size and 0 <= column < columns.size
        return inside and bool(s.iact_mask[share["G"][0], share["N"][image], row, column, share["C"][channel]])

    def words(number: int, segment: list[int]) -> list[Word]:
        found = []
        for column in segment:
            has = [k for k, start in enumerate(starts) if start <= column < start + extent]
            has = [number] if s.reloads else has
            found += [Word(column, c, has[0], has[-1]) for c in range(len(share["C"])) if stored(column, c)]
        return found

    if s.csc_iact:
        cut = [(k, run) for k, segment in segments for run in compressed(s, share, segment, words(k, segment))]
    else:
        every = [word for k, segment in segments for word in words(k, segment)]
        cut = [(run[0].first, run) for run in chunks(every, s.iact_words)]
    return [Flit(image, strip, k, tuple(run)) for k, run in cut]


def compressed(s: Setting, share: Tile, segment: list[int], words: list[Word]) -> list[list[Word]]:
    """The flits of a segment in CSC, by the iacts that each brings: addresses, iacts, and fillers for zeros."""
    channels = len(share["C"])
    sent: list[Word | None] = list(words)
    if s.address_words:
        columns = channels if len(segment) > 1 else 1
        sent = [None] * (columns + 1) + sent
    if s.filler:
        sent += [None] * (len(segment) * channels - len(words))
    return [[word for word in run if word is not None] for run in chunks(sent, s.iact_words)] or [[]]


# --- the PE -----------------------------------------------------------------------------------------------------------
@dataclass
class Visit:
    """One stored iact in one window: slots of its weights, and the words that are let go with it."""

    window: int
    word: int
    slots: int
    frees: list[int] = field(default_factory=list)
    entered: int = -1


class Pe:
    """One PE: what it waits for and when it did what."""

    def __init__(self, s: Setting, place: Place, share: Tile) -> None:
        self.s, self.place, self.share = s, place, share
        self.windows = list(product_of(share, "NPQ"))
        self.weights_at = 0
        self.flits: list[Flit] = []
        self.arrived: list[int] = []
        self.popped: list[int] = []
        self.written: list[int] = []
        self.freed: dict[int, int] = {}
        self.queue: list[Visit] = []
        self.free, self.last_issue, self.next = 0, -s.tail, 0
        self.done: list[int] = []
        """When it was done with a window itself, and (`completed`) when those in lock-step with it were too."""
        self.completed: list[int] = []
        self.answered = -1
        self.group: list[Pe] = [self]
        self.left: list[int] = []
        self.psum_arrived: list[int] = []
        self.moved: list[int] = []
        self.below: Pe | None = None
        self.above: Pe | None = None
        self.lane: GlbLane | None = None
        self.per_window = -(-len(share["M"]) // s.psums)
        self.finish = -1
        self.spent: Counter[str] = Counter()

    def prepare(self) -> None:
        """Number the words that will come, and list the visits of every window."""
        number = {window: i for i, window in enumerate(self.windows)}
        self.words: list[tuple[int, int]] = []  # (flit, first window)
        self.flit_window = [number[flit.image, flit.strip, flit.window] for flit in self.flits]
        held: dict[int, list[tuple[int, Word]]] = defaultdict(list)
        last: dict[int, list[int]] = defaultdict(list)
        for f, flit in enumerate(self.flits):
            for word in flit.words:
                for k in range(word.first, word.last + 1):
                    held[number[flit.image, flit.strip, k]].append((len(self.words), word))
                last[number[flit.image, flit.strip, word.last]].append(len(self.words))
                self.words.append((f, number[flit.image, flit.strip, word.first]))
        self.flit_end = list(itertools.accumulate(len(flit.words) for flit in self.flits))
        self.visits: list[Visit] = []
        self.freed_with_window: dict[int, list[int]] = defaultdict(list)
        for w in range(len(self.windows)):
            visits = [v for n, word in held[w] if (v := self._visit(w, n, word))]
            for n in last[w]:
                later = [v for v in visits if v.word >= n]
                (later[0].frees if later else self.freed_with_window[w]).append(n)
            self.visits += visits
        self.last_needed: list[tuple[int, int]] = []  # (flit, word) of every window; word < 0: an empty flit
        for w in range(len(self.windows)):
            f = max(f for f, k in enumerate(self.flit_window) if k <= w)
            self.last_needed.append(
                (f, max((n for n, (g, k) in enumerate(self.words) if g == f and k <= w), default=-1))
            )

    def _visit(self, w: int, number: int, word: Word) -> Visit | None:
        columns = self.s.schedule.loops.columns
        q = self.share["Q"][self.windows[w][2]]
        first = q * columns.stride - columns.before + self.share["S"][0] * columns.dilation
        tap, off = divmod(word.column - first, columns.dilation)
        if off:
            return None
        entries = column_entries(self.s, self.share, tap, word.channel)
        return Visit(w, number, -(-entries // self.s.macs))

    def step(self, now: int) -> None:
        """Act in this cycle."""
        if self.finish >= 0:
            return
        self.leave(now)
        self.move(now)
        self.write(now)
        self.issue(now)
        self.address(now)
        if self.window == len(self.windows) and self.has_moved(self.window - 1, now):
            self.finish = now
        else:
            self.spent[self.cause(now)] += 1

    @property
    def window(self) -> int:
        """The window that the PE is at."""
        return len(self.left)

    def has_left(self, w: int) -> bool:
        """Whether a window has been left, in this cycle or before."""
        return w < len(self.left)

    def has_moved(self, w: int, now: int) -> bool:
        """Whether all psums of a window have been moved."""
        end = (w + 1) * self.per_window
        return w < 0 or (len(self.moved) >= end and self.moved[end - 1] + self.s.service <= now)

    def has_come(self, w: int, now: int) -> bool:
        """Whether all that the window needs of its last flit was written before, or that flit, if empty, left."""
        flit, word = self.last_needed[w]
        return happened(self.popped, flit, now) if word < 0 else happened(self.written, word, now)

    def leave(self, now: int) -> None:
        """Complete the window, and leave it."""
        while self.window < len(self.windows):
            w = self.window
            if len(self.completed) == w:
                self.end(now)
                same = [(pe, pe.windows.index(self.windows[w])) for pe in self.sharers(w)]
                if any(pe.end(now) or len(pe.done) <= v for pe, v in same):
                    return
                self.completed.append(now)
            if not self.s.overlap and not self.has_moved(w, now):
                return
            self.left.append(now)

    def sharers(self, w: int) -> list[Pe]:
        """The PEs in lock-step with it in a window, itself among them."""
        return [pe for pe in self.group if self.windows[w] in pe.windows]

    def end(self, now: int) -> None:
        """Be done with the window, if that is so in this cycle; what happens in it does not count."""
        w = len(self.done)
        if self.answered == now or w == len(self.windows) or len(self.completed) < w:
            return
        self.answered = now
        ahead = self.next < len(self.visits) and self.visits[self.next].window <= w
        waits = bool(self.queue) and self.queue[0].window <= w
        busy = self.free > now or self.last_issue + self.s.tail > now
        if ahead or waits or busy or not self.has_come(w, now) or self.weights_at > now or not self.may_start(w, now):
            return
        if len(self.left) < w or (self.s.overlap and ((w and self.left[-1] == now) or not self.set_is_free(now))):
            return
        self.done.append(now)
        self.freed.update(dict.fromkeys(self.freed_with_window[w], now))

    def ready(self, w: int) -> int | None:
        """When the last of what a window waits for in lock-step was there; None: not yet."""
        flit, word = self.last_needed[w]
        notes, index = (self.popped, flit) if word < 0 else (self.written, word)
        times = [self.weights_at - 1, notes[index] if index < len(notes) else None]
        if w and self.s.overlap:
            times.append(self.completed[w - 1] if len(self.completed) >= w else None)
        elif w:
            assert self.lane
            times.append(self.lane.rests(self, w - 1))
        return None if None in times else max(t for t in times if t is not None)

    def may_start(self, w: int, now: int) -> bool:
        """Whether all PEs in lock-step with it may start a window, in this cycle or before."""
        if self.s.lock == "none":
            return True
        times = [pe.ready(pe.windows.index(self.windows[w])) for pe in self.sharers(w)]
        return all(t is not None and t + self.s.start_latency <= now for t in times)

    def has_input(self, now: int) -> bool:
        """Whether the next flit of psums from below, or from the GLB, can be seen."""
        takes = self.below is not None or self.s.psum_in
        return not takes or happened(self.psum_arrived, len(self.moved), now)

    def has_room(self, now: int) -> bool:
        """Whether the PE above, or the lane to the GLB, takes the next flit."""
        if self.above is None:
            assert self.lane
            return self.lane.takes(self, now)
        return happened(self.above.moved, len(self.moved) - self.s.psum_depth, now)

    def move(self, now: int) -> None:
        """Move a flit of psums."""
        k = len(self.moved)
        if k // self.per_window >= len(self.completed) or (k and self.moved[-1] + self.s.service > now):
            return
        if self.completed[k // self.per_window] + self.s.psum_start > now:
            return
        if self.has_input(now) and self.has_room(now):
            self.moved.append(now)
            if self.above:
                rows = self.above.place.cluster[0] - self.place.cluster[0]
                self.above.psum_arrived.append(now + self.s.later + rows * self.s.hop)
            else:
                assert self.lane
                self.lane.taken.append(now)

    def may_take(self, w: int, now: int) -> bool:
        """Whether what is sent for a window may come into the SPad, or on its way where there is a single buffer."""
        return not self.s.single or happened(self.completed, w - 1, now)

    def write(self, now: int) -> None:
        """Write words of the flit at the head of the FIFO."""
        f = len(self.popped)
        if not (f < len(self.flits) and happened(self.arrived, f, now) and happened(self.popped, f - 1, now)):
            return
        if not self.flits[f].words and not (
            self.has_left(self.flit_window[f] - 2) and self.may_take(self.flit_window[f], now)
        ):
            return
        while (n := len(self.written)) < self.flit_end[f]:
            replaced = n - self.s.spad_words
            if replaced >= 0 and self.freed.get(replaced, now) >= now:
                return
            if not self.has_left(self.words[n][1] - 2) or not self.may_take(self.words[n][1], now):
                return
            self.written.append(now)
        self.popped.append(now)

    def set_is_free(self, now: int) -> bool:
        """Whether the psums of the window may be added up where those of the window two before were."""
        return not self.s.overlap or self.has_moved(self.window - 2, now)

    def issue(self, now: int) -> None:
        """Start the oldest visit on the MACs."""
        if not self.queue or self.queue[0].window != self.window or self.free > now or not self.set_is_free(now):
            return
        if self.queue[0].entered + self.s.front <= now:
            visit = self.queue.pop(0)
            self.last_issue, self.busy, self.free = now, now + visit.slots, now + max(visit.slots, self.s.least)
            self.freed.update(dict.fromkeys(visit.frees, now))

    def address(self, now: int) -> None:
        """Let the next visit enter the address stage."""
        if self.next == len(self.visits):
            return
        visit = self.visits[self.next]
        if self.weights_at > now or not happened(self.written, visit.word, now) or not self.has_left(visit.window - 2):
            return
        if not self.may_start(visit.window, now):
            return
        if len(self.queue) == self.s.front or (visit.window and not self.has_come(visit.window - 1, now)):
            return
        visit.entered = now
        self.next += 1
        if visit.slots or self.s.least:
            self.queue.append(visit)
        else:
            self.freed.update(dict.fromkeys(visit.frees, now))

    def cause(self, now: int) -> str:
        """What the PE does in this cycle, or waits for."""
        s, w = self.s, self.window
        if self.free > now:
            return "busy" if self.busy > now else "pipeline"
        if w == len(self.windows):
            return "psum_service"
        if len(self.completed) > w:
            if len(self.moved) > w * self.per_window and self.moved[-1] + s.service > now:
                return "psum_service"
            if self.completed[w] + s.psum_start > now:
                return "psum_service"
            if not self.has_input(now):
                return "psum_in" if self.below else "glb_port"
            return "psum_out" if self.above else "glb_port"
        if len(self.done) > w:
            return "imbalance"
        waiting = [v for v in self.queue + self.visits[self.next :] if (v.slots or s.least) and v.window == w]
        if not self.set_is_free(now):
            return "psum_out"
        if not waiting:
            return "pipeline" if self.last_issue + s.tail > now else "no_iact"
        word = waiting[0].word
        if self.weights_at > now:
            return "no_weight"
        if not happened(self.arrived, self.words[word][0], now):
            return "no_iact"
        return "pipeline" if happened(self.written, word, now) else "spad_fill"


# --- networks ---------------------------------------------------------------------------------------------------------
def column_entries(s: Setting, share: Tile, tap: int, channel: int) -> int:
    """Stored weights of one column: one tap of one channel, all filters of the PE."""
    if not s.csc_weight:
        return len(share["M"])
    csc = s.schedule.problem.architecture.pe.csc
    assert csc
    run = entries = 0
    for m in share["M"]:
        if s.weight_mask[share["G"][0], share["R"][0], share["S"][tap], share["C"][channel], m]:
            entries += run // (1 << csc.count) + 1  # a word of padding for each run that the count cannot hold
            run = 0
        else:
            run += 1
    return entries


def weight_flits(s: Setting, share: Tile) -> int:
    """Flits of the tile of weights of a PE."""
    problem = s.schedule.problem
    network, spad = problem.architecture.noc.weight, problem.architecture.pe.spad
    each = problem.architecture.lanes
    bits = problem.weight_bits
    words = network.port_width // bits if isinstance(network, HierarchicalMesh) else s.weight_words
    columns = list(itertools.product(range(len(share["S"])), range(len(share["C"]))))
    if not s.csc_weight:
        return -(-len(share["M"]) * len(columns) // words)
    pairs = sum(-(-column_entries(s, share, tap, c) // each) * each for tap, c in columns)
    address = spad.weight_address.width if spad.weight_address else 0
    csc = problem.architecture.pe.csc
    if csc is not None and csc.weight_addresses_per_cycle is not None:
        addresses = len(columns) + csc.more_weight_addresses
        return max(1, -(-pairs // words) + -(-addresses // csc.weight_addresses_per_cycle))
    return max(1, -(-pairs // words) + -(-len(columns) * address // (words * bits)))


def send_weights(s: Setting, pes: list[Pe]) -> int:
    """Give every PE its weights, router by router; return when the last one has them."""
    sent: Counter[Key] = Counter()
    done: dict[tuple[Key, Any], int] = {}
    last = 0
    ports = getattr(s.schedule.problem.architecture.noc.weight, "ports", 1)
    port_of: dict[Any, int] = {}
    for pe in pes:
        row, column = pe.place.cluster
        shared = s.schedule.weight_multicast and not s.flat
        share = tuple(tuple(pe.share[d]) for d in "GMCRS")
        router: Key = (row, 0 if shared else column, pe.place.row)
        if s.flat:  # the ports take turns with the tiles of weights
            router = (port_of.setdefault(share, len(port_of) % ports),)
        if s.private:
            router = pe.place.name
        key = (router, share)
        if key not in done:
            sent[router] += weight_flits(s, pe.share) * s.turn["weight"]
            done[key] = sent[router]
        if shared:
            along = sorted({other.place.cluster for other in pes if other.place.cluster[0] == row})
            here = done[key] + hops(along, rings_of(s.architecture, "weight"))[row, column] * s.hop
        else:
            here = done[key]
        pe.weights_at = 0 if s.early else here
        last = max(last, here)
    return last


class Lane:
    """One iact lane: the flits of its streams in the order in which they go out."""

    def __init__(self, s: Setting) -> None:
        self.s, self.start = s, 0
        self.streams: list[list[Pe]] = []
        self.queue: list[tuple[Flit, list[tuple[Pe, int]]]] = []
        self.sent, self.free = 0, 0

    def prepare(self) -> None:
        """List the flits, window by window and stream by stream."""
        queue: list[tuple[Key, Flit, list[tuple[Pe, int]]]] = []
        for number, stream in enumerate(self.streams):
            longest = max(stream, key=lambda pe: len(pe.share["P"]))
            far = hops(sorted({pe.place.cluster for pe in stream}), rings_of(self.s.architecture, "iact"))
            for image, strip in product_of(longest.share, "NP"):
                targets = [(pe, far[pe.place.cluster] * self.s.hop) for pe in stream if strip < len(pe.share["P"])]
                for flit in row_flits(self.s, longest.share, image, strip):
                    queue.append(((image, strip, flit.window, number), flit, targets))
        queue.sort(key=lambda entry: entry[0])
        self.queue = [(flit, targets) for _, flit, targets in queue]
        for flit, targets in self.queue:
            for pe, _ in targets:
                pe.flits.append(flit)

    def step(self, now: int) -> None:
        """Send the next flit, if all its targets have room."""
        if now < max(self.start, self.free) or self.sent == len(self.queue):
            return
        flit, targets = self.queue[self.sent]
        window = flit.image, flit.strip, flit.window
        if not all(pe.may_take(pe.windows.index(window), now) for pe, _ in targets):
            return
        if all(happened(pe.popped, len(pe.arrived) - self.s.iact_depth, now) for pe, _ in targets):
            self.sent += 1
            self.free = now + self.s.turn["iact"]
            for pe, hops in targets:
                pe.arrived.append(self.free - 1 + hops)


class GlbLane:
    """The port of psums of some chains: what it reads, and the order in which it takes what they send."""

    def __init__(self, s: Setting) -> None:
        self.s = s
        self.chains: list[list[Pe]] = []
        self.taken: list[int] = []
        self.read, self.wrote = 0, 0
        self.read_free = s.psums_from
        self.rested: list[int] = []
        self.way_back = s.turn["psum"] - 1 + s.later

    def prepare(self) -> None:
        """Fix the order of all flits."""
        order = [(w, i) for i, chain in enumerate(self.chains) for w in chain[0].windows]
        self.order = [self.chains[i] for _, i in sorted(order) for _ in range(self.chains[i][0].per_window)]
        self.last: dict[tuple[int, Key], int] = {}
        """The last flit of each window of each chain."""
        n = 0
        for w, i in sorted(order):
            n += self.chains[i][0].per_window
            self.last[i, w] = n - 1
        self.bursts: list[tuple[int, int]] = []
        """Of each flit: the first one of its window, and the first one of the next window."""
        while (first := len(self.bursts)) < len(self.order):
            stop = first + self.order[first][0].per_window
            self.bursts += [(first, stop)] * (stop - first)

    def takes(self, pe: Pe, now: int) -> bool:
        """Whether it is the turn of the last PE of a chain, and the lane is free."""
        n = len(self.taken)
        if n and self.taken[-1] + self.s.turn["psum"] > now:
            return False
        written = now + 1 + self.way_back
        return self.order[n][-1] is pe and not (self.s.alternates and written % 2 == 0)

    def step(self, now: int) -> None:
        """Write the oldest flit that has come back, or read one for the chain whose turn it is."""
        comes = self.wrote < len(self.taken) and self.taken[self.wrote] + 1 + self.way_back <= now
        if self.s.bursts and comes and self.read >= self.bursts[self.wrote][1]:
            self.wrote += 1
            self.rested.append(now)
            return
        if not self.s.psum_in or self.read == len(self.order) or (self.s.alternates and now % 2):
            return
        if now < self.read_free or (self.s.bursts and self.wrote < self.bursts[self.read][0]):
            return
        first = self.order[self.read][0]
        if happened(first.moved, len(first.psum_arrived) - self.s.psum_depth, now):
            self.read_free = now + self.s.turn["psum"]
            first.psum_arrived.append(self.read_free - 1)
            self.read += 1

    def rests(self, pe: Pe, w: int) -> int | None:
        """When the last psum of a window of a PE's chain was written, or will be; None: it has not left the chain."""
        number = next(i for i, chain in enumerate(self.chains) if pe in chain)
        n = self.last[number, pe.windows[w]]
        if self.s.bursts:
            return self.rested[n] if n < len(self.rested) else None
        return self.taken[n] + 1 + self.way_back if n < len(self.taken) else None

    def drained(self, now: int) -> int:
        """The cycle after its last flit is in the bank, from the one on in which all PEs are done."""
        while self.s.bursts and self.wrote < len(self.order):
            self.step(now)
            now += 1
        return (self.rested[-1] if self.s.bursts else self.taken[-1] + 1 + self.way_back) + 1


# --- the pass ---------------------------------------------------------------------------------------------------------
def _lanes(s: Setting, pes: list[Pe]) -> list[Lane]:
    loops, factors = s.schedule.loops, s.schedule.mapping.cluster_rows
    shared = loops.rows.dilation == 1 and loops.rows.stride < len({pe.share["R"][0] for pe in pes})
    streams: dict[Key, list[Pe]] = defaultdict(list)
    for pe in pes:
        part, r = pe.place.part, pe.share["R"][0]
        x = part["P"][1]
        line: Key = (x * loops.rows.stride + r,) if shared else (x, r)
        if s.private:
            line = (*pe.place.name, 0)
        streams[(*part["G"], *part["N"], *part["Q"], *part["C"], part["P"][0], *line)].append(pe)
    lanes: dict[Key, Lane] = {}
    turn: Counter[Key] = Counter()
    for stream in streams.values():  # in the order of their first PEs
        row, column = stream[0].place.cluster
        if factors.C > 1 and factors.M > 1:
            row -= row % factors.C
        if s.private:
            lanes[stream[0].place.name] = Lane(s)
            lanes[stream[0].place.name].streams.append(stream)
            continue
        lane = lanes.setdefault((row, column, turn[row, column] % s.iact_lanes), Lane(s))
        turn[row, column] += 1
        lane.streams.append(stream)
    return list(lanes.values())


def _chains(s: Setting, pes: list[Pe]) -> list[GlbLane]:
    chains: dict[Key, list[Pe]] = defaultdict(list)
    for pe in pes:
        chains[tuple(i for d in ORDER if d not in "CR" for i in pe.place.part[d])].append(pe)
    lanes: dict[Key, GlbLane] = {}
    for number, chain in enumerate(chains.values()):
        chain.sort(key=lambda pe: (pe.place.cluster[0], pe.place.row))
        first = chain[0].place
        key = (number % s.psum_lanes,) if s.flat else (*first.cluster, first.column % s.psum_lanes)
        if s.private:
            key = first.name
        lane = lanes.setdefault(key, GlbLane(s))
        lane.chains.append(chain)
        if not s.schedule.psum_bypasses_glb and not s.flat:
            lane.way_back = s.later + (chain[-1].place.cluster[0] - first.cluster[0]) * s.hop
        for low, high in itertools.pairwise(chain):
            low.above, high.below = high, low
        for pe in chain:
            pe.lane = lane
            if s.lock != "none":
                pe.group = chain if s.lock == "chain" else pes
    return list(lanes.values())


def step_pass(
    schedule: Schedule, tile: Tile, iact_mask: Any, weight_mask: Any, *, psum_in: bool, time_shared: bool, load: bool,
    before: bool, backwards: bool = False,
) -> PassResult:  # fmt: skip
    """Run one pass; `tile`: elements of each of G, N, M, C, P, Q, R, S; backwards: visit the parts in reverse order."""
    s = Setting(schedule, iact_mask, weight_mask, psum_in, time_shared, before)
    architecture = schedule.problem.architecture
    walk = Walk(schedule.loops, schedule.mapping, architecture)
    dealt = {d: walk.dealt(d, tile[d]) for d in ORDER}
    pes = []
    for place in walk.places:
        share = {d: dealt[d][place.part[d]] for d in ORDER} | {"S": tile["S"]}
        if all(share.values()):
            pes.append(Pe(s, place, share))
    pes.sort(key=lambda pe: pe.place.name)
    fill = send_weights(s, pes) if load else 0
    lanes, ports = _lanes(s, pes), _chains(s, pes)
    for lane in lanes:
        lane.prepare()
        lane.start = architecture.overlap.iact_start
        lane.start += 0 if before or architecture.overlap.iact_fill else fill
    for port in ports:
        port.prepare()
    for pe in pes:
        pe.prepare()
    parts: list[Any] = [*lanes, *ports, *pes]
    if backwards:
        parts.reverse()
    now = most_iact = most_psum = 0
    while any(pe.finish < 0 for pe in pes):
        for part in parts:
            part.step(now)
        for pe in pes:
            most_iact = max(most_iact, sum(t <= now for t in pe.arrived[len(pe.popped) :]))
            most_psum = max(most_psum, sum(t <= now for t in pe.psum_arrived[len(pe.moved) :]))
        now += 1
        assert now < PATIENCE, "the pass is stuck"
    cycles = max(pe.finish for pe in pes)
    if not architecture.overlap.psum_drain:
        cycles = max(cycles, *(lane.drained(now) for lane in ports))
    waits = {}
    for pe in pes:
        pe.spent["imbalance"] += cycles - pe.finish
        waits[pe.place.name] = {cause: n for cause, n in pe.spent.items() if n and cause != "busy"}
        assert pe.spent.total() == cycles
    return PassResult(
        cycles=cycles,
        fill=fill,
        busiest_lane_reads=max(lane.sent for lane in lanes),
        busy={pe.place.name: pe.spent["busy"] for pe in pes},
        finish={pe.place.name: pe.finish for pe in pes},
        most_iact_fifo=most_iact,
        most_psum_fifo=most_psum,
        waits=waits,
    )


# --- the layer -------------------------------------------------------------------------------------------------------
@dataclass
class LayerResult:
    """When each pass of a layer started, and what each one did."""

    cycles: int
    starts: list[int]
    passes: list[PassResult]
    waits: Counter[str]
    """Cycles between passes, by cause."""


@dataclass(frozen=True)
class Rates:
    """Bytes off-chip of a nominal word of each tensor, and nominal words that the GLB of a cluster takes in a cycle."""

    iact: float
    weight: float
    oact: float
    fill: float | None
    """None: iacts are not written into GLB banks."""


class Channel:
    """The off-chip channel: transfers of a queue follow one another."""

    def __init__(self, schedule: Schedule) -> None:
        self.problem = schedule.problem
        self.done = [0, 0]
        self.took = 0

    def ask(self, way: int, now: int, size: float) -> int:
        """Ask for a transfer of so many bytes; returns when it is done."""
        architecture = self.problem.architecture
        dram = architecture.dram
        bursts = math.ceil(size / dram.burst - 1e-9)
        self.took = 0
        if bursts == 0:
            return now
        way = way if dram.duplex else 0
        begin = max(self.done[way], now + math.ceil(dram.latency * architecture.clock - 1e-9))
        self.took = max(0, math.ceil(bursts * dram.burst / self.problem.bytes_per_cycle - 1e-9))
        self.done[way] = begin + self.took
        return self.done[way]


@dataclass(frozen=True)
class Step:
    """One pass in its order: its tiles, and what has to be there or is ready with it."""

    tile: Tile
    first: bool
    last: bool
    load: bool
    iacts: Tile | None
    """The elements of a new group of iacts."""
    new_weights: bool
    """Whether its weights come from off-chip."""


def steps_of(schedule: Schedule) -> list[Step]:
    """The passes of a layer in the order of the nest."""
    walk = Walk(schedule.loops, schedule.mapping, schedule.problem.architecture)
    filter_tiles = chunks(walk.tiles("M"), schedule.mapping.M2)
    sums = list(itertools.product(walk.tiles("C"), walk.tiles("R"), walk.tiles("S")))
    positions = list(itertools.product(walk.tiles("N"), walk.tiles("P"), walk.tiles("Q")))
    outside = list(itertools.product(positions, filter_tiles))
    if walk.kind in ("weight", "pe_weight"):
        outside = [(p, f) for f in filter_tiles for p in positions]
    steps: list[Step] = []
    held: object = None
    loaded: object = None
    for g in walk.tiles("G"):
        for (n, p, q), filters in outside:
            if walk.kind == "weight" and schedule.mapping.M2 > 1:
                loaded = None
            for (c, r, taps), m in itertools.product(sums, filters):
                tile = {"G": g, "N": n, "M": m, "C": c, "P": p, "Q": q, "R": r, "S": taps}
                channels = [i for run in walk.tiles("C") for i in run] if walk.kind == "iact" else c
                group = (g, n, p, q, channels) if walk.kind == "iact" else (g, n, p, q, filters, c)
                wanted = (g, m, c, r, taps)
                new = tile | {"C": channels} if group != held else None
                load = wanted != loaded or not schedule.problem.architecture.pe.weights_stay
                once = walk.kind != "weight" or (n, p, q) == positions[0]
                steps.append(Step(tile, (c, r, taps) == sums[0], (c, r, taps) == sums[-1], load, new, load and once))
                held, loaded = group, wanted
    return steps


def prefetched(schedule: Schedule) -> bool:
    """Whether the weights of any pass fit into the GLB's banks for weights and may wait there for their pass."""
    architecture, loops = schedule.problem.architecture, schedule.loops
    store = architecture.glb.weight
    if not architecture.overlap.dram_weight or store is None:
        return False
    walk = Walk(loops, schedule.mapping, architecture)
    words = math.prod(max(len(t) for t in walk.tiles(d)) for d in "GMCRS")
    bits = store.banks * (store.size or 0) * 8 * architecture.cluster_array.count
    return walk.kind != "weight" and words * architecture.precision.weight <= bits


def step_layer(schedule: Schedule, iact_mask: Any, weight_mask: Any, rates: Rates) -> LayerResult:
    """Run all passes of a layer, one after the other."""
    architecture = schedule.problem.architecture
    overlap, loops = architecture.overlap, schedule.loops
    walk = Walk(loops, schedule.mapping, architecture)
    stored = architecture.dram.padding == "stored"
    single = rates.fill is not None and architecture.glb.iact.ports == 1
    channel = Channel(schedule)
    steps = steps_of(schedule)

    def inputs(tile: Tile, padding: bool) -> int:
        area = len(span(loops.rows, tile["P"], not padding)) * len(span(loops.columns, tile["Q"], not padding))
        return len(tile["G"]) * len(tile["N"]) * len(tile["C"]) * area

    def fetch(step: Step, now: int) -> int:
        assert step.iacts
        return channel.ask(0, now, inputs(step.iacts, stored) * rates.iact)

    def writing(step: Step) -> int:
        """Cycles in which the banks of the first cluster take their iacts."""
        if rates.fill is None:
            return 0
        assert step.iacts
        own: Tile = {}
        for d in "GNCPQ":
            tiles = [t for t in walk.tiles(d) if set(t) <= set(step.iacts[d])]
            own[d] = [i for t in tiles for (k, _), run in walk.dealt(d, t).items() if k == 0 for i in run]
        return math.ceil(inputs(own, True) / rates.fill - 1e-9)

    def send(step: Step, now: int) -> int:
        size = math.prod(len(step.tile[d]) for d in "GMCRS") if step.new_weights else 0
        return channel.ask(0, now, size * rates.weight)

    def run(step: Step) -> PassResult:
        psum_in = not step.first or architecture.glb.psum_read_first
        rests = not (step.last and architecture.glb.psum_final_to_dram)
        shared = psum_in and rests and not architecture.flat and architecture.glb.psum.ports == 1
        return step_pass(
            schedule, step.tile, iact_mask, weight_mask, psum_in=psum_in, time_shared=shared, load=step.load,
            before=overlap.weight_fill,
        )  # fmt: skip

    results = [run(step) for step in steps]
    each = architecture.configuration.per == "pass"
    waits = Counter(configuration=architecture.configuration.time * (len(steps) if each else 1))
    now = written = 0 if each else architecture.configuration.time
    starts: list[int] = []
    groups = [i for i, step in enumerate(steps) if step.iacts]
    fetched = unwritten = asked = sent = took = 0
    streams = overlap.weight_stream == "all" or schedule.mapping.weight_encoding is Encoding.RAW
    fills_early = streams and not overlap.weight_fill
    ahead = overlap.weight_fill or prefetched(schedule)
    for i, (step, result) in enumerate(zip(steps, results, strict=True)):
        if each:
            now += architecture.configuration.time
            unwritten = max(0, unwritten - architecture.configuration.time)
        if step.iacts and (i == 0 or not overlap.dram_iact):
            fetched, unwritten = fetch(step, now), writing(step)
        if step.load and (i == 0 or not ahead):
            asked, sent, took = now, send(step, now), channel.took
        # What the pass waits for: iacts and weights from off-chip, iacts in the banks, weights in the PEs.
        start = max(now, fetched) if step.iacts else now
        if step.load:
            start = max(start, sent - (min(result.fill, took) if fills_early else 0))
        waits["dram"] += start - now
        unwritten = max(0, unwritten - (start - now))
        if step.iacts:
            waits["glb_port"] += unwritten
            start, unwritten = start + unwritten, 0
        if step.load and overlap.weight_fill:
            waits["no_weight"] += max(0, asked + result.fill - start)
            start = max(start, asked + result.fill)
        starts.append(start)
        if step.iacts and overlap.dram_iact and i != groups[-1]:
            following = steps[groups[groups.index(i) + 1]]
            fetched, unwritten = fetch(following, start), writing(following)
        if ahead and i + 1 < len(steps) and steps[i + 1].load:
            asked, sent, took = start, send(steps[i + 1], start), channel.took
        unwritten = max(0, unwritten - (result.cycles - (result.busiest_lane_reads if single else 0)))
        now = start + result.cycles
        if step.last:
            size = math.prod(len(step.tile[d]) for d in "GNMPQ") * rates.oact
            done = channel.ask(1, now, size)
            written = max(written, done)
            if not overlap.dram_oact:
                waits["dram"] += done - now
                unwritten = max(0, unwritten - (done - now))
                now = done
    waits["dram"] += max(0, written - now)
    return LayerResult(max(now, written), starts, results, +waits)
