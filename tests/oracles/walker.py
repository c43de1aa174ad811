"""A plain-Python machine that runs a small layer iteration by iteration and counts what happens.

It shares nothing with the closed forms but the mapping's factors, the layer's sizes and the file's flags.  It walks the
nest of `mapping.mapping`: tiles, accumulation passes, filter passes, every PE, every window, every multiply-accumulate.

Rules (from the docstrings of `Mapping`, `Deal`, `Stationary`, `Schedule`, `Window` and `noc.modes`):

- a tile is dealt evenly over its parts, in order; output rows go in blocks to clusters, then in strips to PEs;
- places on an axis are numbered in mixed radix, outermost dimension first: G, N, Q, P, M, C, R;
- an iact tile is fetched when it is not the one that rests in the GLB; nothing outlives a filter tile unless iacts
  are stationary; weights are sent when the SPads hold other ones; stationary weights come from the GLB;
- a source sends a word once to all clusters that differ in their filters only, but once to each PE over links of its
  own (`unicast`); inside a strip neighbouring output rows
  share input rows, unless filters are dilated; windows are held with the gaps of a dilated filter.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.mapping.loops import Loops, Window
from accelerator_sim.mapping.mapping import Factors, Mapping
from tests.oracles.rings import Cluster, rings_of, tree

ORDER = "GNQPMCR"


@dataclass
class Counts:
    """What a walk counted, under the names of `Schedule` where it has one."""

    total: Counter[str] = field(default_factory=Counter)
    most: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Largest value seen."""
    cluster_iacts: Counter[Cluster] = field(default_factory=Counter)
    cluster_fills: Counter[Cluster] = field(default_factory=Counter)
    row_weights: Counter[tuple[Cluster, int]] = field(default_factory=Counter)
    column_out: Counter[tuple[Cluster, int]] = field(default_factory=Counter)
    column_in: Counter[tuple[Cluster, int]] = field(default_factory=Counter)
    link_iacts: Counter[tuple[int, ...]] = field(default_factory=Counter)
    link_weights: Counter[tuple[int, ...]] = field(default_factory=Counter)
    link_in: Counter[tuple[int, ...]] = field(default_factory=Counter)
    link_out: Counter[tuple[int, ...]] = field(default_factory=Counter)
    """Words by PE that has links of its own."""
    pe_cycles: Counter[tuple[int, ...]] = field(default_factory=Counter)
    pe_psums: Counter[tuple[int, ...]] = field(default_factory=Counter)
    pe_windows: Counter[tuple[int, ...]] = field(default_factory=Counter)
    iact_links: set[tuple[Cluster, Cluster]] = field(default_factory=set)
    weight_links: set[tuple[Cluster, Cluster]] = field(default_factory=set)
    psum_links: set[tuple[Cluster, Cluster]] = field(default_factory=set)

    def raise_to(self, name: str, value: int) -> None:
        """Note a value if it is the largest so far."""
        self.most[name] = max(self.most[name], value)


def chunks(items: list[Any], length: int) -> list[list[Any]]:
    """Cut a list into runs of `length`; the last may be shorter."""
    return [items[i : i + length] for i in range(0, len(items), length)]


def evenly(items: list[Any], parts: int) -> list[list[Any]]:
    """Deal a list in order over `parts`, the first ones full; some may stay empty."""
    runs = chunks(items, -(-len(items) // parts)) if items else []
    return runs + [[] for _ in range(parts - len(runs))]


def indices(factors: Factors) -> list[dict[str, int]]:
    """What each used place of an axis stands for."""
    sizes = [range(getattr(factors, d)) for d in ORDER]
    return [dict(zip(ORDER, place, strict=True)) for place in itertools.product(*sizes)]


def span(window: Window, outputs: list[int], inside: bool, taps: list[int] | None = None) -> set[int]:
    """Input indices (negative in the padding) from the first to the last tap of each output; or only real ones.

    taps: those of a pass, neighbours; None: all.
    """
    first, last = (taps[0], taps[-1]) if taps else (0, window.taps - 1)
    found = {
        o * window.stride - window.before + tap
        for o in outputs
        for tap in range(first * window.dilation, last * window.dilation + 1)
    }
    return {i for i in found if 0 <= i < window.size} if inside else found


@dataclass(frozen=True)
class Place:
    """One PE: its cluster, its row and column there, and the part of each dimension that it works on."""

    cluster: Cluster
    row: int
    column: int
    part: dict[str, tuple[int, int]]
    """(part among clusters, part inside the cluster) of each dimension."""

    @property
    def name(self) -> tuple[int, ...]:
        """Coordinates."""
        return (*self.cluster, self.row, self.column)


def places(mapping: Mapping) -> list[Place]:
    """All PEs that the mapping's factors name."""
    found = []
    axes = [indices(getattr(mapping, axis)) for axis in ("cluster_rows", "cluster_columns", "pe_rows", "pe_columns")]
    for (i, up), (j, along), (y, down), (x, across) in itertools.product(*(list(enumerate(axis)) for axis in axes)):
        part = {
            d: (
                up[d] * getattr(mapping.cluster_columns, d) + along[d],
                down[d] * getattr(mapping.pe_columns, d) + across[d],
            )
            for d in ORDER
        }
        found.append(Place((i, j), y, x, part))
    return found


class Walk:
    """One layer on one machine."""

    def __init__(self, loops: Loops, mapping: Mapping, architecture: Architecture) -> None:
        self.loops, self.mapping, self.architecture = loops, mapping, architecture
        self.places = places(mapping)
        self.clusters = {d: self._product(d, "cluster_rows", "cluster_columns") for d in ORDER}
        self.local = {d: self._product(d, "pe_rows", "pe_columns") for d in ORDER}
        self.kind = mapping.stationary.value
        self.counts = Counts()
        self.macs: set[tuple[int, ...]] = set()
        self.begun: set[tuple[int, ...]] = set()
        self.psum_passes: Counter[tuple[int, ...]] = Counter()
        self.passes_of_a_psum = 0
        self.in_spads: object = None
        self.sent_of_fill: Counter[Any] = Counter()

    def _product(self, dimension: str, *axes: str) -> int:
        count = 1
        for axis in axes:
            count *= getattr(getattr(self.mapping, axis), dimension)
        return count

    # --- dealing -----------------------------------------------------------------------------------------------------
    def tiles(self, dimension: str) -> list[list[int]]:
        """The tiles of a dimension."""
        each = 1 if dimension in "GR" else getattr(self.mapping, f"{dimension}0")
        size = self.loops.sizes[dimension]
        if dimension == "S":  # no axis cuts it
            return chunks(list(range(size)), each)
        return chunks(list(range(size)), each * self.clusters[dimension] * self.local[dimension])

    def dealt(self, dimension: str, tile: list[int]) -> dict[tuple[int, int], list[int]]:
        """What each (cluster part, local part) of a dimension gets of a tile; entry k of a list is its k-th strip."""
        clusters, local = self.clusters[dimension], self.local[dimension]
        if dimension != "P":
            runs = evenly(tile, clusters * local)
            return {(k // local, k % local): run for k, run in enumerate(runs)}
        got: dict[tuple[int, int], list[int]] = {(k, i): [] for k in range(clusters) for i in range(local)}
        for k, block in enumerate(evenly(tile, clusters)):
            for strip in chunks(block, local):
                for i, row in enumerate(strip):
                    got[k, i].append(row)
        return got

    # --- the nest ----------------------------------------------------------------------------------------------------
    def run(self) -> Counts:
        """Walk all loops."""
        filter_tiles = chunks(self.tiles("M"), self.mapping.M2)
        channels, taps = self.tiles("C"), list(itertools.product(self.tiles("R"), self.tiles("S")))
        self.passes_of_a_psum = len(channels) * len(taps)
        positions = list(itertools.product(self.tiles("N"), self.tiles("P"), self.tiles("Q")))
        outside: Iterator[Any]
        for g in self.tiles("G"):
            if self.kind in ("weight", "pe_weight"):
                outside = ((f, p) for f in range(len(filter_tiles)) for p in range(len(positions)))
            else:
                outside = ((f, p) for p in range(len(positions)) for f in range(len(filter_tiles)))
            kept_iacts: object = None
            kept_weights: object = None
            for f, p in outside:
                n, rows, columns = positions[p]
                filters = filter_tiles[f]
                if self.kind == "weight" and self.mapping.M2 > 1:
                    self.in_spads = None  # several passes a tile: the PEs load weights anew with every pass
                if self.kind == "weight" and kept_weights != f:
                    kept_weights = f
                    self._weights_to_glb(g, [m for tile in filters for m in tile])
                self._hold_psums(g, n, rows, columns, filters)
                for ci, c in enumerate(channels):
                    tile = p if self.kind == "iact" else (p, f, ci)
                    if kept_iacts != tile:
                        kept_iacts = tile
                        self._fetch_iacts(g, n, list(range(self.loops.C)) if self.kind == "iact" else c, rows, columns)
                    for r, s in taps:
                        for m in filters:
                            self._pass({"G": g, "N": n, "M": m, "C": c, "P": rows, "Q": columns, "R": r, "S": s})
        self._finish()
        return self.counts

    # --- GLB and off-chip --------------------------------------------------------------------------------------------
    def _fetch_iacts(self, g: list[int], n: list[int], c: list[int], rows: list[int], columns: list[int]) -> None:
        total, loops = self.counts.total, self.loops
        self.sent_of_fill.clear()
        planes = len(g) * len(n) * len(c)
        inside = self.architecture.dram.padding == "skipped"
        lines, across = span(loops.rows, rows, inside), span(loops.columns, columns, inside)
        total["iact_fetched"] += planes * len(lines) * len(across)
        row_blocks = self._blocks("P", rows)
        column_blocks = self._blocks("Q", columns)
        held = 0
        for row_block in row_blocks.values():
            for column_block in column_blocks.values():
                held += planes * len(span(loops.rows, row_block, False)) * len(span(loops.columns, column_block, False))
        total["iact_filled"] += held
        self.counts.raise_to("iact_tile", held)
        own = {d: self._blocks(d, tile) for d, tile in (("G", g), ("N", n))}
        # With all channels kept, each cluster keeps those of all its passes.
        channels: dict[int, list[int]] = defaultdict(list)
        for tile in self.tiles("C"):
            if set(tile) <= set(c):
                for k, run in self._blocks("C", tile).items():
                    channels[k] += run
        for cluster, part in {place.cluster: place.part for place in self.places}.items():
            words = len(own["G"].get(part["G"][0], [])) * len(own["N"].get(part["N"][0], []))
            words *= len(channels.get(part["C"][0], []))
            words *= len(span(loops.rows, row_blocks.get(part["P"][0], []), False))
            words *= len(span(loops.columns, column_blocks.get(part["Q"][0], []), False))
            self.counts.cluster_fills[cluster] += words
            self.counts.raise_to("iact_cluster_tile", words)

    def _blocks(self, dimension: str, tile: list[int]) -> dict[int, list[int]]:
        """Elements of each cluster part that has any."""
        found: dict[int, list[int]] = defaultdict(list)
        for (k, _), run in self.dealt(dimension, tile).items():
            found[k] += run
        return {k: sorted(run) for k, run in found.items() if run}

    def _weights_to_glb(self, g: list[int], filters: list[int]) -> None:
        words = len(list(itertools.product(g, filters, range(self.loops.C), range(self.loops.R), range(self.loops.S))))
        self.counts.total["weight_fetched"] += words
        self.counts.total["weight_filled"] += words
        self.counts.raise_to("weight_tile", words)

    def _hold_psums(
        self, g: list[int], n: list[int], rows: list[int], columns: list[int], filters: list[list[int]]
    ) -> None:
        m = [element for tile in filters for element in tile]
        self.counts.raise_to("psum_tile", len(g) * len(n) * len(rows) * len(columns) * len(m))
        dealt = {d: self.dealt(d, t) for d, t in (("G", g), ("N", n), ("P", rows), ("Q", columns))}
        by_filter = [self.dealt("M", tile) for tile in filters]
        column: dict[tuple[Cluster, int], set[tuple[int, ...]]] = defaultdict(set)
        for place in self.places:
            mine = [dealt[d][place.part[d]] for d in "GNPQ"]
            kept = [element for tile in by_filter for element in tile[place.part["M"]]]
            column[place.cluster, place.column].update(itertools.product(*mine, kept))
        for held in column.values():
            self.counts.raise_to("psum_column_tile", len(held))

    # --- one pass ----------------------------------------------------------------------------------------------------
    def _pass(self, tiles: dict[str, list[int]]) -> None:
        dealt = {d: self.dealt(d, tiles[d]) for d in ORDER}
        active = []
        for place in self.places:
            share = {d: dealt[d][place.part[d]] for d in ORDER} | {"S": tiles["S"]}
            if all(share.values()):
                active.append((place, share))
        self.counts.total["passes"] += 1
        self.counts.raise_to("active_pes", len(active))
        if not self.architecture.pe.weights_stay:
            self.in_spads = None
        self._send_weights(tiles, active)
        self._send_iacts(active)
        self._compute(active)

    def _send_weights(self, tiles: dict[str, list[int]], active: list[Any]) -> None:
        wanted = tuple(tuple(tiles[d]) for d in "GMCRS")
        if self.in_spads == wanted:
            return
        self.in_spads = wanted
        counts, total = self.counts, self.counts.total
        targets: dict[tuple[int, ...], set[Cluster]] = defaultdict(set)
        rows: dict[tuple[Cluster, int], set[tuple[int, ...]]] = defaultdict(set)
        held_by_pe: list[list[tuple[int, ...]]] = []
        for place, share in active:
            words = list(itertools.product(*(share[d] for d in "GMCRS")))
            total["weight_delivered"] += len(words)
            counts.link_weights[place.name] += len(words)
            held_by_pe.append(words)
            rows[place.cluster, place.row].update(words)
            for word in words:
                targets[word].add(place.cluster)
        for key, held in rows.items():
            counts.row_weights[key] += len(held)
        store = self.architecture.glb.weight
        private = self.architecture.noc.weight.kind == "unicast"
        transfers = sum(len(held) for held in held_by_pe) if private else len(targets)
        if self.kind == "weight":
            total["weight_read"] += transfers
        else:
            total["weight_fetched"] += len(targets)
            if store is not None and store.banks:
                total["weight_filled"] += len(targets)
                total["weight_read"] += transfers
        counts.raise_to("weight_pass", len(targets))
        if private:
            total["weight_cluster_deliveries"] += transfers
            total["weight_sent"] += transfers
            return
        columns = self.mapping.cluster_columns
        for clusters in targets.values():
            total["weight_cluster_deliveries"] += len(clusters)
            if columns.M * columns.G > 1:
                total["weight_sent"] += len(clusters)
                continue
            for i in {row for row, _ in clusters}:
                along = [column for row, column in clusters if row == i]
                total["weight_sent"] += 1
                links = tree([(i, j) for j in along], rings_of(self.architecture, "weight"))
                total["weight_hops"] += len(links)
                counts.weight_links.update(links)

    def _send_iacts(self, active: list[Any]) -> None:
        loops, counts, total = self.loops, self.counts, self.counts.total
        words: dict[Cluster, set[tuple[int, ...]]] = defaultdict(set)
        group: dict[tuple[int, ...], list[Cluster]] = defaultdict(list)
        shared = loops.rows.dilation == 1
        for place, share in active:
            # A PE that reloads its windows gets the columns of each; one that slides gets those of all, once.
            each = [[q] for q in share["Q"]] if self.architecture.pe.iact_window == "reload" else [share["Q"]]
            columns = [(i, x) for i, run in enumerate(each) for x in span(loops.columns, run, False, share["S"])]
            mine = words[place.cluster]
            for g, n, c, r in itertools.product(share["G"], share["N"], share["C"], share["R"]):
                for strip, p in enumerate(share["P"]):
                    row = p * loops.rows.stride + r * loops.rows.dilation - loops.rows.before
                    total["iact_delivered"] += len(columns)
                    if self.architecture.noc.iact.kind == "unicast":
                        self._send_alone(place, (g, n, c, row), columns)
                        continue
                    apart = (0, 0) if shared else (p, r)
                    part = place.part["Q"][1]  # PEs with other columns are other streams
                    mine.update((g, n, c, row, column, strip, part, *apart, i) for i, column in columns)
            key = tuple(place.part[d][0] for d in "GNPQC")
            if place.cluster not in group[key]:
                group[key].append(place.cluster)
        for key, clusters in group.items():
            sent = words[clusters[0]]
            for cluster in clusters:
                assert words[cluster] == sent, "clusters with other filters need the same iacts"
                counts.cluster_iacts[cluster] += len(sent)
            total["iact_sent"] += len(sent)
            total["iact_cluster_deliveries"] += len(sent) * len(clusters)
            links = tree(clusters, rings_of(self.architecture, "iact"))
            counts.iact_links.update(links)
            total["iact_hops"] += len(sent) * len(links)
            for word in sent:
                self.sent_of_fill[key[:4], word[:5]] += 1
                counts.raise_to("iact_reads_of_a_fill", self.sent_of_fill[key[:4], word[:5]])

    def _send_alone(self, place: Place, row: tuple[int, int, int, int], columns: list[tuple[int, int]]) -> None:
        """Send iacts of an input row (group, image, channel, row) to one PE over its own link."""
        g, n, c, h = row
        for name in ("iact_sent", "iact_cluster_deliveries"):
            self.counts.total[name] += len(columns)
        self.counts.link_iacts[place.name] += len(columns)
        key = tuple(place.part[d][0] for d in "GNPQ")
        for _, column in columns:
            word = (g, n, c, h, column)
            self.sent_of_fill[key, word] += 1
            self.counts.raise_to("iact_reads_of_a_fill", self.sent_of_fill[key, word])

    def _compute(self, active: list[Any]) -> None:
        counts, total = self.counts, self.counts.total
        simd, least = self.architecture.lanes, self.architecture.pe.min_cycles_per_iact
        chains: dict[tuple[int, ...], list[Place]] = defaultdict(list)
        for place, share in active:
            window = len(share["C"]) * len(share["R"]) * len(share["S"])
            for g, n, p, q in itertools.product(share["G"], share["N"], share["P"], share["Q"]):
                counts.pe_windows[place.name] += 1
                counts.pe_cycles[place.name] += window * max(least, -(-len(share["M"]) // simd))
                total["slots"] += window * -(-len(share["M"]) // simd)
                total["iact_spad_reads"] += window
                for m in share["M"]:
                    psum = (g, n, m, p, q)
                    chains[psum].append(place)
                    counts.pe_psums[place.name] += 1
                    total["psum_spad_updates"] += window - 1
                    for c, r, s in itertools.product(share["C"], share["R"], share["S"]):
                        mac = (*psum, c, r, s)
                        assert mac not in self.macs, f"MAC {mac} is executed twice"
                        self.macs.add(mac)
        glb = self.architecture.glb
        counts.raise_to("links", max(len(chain) for chain in chains.values()))
        for psum, chain in chains.items():
            clusters = sorted({place.cluster for place in chain})
            total["psum_chain"] += len(chain)
            total["psum_local_hops"] += len(chain) - len(clusters)
            links = [((i, j), (i + 1, j)) for i, j in clusters if (i, j) != clusters[-1]]
            assert {j for _, j in clusters} == {clusters[0][1]}, "psums go down a column of clusters"
            assert clusters[-1][0] - clusters[0][0] == len(links), "the clusters of a chain are neighbours"
            total["psum_hops"] += len(links)
            counts.psum_links.update(links)
            if not self.architecture.flat:
                assert len({place.column for place in chain}) == 1, "psums add up in one column of PEs"
            column = (clusters[0], chain[0].column)
            total["psum_out"] += 1
            counts.column_out[column] += 1
            counts.link_out[chain[0].name] += 1
            if psum in self.begun or glb.psum_read_first:
                total["psum_in"] += 1
                counts.column_in[column] += 1
                counts.link_in[chain[0].name] += 1
            self.begun.add(psum)
            self.psum_passes[psum] += 1
            last = self.psum_passes[psum] == self.passes_of_a_psum
            if not (last and glb.psum_final_to_dram):
                total["psum_written"] += 1
            if last and not glb.psum_final_to_dram:
                total["psum_drained"] += 1

    def _finish(self) -> None:
        loops = self.loops
        everything = itertools.product(
            *(range(n) for n in (loops.G, loops.N, loops.M, loops.P, loops.Q, loops.C, loops.R, loops.S))
        )
        assert self.macs == set(everything), "every MAC is executed"
        assert set(self.psum_passes.values()) == {self.passes_of_a_psum}, "every psum takes part in every pass"
        self.counts.total["macs"] = len(self.macs)


def walk(loops: Loops, mapping: Mapping, architecture: Architecture) -> Counts:
    """Run a layer and return what happened."""
    return Walk(loops, mapping, architecture).run()
