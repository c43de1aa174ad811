"""The operators of PyTorch that compute one value from many: pooling, sums, normalisation, softmax."""

from __future__ import annotations

from accelerator_sim.workload.torch.call import ATEN, AtenRule, Call


def _spatial(call: Call, argument: str, axes: int, default: int | None = None) -> list[int]:
    given = call.get(argument, default)
    values = [int(each) for each in given] if isinstance(given, list) else [int(given)]
    return values * axes if len(values) == 1 else values


def _pool(op: str, axes: int) -> AtenRule:
    """A pooling over windows; one image may come without a dimension for images."""

    def rule(call: Call) -> str | list[str]:
        read, shape = call.read(call.first), call.shape_of(call.first)
        kernel = _spatial(call, "kernel_size", axes)
        given = call.get("stride")
        stride = _spatial(call, "stride", axes) if given not in (None, []) else kernel
        pads = _spatial(call, "padding", axes, 0)
        attributes = {
            "kernel_shape": kernel, "strides": stride, "pads": pads * 2, "ceil_mode": int(call.get("ceil_mode", False)),
            "dilations": _spatial(call, "dilation", axes, 1) if op == "MaxPool" else None,
            "count_include_pad": int(call.get("count_include_pad", True)) if op == "AveragePool" else None,
        }  # fmt: skip
        if len(shape) == axes + 1:
            read = call.reshaped(read, (1, *shape))
        count = len(call.outputs())
        outs = call.emit_many(op, [read], count, **attributes)
        if len(shape) == axes + 1:
            outs = [call.reshaped(out, call.out_shape(at)) for at, out in enumerate(outs)]
        return outs if count > 1 else outs[0]

    return rule


def _to_size(op: str, axes: int) -> AtenRule:
    """A pooling to a given size: of the whole, of equal windows, or of windows that differ."""

    def rule(call: Call) -> str | list[str]:
        read, shape, out = call.read(call.first), call.shape_of(call.first), call.out_shape()
        count = len(call.outputs())
        if count > 1 or len(shape) != axes + 2 or any(a % b for a, b in zip(shape[2:], out[2:], strict=True)):
            names = call.emit_many(f"{ATEN}adaptive_pool", [read], count)
            return names if count > 1 else names[0]
        if all(size == 1 for size in out[2:]):
            axes_of_windows = call.ints(list(range(2, len(shape))))  # as torch.onnx writes it
            return call.emit("ReduceMean" if op == "AveragePool" else "ReduceMax", read, axes_of_windows)
        kernel = [a // b for a, b in zip(shape[2:], out[2:], strict=True)]
        return call.emit(op, read, kernel_shape=kernel, strides=kernel)

    return rule


def _reduced(op: str) -> AtenRule:
    """A reduction over some axes, all by default."""

    def rule(call: Call) -> str:
        given, rank = call.get("dim"), len(call.shape_of(call.first))
        axes = [given] if isinstance(given, int) else list(given or [])
        axes = sorted(int(axis) % max(rank, 1) for axis in axes) or list(range(rank))
        reads = [call.read(call.first), call.ints(axes)]
        return call.emit(op, *reads, keepdims=int(bool(call.get("keepdim", False))))

    return rule


def _best(op: str) -> AtenRule:
    """The largest or smallest along an axis, with its index; of all; or of two, element by element."""

    def rule(call: Call) -> str | list[str]:
        if call.get("other") is not None:
            return call.emit(op.replace("Reduce", ""), call.tensor("self"), call.tensor("other"))
        if call.get("dim") is None:
            return call.emit(op, call.read(call.first), keepdims=0)
        read, axis, keep = call.read(call.first), call.axis(), int(bool(call.get("keepdim", False)))
        value = call.emit(op, read, call.ints([axis]), keepdims=keep)
        return [value, call.emit(op.replace("Reduce", "Arg"), read, axis=axis, keepdims=keep)]

    return rule


def _index_of(op: str) -> AtenRule:
    def rule(call: Call) -> str:
        read, keep = call.read(call.first), int(bool(call.get("keepdim", False)))
        if call.get("dim") is None:
            return call.emit(op, call.reshaped(read, (-1,)), axis=0, keepdims=0)
        return call.emit(op, read, axis=call.axis(), keepdims=keep)

    return rule


def _softmax(op: str) -> AtenRule:
    return lambda call: call.emit(op, call.read(call.first), axis=call.axis())


def _largest(call: Call) -> list[str]:
    """topk and sort."""
    axis = call.axis("dim", -1)
    count = call.ints([call.out_shape()[axis]])
    largest = call.get("largest", call.get("descending", True))
    return call.emit_many("TopK", [call.read(call.first), count], 2, axis=axis, largest=int(bool(largest)))


def _running(op: str) -> AtenRule:
    return lambda call: call.emit(op, call.read(call.first), call.index(call.axis()))


# --- normalisation ---------------------------------------------------------------------------------------------------
def _scale(call: Call, name: str, size: int, default: float) -> str:
    return call.tensor(name) or call.filled((size,), default)


def _batch_norm(call: Call) -> list[str] | str:
    channels = call.shape_of(call.first)[1]
    rows = (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0))
    reads = [_scale(call, name, channels, default) for name, default in rows]
    out = call.emit("BatchNormalization", call.read(call.first), *reads, epsilon=float(call.get("eps", 1e-5)))
    count = len(call.outputs())
    return [out, *[""] * (count - 1)] if count > 1 else out


def _layer_norm(call: Call) -> list[str] | str:
    shape = [int(size) for size in call.get("normalized_shape")]
    weight = call.tensor("weight") or call.filled(shape, 1.0)
    reads = [call.read(call.first), weight, *filter(None, [call.tensor("bias")])]
    out = call.emit("LayerNormalization", *reads, axis=-len(shape), epsilon=float(call.get("eps", 1e-5)))
    count = len(call.outputs())
    return [out, *[""] * (count - 1)] if count > 1 else out


def _rms_norm(call: Call) -> str:
    shape = [int(size) for size in call.get("normalized_shape")]
    weight = call.tensor("weight") or call.filled(shape, 1.0)
    return call.emit("RMSNormalization", call.read(call.first), weight, axis=-len(shape))


def _group_norm(call: Call) -> str:
    channels = call.shape_of(call.first)[1]
    reads = [_scale(call, name, channels, default) for name, default in (("weight", 1.0), ("bias", 0.0))]
    groups = int(call.get("num_groups"))
    return call.emit("GroupNormalization", call.read(call.first), *reads, num_groups=groups)


def _instance_norm(call: Call) -> str:
    channels = call.shape_of(call.first)[1]
    reads = [_scale(call, name, channels, default) for name, default in (("weight", 1.0), ("bias", 0.0))]
    return call.emit("InstanceNormalization", call.read(call.first), *reads)


REDUCTIONS: dict[str, AtenRule] = {
    **{f"max_pool{axes}d": _pool("MaxPool", axes) for axes in (1, 2, 3)},
    **{f"max_pool{axes}d_with_indices": _pool("MaxPool", axes) for axes in (1, 2, 3)},
    **{f"avg_pool{axes}d": _pool("AveragePool", axes) for axes in (1, 2, 3)},
    **{f"adaptive_avg_pool{axes}d": _to_size("AveragePool", axes) for axes in (1, 2, 3)},
    **{f"_adaptive_avg_pool{axes}d": _to_size("AveragePool", axes) for axes in (2, 3)},
    **{f"adaptive_max_pool{axes}d": _to_size("MaxPool", axes) for axes in (1, 2, 3)},
    "mean": _reduced("ReduceMean"),
    "sum": _reduced("ReduceSum"),
    "amax": _reduced("ReduceMax"),
    "amin": _reduced("ReduceMin"),
    "prod": _reduced("ReduceProd"),
    "any": _reduced("ReduceMax"),
    "all": _reduced("ReduceMin"),
    "logsumexp": _reduced("ReduceLogSumExp"),
    "linalg_vector_norm": _reduced("ReduceL2"),
    "var": _reduced("ReduceSumSquare"),
    "std": _reduced("ReduceSumSquare"),
    "max": _best("ReduceMax"),
    "min": _best("ReduceMin"),
    "argmax": _index_of("ArgMax"),
    "argmin": _index_of("ArgMin"),
    "topk": _largest,
    "sort": _largest,
    "cumsum": _running("CumSum"),
    "cumprod": _running("CumProd"),
    "softmax": _softmax("Softmax"),
    "_softmax": _softmax("Softmax"),
    "log_softmax": _softmax("LogSoftmax"),
    "_log_softmax": _softmax("LogSoftmax"),
    "batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": _batch_norm,
    "layer_norm": _layer_norm,
    "native_layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
}
"""Rules by the name of the operator."""
