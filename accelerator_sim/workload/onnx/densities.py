"""Densities of an imported network: weights as the file holds them, activations by what computes them, as assumed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import onnx
from numpy.typing import NDArray

from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.onnx.graph import Graph, attribute
from accelerator_sim.workload.onnx.operators import FREE, STANDARD, names, operator_key
from accelerator_sim.workload.onnx.piece import Piece
from accelerator_sim.workload.onnx.weights import (
    MOST_BYTES,
    Reference,
    bytes_of,
    packed_bits,
    read_weights,
    reference_of,
)

Measuring = Callable[[Mapping[str, int]], Mapping[str, NDArray[np.float64]]]
"""Runs the network: from the axis of channels, by tensor, to the density of each channel of those that it knows."""

RECTIFIED = 0.5
"""Density behind a ReLU: assumed, half of what a symmetric distribution has."""
_SAME = names("""
    MaxPool AveragePool GlobalAveragePool GlobalMaxPool Transpose Slice Split Gather Pad Concat Resize Upsample Tile
    Expand SpaceToDepth DepthToSpace LRN
""")
"""Nodes whose output is as dense as their input (an average or a maximum is denser, if anything: assumed)."""


class Densities:
    """Puts densities into layers, and remembers what was assumed.

    holder: what holds the weights, in a word: a file, a model.
    """

    def __init__(self, graph: Graph, weights: bool | None, holder: str) -> None:
        self._graph = graph
        self._holder = holder
        self._asked = weights
        self._weights = True if weights is None else weights
        self._real = self._zeros = self._words = 0
        self._skipped = 0
        self._known: dict[str, float] = {}
        self._counted: dict[str, tuple[int, int]] = {}
        """Weights that are not zero, and all of them, by the key of a reference: steps of a recurrence share theirs."""
        self._rectified = False
        self._channels: Mapping[str, NDArray[np.float64]] = {}
        self._inputs = ""

    def decide(self, pieces: list[Piece]) -> None:
        """Leave the weights out where there are many and nobody has asked for them."""
        if self._asked is None:
            references = [reference_of(self._graph, piece.weights) for piece in pieces if piece.weights is not None]
            total = sum(bytes_of(self._graph, reference) for reference in references if reference is not None)
            if total > MOST_BYTES:
                self._weights, self._skipped = False, total

    def measure(self, pieces: list[Piece], measuring: Measuring, inputs: str) -> None:
        """Run the network, and keep the densities of what its layers read; inputs: what it is run on, in words."""
        self._channels = measuring({p.reads[0]: 1 if p.layer.op == "conv" else -1 for p in pieces if _has_iacts(p)})
        self._inputs = inputs

    def with_density(self, piece: Piece, reads: tuple[str, ...], written: str) -> Layer:
        """Return the layer of a piece with its density and the names of the layers that it reads.

        written: the tensor that leaves the layer, after what is fused into it.
        """
        layer = replace(piece.layer, reads=reads)
        if not layer.is_mac:
            return layer
        if piece.weights is not None and layer.weight_bits is None:
            layer = replace(layer, weight_bits=packed_bits(self._graph, piece.weights))
        iact = self.of(piece.reads[0]) if piece.reads else 1.0
        weight, tensor, source = 1.0, None, "weights: taken as dense"
        if piece.weights is not None and self._weights:
            reference = reference_of(self._graph, piece.weights)
            if reference is not None:
                weight, tensor = self._measured(reference)
                source = f"weights: those of the {self._holder}, 8 bits, one scale a filter"
        elif layer.op == "matmul" and len(piece.reads) > 1:
            weight = self.of(piece.reads[1])
            source = "second operand: assumed same as the first"
        assumed = "a ReLU's, assumed 0.5" if iact == RECTIFIED else "assumed, by what computes them"
        if iact == 1.0:
            assumed = "taken as dense"
        profile = self._profile(piece)
        if profile is not None:
            iact, assumed = math.fsum(profile) / len(profile), f"as run on {self._inputs}"
        density = Density(
            iact=iact,
            weight=weight,
            oact=self.of(written),
            source=f"iacts: {assumed}; {source}",
            profile_iact=tuple(profile) if profile is not None else (),
            tensor_weight=tensor,
        )
        return replace(layer, density=density)

    def _profile(self, piece: Piece) -> list[float] | None:
        """Measured densities of the channels, where there is one for each."""
        densities = self._channels.get(piece.reads[0]) if piece.reads else None
        channels = piece.layer.G * piece.layer.C
        return [float(value) for value in densities] if densities is not None and len(densities) == channels else None

    def _measured(self, reference: Reference) -> tuple[float, tuple[str, str]]:
        key = reference.key()
        if key not in self._counted:
            values = read_weights(self._graph.file, key)
            self._counted[key] = int(np.count_nonzero(values)), values.size
        filled, size = self._counted[key]
        self._real += 1
        self._words += size
        self._zeros += size - filled
        return filled / max(size, 1), (str(self._graph.file), key)

    def of(self, tensor: str) -> float:
        """Density of a tensor of activations, by what computes it: 0.5 behind a ReLU, else dense."""
        if tensor not in self._known:
            self._known[tensor] = 1.0  # a cycle would come back here
            self._known[tensor] = self._find(tensor)
        return self._known[tensor]

    def _find(self, tensor: str) -> float:
        at = self._graph.producers.get(tensor)
        if at is None:
            return 1.0
        node = self._graph.nodes[at]
        if node.op_type in ("Relu", "ThresholdedRelu") or (node.op_type == "Clip" and self._clips_at_zero(at)):
            self._rectified = True
            return RECTIFIED
        if operator_key(node) in FREE or (node.op_type in _SAME and node.domain in STANDARD):
            sizes = [
                (math.prod(self._graph.shapes.get(read, (1,))), self.of(read))
                for read in node.input
                if read and not self._graph.is_constant(read)
            ]
            total = sum(size for size, _ in sizes)
            return sum(size * density for size, density in sizes) / total if total else 1.0
        return 1.0

    def _clips_at_zero(self, at: int) -> bool:
        node = self._graph.nodes[at]
        least = attribute(node, "min", None)
        if least is None and len(node.input) > 1 and node.input[1]:
            held = self._graph.value(node.input[1])
            least = float(held) if held is not None and held.size == 1 else None
        return bool(least == 0.0)

    def formats(self, pieces: list[Piece]) -> str:
        """Say in which number formats the file computes, where that is not all in 32-bit floats; "" if it is."""
        counts: Counter[str] = Counter()
        for piece in pieces:
            if piece.layer.is_mac and piece.reads:
                weights = self._format(piece.weights.tensor if piece.weights else piece.reads[-1])
                counts[f"iacts {self._format(piece.reads[0])}, weights {weights}"] += 1
        if set(counts) <= {"iacts float, weights float"}:
            return ""
        listed = "; ".join(f"{text} ({count} layers)" for text, count in counts.items())
        return f"Number formats in the {self._holder}: {listed}; the machine computes in its own precision."

    def _format(self, tensor: str) -> str:
        """The type of a tensor, or of what it was quantised to."""
        at = self._graph.producers.get(tensor)
        node = self._graph.nodes[at] if at is not None else None
        if node is not None and node.op_type in ("DequantizeLinear", "Identity", "Reshape", "Transpose", "Flatten"):
            return self._format(node.input[0])
        kind = self._graph.types.get(tensor)
        return onnx.TensorProto.DataType.Name(kind).lower() if kind else "unknown"

    def notes(self) -> list[str]:
        """What was taken from the file, and what was assumed."""
        notes = []
        if self._real:
            share = 100.0 * self._zeros / max(self._words, 1)
            notes.append(
                f"Weights of {self._real} layers are those of the {self._holder}, quantised to 8 bits with one scale a"
                f" filter: {share:.1f}% zeros."
            )
        if self._skipped:
            notes.append(
                f"The {self._holder}'s {self._skipped / 1e9:.1f} GB of weights were not read and are taken as dense;"
                " ask for them with --weights."
            )
        if self._inputs:
            notes.append(f"Densities of iacts are those of the network run on {self._inputs}.")
        elif self._rectified:
            notes.append(f"Activations behind a ReLU are assumed to have a density of {RECTIFIED}, others to be dense.")
        return notes


def _has_iacts(piece: Piece) -> bool:
    return piece.layer.is_mac and bool(piece.reads)
