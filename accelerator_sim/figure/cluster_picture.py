"""The picture of a cluster: GLB banks, routers, PEs and the wires between them; and of a PE with its SPads.

The wires are those of `OnChipNetwork.links`, on the floor plan that they have there.  Source: JETCAS 2019, Figs. 4, 6
and 11; JSSC 2017, Fig. 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from accelerator_sim.architecture.architecture import TENSORS, Architecture, SPad
from accelerator_sim.architecture.grid import Grid
from accelerator_sim.architecture.networks import FlatNetwork, HierarchicalMesh
from accelerator_sim.architecture.wire_links import NetworkNode, NodeKind, WireLink, reversed_link
from accelerator_sim.figure.canvas import BLUE, DARK, GREEN, INK, LIGHT, PALE, RED, SAND, Axes

TENSOR_COLORS = {"iact": BLUE, "weight": GREEN, "psum": RED}
"""Of the data types, as in the picture of a mapping."""
BANK_COLORS = {"iact": PALE, "weight": "#bfe3d4", "psum": "#f2c9ad", "shared": SAND}
"""Of GLB banks and SPads, by data type."""
MOST_ROWS = 16
"""Rows, and columns, of PEs that are drawn."""
_MOST_SOURCES = 4
"""Routers or ports that reach all PEs whose wires are drawn."""
_MOST_BANKS = 32
"""Banks up to which each is drawn; more are one block."""
_LANES = {"iact": -0.17, "weight": 0.06, "psum": 0.22}
"""Where the wires of a data type pass a row of PEs, from its middle."""
_TRUNKS = {"iact": -1.0, "weight": -0.75, "psum": -0.87}
_PE, _BANKS, _ROUTER, _PORT = 0.3, -3.3, -1.7, -2.4
"""Half the side of a PE; from the first column of PEs: the left side of the banks, routers of a mesh, their ports."""
_ZEROS = {"skip": "are skipped", "gate": "gate the MAC for a cycle", "none": "take a full cycle"}

Point = tuple[float, float]
"""Right and down, in PEs."""


def size_text(size: float) -> str:
    """Return bytes as a file has them, as "1.5 KiB"."""
    for unit, of in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= of:
            return f"{size / of:g} {unit}"
    return f"{size:g} B"


@dataclass(frozen=True)
class BankStack:
    """The GLB banks of one use in a cluster; none where words go past the GLB."""

    use: str
    banks: int
    text: str


def bank_stacks(machine: Architecture) -> Iterator[BankStack]:
    """Yield the banks of a cluster by their use: those of each data type, and shared ones."""
    glb = machine.glb
    if glb.shared is not None:
        of = ", ".join(f"{tensor}s" for tensor in glb.shared.tensors)
        yield BankStack(
            "shared", glb.shared.banks, f"GLB: {glb.shared.banks:,} banks\nof {size_text(glb.shared.size)}\nfor {of}"
        )
    for tensor in TENSORS:
        store = getattr(glb, tensor)
        if store is not None and store.banks:
            text = f"GLB: {store.banks} {tensor} bank{'s' * (store.banks > 1)}\nof {size_text(store.size)}"
            yield BankStack(tensor, store.banks, text)
        elif not glb.shares(tensor):
            yield BankStack(tensor, 0, f"{tensor}s go past the GLB")


@dataclass(frozen=True)
class ClusterView:
    """The first cluster of a machine, cut to the rows and columns of PEs that are drawn."""

    machine: Architecture

    @cached_property
    def pes(self) -> Grid:
        """The PEs that are drawn."""
        whole = self.machine.pe_cluster
        return Grid(rows=min(whole.rows, MOST_ROWS), columns=min(whole.columns, MOST_ROWS))

    def sources(self, tensor: str) -> int:
        """Routers of a mesh, or ports of a flat network, whose wires are drawn."""
        network = self.machine.network(tensor)
        if isinstance(network, HierarchicalMesh):
            most = {"iact": _MOST_SOURCES, "weight": self.pes.rows, "psum": self.pes.columns}[tensor]
            return min(network.routers, most)
        assert isinstance(network, FlatNetwork)
        return min(network.sources(self.pes.count), _MOST_SOURCES) if network.multicasts else self.pes.count

    def links(self, tensor: str) -> Iterator[WireLink]:
        """The wires inside the cluster, those that go both ways once."""
        site = replace(self.machine.site(tensor), pes=self.pes, clusters=Grid(rows=1, columns=1))
        network, most = self.machine.network(tensor), self.sources(tensor)
        passed: set[WireLink] = set()
        for link in network.links(site):
            if link.source < most and link not in passed:
                passed.add(reversed_link(link))
                yield link

    def position(self, node: NetworkNode, tensor: str, source: int) -> Point:
        """Where a node is drawn, for the wires of one source."""
        mesh = not self.machine.flat
        lane = _LANES[tensor] + self._beside(tensor, source)
        if node.kind is NodeKind.PE:
            row, column = node.place
            return float(column), row + (0.0 if mesh and tensor == "psum" else lane)
        if node.kind is NodeKind.BEND:
            return self._bend(node, tensor, lane)
        if mesh and tensor == "psum":
            return float(source), self.pes.rows - (0.1 if node.kind is NodeKind.ROUTER else -0.45)
        if not mesh:
            most = max(1, self.sources(tensor)) if self.machine.network(tensor).multicasts else 1
            down = 3 * _LANES[tensor] + 0.4 * (source % most - (most - 1) / 2) / most
            return _PORT, (self.pes.rows - 1) / 2 + down
        across = _ROUTER if node.kind is NodeKind.ROUTER else _PORT
        if tensor == "weight":
            from_bank = node.kind is NodeKind.ROUTER or self.machine.glb.bank_size("weight")
            return across if from_bank else _ROUTER - 0.4, source + 0.22
        shown = self.sources("iact")
        return across, (source + 0.5) / shown * self.pes.rows - 0.72

    def _bend(self, node: NetworkNode, tensor: str, lane: float) -> Point:
        if len(node.place) == 3 and node.place[2] >= 0:  # on a way of its own
            return float(node.place[2]), node.place[1] + lane
        if tensor == "psum" and not self.machine.flat:  # back from the top of a column
            return node.place[0] + 0.42, float(node.place[1])
        return _TRUNKS[tensor] + self._beside(tensor, node.place[0]), node.place[1] + lane

    def _beside(self, tensor: str, source: int) -> float:
        """Wires of sources that pass one row lie side by side."""
        if not self.machine.flat and tensor != "iact":
            return 0.0
        sources = self.sources(tensor)
        return 0.16 * (source - (sources - 1) / 2) / sources if sources > 1 else 0.0


def draw_cluster(axes: Axes, machine: Architecture, scale: float) -> None:
    """Draw the first cluster of a machine.

    axes: those of `cluster_size`; scale: inches of a PE.
    """
    from matplotlib.patches import Rectangle

    view = ClusterView(machine)
    for tensor in TENSORS:
        for link in view.links(tensor):
            _wire(axes, view, tensor, link)
    for tensor in TENSORS:
        nodes = {node for link in view.links(tensor) for node in (link.start, link.end)}
        for node in (node for node in nodes if node.kind is NodeKind.ROUTER):
            x, y = view.position(node, tensor, node.place[0])
            box = Rectangle((x - 0.14, y - 0.1), 0.28, 0.2, facecolor=TENSOR_COLORS[tensor], linewidth=0, zorder=3)
            axes.add_patch(box)
    _pes(axes, view, scale)
    _banks(axes, view)
    left, top, right, bottom = cluster_bounds(machine, scale)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.axis("off")


def cluster_bounds(machine: Architecture, scale: float) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of the picture of a cluster, in PEs.

    scale: inches of a PE.
    """
    pes = ClusterView(machine).pes
    past = 0.4 * sum(not stack.banks for stack in bank_stacks(machine))
    below = past if machine.flat else max(past, 1.25 + 0.16 / scale)
    return _BANKS - 1.35 / scale, -0.6 - 0.5 / scale, pes.columns - 0.3, pes.rows - 0.4 + below


def _wire(axes: Axes, view: ClusterView, tensor: str, link: WireLink) -> None:
    (x0, y0), (x1, y1) = (view.position(node, tensor, link.source) for node in (link.start, link.end))
    corner = (x0, y1) if link.end.kind is NodeKind.ROUTER and link.start.kind is not NodeKind.PORT else (x1, y0)
    axes.plot([x0, corner[0], x1], [y0, corner[1], y1], color=TENSOR_COLORS[tensor], linewidth=0.8, zorder=1)


def _pes(axes: Axes, view: ClusterView, scale: float) -> None:
    """The PEs, over the wires that end in them, and the psums that go from each to the one above."""
    from matplotlib.patches import Rectangle

    up = {"arrowstyle": "->", "color": RED, "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 14 * scale}
    for row in range(view.pes.rows):
        for column in range(view.pes.columns):
            corner = column - _PE, row - _PE
            axes.add_patch(
                Rectangle(corner, 2 * _PE, 2 * _PE, facecolor=LIGHT, edgecolor=DARK, linewidth=0.6, zorder=2)
            )
            axes.text(column, row, "PE", ha="center", va="center", fontsize=min(7, 15 * scale), zorder=4)
            if row:
                axes.annotate("", (column, row - 1 + _PE), (column, row - _PE), arrowprops=up, zorder=3)
    whole = view.machine.pe_cluster
    if whole != view.pes:
        text = f"the first {view.pes.rows} x {view.pes.columns} of {whole.rows} x {whole.columns} PEs"
        axes.text(view.pes.columns - 0.7, -0.45, text, ha="right", va="bottom", fontsize=7, style="italic")


def _banks(axes: Axes, view: ClusterView) -> None:
    """The GLB beside the PEs, psum banks of a mesh below their columns, and the off-chip DRAM."""
    from matplotlib.patches import Rectangle

    stacks = list(bank_stacks(view.machine))
    if not view.machine.flat and view.machine.glb.psum.banks:
        banks, columns = next(stack for stack in stacks if stack.use == "psum"), view.pes.columns
        stacks.remove(banks)
        corners = [(column - 0.36, view.pes.rows + 0.45) for column in range(min(banks.banks, columns))]
        for corner in corners:
            axes.add_patch(Rectangle(corner, 0.72, 0.4, facecolor=BANK_COLORS["psum"], edgecolor=DARK, linewidth=0.6))
        text = banks.text.replace("\n", " ")
        axes.text(-0.36, view.pes.rows + 0.92, text, va="top", fontsize=7)
    past = [stack for stack in stacks if not stack.banks]
    for number, stack in enumerate(past):
        place = _PORT, view.pes.rows - 0.3 + 0.4 * number
        axes.text(*place, stack.text, ha="right", va="top", fontsize=7, color=TENSOR_COLORS[stack.use])
    _column_of_banks(axes, [stack for stack in stacks if stack.banks], view.pes.rows)


def _column_of_banks(axes: Axes, stacks: list[BankStack], rows: int) -> None:
    """The banks from the first row to the last, each stack as high as it has banks, but legible."""
    from matplotlib.patches import Rectangle

    banks = sum(stack.banks for stack in stacks)
    shares = [max(stack.banks / banks, 0.12) for stack in stacks]
    top = -0.5
    for stack, share in zip(stacks, shares, strict=True):
        height = rows * share / sum(shares)
        shown = stack.banks if stack.banks <= _MOST_BANKS else 1
        part = (height - 0.06) / shown
        for number in range(shown):
            corner = _BANKS, top + number * part
            color = BANK_COLORS[stack.use]
            axes.add_patch(
                Rectangle(corner, _PORT - _BANKS, part, facecolor=color, edgecolor=DARK, linewidth=0.5, zorder=2)
            )
        axes.text(_BANKS - 0.1, top + height / 2, stack.text, ha="right", va="center", fontsize=7)
        top += height


def draw_dram(axes: Axes, text: str, scale: float) -> None:
    """Draw the off-chip DRAM above the banks of a cluster.

    text: what stands in it; scale: inches of a PE.
    """
    from matplotlib.patches import Rectangle

    left, top = _BANKS - 1.3 / scale, -0.6 - 0.45 / scale
    axes.add_patch(Rectangle((left, top), _PORT - left, 0.2 / scale, facecolor=DARK, linewidth=0))
    axes.text((left + _PORT) / 2, top + 0.1 / scale, text, color="white", ha="center", va="center", fontsize=7)
    both = {"arrowstyle": "<->", "color": INK, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 7}
    middle = (_BANKS + _PORT) / 2
    axes.annotate("", (middle, -0.5), (middle, top + 0.2 / scale), arrowprops=both)


def draw_pe(axes: Axes, machine: Architecture) -> None:
    """Draw a PE: FIFOs, SPads with those of addresses, and multipliers.

    axes: of 4.4 x 2.5 inches.
    """
    pe = machine.pe
    for row, tensor in enumerate(TENSORS):
        middle = 0.45 + 0.75 * row
        color = TENSOR_COLORS[tensor]
        _arrow(axes, (0.0, middle), (0.2, middle), color, both=tensor == "psum")
        _box(axes, (0.2, middle, 0.5, 0.4), f"FIFO\n{pe.fifo_depth[tensor]}", "white")
        _arrow(axes, (0.7, middle), (0.9, middle), color)
        _arrow(axes, (1.9, middle), (3.15, middle), color, both=tensor == "psum")
        address = getattr(pe.spad, f"{tensor}_address", None)
        if address is not None:
            _box(axes, (2.0, middle, 0.95, 0.5), f"addresses\n{address.depth} x {address.width} b", "white")
        if pe.spad.shared is None:
            spad: SPad = getattr(pe.spad, tensor)
            _box(axes, (0.9, middle, 1.0, 0.56), f"{tensor} SPad\n{spad.depth} x {spad.width} b", BANK_COLORS[tensor])
    if pe.spad.shared is not None:
        _box(axes, (0.9, 1.2, 1.0, 2.06), f"SPad for\nall types\n{size_text(pe.spad.shared)}", BANK_COLORS["shared"])
    _box(axes, (3.15, 1.2, 0.95, 2.06), f"{machine.lanes} MAC{'s' * (machine.lanes > 1)}\nper cycle", LIGHT)
    stages = f"{pe.pipeline_stages} pipeline stage{'s' * (pe.pipeline_stages > 1)}"
    csc = "" if pe.csc is None else f"; CSC with {pe.csc.count} b counts"
    axes.text(0.0, 2.42, f"zero iacts {_ZEROS[pe.zero_iact]}{csc}; {stages}", fontsize=7)
    axes.set_xlim(-0.02, 4.38)
    axes.set_ylim(2.5, 0)
    axes.axis("off")


def _box(axes: Axes, place: tuple[float, float, float, float], text: str, color: str) -> None:
    """A box with text; place: left, middle, width, height."""
    from matplotlib.patches import Rectangle

    left, middle, wide, tall = place
    corner = left, middle - tall / 2
    axes.add_patch(Rectangle(corner, wide, tall, facecolor=color, edgecolor=DARK, linewidth=0.6, zorder=2))
    axes.text(left + wide / 2, middle, text, ha="center", va="center", fontsize=6.5, zorder=3)


def _arrow(axes: Axes, start: Point, end: Point, color: str, both: bool = False) -> None:
    style = {"arrowstyle": "<->" if both else "->", "color": color, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", end, start, arrowprops=style | {"mutation_scale": 7}, zorder=1)
