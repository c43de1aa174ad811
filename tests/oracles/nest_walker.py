"""A nest of a dataflow, walked loop by loop in plain Python with explicit buffers.

Nothing here is a formula: pixels, weights and psums are sets of coordinates, PEs hold what they were sent, the GLB
holds blocks that are fetched when they change, and every multiply-accumulate is visited.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from accelerator_sim.dataflow.nest import Keep, Nests

Pixel = tuple[int, int, int, int, int]
Weight = tuple[int, int, int, int, int]
Output = tuple[int, int, int, int, int]
Ranges = dict[str, range]


@dataclass
class Walked:
    """What was counted; names are those of `dataflow.nest_counts.NestWords`, and the laws' quantities."""

    words: Counter[str] = field(default_factory=Counter)
    macs: Counter[tuple[int, ...]] = field(default_factory=Counter)
    steps: int = 0
    first_pass_pes: int = 0
    most_iacts: int = 0
    most_weights: int = 0
    most_psums: int = 0
    most_pe_weights: int = 0


def cut(whole: range, length: int) -> list[range]:
    """A range in pieces of a length."""
    return [range(start, min(start + length, whole.stop)) for start in range(whole.start, whole.stop, length)]


def dealt(whole: range, parts: int, strips: bool) -> list[list[int]]:
    """Elements of each PE: blocks of equal length, or neighbours beside each other."""
    steps = -(-len(whole) // parts)
    if strips:
        return [list(whole)[i::parts] for i in range(min(parts, len(whole)))]
    return [list(piece) for piece in cut(whole, steps)]


class Walker:
    """Walks one nest (of arrays of one element)."""

    def __init__(self, nest: Nests) -> None:
        self.nest, self.loops, self.flow = nest, nest.loops, nest.flow
        self.length = {d: int(n[0]) for d, n in nest.length.items()}
        self.tile = {d: int(n[0]) for d, n in nest.tile.items()}
        self.parts = {d: int(n[0]) for d, n in nest.spatial.items()}
        self.out = Walked()
        self.held: dict[tuple[int, ...], frozenset[Weight]] = {}
        self.blocks: dict[str, object] = {}
        self.partial: set[Output] = set()
        self.left: Counter[Output] = Counter()
        self.positions: tuple[range, ...] = ()

    def walk(self) -> Walked:
        """Run all loops."""
        loops, keep = self.loops, self.nest.residence
        sizes = {d: range(n) for d, n in loops.sizes.items()}
        positions = list(product(*(cut(sizes[d], self.tile[d]) for d in "NPQ")))
        filters = cut(sizes["M"], self.tile["M"])
        for g in cut(sizes["G"], self.length["G"]):
            pairs = (
                product(filters, positions) if keep.filters_outer else ((m, b) for b, m in product(positions, filters))
            )
            for m, (n, p, q) in pairs:
                self.run_tile({"G": g, "M": m, "N": n, "P": p, "Q": q})
        out = self.out.words
        final = self.nest.problem.architecture.glb.psum_final_to_dram
        finished = loops.outputs
        assert not self.partial
        if final or out["psum_out"] > finished:
            out["psum_written"] = out["psum_out"] - (finished if final else 0)
        else:
            out["psum_written"] = finished
        return self.out

    def run_tile(self, tile: Ranges) -> None:
        """All passes of a tile."""
        loops = self.loops
        self.positions = tuple(tile[d] for d in "NPQ")
        inner = [cut(range(getattr(loops, d)), self.length[d]) for d in "CRS"]
        for c, r, s in product(*inner):
            self.load_blocks(tile, c)
            for m in cut(tile["M"], self.length["M"]):
                for n, p, q in product(*(cut(tile[d], self.length[d]) for d in "NPQ")):
                    self.run_pass({"G": tile["G"], "N": n, "M": m, "C": c, "P": p, "Q": q, "R": r, "S": s})

    # --- the GLB -----------------------------------------------------------------------------------------------------
    def load_blocks(self, tile: Ranges, channels: range) -> None:
        """Fetch what the GLB keeps, where it is not there."""
        loops, keep, words = self.loops, self.nest.residence, self.out.words
        every = range(loops.C)
        if keep.iact is not Keep.NONE:
            c = every if keep.iact is Keep.ALL else channels
            block = self.pixels(tile | {"C": c, "R": range(loops.R), "S": range(loops.S)})
            key = (sorted(block), tile["M"] if keep.iact is Keep.PASS else None)
            if self.blocks.get("iact") != key:
                self.blocks["iact"] = key
                words["iact_filled"] += len(block)
                words["iact_fetched"] += self.stored(block)
            self.out.most_iacts = max(self.out.most_iacts, len(block))
        if keep.weight is not Keep.NONE:
            c = every if keep.weight is Keep.ALL else channels
            kept = sorted(self.weights(tile | {"C": c, "R": range(loops.R), "S": range(loops.S)}))
            if self.blocks.get("weight") != kept:
                self.blocks["weight"] = kept
                words["weight_fetched"] += len(kept)
                words["weight_filled"] += len(kept)
            self.out.most_weights = max(self.out.most_weights, len(kept))

    def pixels(self, at: Ranges) -> set[Pixel]:
        """Inputs of a part of the loops, those on padding included."""
        rows = self.places("P", at["P"], "R", at["R"])
        columns = self.places("Q", at["Q"], "S", at["S"])
        return set(product(at["G"], at["N"], at["C"], rows, columns))

    def places(self, dimension: str, outputs: object, tap: str, taps: object) -> set[int]:
        window = self.loops.rows if dimension == "P" else self.loops.columns
        # Windows that do not overlap may even lie apart; each has its own inputs.
        return {o * window.stride - window.before + t * window.dilation for o in outputs for t in taps}  # type: ignore[attr-defined]

    def stored(self, block: set[Pixel]) -> int:
        """Words of a block that lie off-chip."""
        if self.nest.problem.architecture.dram.padding == "stored":
            return len(block)
        rows, columns = self.loops.rows, self.loops.columns
        return sum(0 <= h < rows.size and 0 <= w < columns.size for _, _, _, h, w in block)

    def weights(self, at: Ranges) -> set[Weight]:
        return set(product(at["G"], at["M"], at["C"], at["R"], at["S"]))

    # --- a pass ------------------------------------------------------------------------------------------------------
    def run_pass(self, at: Ranges) -> None:
        """Send operands, multiply, and take psums out."""
        self.send_iacts(at)
        pes = self.pes(at)
        if not self.out.first_pass_pes:
            pixel_pes = self.flow.holds("iact") and not self.flow.rows
            self.out.first_pass_pes = len(self.pixels(at)) if pixel_pes else len(pes)
        self.send_weights(at, pes)
        busiest = 0
        for work in pes.values():
            macs = list(product(*(work[d] for d in "GNMCPQRS")))
            self.out.macs.update(macs)
            busiest = max(busiest, len(macs))
        self.out.steps += busiest
        self.take_psums(at, pes)

    def pes(self, at: Ranges) -> dict[tuple[int, ...], dict[str, list[int]]]:
        """What each PE works on."""
        deals = {d: dealt(at[d], self.parts[d], d == "P") for d in "GNMCPQRS"}
        found = {}
        for places in product(*(range(len(deals[d])) for d in "GNMCPQRS")):
            found[places] = {d: deals[d][i] for d, i in zip("GNMCPQRS", places, strict=True)}
        return found

    def strips(self, at: Ranges) -> Iterator[set[Pixel]]:
        """The pixels that are sent at a time; in RS strip by strip, to each part of the columns by itself."""
        if not self.flow.rows:
            yield self.pixels(at)
            return
        for strip in cut(at["P"], self.parts["P"]):
            for columns in dealt(at["Q"], self.parts["Q"], False):
                yield self.pixels(at | {"P": strip, "Q": range(columns[0], columns[-1] + 1)})

    def send_iacts(self, at: Ranges) -> None:
        words, architecture = self.out.words, self.nest.problem.architecture
        for sent in self.strips(at):
            words["iact_sent"] += len(sent)
            if self.nest.residence.iact is not Keep.NONE:
                words["iact_read"] += len(sent)
                continue
            words["iact_fetched"] += self.stored(sent)
            if not architecture.glb.iact.bypass:
                words["iact_read"] += len(sent)
                words["iact_filled"] += len(sent)

    def send_weights(self, at: Ranges, pes: dict[tuple[int, ...], dict[str, list[int]]]) -> None:
        words, loops = self.out.words, self.loops
        if self.flow.holds("weight"):
            new: set[Weight] = set()
            # A new pass begins with all PEs empty, those that it leaves idle too; so does a tile of several passes over
            # the filters, were it the last one and shorter than the others.
            several = min(self.tile["M"], loops.M) > self.length["M"]
            of_pass = self.weights(at), self.positions if several else None
            if self.blocks.get("pass") != of_pass:
                self.blocks["pass"] = of_pass
                self.held.clear()
            for place, work in pes.items():
                need = frozenset(product(work["G"], work["M"], work["C"], work["R"], work["S"]))
                self.out.most_pe_weights = max(self.out.most_pe_weights, len(need))
                if self.held.get(place) != need:
                    self.held[place] = need
                    words["weight_delivered"] += len(need)
                    new |= need
        else:
            new = self.weights(at)
        words["weight_sent"] += len(new)
        if self.nest.residence.weight is Keep.NONE:
            words["weight_fetched"] += len(new)
        else:
            words["weight_read"] += len(new)
        for work in pes.values():
            macs = 1
            for d in "GNMCPQRS":
                macs *= len(work[d])
            if not self.flow.holds("weight"):
                words["weight_delivered"] += macs
            if self.flow.rows:  # each row of pixels of each output row and tap
                q = self.places("Q", work["Q"], "S", range(loops.S))
                rows = [len(work[d]) for d in "GNCPR"]
                count = len(q)
                for n in rows:
                    count *= n
                words["iact_delivered"] += count

    def take_psums(self, at: Ranges, pes: dict[tuple[int, ...], dict[str, list[int]]]) -> None:
        """Every PE that worked on an output has a partial result; what leaves the array was summed up over the PEs."""
        words, architecture = self.out.words, self.nest.problem.architecture
        loops = self.loops
        for work in pes.values():
            sums = 1
            for d in "GNMPQ":
                sums *= len(work[d])
            products = len(work["C"]) * len(work["R"]) * len(work["S"])
            words["partial"] += sums if self.flow.holds("psum") else sums * products
        taken = len(at["R"]) if self.flow.broadcast else 1
        for output in product(*(at[d] for d in "GNMPQ")):
            before = output in self.partial
            words["psum_out"] += taken
            words["psum_in"] += taken - (0 if before or architecture.glb.psum_read_first else 1)
            self.left[output] += len(at["C"]) * len(at["R"]) * len(at["S"])
            if self.left[output] == loops.C * loops.R * loops.S:
                self.partial.discard(output)
            else:
                self.partial.add(output)
        self.out.most_psums = max(self.out.most_psums, len(self.partial))


def walk(nest: Nests) -> Walked:
    """Walk a nest."""
    return Walker(nest).walk()
