"""The tensors of a layer in the normal form of its loops: where each word lies that the machine moves."""

from __future__ import annotations

import numpy as np

from accelerator_sim.mapping.loops import Loops
from accelerator_sim.workload.arrays import Array, laid_out
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.operand_shapes import iact_shape
from accelerator_sim.workload.pattern import Pattern


def normal_iacts(layer: Layer, loops: Loops, tensor: Array) -> Array:
    """Bring iacts [N, G x C, D, H, W] to [G, N, H, W, C] of the loops: depth taps are channels, output planes images.

    In a layer of positions, H is 1, W the positions and C all taps of all channels.
    """
    planes = _planes(layer, tensor)  # [N, GC, Do, T, H, W]
    n, _, depth, t, _, _ = planes.shape
    if not loops.positions:
        split = planes.reshape(n, layer.G, layer.C, depth, t, layer.H, layer.W)
        moved = split.transpose(1, 0, 3, 5, 6, 2, 4)  # G N Do H W C T
        return np.ascontiguousarray(moved.reshape(loops.G, loops.N, layer.H, layer.W, loops.C))
    rows = _taps(layer.P, layer.R, layer.stride[0], layer.dilation[0])
    columns = _taps(layer.Q, layer.S, layer.stride[1], layer.dilation[1])
    windows = planes[:, :, :, :, rows[:, :, None, None], columns[None, None, :, :]]  # [N, GC, Do, T, P, R, Q, S]
    split = windows.reshape(n, layer.G, layer.C, depth, t, layer.P, layer.R, layer.Q, layer.S)
    moved = split.transpose(1, 0, 3, 5, 7, 2, 4, 6, 8)  # G N Do P Q C T R S
    return np.ascontiguousarray(moved.reshape(loops.G, 1, 1, loops.Q, loops.C))


def normal_weights(layer: Layer, loops: Loops, tensor: Array) -> Array:
    """Bring weights [G x M, C, T, R, S] to [G, R, S, C, M] of the loops."""
    split = tensor.reshape(layer.G, layer.M, layer.C, layer.T, layer.R, layer.S)
    if loops.positions:
        return laid_out(split.reshape(layer.G, layer.M, -1).transpose(0, 2, 1), 2)[:, None, None]
    moved = split.transpose(0, 4, 5, 2, 3, 1)  # G R S C T M
    return laid_out(moved, 5).reshape(loops.G, loops.R, loops.S, loops.C, loops.M)


def normal_masks(layer: Layer, loops: Loops, pattern: Pattern) -> tuple[Array | None, Array | None]:
    """The masks of a pattern in normal form (None for a tensor without zeros).

    Padding in depth becomes planes of zeros in the normal form, so that iacts without zeros have some there.
    """
    mask = pattern.iact_mask
    if mask is None and any(layer.padding_d):
        mask = np.ones(iact_shape(layer), dtype=np.uint8)
    iacts = None if mask is None else normal_iacts(layer, loops, mask)
    weights = None if pattern.weight_mask is None else normal_weights(layer, loops, pattern.weight_mask)
    return iacts, weights


def original_outputs(layer: Layer, outputs: Array) -> Array:
    """Bring outputs [G, N, M, P, Q] of the loops to [N, G x M, D, P, Q] of the layer."""
    shape = (layer.N, layer.depth_out, layer.P, layer.Q)
    if outputs.shape[1] == 1 and outputs.shape[3] == 1 and outputs.shape[4] == np.prod(shape):  # positions
        split = outputs.reshape(layer.G, layer.M, *shape).transpose(2, 0, 1, 3, 4, 5)
    else:
        split = outputs.reshape(layer.G, *shape[:2], layer.M, *shape[2:]).transpose(1, 0, 3, 2, 4, 5)
    return np.ascontiguousarray(split.reshape(layer.N, layer.G * layer.M, *shape[1:]))


def reference_outputs(layer: Layer, iacts: Array, weights: Array) -> Array:
    """The outputs of a layer, int64 [N, G x M, D, P, Q], by exact integer arithmetic on the original tensors.

    iacts: [N, G x C, D, H, W]; weights: [G x M, C, T, R, S]; computed tap by tap as matrix products of doubles, which
    hold these integers exactly (magnitudes below 2^53).
    """
    kernel = weights.reshape(layer.G, layer.M, layer.C, layer.T, layer.R, layer.S).astype(np.float64)
    spread = _spread_outputs if layer.transposed else _gathered_outputs
    total = spread(layer, iacts.astype(np.float64), kernel)
    return total.reshape(layer.N, layer.G * layer.M, *total.shape[3:]).astype(np.int64)


def _gathered_outputs(layer: Layer, iacts: Array, kernel: Array) -> Array:
    """The outputs of a convolution, [N, G, M, D, P, Q]: each tap adds what it reads."""
    top, bottom, left, right = layer.padding
    padded = np.pad(iacts, ((0, 0), (0, 0), layer.padding_d, (top, bottom), (left, right)))
    n, depth, p, q = layer.N, layer.depth_out, layer.P, layer.Q
    total = np.zeros((n, layer.G, layer.M, depth, p, q))
    grouped = padded.reshape(n, layer.G, layer.C, *padded.shape[2:])
    (u, v), (du, dv) = layer.stride, layer.dilation
    for t in range(layer.T):
        planes = grouped[:, :, :, t : t + (depth - 1) * layer.stride_d + 1 : layer.stride_d]
        for r in range(layer.R):
            for s in range(layer.S):
                part = planes[..., r * du : r * du + (p - 1) * u + 1 : u, s * dv : s * dv + (q - 1) * v + 1 : v]
                flat = part.reshape(n, layer.G, layer.C, -1)
                total += (kernel[None, :, :, :, t, r, s] @ flat).reshape(total.shape)
    return total


def _spread_outputs(layer: Layer, iacts: Array, kernel: Array) -> Array:
    """The outputs of a transposed convolution, [N, G, M, D, P, Q]: each tap spreads the inputs; some are cut off."""
    (u, v), (du, dv) = layer.stride, layer.dilation
    around = layer.padding_d[0], layer.padding[0], layer.padding[2]
    out = layer.depth_out, layer.P, layer.Q
    full = (
        (layer.D - 1) * layer.stride_d + layer.T, (layer.H - 1) * u + (layer.R - 1) * du + 1,
        (layer.W - 1) * v + (layer.S - 1) * dv + 1,
    )  # fmt: skip
    room = [max(a, b + c) for a, b, c in zip(full, around, out, strict=True)]
    total = np.zeros((layer.N, layer.G, layer.M, *room))
    flat = iacts.reshape(layer.N, layer.G, layer.C, -1)
    for t in range(layer.T):
        for r in range(layer.R):
            for s in range(layer.S):
                made = (kernel[None, :, :, :, t, r, s] @ flat).reshape(*total.shape[:3], layer.D, layer.H, layer.W)
                total[
                    ..., t : t + (layer.D - 1) * layer.stride_d + 1 : layer.stride_d,
                    r * du : r * du + (layer.H - 1) * u + 1 : u, s * dv : s * dv + (layer.W - 1) * v + 1 : v,
                ] += made  # fmt: skip
    (front, top, left), (depth, p, q) = around, out
    return total[..., front : front + depth, top : top + p, left : left + q]


def _planes(layer: Layer, tensor: Array) -> Array:
    """The input planes of each output plane: [N, G x C, D, H, W] to [N, G x C, output depth, T, H, W]."""
    if layer.D == 1 and layer.T == 1 and layer.padding_d == (0, 0):
        return tensor[:, :, :, None]
    padded = np.pad(tensor, ((0, 0), (0, 0), layer.padding_d, (0, 0), (0, 0)))
    return padded[:, :, _taps(layer.depth_out, layer.T, layer.stride_d, 1)]


def _taps(outputs: int, taps: int, stride: int, dilation: int) -> Array:
    return np.arange(outputs)[:, None] * stride + np.arange(taps)[None, :] * dilation
