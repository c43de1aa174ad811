"""The layers of a graph as they are found, and which of them writes what."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from accelerator_sim.workload.onnx.addressing import read_in_place
from accelerator_sim.workload.onnx.convolutions import conv_operands, folded_pad
from accelerator_sim.workload.onnx.graph import Graph
from accelerator_sim.workload.onnx.makers import is_known, maker_of, may_multiply, products_inside
from accelerator_sim.workload.onnx.node_traffic import main_input, moved, treatment
from accelerator_sim.workload.onnx.operators import RUNTIME, named, operator_key
from accelerator_sim.workload.onnx.piece import Piece
from accelerator_sim.workload.onnx.unreadable import DAMAGE, OpenShape, Unreadable, unfit

_FOLDS = ("Conv", "ConvInteger", "QLinearConv", "FusedConv")
"""Convolutions that a Pad before them is folded into."""


class Assembly:
    """The layers of a graph as they are found, and which of them writes what."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.pieces: list[Piece] = []
        self.unknown: list[tuple[str, str]] = []
        self.fused: Counter[str] = Counter()
        self.in_place: Counter[str] = Counter()
        self.turned: list[str] = []
        """Layers that move words, for the innermost dimension is turned."""
        self.counted_as_traffic: list[str] = []
        self._folded: set[int] = set()
        self._hosts: set[str] = set()
        """Tensors that a layer writes, as far as something may still be fused into it."""
        self._writer: dict[str, str] = {}
        """Layer that writes a tensor, or the one that another view of it comes from."""
        self._taken: set[str] = set()
        self.last: dict[str, str] = {}
        """What a layer writes in the end, after all that is fused into it."""

    def add_all(self) -> None:
        """Take in all nodes.  Raises Unreadable, naming the node, for one that cannot be understood."""
        for node in self.graph.nodes:
            try:
                if node.op_type in _FOLDS and folded_pad(self.graph, node) is not None:
                    self._folded.add(self.graph.producers[conv_operands(node)[0]])
            except DAMAGE:
                continue  # a damaged node, which is reported below
        for at, node in enumerate(self.graph.nodes):
            try:
                self.add(at)
            except DAMAGE as error:
                raise unfit(self.graph.names[at], node.op_type, error) from None

    def add(self, at: int) -> None:
        """Take in a node."""
        graph, node = self.graph, self.graph.nodes[at]
        name = graph.names[at]
        if at in self._folded:
            self.fused[node.op_type] += 1
            return self._pass_on(at)
        outputs = [out for out in node.output if out]
        if outputs and all(graph.is_constant(out) for out in outputs):
            return self._pass_on(at)  # computed beforehand
        self._refuse_hidden_work(at)
        if may_multiply(graph, node):
            piece = moved(graph, at, name, uncounted=named(node))
            return self._keep(at, [piece]) if piece is not None else None
        make = maker_of(node)
        if make is not None:
            try:
                made = make(graph, node, name)
            except OpenShape as error:
                made = [self._behind(at, error)]
            if made:
                return self._keep(at, made)
            if any(graph.is_empty(read) for read in node.input):
                return self._pass_on(at)  # a sum over nothing
            self.counted_as_traffic.append(f"{name} ({node.op_type})")
        elif not is_known(operator_key(node)) and not is_known((RUNTIME, node.op_type)):
            self.unknown.append((name, named(node)))
        if read_in_place(graph, node):
            self.in_place[node.op_type] += 1
            return self._pass_on(at, whole=node.op_type == "Transpose")
        if node.op_type == "Transpose" and not node.domain:
            self.turned.append(name)
        how = treatment(graph, at, self._hosts)
        if how != "traffic":
            if how == "fused":
                self.fused[node.op_type] += 1
                self.last[self._writer[main_input(graph, node)]] = node.output[0]
            return self._pass_on(at)
        if outputs and all(graph.is_empty(out) for out in outputs):
            return self._pass_on(at)  # nothing to compute
        piece = moved(graph, at, name)
        return self._keep(at, [piece]) if piece is not None else self._pass_on(at)

    def _behind(self, at: int, error: OpenShape) -> Piece:
        """Return the layer of a product that reads what an uncounted operator writes: it fails as that one does.

        Raises the error where another operator left the shape open: then the file lacks required information.
        """
        cause = self.graph.nodes[error.cause] if error.cause is not None else None
        if cause is None or not may_multiply(self.graph, cause):
            raise error
        node = self.graph.nodes[at]
        piece = moved(self.graph, at, self.graph.names[at], uncounted=f"{named(node)} behind {named(cause)}")
        assert piece is not None  # an uncounted layer is never left out
        return piece

    def _refuse_hidden_work(self, at: int) -> None:
        """Raise Unreadable for a node whose subgraphs multiply, at any depth: their work would be lost."""
        node = self.graph.nodes[at]
        hidden = products_inside(node)
        if hidden:
            raise Unreadable(
                self.graph.names[at],
                f"{node.op_type} holds {', '.join(hidden)} in a subgraph, and what it does depends on the input; export"
                " the network with its control flow unrolled",
            )

    def _keep(self, at: int, pieces: list[Piece]) -> None:
        node = self.graph.nodes[at]
        for piece in pieces:
            name = piece.layer.name
            if name in self._taken:
                name = next(f"{name}~{n}" for n in range(2, len(self._taken) + 3) if f"{name}~{n}" not in self._taken)
            self._taken.add(name)
            self.last[name] = piece.writes
            self.pieces.append(replace(piece, layer=replace(piece.layer, name=name)))
        last = self.pieces[-1].layer.name
        for out in node.output:
            if out:
                self._writer[out] = last
                self._hosts.add(out)

    def _pass_on(self, at: int, whole: bool = True) -> None:
        """What the node writes comes from where its input came from; whole: all of it, not a part."""
        node = self.graph.nodes[at]
        read = main_input(self.graph, node)
        for out in node.output:
            if out and read in self._writer:
                self._writer[out] = self._writer[read]
                if whole and len(self.graph.consumers.get(read, [])) == 1:
                    self._hosts.add(out)

    def named(self, piece: Piece) -> tuple[str, ...]:
        """The layers whose outputs a piece reads; those of the network's inputs have no name."""
        return tuple(dict.fromkeys(self._writer[read] for read in piece.reads if read in self._writer))

    def notes(self) -> list[str]:
        """What a reader of the layers should know."""
        notes = []
        if self.fused:
            fused = ", ".join(f"{count} {op}" for op, count in sorted(self.fused.items()))
            notes.append(f"Fused into the layer before or after them and not listed: {fused}.")
        if self.in_place:
            views = ", ".join(f"{count} {op}" for op, count in sorted(self.in_place.items()))
            notes.append(f"Read in place, by strides, and not listed: {views}.")
        if self.turned:
            more = f" and {len(self.turned) - 10} more" if len(self.turned) > 10 else ""
            listed = ", ".join(self.turned[:10])
            notes.append(f"Moved, for their innermost dimension is turned: {listed}{more}.")
        if self.unknown:
            listed = ", ".join(f"{name} ({op})" for name, op in self.unknown[:10])
            more = f" and {len(self.unknown) - 10} more" if len(self.unknown) > 10 else ""
            notes.append(f"UNKNOWN operators, counted by the words that they move: {listed}{more}.")
        if self.counted_as_traffic:
            notes.append(f"Not a product, counted by the words moved: {', '.join(self.counted_as_traffic)}.")
        failing = [f"{p.layer.name} ({p.layer.uncounted})" for p in self.pieces if p.layer.uncounted]
        if failing:
            more = f" and {len(failing) - 10} more" if len(failing) > 10 else ""
            notes.append(f"NOT COUNTED, for they may multiply: {', '.join(failing[:10])}{more}.")
        notes += dict.fromkeys(f"{piece.note}." for piece in self.pieces if piece.note)
        return notes
