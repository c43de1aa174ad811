"""The dense phases of a layer: convolutions without dilation and without zeros put between, which make it up exactly.

- Outputs of a dilated layer that lie `dilation / gcd(stride, dilation)` apart read inputs that lie `dilation` apart: a
  dense convolution of interleaved rows and columns.  Phases of equal shape have the same filters: they are images.
- Outputs of a transposed layer that lie `stride` apart are made by the taps that lie `stride / gcd(stride, dilation)`
  apart: a convolution of stride 1 over the whole input.  Phases that read the same inputs are filters of one layer.

A dimension of a transposed layer with one input has one tap for each output.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from enum import StrEnum

from accelerator_sim.workload.layer import Layer

MOST_PHASES = 1 << 20
"""Phases of a dimension that are told apart; their places take 50 MB."""


class PhaseKind(StrEnum):
    """What phases of equal shape are to each other in one layer."""

    IMAGES = "images"
    FILTERS = "filters"


@dataclass(frozen=True)
class AxisPhases:
    """Phases of one dimension that have the same shape: where their outputs, inputs and taps lie in the whole layer.

    Each phase has a first place of its own; steps and counts are common.  `stride` and `before` (padding before the
    first input) are those of the dense convolution.
    """

    first_outputs: tuple[int, ...]
    first_inputs: tuple[int, ...]
    first_taps: tuple[int, ...]
    output_step: int
    input_step: int
    tap_step: int
    outputs: int
    inputs: int
    taps: int
    stride: int
    before: int

    @property
    def count(self) -> int:
        """Phases."""
        return len(self.first_outputs)

    @property
    def behind(self) -> int:
        """Padding behind the last input; inputs that no output reads belong to no phase."""
        return (self.outputs - 1) * self.stride + self.taps - self.inputs - self.before


@dataclass(frozen=True)
class HeldSpan:
    """Inputs of one dimension that lie in the GLB for several phases: those of `taps` taps at `outputs` places.

    `before` of them, of the first place, lie before the first of the `size` inputs that are there.
    """

    outputs: int
    taps: int
    before: int
    size: int


@dataclass(frozen=True)
class PhaseLayer(Layer):
    """Phases of equal shape of a dilated or transposed layer, as one dense layer.

    Its operands are places of those of `whole` (nameless); depth, rows and columns say which.
    """

    whole: Layer | None = None
    depth: AxisPhases | None = None
    rows: AxisPhases | None = None
    columns: AxisPhases | None = None
    kind: PhaseKind = PhaseKind.IMAGES
    held: tuple[HeldSpan, HeldSpan] | None = None
    """Rows and columns that lie in the GLB before the phase begins, for it and others; None: it fetches its own."""

    @property
    def of(self) -> Layer:
        """The layer that these are phases of, nameless."""
        assert self.whole is not None
        return self.whole

    @property
    def axes(self) -> tuple[AxisPhases, AxisPhases, AxisPhases]:
        """Depth, rows, columns."""
        assert self.depth is not None
        assert self.rows is not None
        assert self.columns is not None
        return self.depth, self.rows, self.columns

    @property
    def phases(self) -> int:
        """Phases that the layer stands for."""
        return math.prod(axis.count for axis in self.axes)


def is_dense(layer: Layer) -> bool:
    """Whether a layer is its own and only phase."""
    spread = any(apart > 1 < taps for apart, taps in zip(layer.dilation, (layer.R, layer.S), strict=True))
    return not (layer.transposed or spread)


def dense_phases(layer: Layer) -> tuple[Layer, ...]:
    """Return the dense layers that a layer is made of; a dense layer is its own only one.

    Outputs that no input reaches are in no phase.  Raises ValueError for a layer of too many phases.
    """
    if not layer.is_mac or is_dense(layer):
        return (layer,)
    whole, around = layer.unnamed, (layer.padding_d[0], layer.padding[0], layer.padding[2])
    sizes, outputs = (layer.D, layer.H, layer.W), (layer.depth_out, layer.P, layer.Q)
    taps, strides, dilations = (layer.T, layer.R, layer.S), (layer.stride_d, *layer.stride), (1, *layer.dilation)
    windows = [
        _Axis(size, out, count, stride, dilation if count > 1 else 1, before)
        for size, out, count, stride, dilation, before in zip(
            sizes, outputs, taps, strides, dilations, around, strict=True
        )
    ]
    for axis in windows:
        if axis.most_phases(layer.transposed) > MOST_PHASES:
            raise ValueError(
                f"layer {layer.name} has {axis.most_phases(layer.transposed):,} dense phases in a dimension; at most"
                f" {MOST_PHASES:,} are told apart"
            )
    kinds = [axis.transposed() if layer.transposed else axis.dilated() for axis in windows]
    of_axes = list(itertools.product(*kinds))
    names = [layer.name] if len(of_axes) == 1 else [phase_name(layer.name, i) for i in range(1, len(of_axes) + 1)]
    return tuple(_phase_layer(name, layer, whole, *axes) for name, axes in zip(names, of_axes, strict=True))


def phase_name(layer: str, number: int) -> str:
    """Name of one of several dense phases of a layer, counted from 1."""
    return f"{layer}:{number}"


def held_phases(layer: Layer, bands: int) -> tuple[tuple[PhaseLayer, ...], ...]:
    """Return the phases of a transposed layer by bands of its input rows, each in the GLB for all its phases.

    bands: at most so many of about equal height.  Empty where phases differ in depth or are of a dilated filter.
    """
    phases = [phase for phase in dense_phases(layer) if isinstance(phase, PhaseLayer)]
    simple = all(
        phase.depth == phases[0].depth and axis.input_step == axis.stride == 1
        for phase in phases
        for axis in phase.axes[1:]
    )
    if not layer.transposed or len(phases) < 2 or not simple:
        return ()
    edges = [-(-layer.H * band // bands) for band in range(bands + 1)]
    cut: list[tuple[PhaseLayer, ...]] = []
    for first, end in itertools.pairwise(edges):
        ends = first if first > 0 else -layer.R, end if end < layer.H else layer.H + layer.R
        rows = [_of_band(phase.axes[1], *ends, layer.H) for phase in phases]
        members = [(phase, axis) for phase, axis in zip(phases, rows, strict=True) if axis is not None]
        if members:
            spans = _held([axis for _, axis in members]), _held([phase.axes[2] for phase, _ in members])
            cut.append(tuple(_in_band(phase, axis, spans) for phase, axis in members))
    return tuple(cut)


def _of_band(axis: AxisPhases, first: int, end: int, size: int) -> AxisPhases | None:
    """The outputs of phases whose last tap reads an input between two places; None for none."""
    start = axis.first_inputs[0] - axis.before
    begin = max(0, first - start - axis.taps + 1)
    outputs = min(axis.outputs, end - start - axis.taps + 1) - begin
    place = start + begin
    inputs = min(outputs + axis.taps - 1 + place, size) - max(0, place)
    if outputs < 1 or inputs < 1:
        return None
    return replace(
        axis,
        first_outputs=tuple(output + begin * axis.output_step for output in axis.first_outputs),
        first_inputs=(max(0, place),) * axis.count,
        outputs=outputs,
        inputs=inputs,
        before=max(0, -place),
    )


def _held(axes: list[AxisPhases]) -> HeldSpan:
    """The inputs that several phases of one dimension read, the first places of each side by side."""
    starts = [axis.first_inputs[0] - axis.before for axis in axes]
    low = max(0, min(starts))
    high = max(axis.first_inputs[0] + axis.inputs for axis in axes)
    reach = max(start + axis.taps for start, axis in zip(starts, axes, strict=True))
    return HeldSpan(max(axis.outputs for axis in axes), reach - min(starts), low - min(starts), high - low)


def _in_band(phase: PhaseLayer, rows: AxisPhases, held: tuple[HeldSpan, HeldSpan]) -> PhaseLayer:
    padding = (rows.before, rows.behind, *phase.padding[2:])
    return replace(phase, H=rows.inputs, padding=padding, rows=rows, held=held)


def outputs_without_taps(layer: Layer) -> int:
    """Outputs of a layer that no input reaches, through any tap: they are written without a multiply-accumulate."""
    if is_dense(layer):
        return 0
    filters = layer.N * layer.G * layer.M
    reached = sum(
        math.prod(axis.count * axis.outputs for axis in phase.axes)
        for phase in dense_phases(layer)
        if isinstance(phase, PhaseLayer)
    )
    return filters * (layer.depth_out * layer.P * layer.Q - reached)


def _phase_layer(
    name: str, layer: Layer, whole: Layer, depth: AxisPhases, rows: AxisPhases, columns: AxisPhases
) -> PhaseLayer:
    count = depth.count * rows.count * columns.count
    kind = PhaseKind.FILTERS if layer.transposed else PhaseKind.IMAGES
    kept = {field.name: getattr(layer, field.name) for field in fields(Layer)}
    kept |= {
        "name": name,
        "N": layer.N * (count if kind is PhaseKind.IMAGES else 1),
        "M": layer.M * (count if kind is PhaseKind.FILTERS else 1),
        "H": rows.inputs, "W": columns.inputs, "D": depth.inputs,
        "R": rows.taps, "S": columns.taps, "T": depth.taps,
        "stride": (rows.stride, columns.stride), "stride_d": depth.stride,
        "padding": (rows.before, rows.behind, columns.before, columns.behind),
        "padding_d": (depth.before, depth.behind),
        "dilation": (1, 1), "transposed": False, "output_padding": (0, 0), "output_padding_d": 0,
        "density": replace(layer.density, tensor_iact=None, tensor_weight=None),
    }  # fmt: skip
    return PhaseLayer(**kept, whole=whole, depth=depth, rows=rows, columns=columns, kind=kind)


@dataclass(frozen=True)
class _Axis:
    """One dimension of a dilated or transposed window."""

    size: int
    outputs: int
    taps: int
    stride: int
    dilation: int
    before: int

    def most_phases(self, transposed: bool) -> int:
        """Phases that there may be."""
        if transposed:
            return min(self.stride, self.outputs) * self.dilation if self.size > 1 else self.outputs
        return min(self.dilation // math.gcd(self.stride, self.dilation), self.outputs)

    def dilated(self) -> list[AxisPhases]:
        """The dense phases of a dilated window, by shape."""
        if self.dilation == 1:
            wanted = (self.outputs - 1) * self.stride + self.taps - self.before
            one = AxisPhases(
                (0,), (0,), (0,), 1, 1, 1, self.outputs, min(self.size, wanted), self.taps, self.stride, self.before
            )
            return [one] if one.inputs > 0 else []
        return _by_shape(_split(self, -self.before, (0, 1), (0, 1, self.taps)))

    def transposed(self) -> list[AxisPhases]:
        """The dense phases of a transposed window, by shape and by the inputs that they read."""
        found: list[AxisPhases] = []
        if self.size == 1:
            for tap in range(self.taps):
                place = tap * self.dilation - self.before
                if 0 <= place < self.outputs:
                    found.append(AxisPhases((place,), (0,), (tap,), 1, 1, 1, 1, 1, 1, 1, 0))
            return _by_inputs(found)
        common = math.gcd(self.stride, self.dilation)
        apart, spread = self.stride // common, self.dilation // common
        for rest in range(0, self.stride, common):
            tap = rest // common * pow(spread, -1, apart) % apart
            count = -(-(self.taps - tap) // apart)
            first = (rest - self.before) % self.stride
            outputs = -(-(self.outputs - first) // self.stride)
            if count < 1 or outputs < 1:
                continue
            shift = (first + self.before - tap * self.dilation) // self.stride
            start = shift - (count - 1) * spread
            dense = _Axis(self.size, outputs, count, 1, spread if count > 1 else 1, -start)
            found += _split(dense, start, (first, self.stride), (tap + apart * (count - 1), -apart, count))
        return _by_inputs(found)


def _split(axis: _Axis, start: int, output: tuple[int, int], tap: tuple[int, int, int]) -> list[AxisPhases]:
    """Return the dense phases of a window, each by itself.

    start: place of the first tap of the first output among the inputs; output: first place and step of the outputs in
    the whole layer; tap: the same of the taps, and how many.
    """
    common = math.gcd(axis.stride, axis.dilation)
    apart, stride = axis.dilation // common, axis.stride // common
    found = []
    for j in range(min(apart, axis.outputs)):
        outputs, begin = -(-(axis.outputs - j) // apart), start + j * axis.stride
        before = max(0, -(begin // axis.dilation))
        first = begin + before * axis.dilation
        inputs = min((outputs - 1) * stride + tap[2] - before, -(-(axis.size - first) // axis.dilation))
        if inputs > 0:
            found.append(
                AxisPhases(
                    (output[0] + j * output[1],), (first,), (tap[0],), output[1] * apart, axis.dilation, tap[1],
                    outputs, inputs, tap[2], stride, before,
                )
            )  # fmt: skip
    return found


def _by_shape(phases: list[AxisPhases]) -> list[AxisPhases]:
    """Join phases that differ in nothing but where they lie."""
    return _joined(phases, lambda phase: replace(phase, first_outputs=(), first_inputs=()))


def _by_inputs(phases: list[AxisPhases]) -> list[AxisPhases]:
    """Join phases that read the same inputs in windows of the same shape."""
    return _joined(phases, lambda phase: replace(phase, first_outputs=(), first_taps=()))


def _joined(phases: list[AxisPhases], key: Callable[[AxisPhases], AxisPhases]) -> list[AxisPhases]:
    """Join phases of one key, those with most outputs first."""
    alike: dict[AxisPhases, list[AxisPhases]] = {}
    for phase in phases:
        alike.setdefault(key(phase), []).append(phase)
    joined = [
        replace(
            members[0],
            first_outputs=tuple(member.first_outputs[0] for member in members),
            first_inputs=tuple(member.first_inputs[0] for member in members),
            first_taps=tuple(member.first_taps[0] for member in members),
        )
        for members in alike.values()
    ]
    return sorted(joined, key=lambda phase: -phase.count * phase.outputs * phase.taps)
