"""Figures of the machine at work: what its PEs do over time, and the words over each link of its mesh."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from accelerator_sim.architecture.architecture import TENSORS
from accelerator_sim.figure.canvas import BLUE, CAUSE_COLORS, GREY, INK, Axes, Drawing, engineering, new_figure
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.text import printable
from accelerator_sim.kernels.causes import CAUSES
from accelerator_sim.noc.routes import MeshLink
from accelerator_sim.report.names import CAUSE_ORDER
from accelerator_sim.report.numbers import si
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.run.trace import Span, TraceWindow, trace
from accelerator_sim.simulation.links import link_words
from accelerator_sim.simulation.schedule import Schedule

MOST_TRACKS = 64
"""PEs and links whose time is drawn."""


def timeline(result: NetworkResult, cycles: tuple[int, int] = (0, 2000), clusters: tuple[int, ...] = ()) -> Drawing:
    """Return what PEs and iact routers do over a window of time.

    cycles: the first cycle and the one after the last, counted from the start of the network; clusters: those that are
    drawn, as many as there is room for where none are named.

    Raises UsageError for an estimate, for clusters that there are not, and where nothing happens in the window.
    """
    each = result.architecture.pe_cluster.count
    chosen = clusters or tuple(range(min(max(1, MOST_TRACKS // (2 * each)), result.architecture.cluster_array.count)))
    tracks: dict[tuple[int, str], list[Span]] = defaultdict(list)
    for span in trace(result, TraceWindow(*cycles, chosen)):
        if len(tracks) < MOST_TRACKS or (span.cluster, span.track) in tracks:
            tracks[span.cluster, span.track].append(span)
    named = sorted(
        (key for key in tracks if key[0] >= 0), key=lambda key: (key[0], key[1].startswith("PE"), _natural(key[1]))
    )
    if not named:
        raise UsageError(f"nothing to draw: {result.workload} does nothing in cycles {cycles[0]:,} to {cycles[1]:,}")
    rows = [key for key in ((-1, "layers"), (-1, "passes"), (-1, "array")) if key in tracks] + named
    figure = new_figure(9.0, 0.9 + 0.16 * len(rows))
    axes = figure.add_subplot()
    used = _draw_tracks(axes, [(at, tracks[key]) for at, key in enumerate(rows)], cycles)
    labels = [track if cluster < 0 else f"{cluster}: {track}" for cluster, track in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=6.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(*cycles)
    engineering(axes.xaxis, "")
    axes.set_xlabel("cycles since the start of the network (cluster: PE row,column)")
    _legend(axes, used)
    name = printable(f"{result.workload} on {result.architecture.name}")
    axes.set_title(f"What each PE does: {name}", loc="left")
    return figure


def _natural(track: str) -> tuple[int, ...]:
    return tuple(int(word) for word in track.replace(",", " ").split() if word.isdecimal())


def _draw_tracks(axes: Axes, rows: list[tuple[int, list[Span]]], cycles: tuple[int, int]) -> set[str]:
    """Draw the spans of each track; returns the activities that occur."""
    used: set[str] = set()
    for at, spans in rows:
        kinds: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for span in spans:
            begin, end = max(span.begin, cycles[0]), min(span.end, cycles[1])
            kind = "span" if span.cluster < 0 else span.activity
            kinds[kind].append((begin, end - begin))
            if kind == "span" and end - begin > 0.04 * (cycles[1] - cycles[0]):
                text = printable(span.activity)[:24]
                axes.text((begin + end) / 2, at, text, ha="center", va="center", fontsize=6, clip_on=True)
        for kind, pieces in kinds.items():
            axes.broken_barh(pieces, (at - 0.4, 0.8), facecolors=_color(kind), linewidth=0)
            if kind == "span":
                axes.broken_barh(pieces, (at - 0.4, 0.8), facecolors="none", edgecolors=INK, linewidth=0.4)
        used |= set(kinds)
    return used


def _color(kind: str) -> str:
    if kind in CAUSES:
        return CAUSE_COLORS.get(next(cause for cause in CAUSE_ORDER if cause == kind), GREY)
    return "#f0f0ec" if kind == "span" else BLUE


def _legend(axes: Axes, used: set[str]) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(color=CAUSE_COLORS[cause], label=cause.label) for cause in CAUSE_ORDER if cause in used]
    if "send" in used:
        patches.append(Patch(color=BLUE, label="a router sends iacts"))
    axes.legend(handles=patches, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=7)


def links(result: NetworkResult, layer: str = "", tensor: str = "") -> Drawing:
    """Return the words over each link of the mesh, a picture for each data type.

    layer: its name, that of the layer that takes longest for ""; tensor: "iact", "weight" or "psum", all for "".

    Raises UsageError for unknown names, and for a layer or a machine without words on a mesh.
    """
    if tensor not in ("", *TENSORS):
        raise UsageError(f"unknown tensor {tensor!r}; use one of {', '.join(TENSORS)}")
    architecture, chosen = result.architecture, chosen_layer(result, layer)
    schedule = schedule_of(result, chosen)
    loads = (
        {} if architecture.flat else {each: link_words(schedule, each) for each in ([tensor] if tensor else TENSORS)}
    )
    loads = {each: words for each, words in loads.items() if words}
    if not loads:
        raise UsageError(f"no words of layer {chosen.layer.name} cross a mesh link of {architecture.name}")
    array = architecture.cluster_array
    width, height = max(2.6, 0.55 * array.columns + 1.6), max(2.4, 0.55 * array.rows + 1.0)
    figure = new_figure(width * len(loads), height)
    for axes, (each, words) in zip(figure.subplots(1, len(loads), squeeze=False)[0], loads.items(), strict=True):
        _mesh(figure, axes, words, (array.rows, array.columns))
        axes.set_title(f"{each}: {si(sum(words.values()))} word hops", loc="left")
    figure.suptitle(
        printable(f"Words over each link: {chosen.layer.name} on {architecture.name}"), fontsize=10, x=0.01, ha="left"
    )
    return figure


def _mesh(figure: Drawing, axes: Axes, words: dict[MeshLink, int], size: tuple[int, int]) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.ticker import EngFormatter

    shades: Any = ScalarMappable(cmap="viridis_r")
    both: dict[tuple[tuple[int, int], tuple[int, int]], int] = defaultdict(int)
    for (start, end), load in words.items():
        both[min(start, end), max(start, end)] += load
    shades.norm = Normalize(0, max(both.values()))
    for ((row, column), (to_row, to_column)), load in both.items():
        if abs(row - to_row) + abs(column - to_column) > 1:  # a wrapped link of a torus goes beyond the last node
            row, to_row = (to_row, to_row + 1) if row != to_row else (row, to_row)
            column, to_column = (to_column, to_column + 1) if column != to_column else (column, to_column)
        axes.plot([column, to_column], [row, to_row], color=shades.to_rgba(load), linewidth=4, solid_capstyle="butt")
    rows, columns = size
    for row in range(rows):
        axes.scatter(range(columns), [row] * columns, s=60, color="white", edgecolors=INK, linewidths=0.8, zorder=3)
    axes.set_xticks(range(columns))
    axes.set_yticks(range(rows))
    axes.set_xlabel("cluster column")
    axes.set_ylabel("cluster row")
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_aspect("equal")
    axes.spines[:].set_visible(False)
    figure.colorbar(shades, ax=axes, label="words, both ways", format=EngFormatter(), shrink=0.8)


def chosen_layer(result: NetworkResult, name: str) -> LayerResult:
    """Return the layer of a name, or the mapped one that takes longest for "".

    name: its name, in full.  Raises UsageError where there is none, and where it has no mapping.
    """
    if name:
        chosen = result.layer(name)
        if chosen.mapping is None:
            raise UsageError(f"layer {name} has no mapping to draw: {chosen.error or 'it only moves data'}")
        return chosen
    mapped = [(layer, outcome) for layer, outcome, _ in result.finished if layer.mapping is not None]
    if not mapped:
        raise UsageError(f"no layer of {result.workload} has a mapping to draw")
    return max(mapped, key=lambda each: each[1].timing.cycles)[0]


def schedule_of(result: NetworkResult, layer: LayerResult) -> Schedule:
    """Return the schedule of a layer, of its largest dense phase.

    result: the run of the layer; layer: one with a mapping.
    """
    leading = layer.leading
    assert leading.mapping is not None
    return Schedule.of_layer(leading.layer, result.architecture, leading.mapping)
