"""Values of small constants, computed one node at a time by onnx's reference evaluator.

Only operators that files compute shapes and attributes with are evaluated, and only where the result is known to be
small before: a few bytes of a file can ask for a petabyte of ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from accelerator_sim.workload.onnx.operators import names

MOST_VALUES = 1 << 16
"""Elements of a constant up to which its values are computed."""

_ELEMENTWISE = names("""
    Add Sub Mul Div Mod Neg Abs Sign Floor Ceil Round Sqrt Pow Exp Log Min Max Mean Sum Equal Greater Less
    GreaterOrEqual LessOrEqual And Or Not Xor Where Clip Cast CastLike Identity Reciprocal BitShift BitwiseAnd BitwiseOr
    BitwiseNot BitwiseXor Relu IsNaN IsInf QuantizeLinear DequantizeLinear Trilu CumSum Shape Size
""")
"""Operators whose output is as large as their operands, broadcast."""
_REARRANGING = names("""
    Constant Concat Gather GatherElements GatherND Slice Squeeze Unsqueeze Reshape Flatten Transpose Split Compress
    Unique ScatterElements ScatterND NonZero TopK ReduceProd ReduceSum ReduceMax ReduceMin ReduceMean ArgMax ArgMin
    EyeLike
""")
"""Operators whose output is at most about as large as all their operands, or as their indices."""

ConstantValues = NDArray[Any]


def held(tensor: onnx.TensorProto) -> ConstantValues | None:
    """Return the values of a tensor of the file, None for a large one, one kept elsewhere, and one that is damaged."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL or math.prod(tensor.dims) > MOST_VALUES:
        return None
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except Exception:  # an unknown type, or another size than declared: `tensors.py` reports the latter
        return None


def evaluate(
    node: onnx.NodeProto, feeds: Mapping[str, ConstantValues], opsets: Sequence[onnx.OperatorSetIdProto], name: str
) -> ConstantValues | None:
    """Return a tensor that a node writes, given all that it reads; None where it is large or cannot be computed."""
    if node.domain or size_of_result(node, feeds) > MOST_VALUES:
        return None
    inputs = [
        helper.make_tensor_value_info(key, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for key, value in feeds.items()
    ]
    outputs = [helper.make_empty_tensor_value_info(out) for out in node.output if out]
    try:
        graph = helper.make_graph([node], "one", inputs, outputs)
        alone = helper.make_model(graph, opset_imports=list(opsets))
        with np.errstate(all="ignore"):
            results: Any = ReferenceEvaluator(alone).run([name], dict(feeds))
        value = np.asarray(results[0])
    except Exception:  # an operator without a reference, or values that it does not take: then it is not known
        return None
    return value if value.size <= MOST_VALUES and value.dtype != object else None


def size_of_result(node: onnx.NodeProto, feeds: Mapping[str, ConstantValues]) -> float:
    """Return the elements that a node would write, at most; infinity for an operator that is not evaluated."""
    operands = [feeds[read] for read in node.input if read]
    op = node.op_type
    if op in _ELEMENTWISE:
        try:
            return float(math.prod(np.broadcast_shapes(*(value.shape for value in operands))))
        except ValueError:
            return float(max((value.size for value in operands), default=1))  # operands with an axis of their own
    if op in _REARRANGING:
        return float(_indexed(op, operands))
    try:
        return _grown(op, operands)
    except (IndexError, TypeError, ValueError, OverflowError, ZeroDivisionError):
        return math.inf


def _indexed(op: str, operands: Sequence[ConstantValues]) -> int:
    if op in ("Gather", "GatherND") and len(operands) > 1 and operands[0].ndim:
        return operands[0].size * max(operands[1].size, 1)
    return sum(value.size for value in operands) * (operands[0].ndim if op == "NonZero" and operands else 1)


def _grown(op: str, operands: Sequence[ConstantValues]) -> float:
    """Elements of what an operator fills or repeats, by the sizes that it reads."""
    if op == "ConstantOfShape":
        return float(math.prod(float(size) for size in operands[0]))
    if op == "Range":
        start, limit, step = (float(value.reshape(-1)[0]) for value in operands[:3])
        return max((limit - start) / step, 0.0)
    if op == "Expand":
        wanted = [float(size) for size in operands[1]]
        here = [1.0] * (len(wanted) - operands[0].ndim) + [float(size) for size in operands[0].shape]
        wanted = [1.0] * (len(here) - len(wanted)) + wanted
        return math.prod(max(pair) for pair in zip(here, wanted, strict=True))
    if op == "Tile":
        return operands[0].size * math.prod(float(size) for size in operands[1])
    if op == "OneHot":
        return float(operands[0].size * float(operands[1].reshape(-1)[0]))
    if op == "Pad":
        pads = [float(size) for size in operands[1]]
        widest = abs(max(pads, key=abs, default=0.0))
        return float(math.prod(size + widest * 2 for size in operands[0].shape))
    return math.inf
