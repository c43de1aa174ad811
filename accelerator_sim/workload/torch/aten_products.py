"""The operators of PyTorch that multiply matrices or convolve."""

from __future__ import annotations

from torch import fx

from accelerator_sim.workload.onnx.graph import Shape
from accelerator_sim.workload.torch.call import AtenRule, Call


def _spread(values: object, count: int) -> list[int]:
    """One number for each spatial axis, where one stands for all."""
    given = [int(each) for each in values] if isinstance(values, list) else [int(values)]  # type: ignore[call-overload]
    return given * count if len(given) == 1 else given


def _conv(call: Call) -> str:
    """A convolution; one image may come without a dimension for images."""
    weight = call.shape("weight")
    axes = len(weight) - 2
    stride, dilation = (_spread(call.get(name, 1), axes) for name in ("stride", "dilation"))
    pads = call.get("padding", 0)
    if isinstance(pads, str):
        totals = [(d * (k - 1) if pads == "same" else 0) for d, k in zip(dilation, weight[2:], strict=True)]
        begin, end = [total // 2 for total in totals], [total - total // 2 for total in totals]
    else:
        begin = end = _spread(pads, axes)
    transposed = "transpose" in call.operator or bool(call.get("transposed", False))
    attributes = {
        "strides": stride, "dilations": dilation, "pads": begin + end, "group": int(call.get("groups", 1)),
        "output_padding": _spread(call.get("output_padding", 0), axes) if transposed else None,
    }  # fmt: skip
    x = call.shape("input")
    read = call.tensor("input")
    if len(x) == axes + 1:
        read = call.reshaped(read, (1, *x))
    reads = [each for each in (read, call.tensor("weight"), call.tensor("bias")) if each]
    out = call.emit("ConvTranspose" if transposed else "Conv", *reads, **attributes)
    return out if len(x) > axes + 1 else call.reshaped(out, call.out_shape())


def _linear(call: Call) -> str:
    """Rows times the transposed weights: one matrix of rows, or rows with dimensions in front."""
    x, weight = call.tensor("input"), call.tensor("weight")
    bias, w = call.tensor("bias"), call.shape("weight")
    if len(call.shape("input")) == 2 and len(w) == 2:
        return call.emit("Gemm", *filter(None, (x, weight, bias)), transB=1)
    if len(w) == 1:
        out = call.emit("MatMul", x, weight)
    else:
        out = call.emit("MatMul", x, call.turned(weight))
    return call.emit("Add", out, bias) if bias else out


def _added(call: Call, product: str) -> str:
    """A product with something added, both scaled."""
    added = call.tensor("self")
    for name, which in (("alpha", 0), ("beta", 1)):
        factor = call.get(name, 1)
        if factor != 1 and which == 0:
            product = call.emit("Mul", product, call.scalar(factor))
        elif factor != 1:
            added = call.emit("Mul", added, call.scalar(factor))
    return call.emit("Add", product, added)


def _addmm(call: Call) -> str:
    reads = (call.tensor("mat1"), call.tensor("mat2"))
    if call.get("alpha", 1) == call.get("beta", 1) == 1:
        return call.emit("Gemm", *reads, call.tensor("self"))
    return _added(call, call.emit("MatMul", *reads))


def _product_and_sum(left: str, right: str) -> AtenRule:
    return lambda call: _added(call, call.emit("MatMul", call.tensor(left), call.tensor(right)))


def _matmul(left: str, right: str) -> AtenRule:
    return lambda call: call.emit("MatMul", call.tensor(left), call.tensor(right))


def _einsum(call: Call) -> str:
    operands = [call.read(each) for each in call.get("tensors")]
    return call.emit("Einsum", *operands, equation=str(call.get("equation")))


def _attention(call: Call) -> str:
    """Scaled dot-product attention; its tensors have any number of dimensions in front of rows and columns."""
    parts: list[fx.Node] = [call.get(name) for name in ("query", "key", "value")]
    shapes = [call.shape_of(part) for part in parts]
    mask = call.tensor("attn_mask")
    names = [_four(call, call.read(part), shape) for part, shape in zip(parts, shapes, strict=True)]
    reads = [*names, mask] if mask else names
    out = call.emit("Attention", *reads, is_causal=int(bool(call.get("is_causal", False))), scale=call.get("scale"))
    return out if len(shapes[0]) == 4 else call.reshaped(out, call.out_shape())


def _four(call: Call, read: str, shape: Shape) -> str:
    """A tensor of heads with exactly two dimensions in front."""
    if len(shape) == 4:
        return read
    front = (1,) * (4 - len(shape)) + shape[:-2]
    if len(shape) > 4:
        groups = 1
        for size in shape[:-3]:
            groups *= size
        front = (groups, shape[-3])
    return call.reshaped(read, (*front, *shape[-2:]))


def _bilinear_form(call: Call) -> str:
    """nn.Bilinear: out_k = sum of x_i w_kij y_j."""
    reads = [call.tensor(name) for name in ("input1", "input2", "weight")]
    out = call.emit("Einsum", *reads, equation="...i,...j,kij->...k")
    bias = call.tensor("bias")
    return call.emit("Add", out, bias) if bias else out


PRODUCTS: dict[str, AtenRule] = {
    **dict.fromkeys(
        (
            "conv1d", "conv2d", "conv3d", "convolution", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
        ),
        _conv,
    ),
    "linear": _linear,
    "addmm": _addmm,
    "baddbmm": _product_and_sum("batch1", "batch2"),
    "addmv": _product_and_sum("mat", "vec"),
    "mm": _matmul("self", "mat2"),
    "bmm": _matmul("self", "mat2"),
    "matmul": _matmul("self", "other"),
    "mv": _matmul("self", "vec"),
    "dot": _matmul("self", "tensor"),
    "vdot": _matmul("self", "other"),
    "einsum": _einsum,
    "bilinear": _bilinear_form,
    "scaled_dot_product_attention": _attention,
}  # fmt: skip
"""Rules by the name of the operator."""
