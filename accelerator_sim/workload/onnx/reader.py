"""From an ONNX file to a network: every node is a layer, fused into one, free, or told to the user."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from accelerator_sim.files.errors import InvalidFile, Problem
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.onnx.convolutions import conv, conv_transpose, folded_pad
from accelerator_sim.workload.onnx.densities import Densities
from accelerator_sim.workload.onnx.graph import Graph, Unreadable, load_graph, problem
from accelerator_sim.workload.onnx.piece import Maker, Piece
from accelerator_sim.workload.onnx.products import attention, einsum, gemm, matmul, recurrent
from accelerator_sim.workload.onnx.traffic import FREE, OPS, main_input, moved, treatment

MAKERS: dict[str, Maker] = {
    **dict.fromkeys(("Conv", "ConvInteger", "QLinearConv", "FusedConv"), conv),
    "ConvTranspose": conv_transpose,
    **dict.fromkeys(("Gemm", "QGemm", "FusedGemm"), gemm),
    **dict.fromkeys(("MatMul", "MatMulInteger", "QLinearMatMul"), matmul),
    "Einsum": einsum,
    "Attention": attention,
    **dict.fromkeys(("LSTM", "GRU", "RNN"), recurrent),
}
"""Operators that are made of multiply-accumulates."""

_DOMAINS = {"FusedConv": "com.microsoft", "QGemm": "com.microsoft", "FusedGemm": "com.microsoft"}


def read_onnx(path: Path, choices: Choices) -> Network:
    """Read a network, by the choices that hold for ONNX files.  Raises InvalidFile with all that is wrong with it."""
    graph = load_graph(path, choices.bind)
    try:
        return _network(graph, choices)
    except Unreadable as error:
        raise problem(path, error.where, str(error)) from None


def _network(graph: Graph, choices: Choices) -> Network:
    assembly = _Assembly(graph)
    for at, name in enumerate(graph.names):
        try:
            assembly.add(at)
        except (TypeError, IndexError, KeyError, AttributeError, OverflowError) as error:
            # An attribute of another type, or an operand that is not there: a damaged file can hold any.
            op = graph.nodes[at].op_type
            raise Unreadable(name, f"{op} has attributes or operands that do not fit it: {error}") from None
    if choices.strict and assembly.unknown:
        problems = [
            Problem(str(graph.file), None, None, name, f"operator {op} is not known, and --strict is given")
            for name, op in assembly.unknown
        ]
        raise InvalidFile(problems)
    densities = Densities(graph, choices.weights)
    densities.decide(assembly.pieces)
    if choices.inputs is not None:
        densities.measure(assembly.pieces, choices.inputs)
    layers = tuple(
        densities.with_density(piece, assembly.named(piece), assembly.last[piece.layer.name])
        for piece in assembly.pieces
    )
    if not layers:
        raise Unreadable("", "no node computes or moves anything")
    return Network(
        name=graph.model.graph.name or graph.file.stem,
        source=_source(graph),
        layers=layers,
        file=str(graph.file),
        notes=" ".join(filter(None, [*assembly.notes(), *densities.notes(), densities.formats(assembly.pieces)])),
    )


def _source(graph: Graph) -> str:
    model = graph.model
    producer = f", written by {model.producer_name} {model.producer_version}".rstrip() if model.producer_name else ""
    return f"{graph.file.name}, ONNX operator set {graph.opset}{producer}"


class _Assembly:
    """The layers of a graph as they are found, and which of them writes what."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.pieces: list[Piece] = []
        self.unknown: list[tuple[str, str]] = []
        self.fused: Counter[str] = Counter()
        self.counted_as_traffic: list[str] = []
        self._folded: set[int] = set()
        self._hosts: set[str] = set()
        """Tensors that a layer writes, as far as something may still be fused into it."""
        self._writer: dict[str, str] = {}
        """Layer that writes a tensor, or the one that another view of it comes from."""
        self._taken: set[str] = set()
        self.last: dict[str, str] = {}
        """What a layer writes in the end, after all that is fused into it."""

        for node in graph.nodes:
            if node.op_type in ("Conv", "ConvInteger", "QLinearConv") and folded_pad(graph, node) is not None:
                self._folded.add(graph.producers[node.input[0]])

    def add(self, at: int) -> None:
        """Take in a node."""
        graph, node = self.graph, self.graph.nodes[at]
        name = graph.names[at]
        if at in self._folded:
            self.fused[node.op_type] += 1
            return self._pass_on(at)
        if node.op_type in MAKERS and node.domain in ("", "ai.onnx", _DOMAINS.get(node.op_type, "")):
            if any(graph.is_constant(out) for out in node.output if out):
                return self._pass_on(at)  # computed beforehand
            made = MAKERS[node.op_type](graph, node, name)
            if made:
                return self._keep(at, made)
            self.counted_as_traffic.append(f"{name} ({node.op_type})")
        elif (node.op_type not in OPS and node.op_type not in FREE) or node.domain not in ("", "ai.onnx"):
            self._refuse_hidden_work(at)
            self.unknown.append((name, f"{node.domain}.{node.op_type}".lstrip(".")))
        how = treatment(graph, at, self._hosts) if node.domain in ("", "ai.onnx") else "traffic"
        if how != "traffic":
            if how == "fused":
                self.fused[node.op_type] += 1
                self.last[self._writer[main_input(graph, node)]] = node.output[0]
            return self._pass_on(at)
        piece = moved(graph, at, name)
        return self._keep(at, [piece]) if piece is not None else self._pass_on(at)

    def _refuse_hidden_work(self, at: int) -> None:
        """Raise Unreadable for a node whose subgraphs multiply: their work would be lost."""
        node = self.graph.nodes[at]
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                hidden = [each.op_type for each in inner.node if each.op_type in MAKERS]
                if hidden:
                    raise Unreadable(
                        self.graph.names[at],
                        f"{node.op_type} holds {', '.join(dict.fromkeys(hidden))} in a subgraph, which is not read;"
                        " export the network with its control flow unrolled",
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

    def _pass_on(self, at: int) -> None:
        """What the node writes comes from where its input came from."""
        node = self.graph.nodes[at]
        read = main_input(self.graph, node)
        for out in node.output:
            if out and read in self._writer:
                self._writer[out] = self._writer[read]
                if len(self.graph.consumers.get(read, [])) == 1:
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
        if self.unknown:
            listed = ", ".join(f"{name} ({op})" for name, op in self.unknown[:10])
            more = f" and {len(self.unknown) - 10} more" if len(self.unknown) > 10 else ""
            notes.append(f"UNKNOWN operators, counted by the words that they move: {listed}{more}.")
        if self.counted_as_traffic:
            notes.append(f"No matrix product, counted by the words moved: {', '.join(self.counted_as_traffic)}.")
        notes += dict.fromkeys(f"{piece.note}." for piece in self.pieces if piece.note)
        return notes
