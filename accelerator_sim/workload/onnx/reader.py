"""From an ONNX file to a network: every node is a layer, fused into one, free, or named in a note."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from accelerator_sim.files.errors import AcceleratorSimError, InvalidFile, Problem
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_file import LARGEST_NETWORK
from accelerator_sim.workload.onnx.activations import measure
from accelerator_sim.workload.onnx.assembly import Assembly
from accelerator_sim.workload.onnx.batch import divided
from accelerator_sim.workload.onnx.densities import Densities, Measuring
from accelerator_sim.workload.onnx.graph import Graph
from accelerator_sim.workload.onnx.labels import network_name
from accelerator_sim.workload.onnx.loading import load_graph
from accelerator_sim.workload.onnx.piece import Piece
from accelerator_sim.workload.onnx.unreadable import Unreadable, one_line, problem


def read_onnx(path: Path, choices: Choices) -> Network:
    """Read a network, by the choices for ONNX files.  Raises InvalidFile with all that is wrong with it."""
    try:
        graph = load_graph(path, choices.bind, weights=choices.weights is not False)
        return network_of(graph, choices, _origin(graph, choices.inputs))
    except Unreadable as error:
        raise problem(path, error.where, str(error)) from None
    except AcceleratorSimError:
        raise
    except Exception as error:
        # A damaged file can make onnx, protobuf, numpy or this reader stumble in any way.  The file is what is wrong,
        # as far as a user can tell, and the kind of the exception is what a report of a fault needs.
        raise problem(path, "", f"cannot be read: {type(error).__name__}: {one_line(error)}") from error


@dataclass(frozen=True)
class GraphOrigin:
    """Where a graph comes from, as its network says it, and how it is run."""

    name: str
    """Name of the network."""
    source: str
    """Where its layers come from, in words."""
    holder: str
    """What holds its weights, in a word."""
    measuring: Measuring | None = None
    """Runs it, to measure the densities of its activations; None: they are assumed."""
    inputs: str = ""
    """What it is run on, in words."""
    note: str = ""
    """What else a reader of the layers should know."""


def network_of(graph: Graph, choices: Choices, origin: GraphOrigin) -> Network:
    """Return the network of a graph.

    choices: of those for ONNX files, `strict` and `weights`.  Raises Unreadable for what cannot be understood, and
    InvalidFile for operators that nobody knows, if that is asked for.
    """
    assembly = Assembly(graph)
    assembly.add_all()
    if choices.strict:
        _require_known(graph, assembly)
    if len(assembly.pieces) > LARGEST_NETWORK:
        raise Unreadable("", f"{len(assembly.pieces):,} layers; at most {LARGEST_NETWORK:,} are allowed")
    pieces, batch = divided(graph, assembly.pieces)
    densities = Densities(graph, choices.weights, origin.holder)
    densities.decide(pieces)
    if origin.measuring is not None:
        densities.measure(pieces, origin.measuring, origin.inputs)
    layers = tuple(
        densities.with_density(piece, assembly.named(piece), assembly.last[piece.layer.name]) for piece in pieces
    )
    if not layers:
        raise Unreadable("", "no node computes or moves anything")
    return Network(
        name=origin.name,
        source=origin.source,
        layers=layers,
        file=str(graph.file),
        notes=" ".join(filter(None, [*assembly.notes(), *densities.notes(), densities.formats(pieces), origin.note])),
        reused=_reused(pieces),
        batch=batch,
    )


def _origin(graph: Graph, inputs: Path | None) -> GraphOrigin:
    name, source = network_name(graph.model.graph, graph.file), _source(graph)
    if inputs is None:
        return GraphOrigin(name, source, "file")
    return GraphOrigin(name, source, "file", partial(measure, graph, inputs), inputs.name)


def _require_known(graph: Graph, assembly: Assembly) -> None:
    """Raise InvalidFile with all operators that nobody knows, and those that may multiply and are not counted."""
    uncounted = [(piece.layer.name, piece.layer.uncounted) for piece in assembly.pieces if piece.layer.uncounted]
    messages = [(name, f"operator {op} is not known") for name, op in assembly.unknown]
    messages += [(name, f"operator {op} may multiply and is not counted") for name, op in uncounted]
    if messages:
        where = str(graph.file)
        raise InvalidFile(
            [Problem(where, None, None, name, f"{message}, and --strict is given") for name, message in messages]
        )


def _source(graph: Graph) -> str:
    model = graph.model
    producer = f", written by {model.producer_name} {model.producer_version}".rstrip() if model.producer_name else ""
    return f"{graph.file.name}, ONNX operator set {graph.opset}{producer}"


def _reused(pieces: list[Piece]) -> frozenset[str]:
    """Names of the layers that have the weights of an earlier one."""
    seen: set[tuple[str, int | None]] = set()
    names = set()
    for piece in pieces:
        if piece.weights is None:
            continue
        key = piece.weights.tensor, piece.weights.part
        if key in seen:
            names.add(piece.layer.name)
        seen.add(key)
    return frozenset(names)
