"""Products with weights that lie packed in blocks of few bits, each with a scale (onnxruntime's MatMulNBits and kin).

The machine computes in its own precision; off-chip the weights take the bits that the file keeps, scales and zero
points and the padding of the last block included.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import onnx

from accelerator_sim.workload.onnx.graph import Graph, Shape, attribute
from accelerator_sim.workload.onnx.piece import Piece, product, stored_bits, with_stored_bits
from accelerator_sim.workload.onnx.unreadable import Unreadable


def n_bits(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return MatMulNBits or MatMulBnb4: K and N are attributes."""
    inner, columns = _sizes(node, name, "K"), _sizes(node, name, "N")
    if node.op_type == "MatMulBnb4" and not attribute(node, "transB", 1):
        inner, columns = columns, inner
    elif node.op_type == "MatMulNBits":
        _check_blob(graph, node, name, (inner, columns))
    return _packed(graph, node, name, (inner, columns), list(node.input[1:4]))


def _check_blob(graph: Graph, node: onnx.NodeProto, name: str, sizes: tuple[int, int]) -> None:
    """Raise Unreadable for weights of MatMulNBits that are not [N, blocks, bytes of a block], as far as is known."""
    inner, columns = sizes
    bits, block = int(attribute(node, "bits", 4)), int(attribute(node, "block_size", 0))
    held = graph.shapes.get(graph.operand(node, 1))
    if held is None or block < 1 or 0 in held:
        return
    wanted = (columns, -(-inner // block), -(-block * bits // 8))
    if math.prod(held) != math.prod(wanted):
        raise Unreadable(
            name,
            f"weights of {list(held)}; {list(wanted)} are required for K {inner}, N {columns} and blocks of {block}"
            f" weights of {bits} bits",
        )


def by_blocks(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return MatMulBlockQuantizedFp4Weight or ...Fp8Weight: the weights are [N, K], two of four bits to a byte."""
    w = graph.shape(node.input[1], name)
    if len(w) != 2:
        raise Unreadable(name, f"weights of {list(w)}; [N, K] is required")
    inner = w[1] * (2 if "Fp4" in node.op_type else 1)
    return _packed(graph, node, name, (inner, w[0]), list(node.input[1:3]))


def four_bit_blob(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return MatMulFpQ4: the third operand is the shape of the weights."""
    shape = graph.value(node.input[2])
    if shape is None or shape.size != 2:
        raise Unreadable(name, "the shape of its weights is not a constant of two sizes")
    return _packed(graph, node, name, (int(shape[0]), int(shape[1])), [node.input[1]])


def gated(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return MatMulNBitsMlp: the gate and the way up, two products of the same rows."""
    sizes = _sizes(node, name, "K"), _sizes(node, name, "N")
    parts = (("gate", 3), ("up", 6))
    return [
        piece
        for part, at in parts
        for piece in _packed(graph, node, f"{name}.{part}", sizes, list(node.input[at : at + 2]))
    ]


def projections(graph: Graph, node: onnx.NodeProto, name: str) -> list[Piece]:
    """Return MatMulNBitsQkv: queries, keys and values, three products of the same rows."""
    inner = _sizes(node, name, "K")
    pieces = []
    for number, (part, at, size) in enumerate((("q", 3, "Nq"), ("k", 6, "Nkv"), ("v", 9, "Nkv"))):
        sizes = inner, _sizes(node, name, size)
        pieces += _packed(graph, node, f"{name}.{part}", sizes, list(node.input[at : at + 2]), number)
    return pieces


def packed_shape(graph: Graph, node: onnx.NodeProto) -> dict[int, Shape]:
    """Return the shapes of what these operators write, by output."""
    x = graph.shapes[node.input[0]]
    if node.op_type == "MatMulNBitsQkv":
        widths = [int(attribute(node, size, 0)) for size in ("Nq", "Nkv", "Nkv")]
        return {at: (*x[:-1], width) for at, width in enumerate(widths)} | {3: x}
    if node.op_type == "MatMulFpQ4":
        value = graph.value(node.input[2])
        return {} if value is None else {0: (*x[:-1], int(value.reshape(-1)[-1]))}
    if node.op_type.startswith("MatMulBlockQuantized"):
        return {0: (*x[:-1], graph.shapes[node.input[1]][0])}
    width = "K" if node.op_type == "MatMulBnb4" and not attribute(node, "transB", 1) else "N"
    return {0: (*x[:-1], int(attribute(node, width, 0))), 1: x}


def _sizes(node: onnx.NodeProto, name: str, attribute_name: str) -> int:
    size = int(attribute(node, attribute_name, 0))
    if size < 1:
        raise Unreadable(name, f"{attribute_name} is {size}; at least 1 is required")
    return size


def _packed(
    graph: Graph, node: onnx.NodeProto, name: str, sizes: tuple[int, int], tensors: Sequence[str], number: int = 0
) -> list[Piece]:
    """A product of all rows with weights of inner x columns; nothing where the weights are left out."""
    inner, columns = sizes
    x = graph.shape(node.input[0], name)
    if not x or x[-1] != inner:
        raise Unreadable(name, f"rows of {list(x)}; {inner} columns are required")
    rows = math.prod(x[:-1])
    if not rows or graph.is_empty(tensors[0]):
        return []
    out = node.output[number] if number < len(node.output) else node.output[0]
    piece = Piece(product(name, rows, inner, columns), (node.input[0],), out)
    return [with_stored_bits(piece, stored_bits(graph, tensors, inner * columns))]
