"""The picture of a mapping: what each PE holds, how filter rows, iact rows and psums move between PEs, the loop nest.

Row stationary as its papers draw it: filter rows stay in rows of PEs, iact rows go along diagonals, psums up the
columns.  Source: Chen, Emer, Sze, ISCA 2016, Fig. 6; Chen et al., JSSC 52(1) 2017, Figs. 3 and 6.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from accelerator_sim.figure.canvas import BLUE, GREEN, GREY, RED, SETS, Axes, Drawing, new_figure
from accelerator_sim.figure.machine_figures import chosen_layer, schedule_of
from accelerator_sim.files.text import printable
from accelerator_sim.mapping.picture import held_by, loop_nest
from accelerator_sim.mapping.space import axis_sizes
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.workload.layer import Layer

MOST_PES = 400
"""PEs up to which the whole array is drawn, else its first cluster."""
_APART = 0.35
"""Between clusters, in PEs."""
_MOST = 7
"""Rows and columns of a set of PEs that its three pictures show."""
_MOST_SETS = len(SETS)
"""Sets that have colours of their own."""
_PE = 0.44
"""Inches of a PE, unless the array is large."""
_WORDS = {"N": "image", "G": "group", "M": "filter", "C": "channel", "Q": "output column", "R": "filter row"}
_WORDS |= {"P": "output row"}

Held = dict[str, range]
"""What a PE holds of each dimension."""
PeCorner = tuple[float, float]
"""Left and top of a PE, in PEs."""


@dataclass(frozen=True)
class _ArrayView:
    """The PEs that are drawn."""

    tiling: Tiling
    clusters: tuple[int, int]
    pes: tuple[int, int]

    @cached_property
    def held(self) -> dict[PeCorner, Held]:
        """What each PE that has work holds.

        The columns of a cluster are in the order of what they hold: on its buses, or all-to-all network, words cost the
        same wherever in it a PE stands.
        """
        out: dict[PeCorner, Held] = {}
        for i in range(self.clusters[0]):
            for j in range(self.clusters[1]):
                held = [[held_by(self.tiling, i, j, y, x) for x in range(self.pes[1])] for y in range(self.pes[0])]
                order = sorted(range(self.pes[1]), key=lambda x, top=held[0]: _order(top[x]))  # type: ignore[misc]
                for y in range(self.pes[0]):
                    for place, x in enumerate(order):
                        if (of := held[y][x]) is not None:
                            out[self.corner(i, j, y, place)] = of
        return out

    @cached_property
    def varied(self) -> list[str]:
        """Dimensions in which PEs differ."""
        return [d for d in "RPNGMCQ" if len({of[d] for of in self.held.values()}) > 1]

    @cached_property
    def colored(self) -> list[str]:
        """Dimensions that give the colour: those of a set of PEs of the papers, as far as there are colours."""
        chosen: list[str] = []
        for d in ("M", "C", "Q", "N", "G"):
            more = [*chosen, d]
            if d in self.varied and len({_key(of, more) for of in self.held.values()}) <= _MOST_SETS:
                chosen = more
        return chosen

    def corner(self, i: int, j: int, y: int, x: int) -> PeCorner:
        """Where a PE is drawn."""
        return j * (self.pes[1] + _APART) + x, i * (self.pes[0] + _APART) + y

    @property
    def size(self) -> tuple[float, float]:
        """Width and height, in PEs."""
        x, y = self.corner(self.clusters[0] - 1, self.clusters[1] - 1, self.pes[0] - 1, self.pes[1] - 1)
        return x + 1, y + 1


def _order(of: Held | None) -> tuple[bool, list[int]]:
    return of is None, [] if of is None else [of[d][0] for d in "NGMCQP"]


def _key(of: Held, dimensions: Sequence[str]) -> tuple[int, ...]:
    return tuple(of[d][0] for d in dimensions)


def mapping(result: NetworkResult, layer: str = "") -> Drawing:
    """Return the picture of the mapping of a layer (of its largest dense phase).

    layer: its name, that of the layer that takes longest for "".  Raises UsageError for a layer without a mapping.
    """
    chosen = chosen_layer(result, layer)
    tiling = schedule_of(result, chosen)
    sizes = axis_sizes(result.architecture)
    clusters = sizes["cluster_rows"], sizes["cluster_columns"]
    whole = result.architecture.pes <= MOST_PES
    view = _ArrayView(tiling, clusters if whole else (1, 1), (sizes["pe_rows"], sizes["pe_columns"]))
    nest = loop_nest(tiling).splitlines()
    part = "" if whole else f", cluster (0, 0) of {clusters[0]} x {clusters[1]}"
    name = f"{chosen.leading.layer.name} of {result.workload} on {result.architecture.name}"
    title = f"{name}{part}: {len(view.held)} PEs at work"
    return _laid_out(view, nest, printable(title), chosen.leading.layer)


def _laid_out(view: _ArrayView, nest: list[str], title: str, layer: Layer) -> Drawing:
    """The array, the loop nest beside it, and three pictures below, each at its place in inches."""
    scale = min(_PE, 8.0 / view.size[0], 9.0 / view.size[1])
    wide, tall = view.size[0] * scale, view.size[1] * scale
    text = 0.062 * max(map(len, nest)) + 0.2
    legend = 0.2 * (1 + (_colors(view)[1] - 1) // 3) + 0.15
    middle = max(tall + legend, 0.145 * len(nest) + 0.3)
    width, height = max(wide + text + 0.5, 10.5), middle + 3.9
    figure = new_figure(width, height)
    figure.set_layout_engine("none")

    def at(left: float, top: float, wide: float, tall: float) -> Axes:
        axes = figure.add_axes((left / width, 1 - (top + tall) / height, wide / width, tall / height))
        axes.axis("off")
        return axes

    figure.text(0.15 / width, 1 - 0.25 / height, title, fontsize=10, fontweight="bold")
    _array(at(0.15, 0.7, wide, tall), view, scale)
    axes = at(wide + 0.45, 0.7, text, middle)
    axes.text(0, 1, "\n".join(nest), family="monospace", fontsize=6.5, va="top")
    cells = _first_set(view)
    third = (width - 0.6) / 3
    for number, draw in enumerate((_filter_rows, _iact_rows, _psums) if len(cells) > 1 else (_weights, _iacts, _sums)):
        below = at(0.2 + number * (third + 0.1), middle + 1.15, third, 2.6)
        draw(below, cells if len(cells) > 1 else view, layer)  # type: ignore[operator]
    return figure


def _colors(view: _ArrayView) -> tuple[dict[tuple[int, ...], str], int]:
    """The colour of each set, and how many sets there are."""
    keys = list(dict.fromkeys(_key(of, view.colored) for of in view.held.values()))
    return {key: SETS[at % len(SETS)] for at, key in enumerate(keys)}, len(keys)


def _array(axes: Axes, view: _ArrayView, scale: float) -> None:
    """The array: a colour for each set of PEs, and in each PE what it holds of the other dimensions."""
    from matplotlib.patches import Patch, Rectangle

    for i in range(view.clusters[0]):
        for j in range(view.clusters[1]):
            for y in range(view.pes[0]):
                for x in range(view.pes[1]):
                    place = view.corner(i, j, y, x)
                    axes.add_patch(Rectangle(place, 1, 1, facecolor="white", edgecolor=GREY, linewidth=0.4))
    colors, _ = _colors(view)
    written = [d for d in view.varied if d not in view.colored]
    for (left, top), of in view.held.items():
        color = colors[_key(of, view.colored)]
        axes.add_patch(Rectangle((left, top), 1, 1, facecolor=color, edgecolor="white", linewidth=0.8))
        words = [f"{of[d][0]}" for d in written]
        text = ",".join(words) if len(words) < 3 else "\n".join([",".join(words[:2]), *words[2:]])
        size = min(6.5, 95 * scale / max(map(len, text.split("\n")))) if text else 6.0
        axes.text(left + 0.5, top + 0.5, text, ha="center", va="center", fontsize=size, linespacing=1.0)
    axes.set_xlim(0, view.size[0])
    axes.set_ylim(view.size[1], 0)
    named = ", ".join(_WORDS[d] for d in written)
    axes.set_title(
        f"in each PE: its first {named}" if named else "all PEs of a colour hold the same", loc="left", fontsize=8
    )
    if not view.colored:
        return
    firsts: dict[tuple[int, ...], Held] = {}
    for of in view.held.values():
        firsts.setdefault(_key(of, view.colored), of)
    patches = [
        Patch(color=colors[key], label=", ".join(f"{_WORDS[d]}s {_span(of[d])}" for d in view.colored))
        for key, of in firsts.items()
    ]
    axes.legend(
        handles=patches, loc="upper left", bbox_to_anchor=(0.0, 0.0), borderaxespad=0.2, frameon=False, fontsize=7,
        ncols=3, handlelength=1, columnspacing=1.0,
    )  # fmt: skip


def _span(of: range) -> str:
    return f"{of[0]}" if len(of) == 1 else f"{of[0]} to {of[-1]}"


# --- a set of PEs as the papers draw it ------------------------------------------------------------------------------
_Cells = dict[tuple[int, int], tuple[int, int]]
"""By row and column in the picture: filter row and output row."""


def _first_set(view: _ArrayView) -> _Cells:
    """The set of the first PE as its papers draw it: filter rows down, output rows across, cut to what is legible."""
    others = [d for d in "NGMCQ" if d in view.varied]
    key = _key(next(iter(view.held.values())), others)
    held = {(of["R"][0], of["P"][0]) for of in view.held.values() if _key(of, others) == key}
    rows, columns = sorted({R for R, _ in held})[:_MOST], sorted({P for _, P in held})[:_MOST]
    return {(y, x): (R, P) for y, R in enumerate(rows) for x, P in enumerate(columns) if (R, P) in held}


def _set_of_pes(axes: Axes, cells: _Cells, title: str, texts: dict[tuple[int, int], str]) -> None:
    from matplotlib.patches import Rectangle

    for y, x in cells:
        box = Rectangle((x - 0.36, y - 0.36), 0.72, 0.72, facecolor=SETS[0], edgecolor=GREY, linewidth=0.6, zorder=2)
        axes.add_patch(box)
        axes.text(x, y, texts[y, x], ha="center", va="center", fontsize=5.8, zorder=4, linespacing=0.95)
    axes.set_xlim(-0.9, max(4, *(x for _, x in cells)) + 0.9)
    axes.set_ylim(max(4, *(y for y, _ in cells)) + 0.8, -0.9)
    axes.set_title(title, fontsize=8, loc="left")


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], color: str) -> None:
    style = {"arrowstyle": "->", "color": color, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
    axes.annotate("", end, start, arrowprops=style, zorder=3)


def _filter_rows(axes: Axes, cells: _Cells, layer: Layer) -> None:
    """Filter rows: the same one in all PEs of a row."""
    _set_of_pes(axes, cells, "filter rows go across", {place: f"filter\n{R}" for place, (R, _) in cells.items()})
    for y in {y for y, _ in cells}:
        last = max(x for row, x in cells if row == y)
        _arrow(axes, (-0.85, y), (-0.37, y), GREEN)
        for x in range(last):
            _arrow(axes, (x + 0.36, y), (x + 0.64, y), GREEN)


def _iact_rows(axes: Axes, cells: _Cells, layer: Layer) -> None:
    """Iact rows: output row p and filter row r need row stride x p + dilation x r, the same one along diagonals."""
    rows = {place: layer.stride[0] * P + layer.dilation[0] * R for place, (R, P) in cells.items()}
    _set_of_pes(axes, cells, "iact rows go along diagonals", {place: f"iact\n{row}" for place, row in rows.items()})
    along: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for (y, x), row in rows.items():
        along[row].append((x, y))
    for places in along.values():
        for start, end in pairwise(sorted(places)):
            axes.plot(*zip(start, end, strict=True), color=BLUE, linewidth=1.0, linestyle="--", zorder=1)


def _psums(axes: Axes, cells: _Cells, layer: Layer) -> None:
    """Psums: the products of all filter rows of an output row are added up a column."""
    _set_of_pes(axes, cells, "psums go up the columns", {place: f"psum\n{P}" for place, (_, P) in cells.items()})
    for x in {x for _, x in cells}:
        rows = sorted(y for y, column in cells if column == x)
        for above, below in pairwise(rows):
            _arrow(axes, (x, below - 0.36), (x, above + 0.36), RED)
        _arrow(axes, (x, rows[0] - 0.36), (x, rows[0] - 0.85), RED)


# --- what PEs share where no set has several rows --------------------------------------------------------------------
def _shared(axes: Axes, view: _ArrayView, dimensions: str, title: str) -> None:
    """The PEs of the first cluster, or of all of them where each has one: those that share words have one number."""
    from matplotlib.patches import Rectangle

    rows, columns = view.pes
    cluster = {place: of for place, of in view.held.items() if place[0] < columns and place[1] < rows}
    keys = list(dict.fromkeys(_key(of, dimensions) for of in cluster.values()))
    for (x, y), of in cluster.items():
        number = keys.index(_key(of, dimensions))
        color = SETS[number % len(SETS)]
        axes.add_patch(Rectangle((x, y), 1, 1, facecolor=color, edgecolor="white", linewidth=0.8))
        axes.text(x + 0.5, y + 0.5, f"{number + 1}", ha="center", va="center", fontsize=6.5)
    axes.set_xlim(0, max(columns, 6))
    axes.set_ylim(max(rows, 4), 0)
    where = "" if view.clusters == (1, 1) else "first cluster: "
    axes.set_title(f"{where}one number, {title}", fontsize=8, loc="left")


def _weights(axes: Axes, view: _ArrayView, layer: Layer) -> None:
    _shared(axes, view, "GMCR", "the same weights")


def _iacts(axes: Axes, view: _ArrayView, layer: Layer) -> None:
    _shared(axes, view, "NGCQPR", "the same iacts")


def _sums(axes: Axes, view: _ArrayView, layer: Layer) -> None:
    _shared(axes, view, "NGMPQ", "psums are added up")
