"""The picture of a machine, from its architecture file: clusters and their networks, one cluster inside, one PE inside.

Source of the form: Chen et al., "Eyeriss v2", JETCAS 9(2) 2019, Figs. 4 and 15; JSSC 52(1) 2017, Fig. 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.architecture.wire_links import ClusterPlace
from accelerator_sim.figure.canvas import DARK, GREY, LIGHT, Axes, Drawing, new_figure
from accelerator_sim.figure.cluster_picture import (
    BANK_COLORS,
    MOST_ROWS,
    TENSOR_COLORS,
    ClusterView,
    Point,
    cluster_bounds,
    draw_cluster,
    draw_dram,
    draw_pe,
    size_text,
)
from accelerator_sim.files.text import printable
from accelerator_sim.noc.link_graph import cluster_graph
from accelerator_sim.report.numbers import si

MOST_CLUSTERS = 8
"""Rows, and columns, of clusters that are drawn."""
_WAYS = {"iact": (-0.3, 0.0), "weight": (0.0, 0.25), "psum": (0.3, 0.0)}
"""Where the links of a data type lie between two clusters: from the middle, to the right of it for links down, and
below it for links across."""
_APART = 1.0
"""Between clusters, in the units of the array's picture."""


def architecture_picture(machine: Architecture) -> Drawing:
    """Return the picture of a machine: its clusters, one cluster inside, one PE inside, with the sizes of its file.

    machine: of any size; of large ones the first clusters and PEs are drawn, which the picture says.
    """
    drawn = ClusterView(machine).pes
    scale = min(0.62, 5.2 / (drawn.columns + 2), 6.4 / (drawn.rows + 2))
    left, top, right, bottom = cluster_bounds(machine, scale)
    cluster = (right - left) * scale, (bottom - top) * scale
    array = None if machine.cluster_array.count == 1 else _ArrayPicture(machine)
    first = 0.0 if array is None else array.size[0] + 0.5
    beside = array is None and cluster[1] > 3.5
    wide = first + (cluster[0] + 4.9 if beside else max(cluster[0], 4.4))
    tall = max(cluster[1] if beside else cluster[1] + 3.2, 0.0 if array is None else array.size[1])
    facts = fact_lines(machine)
    width, height = max(wide, 8.5) + 0.4, tall + 1.3 + 0.2 * len(facts)
    figure = new_figure(width, height)
    figure.set_layout_engine("none")

    def at(left: float, top: float, wide: float, tall: float, title: str) -> Axes:
        axes = figure.add_axes((left / width, 1 - (top + tall) / height, wide / width, tall / height))
        axes.set_title(title, loc="left", fontsize=8.5)
        return axes

    title = printable(f"{machine.name}: {machine.size_text}")
    figure.text(0.2 / width, 1 - 0.3 / height, title, fontsize=10.5, fontweight="bold")
    if array is not None:
        array.draw(at(0.2, 0.85, *array.size, array.title))
    called = "the array" if array is None else "one cluster"
    axes = at(0.2 + first, 0.85, *cluster, called)
    draw_cluster(axes, machine, scale)
    limit = "no limit" if math.isinf(machine.dram.bandwidth) else si(machine.dram.bandwidth, "B/s")
    draw_dram(axes, f"off-chip DRAM: {limit}", scale)
    place = (0.2 + first + cluster[0] + 0.4, 0.85) if beside else (0.2 + first, 0.85 + cluster[1] + 0.55)
    draw_pe(at(*place, 4.4, 2.5, "one PE"), machine)
    for number, (color, text) in enumerate(facts):
        down = 1 - (0.85 + tall + 0.3 + 0.2 * number) / height
        figure.text(0.2 / width, down, "\u25a0", color=color, fontsize=8)
        figure.text(0.4 / width, down, text, fontsize=8)
    return figure


def fact_lines(machine: Architecture) -> list[tuple[str, str]]:
    """Return what stands below the picture, each line with its colour: the networks, then memories and clock."""
    lines = [(TENSOR_COLORS[tensor], f"{tensor}s: {_network_text(machine, tensor)}") for tensor in TENSORS]
    bits = machine.precision
    memory = f"GLB {size_text(machine.glb_bytes)}, SPads {size_text(machine.pe.spad.bits / 8)} per PE"
    words = f"iacts {bits.iact} b, weights {bits.weight} b, psums {bits.psum} b"
    return [*lines, (DARK, f"{memory}; {words}; {si(machine.clock, 'Hz')}")]


def _network_text(machine: Architecture, tensor: str) -> str:
    network, site = machine.network(tensor), machine.site(tensor)
    words = network.words_per_cycle_in_all(tensor, site.word_bits, site)
    rate = f"{words:,.10g} word{'s' * (words != 1)} per cycle in all"
    kind = network.kind.replace("_", " ")
    if network.flat:
        return f"{kind}, {rate}"
    settings = network.model_dump()
    to = ", ".join(settings["directions"]) or "none"
    torus = " (torus)" if settings["torus"] else ""
    return (
        f"{kind}, {settings['routers']} routers per cluster with ports of {settings['port_width']} b, {rate};"
        f" links to other clusters: {to}{torus}"
    )


@dataclass(frozen=True)
class _ArrayPicture:
    """The clusters, each with its banks and PEs, and the links between them."""

    machine: Architecture

    @property
    def drawn(self) -> ClusterPlace:
        """Rows and columns of clusters that are drawn."""
        array = self.machine.cluster_array
        return min(array.rows, MOST_CLUSTERS), min(array.columns, MOST_CLUSTERS)

    @property
    def title(self) -> str:
        """What it shows."""
        array, (rows, columns) = self.machine.cluster_array, self.drawn
        part = "" if (rows, columns) == (array.rows, array.columns) else f"the first {rows} x {columns} of "
        return f"{part}{array.rows} x {array.columns} clusters"

    @property
    def pe(self) -> float:
        """The side of a PE."""
        pes = self.machine.pe_cluster
        return min(0.42, 3.2 / min(MOST_ROWS, max(pes.rows, pes.columns)))

    @property
    def tile(self) -> Point:
        """Width and height of a cluster."""
        pes = ClusterView(self.machine).pes
        return 0.85 + self.pe * pes.columns, 0.6 + self.pe * pes.rows

    @property
    def extent(self) -> Point:
        """Width and height of all that is drawn."""
        rows, columns = self.drawn
        return columns * (self.tile[0] + _APART) + 0.2, rows * (self.tile[1] + _APART) + 0.2

    @property
    def size(self) -> Point:
        """Width and height, in inches."""
        scale = min(0.4, 6.5 / self.extent[0], 7.2 / self.extent[1])
        return self.extent[0] * scale, self.extent[1] * scale

    def corner(self, place: ClusterPlace) -> Point:
        """Left and top of a cluster."""
        row, column = place
        return 0.1 + _APART / 2 + column * (self.tile[0] + _APART), 0.1 + _APART / 2 + row * (self.tile[1] + _APART)

    def draw(self, axes: Axes) -> None:
        """Draw clusters and links."""
        rows, columns = self.drawn
        for row in range(rows):
            for column in range(columns):
                self._cluster(axes, self.corner((row, column)))
        for tensor in TENSORS:
            graph = cluster_graph(self.machine.network(tensor), self.machine.site(tensor))
            for start, end in graph.edges:
                if not graph.has_edge(end, start) or start < end:
                    self._link(axes, tensor, (start, end), graph.has_edge(end, start))
        axes.set_xlim(0, self.extent[0])
        axes.set_ylim(self.extent[1], 0)
        axes.axis("off")

    def _cluster(self, axes: Axes, corner: Point) -> None:
        """A frame, a bar of banks beside the PEs, one of psum banks below, and the PEs."""
        from matplotlib.patches import Rectangle

        (x, y), (wide, tall) = corner, self.tile
        pes, glb = ClusterView(self.machine).pes, self.machine.glb
        axes.add_patch(Rectangle(corner, wide, tall, facecolor="white", edgecolor=GREY, linewidth=0.8, zorder=2))
        high = self.pe * pes.rows
        use = "shared" if glb.shared is not None else "iact"
        bars = [(x + 0.1, y + 0.1, 0.5, high, BANK_COLORS[use])]
        if glb.psum.banks:
            bars.append((x + 0.75, y + high + 0.2, self.pe * pes.columns, 0.3, BANK_COLORS["psum"]))
        for left, top, across, down, color in bars:
            axes.add_patch(Rectangle((left, top), across, down, facecolor=color, linewidth=0, zorder=3))
        for row in range(pes.rows):
            for column in range(pes.columns):
                place = x + 0.75 + self.pe * column, y + 0.1 + self.pe * row
                side = 0.8 * self.pe
                axes.add_patch(Rectangle(place, side, side, facecolor=LIGHT, edgecolor=DARK, linewidth=0.3, zorder=3))

    def _link(self, axes: Axes, tensor: str, ends: tuple[ClusterPlace, ClusterPlace], both: bool) -> None:
        """The links of a data type between two clusters, as one arrow; those of a ring as stubs at its ends."""
        start, end = ends
        if max(start[0], end[0]) >= self.drawn[0] or max(start[1], end[1]) >= self.drawn[1]:
            return
        (wide, tall), ((x0, y0), (x1, y1)) = self.tile, (self.corner(place) for place in ends)
        style = {"arrowstyle": "<->" if both else "->", "color": TENSOR_COLORS[tensor], "linewidth": 1.2}
        style |= {"shrinkA": 0, "shrinkB": 0, "mutation_scale": 6}
        right, below = _WAYS[tensor]
        if start[1] == end[1]:
            across = x0 + wide * (0.5 + right)
            pieces = [((across, y0 + tall), (across, y1))]
            if abs(start[0] - end[0]) > 1:
                pieces = [
                    ((across, y0 - _APART / 2), (across, y0)),
                    ((across, y1 + tall + _APART / 2), (across, y1 + tall)),
                ]
        else:
            down = y0 + tall * (0.35 + below)
            pieces = [((x0 + wide, down), (x1, down))]
            if abs(start[1] - end[1]) > 1:
                pieces = [((x0 - _APART / 2, down), (x0, down)), ((x1 + wide + _APART / 2, down), (x1 + wide, down))]
        for begin, finish in pieces:
            axes.annotate("", finish, begin, arrowprops=style, zorder=1)
