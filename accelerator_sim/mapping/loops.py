"""The loop nest of a layer in the normal form that mappings speak of.

A layer is G groups of N images, M filters, C channels, P x Q outputs and R x S taps.  Layers without a sliding window
are brought to one dimension of positions, because no hardware limit distinguishes their dimensions:

- windows that do not overlap (a stride of at least the filter, no padding: 1 x 1 filters, patch embeddings) are a
  1 x 1 filter over C x R x S channels at P x Q x N positions, in any order: Q holds them all;
- so is a filter that covers its whole input (fully connected), at N positions;
- a 3-D convolution is the sum over its depth taps of 2-D ones (channels C x T, images N x output depth).

Psums, weights and multiply-accumulates are the same in both forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from accelerator_sim.workload.layer import Layer, taps_inside
from accelerator_sim.workload.phases import PhaseLayer, is_dense


@dataclass(frozen=True)
class Window:
    """One dimension of a sliding window: `outputs` positions of `taps` taps over `size` inputs and padding."""

    outputs: int
    taps: int
    stride: int
    dilation: int
    size: int
    before: int
    """Padding before the first input (negative: inputs before the first window, see `of_taps`)."""

    @property
    def extent(self) -> int:
        """Inputs from the first to the last tap of one position."""
        return (self.taps - 1) * self.dilation + 1

    def of_taps(self, first: int, taps: int) -> Window:
        """The window of `taps` neighbouring taps alone, from the tap number `first` on, at the same positions.

        It begins `first` x `dilation` inputs later; where it has gone past the padding, `before` is negative.
        """
        before = self.before - first * self.dilation
        return Window(self.outputs, taps, self.stride, self.dilation, self.size, before)

    def touched(self, outputs: int, blocks: int) -> int:
        """Inputs, padding included, that `outputs` positions in `blocks` runs of neighbours need, run by run."""
        if self.stride >= self.extent:
            return self.taps * outputs if self.dilation == 1 else self.extent * outputs
        return self.stride * (outputs - blocks) + self.extent * blocks

    def streamed(self, outputs: int, blocks: int, taps: int) -> int:
        """Input rows that feed `taps` filter rows over `outputs` rows in `blocks` strips, each row once a strip.

        Neighbouring outputs of a strip share rows on the diagonals of the array (ISCA 2016 V-A); with dilation, or
        with a stride of at least the taps, they are taken to share none.
        """
        if self.dilation > 1 or self.stride >= taps:
            return taps * outputs
        return self.stride * (outputs - blocks) + taps * blocks

    def fetched(self, tile: int) -> int:
        """Inputs, without padding, of all positions in tiles of `tile` neighbours; overlaps are fetched again."""
        if self.stride >= self.extent:
            return self.spanned_inside
        tiles = -(-self.outputs // tile)
        total = self.touched(self.outputs, tiles)
        for i in range(tiles):
            start = i * tile * self.stride - self.before
            if start >= 0:
                break
            total -= min(-start, (min(tile, self.outputs - i * tile) - 1) * self.stride + self.extent)
        for i in range(tiles - 1, -1, -1):
            span = (min(tile, self.outputs - i * tile) - 1) * self.stride + self.extent
            over = i * tile * self.stride - self.before + span - self.size
            if over <= 0:
                break
            total -= min(over, span)
        return total

    @property
    def touched_inside(self) -> int:
        """Taps of all positions that fall on inputs rather than on padding."""
        return taps_inside(self.outputs, self.taps, self.stride, self.dilation, self.size, self.before)

    @property
    def spanned_inside(self) -> int:
        """Inputs from the first to the last tap of each position, without padding, summed over the positions."""
        return taps_inside(self.outputs, self.extent, self.stride, 1, self.size, self.before)


@dataclass(frozen=True)
class Loops:
    """Extents of the loops of one layer in normal form.  M and C are per group."""

    G: int
    N: int
    M: int
    C: int
    R: int
    S: int
    rows: Window
    columns: Window
    positions: bool
    """Whether Q stands for all positions of a layer without a sliding window."""
    held: tuple[Window, Window] | None = None
    """Rows and columns of the inputs that lie in the GLB before the layer begins; None: it fetches its own."""

    @property
    def P(self) -> int:
        """Output rows."""
        return self.rows.outputs

    @property
    def Q(self) -> int:
        """Output columns (or positions)."""
        return self.columns.outputs

    @property
    def macs(self) -> int:
        """Multiply-accumulates, those on padding included."""
        return self.G * self.N * self.M * self.C * self.P * self.Q * self.R * self.S

    @property
    def outputs(self) -> int:
        """Output activations."""
        return self.G * self.N * self.M * self.P * self.Q

    @property
    def weights(self) -> int:
        """Weights (or words of the second operand)."""
        return self.G * self.M * self.C * self.R * self.S

    @property
    def depthwise(self) -> bool:
        """One filter and one channel per group: nothing for SIMD or zero skipping to work on (JETCAS V-B)."""
        return self.M == 1 and self.C == 1

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Extent of every dimension, by its letter."""
        return {
            "G": self.G, "N": self.N, "M": self.M, "C": self.C, "P": self.P, "Q": self.Q, "R": self.R, "S": self.S,
        }  # fmt: skip


def _positions(g: int, m: int, c: int, positions: int) -> Loops:
    one = Window(1, 1, 1, 1, 1, 0)
    return Loops(g, 1, m, c, 1, 1, one, Window(positions, 1, 1, 1, positions, 0), True)


def loops_of(layer: Layer) -> Loops:
    """Return the normal form of a dense multiply-accumulate layer (`workload.phases.dense_phases`).

    Raises ValueError for a layer that has no multiply-accumulates, or that is dilated or transposed.
    """
    if not layer.is_mac:
        raise ValueError(f"layer {layer.name} ({layer.op}) has no multiply-accumulates to map")
    if not is_dense(layer):
        raise ValueError(f"layer {layer.name} is dilated or transposed; each of its dense phases is mapped by itself")
    n, c = layer.N * layer.depth_out, layer.C * layer.T
    top, _bottom, left, _right = layer.padding
    unpadded = not any(layer.padding)
    p, q = layer.P, layer.Q
    rows = Window(p, layer.R, layer.stride[0], 1, layer.H, top)
    columns = Window(q, layer.S, layer.stride[1], 1, layer.W, left)
    apart = all(w.outputs == 1 or w.stride >= w.extent for w in (rows, columns))
    if unpadded and apart and _held(layer) is None:
        return _positions(layer.G, layer.M, c * layer.R * layer.S, n * p * q)
    return Loops(layer.G, n, layer.M, c, layer.R, layer.S, rows, columns, False, _held(layer))


def _held(layer: Layer) -> tuple[Window, Window] | None:
    """The windows of the inputs that lie in the GLB before a phase begins."""
    if not isinstance(layer, PhaseLayer) or layer.held is None:
        return None
    rows, columns = (Window(span.outputs, span.taps, 1, 1, span.size, span.before) for span in layer.held)
    return rows, columns
