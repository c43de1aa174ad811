"""The operands and outputs of dense phases: which places of those of the whole layer they are."""

from __future__ import annotations

import numpy as np

from accelerator_sim.workload.arrays import Array, Ints
from accelerator_sim.workload.phases import PhaseKind, PhaseLayer


def phase_iacts(layer: PhaseLayer, tensor: Array) -> Array:
    """Take the iacts of phases, [N, G x C, D, H, W], from those of the whole layer, of the same form."""
    places = [_places(axis.first_inputs, axis.input_step, axis.inputs) for axis in layer.axes]
    if layer.kind is PhaseKind.FILTERS:
        places = [each[:1] for each in places]
    taken = _taken(tensor, places)  # [N, GC, phases D, D, phases H, H, phases W, W]
    moved = taken.transpose(2, 4, 6, 0, 1, 3, 5, 7)
    return np.ascontiguousarray(moved.reshape(layer.N, layer.G * layer.C, layer.D, layer.H, layer.W))


def phase_weights(layer: PhaseLayer, tensor: Array) -> Array:
    """Take the weights of phases, [G x M, C, T, R, S], from those of the whole layer, of the same form."""
    places = [_places(axis.first_taps, axis.tap_step, axis.taps) for axis in layer.axes]
    if layer.kind is PhaseKind.IMAGES:
        places = [each[:1] for each in places]
    taken = _taken(tensor, places)  # [GM, C, phases D, T, phases H, R, phases W, S]
    split = taken.reshape(layer.G, -1, *taken.shape[1:])
    moved = split.transpose(0, 3, 5, 7, 1, 2, 4, 6, 8)
    return np.ascontiguousarray(moved.reshape(layer.G * layer.M, layer.C, layer.T, layer.R, layer.S))


def put_phase_outputs(layer: PhaseLayer, outputs: Array, whole: Array) -> None:
    """Put outputs of phases, [N, G x M, D, P, Q], in their places among those of the whole layer, of the same form."""
    counts = [axis.count for axis in layer.axes]
    sizes = [axis.outputs for axis in layer.axes]
    if layer.kind is PhaseKind.IMAGES:
        split = outputs.reshape(*counts, -1, layer.G * layer.M, *sizes)
        moved = split.transpose(3, 4, 0, 5, 1, 6, 2, 7)
    else:
        split = outputs.reshape(layer.N, layer.G, *counts, -1, *sizes)
        moved = split.transpose(0, 1, 5, 2, 6, 3, 7, 4, 8)
    flat = moved.reshape(*whole.shape[:2], *(c * s for c, s in zip(counts, sizes, strict=True)))
    planes, rows, columns = (_places(axis.first_outputs, axis.output_step, axis.outputs).ravel() for axis in layer.axes)
    whole[:, :, planes[:, None, None], rows[:, None], columns] = flat


def _places(first: tuple[int, ...], step: int, count: int) -> Ints:
    """Places of each phase in the whole layer, [phases, count]."""
    return np.array(first, dtype=np.int64)[:, None] + step * np.arange(count, dtype=np.int64)


def _taken(tensor: Array, places: list[Ints]) -> Array:
    """Take places [phases, length] of the last three axes of a tensor of five."""
    planes, rows, columns = (each.ravel() for each in places)
    taken = tensor[:, :, planes[:, None, None], rows[:, None], columns]
    return taken.reshape(*tensor.shape[:2], *(n for each in places for n in each.shape))
