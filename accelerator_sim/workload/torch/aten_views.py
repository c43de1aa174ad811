"""The operators of PyTorch that move words about, or only look at them in another way."""

from __future__ import annotations

import math

from torch import fx

from accelerator_sim.workload.torch.call import ATEN, AtenRule, Call

_LAST = (1 << 63) - 1
"""The end of a slice to the end."""
_UPSAMPLED = {"nearest": "nearest", "linear": "linear", "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}
"""Modes of Resize, by that of an operator for pictures."""


def same(call: Call) -> str:
    """The same words: a copy, a dropout that drops nothing, another number format."""
    return call.read(call.first)


def _view(call: Call) -> str:
    return call.reshaped(call.read(call.first), call.out_shape())


def _permuted(call: Call) -> str:
    order = [int(axis) % len(call.out_shape()) for axis in call.get("dims")]
    return call.emit("Transpose", call.read(call.first), perm=order)


def _swapped(call: Call) -> str:
    rank = len(call.out_shape())
    order = list(range(rank))
    if rank > 1:
        a, b = (int(call.get(name, default)) % rank for name, default in (("dim0", 0), ("dim1", 1)))
        order[a], order[b] = order[b], order[a]
    return call.emit("Transpose", call.read(call.first), perm=order)


def _moved_axes(call: Call) -> str:
    rank = len(call.out_shape())
    source, target = ([int(axis) % rank for axis in call.get(name)] for name in ("source", "destination"))
    order = [axis for axis in range(rank) if axis not in source]
    for to, axis in sorted(zip(target, source, strict=True)):
        order.insert(to, axis)
    return call.emit("Transpose", call.read(call.first), perm=order)


def _select(call: Call) -> str:
    axis, size = call.axis(), call.shape_of(call.first)[call.axis()]
    index = int(call.get("index")) % size
    return call.emit("Gather", call.read(call.first), call.index(index), axis=axis)


def _slice(call: Call) -> str:
    read, axis = call.read(call.first), call.axis()
    if call.out_shape() == call.shape_of(call.first):
        return read
    start, end, step = int(call.get("start", 0)), int(call.get("end", _LAST)), int(call.get("step", 1))
    return call.emit("Slice", read, *(call.ints([each]) for each in (start, end, axis, step)))


def _split(call: Call) -> list[str]:
    """Parts along an axis."""
    axis, count = call.axis(), len(call.outputs())
    sizes = [call.out_shape(at)[axis] for at in range(count)]
    return call.emit_many("Split", [call.read(call.first), call.ints(sizes)], count, axis=axis)


def _unbound(call: Call) -> list[str]:
    axis, count = call.axis(), len(call.outputs())
    parts = call.emit_many("Split", [call.read(call.first), call.ints([1] * count)], count, axis=axis)
    return [call.reshaped(part, call.out_shape(at)) for at, part in enumerate(parts)]


def _joined(call: Call) -> str:
    given: list[fx.Node] = call.get("tensors")
    reads = [each for each in given if call.shape_of(each) != (0,)]  # an old form of an empty list
    if len(reads) == 1:
        return call.read(reads[0])
    return call.emit("Concat", *map(call.read, reads), axis=int(call.get("dim", 0)) % len(call.out_shape()))


def _stacked(call: Call) -> str:
    axis, shape = int(call.get("dim", 0)) % len(call.out_shape()), list(call.out_shape())
    shape[axis] = 1
    parts = [call.reshaped(call.read(each), shape) for each in call.get("tensors")]
    return call.emit("Concat", *parts, axis=axis)


def _expanded(call: Call) -> str:
    if call.out_shape() == call.shape_of(call.first):
        return call.read(call.first)
    return call.emit("Expand", call.read(call.first), call.ints(call.out_shape()))


def _all_expanded(call: Call) -> list[str]:
    shape = call.out_shape()
    each = [(call.read(node), call.shape_of(node)) for node in call.get("tensors")]
    return [read if own == shape else call.emit("Expand", read, call.ints(shape)) for read, own in each]


def _repeated(call: Call) -> str:
    times = [int(each) for each in call.get("repeats", call.get("dims"))]
    read, shape = call.read(call.first), call.shape_of(call.first)
    more = len(times) - len(shape)
    if more > 0:
        read = call.reshaped(read, (1,) * more + shape)
    return call.emit("Tile", read, call.ints([1] * -more + times))


def _padded(mode: str) -> AtenRule:
    def rule(call: Call) -> str:
        given, rank = [int(each) for each in call.get("pad", call.get("padding"))], len(call.out_shape())
        begin, end = [0] * rank, [0] * rank
        for at in range(len(given) // 2):
            begin[rank - 1 - at], end[rank - 1 - at] = given[2 * at], given[2 * at + 1]
        reads = [call.read(call.first), call.ints(begin + end)]
        named = {"replicate": "edge", "circular": "wrap"}.get(str(call.get("mode", mode)), str(call.get("mode", mode)))
        if named == "constant":
            reads.append(call.scalar(float(call.get("value", 0) or 0)))
        return call.emit("Pad", *reads, mode=named)

    return rule


def _looked_up(call: Call) -> str:
    return call.emit("Gather", call.tensor("weight"), call.tensor("indices"), axis=0)


def _bag(call: Call) -> list[str] | str:
    """Rows of a table, summed in bags."""
    rows = call.emit("Gather", call.tensor("weight"), call.tensor("indices"), axis=0)
    return _with_unread(call, call.emit(f"{ATEN}bag", rows))


def _quantised(call: Call) -> list[str] | str:
    """Another number format."""
    return _with_unread(call, same(call))


def _with_unread(call: Call, result: str) -> list[str] | str:
    """A result, with those beside it that only training reads."""
    more = len(call.outputs()) - 1
    return [result, *[""] * more] if more else result


def _chosen(call: Call) -> str:
    return call.emit("Gather", call.read(call.first), call.tensor("index"), axis=call.axis())


def _indexed(call: Call) -> str:
    """Indices along one axis, or along several."""
    given = call.get("indices")
    axes = [axis for axis, each in enumerate(given) if each is not None]
    if len(axes) == 1:
        return call.emit("Gather", call.read(call.first), call.read(given[axes[0]]), axis=axes[0])
    return call.emit(f"{ATEN}index", *map(call.read, call.arguments()))


def _copied(call: Call) -> str:
    """What is written over a whole tensor."""
    if call.shape("src") == call.out_shape():
        return call.tensor("src")
    return call.emit("Expand", call.tensor("src"), call.ints(call.out_shape()))


def _random(call: Call) -> str:
    return call.emit("RandomNormal", shape=list(call.out_shape()))


def _rolled(call: Call) -> str:
    """Both parts of a dimension change places, one dimension after another; none: the words in one row."""
    read, shape = call.read(call.first), call.shape_of(call.first)
    shifts, dims = ([int(each) for each in call.get(name) or []] for name in ("shifts", "dims"))
    if not dims:
        read, shape, dims = call.reshaped(read, (-1,)), (math.prod(shape),), [0]
    for shift, dim in zip(shifts, dims, strict=True):
        axis = dim % len(shape)
        at = -shift % max(shape[axis], 1)
        if at:
            bounds = ((at, shape[axis]), (0, at))
            parts = [call.emit("Slice", read, *(call.ints([each]) for each in (a, b, axis))) for a, b in bounds]
            read = call.emit("Concat", *parts, axis=axis)
    return call.reshaped(read, call.out_shape()) if len(shape) != len(call.out_shape()) else read


def _flipped(call: Call) -> str:
    rank = len(call.out_shape())
    axes = [int(axis) % rank for axis in call.get("dims")]
    ends = ([-1] * len(axes), [-_LAST] * len(axes), axes, [-1] * len(axes))
    return call.emit("Slice", call.read(call.first), *map(call.ints, ends))


def _resized(call: Call) -> str:
    words = call.operator.rpartition("::")[2].removeprefix("_").removeprefix("upsample_")
    mode = _UPSAMPLED[words.removesuffix("_aa").replace("_exact", "").rstrip("123d")]
    aligned = "align_corners" if call.get("align_corners", False) else None
    reads = [call.read(call.first), "", "", call.ints(call.out_shape())]
    return call.emit("Resize", *reads, mode=mode, coordinate_transformation_mode=aligned)


def _shuffled(call: Call) -> str:
    factor = int(call.get("upscale_factor"))
    return call.emit("DepthToSpace", call.read(call.first), blocksize=factor, mode="CRD")


def _unshuffled(call: Call) -> str:
    """Squares of pixels become channels, those of a channel one after another (SpaceToDepth puts them apart)."""
    *front, rows, columns = call.shape_of(call.first)
    n = int(call.get("downscale_factor"))
    parts = call.reshaped(call.read(call.first), (*front, rows // n, n, columns // n, n))
    at = len(front)
    turned = call.emit("Transpose", parts, perm=[*range(at), at + 1, at + 3, at, at + 2])
    return call.reshaped(turned, call.out_shape())


def _triangle(upper: int) -> AtenRule:
    return lambda call: call.emit(
        "Trilu", call.read(call.first), call.ints([int(call.get("diagonal", 0))]), upper=upper
    )


def _scattered(call: Call) -> str:
    update = call.get("src", call.get("value"))
    if not isinstance(update, fx.Node):
        return call.emit(f"{ATEN}scatter", *map(call.read, call.arguments()))
    return call.emit("ScatterElements", *map(call.read, call.arguments()), axis=call.axis())


def _masked(call: Call) -> str:
    return call.emit("Where", call.tensor("mask"), call.operand("value"), call.read(call.first))


VIEWS: dict[str, AtenRule] = {
    **dict.fromkeys(
        (
            "clone", "contiguous", "alias", "detach", "dropout", "feature_dropout", "alpha_dropout", "_to_copy", "to",
            "lift_fresh_copy", "lift_fresh", "lift", "positive", "type_as", "_assert_tensor_metadata", "resolve_conj",
        ),
        same,
    ),
    **dict.fromkeys(
        (
            "view", "reshape", "_unsafe_view", "flatten", "unflatten", "squeeze", "unsqueeze", "view_copy", "ravel",
            "unsqueeze_copy", "squeeze_copy", "_reshape_alias",
        ),
        _view,
    ),
    "permute": _permuted,
    "permute_copy": _permuted,
    "movedim": _moved_axes,
    **dict.fromkeys(("transpose", "t", "swapaxes", "swapdims"), _swapped),
    "select": _select,
    "slice": _slice,
    **dict.fromkeys(("split", "split_with_sizes", "chunk", "tensor_split"), _split),
    "unbind": _unbound,
    "cat": _joined,
    "concat": _joined,
    "stack": _stacked,
    "expand": _expanded,
    "expand_as": _expanded,
    "broadcast_to": _expanded,
    "broadcast_tensors": _all_expanded,
    "repeat": _repeated,
    "tile": _repeated,
    "pad": _padded("constant"),
    "constant_pad_nd": _padded("constant"),
    **dict.fromkeys((f"reflection_pad{n}d" for n in (1, 2, 3)), _padded("reflect")),
    **dict.fromkeys((f"replication_pad{n}d" for n in (1, 2, 3)), _padded("edge")),
    "embedding": _looked_up,
    "index_select": _chosen,
    "gather": lambda call: call.emit(
        "GatherElements", call.read(call.first), call.tensor("index"), axis=call.axis()
    ),
    "index": _indexed,
    "flip": _flipped,
    "roll": _rolled,
    **dict.fromkeys(
        (
            "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d",
            "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d", "_upsample_nearest_exact1d",
            "_upsample_nearest_exact2d", "_upsample_nearest_exact3d", "_upsample_bilinear2d_aa",
            "_upsample_bicubic2d_aa",
        ),
        _resized,
    ),
    "copy": _copied,
    **dict.fromkeys(("rand", "randn", "randint", "rand_like", "randn_like", "randint_like", "randperm"), _random),
    "grid_sampler": lambda call: call.emit("GridSample", call.tensor("input"), call.tensor("grid")),
    "grid_sampler_2d": lambda call: call.emit("GridSample", call.tensor("input"), call.tensor("grid")),
    "grid_sampler_3d": lambda call: call.emit("GridSample", call.tensor("input"), call.tensor("grid")),
    **dict.fromkeys(("embedding_bag", "_embedding_bag", "_embedding_bag_forward_only"), _bag),
    **dict.fromkeys(
        (
            "fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine",
            "fake_quantize_per_tensor_affine_cachemask", "fake_quantize_per_channel_affine_cachemask",
        ),
        _quantised,
    ),
    "pixel_shuffle": _shuffled,
    "pixel_unshuffle": _unshuffled,
    "tril": _triangle(0),
    "triu": _triangle(1),
    "scatter": _scattered,
    "masked_fill": _masked,
    "where": lambda call: call.emit("Where", *(call.operand(name) for name in ("condition", "self", "other"))),
}  # fmt: skip
"""Rules by the name of the operator."""
