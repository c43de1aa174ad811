"""One layer of a network, in the letters of the papers.

N images, G groups, M filters and C channels per group, an input of H rows and W columns, a filter of R rows and S
columns, an output of P rows and Q columns (E and F in the Eyeriss papers).  Sizes are words, not bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral, Real

MAC_OPS = ("conv", "fc", "gemm", "matmul")
"""Operators made of multiply-accumulates."""

TRAFFIC_OPS = ("pool", "add", "mul", "activation", "softmax", "norm", "embedding", "other")
"""Operators that are counted by the words they read and write."""

LARGEST_SIZE = 1 << 31
LARGEST_COUNT = 1 << 62
MOST_WEIGHT_BITS = 64.0
"""Bits of a weight off-chip: those of the widest number."""


@dataclass(frozen=True)
class Density:
    """Mean fraction, 0 to 1, of the values of each tensor that are not zero, and where the figures come from.

    A profile, when there is one, gives the density of every input channel (G x C of them); its mean is the density.
    A tensor, when there is one, is the file and the key of the values themselves (`tensor_values.read_tensor`).
    """

    iact: float = 1.0
    weight: float = 1.0
    oact: float = 1.0
    source: str = "assumed dense"
    profile_iact: tuple[float, ...] = ()
    profile_weight: tuple[float, ...] = ()
    tensor_iact: tuple[str, str] | None = None
    tensor_weight: tuple[str, str] | None = None
    kept_channels: tuple[int, int] | None = None
    """Structure of the weights' zeros: N non-zeros among each M neighbouring channels of a filter and tap."""

    def __post_init__(self) -> None:
        for name in ("profile_iact", "profile_weight", "tensor_iact", "tensor_weight", "kept_channels"):
            value, optional = getattr(self, name), not name.startswith("profile")
            if not isinstance(value, tuple) and not (optional and value is None):
                raise ValueError(f"{name} is {value!r}; a tuple is required")
        if not isinstance(self.source, str):
            raise ValueError(f"source is {self.source!r}; a text is required")
        if self.kept_channels is not None:
            kept = tuple(_whole("kept_channels", value) for value in self.kept_channels)
            if len(kept) != 2 or not 1 <= kept[0] <= kept[1]:
                raise ValueError(f"kept_channels is {self.kept_channels}; N of M with 1 <= N <= M is required")
        for name in ("iact", "weight", "oact"):
            for value in (getattr(self, name), *getattr(self, f"profile_{name}", ())):
                if isinstance(value, bool) or not isinstance(value, Real) or not 0.0 <= float(value) <= 1.0:
                    raise ValueError(f"density of {name} is {value}; it must be between 0 and 1")


@dataclass(frozen=True)
class Layer:
    """A layer: its operator and its shape.  H and W are without padding.

    - conv: all letters; a 3-D convolution has D input planes and T depth taps besides.  A transposed one spreads each
      input over the outputs `stride` x place + `dilation` x tap; its padding cuts outputs off, `output_padding` adds
      some;
    - fc: the filter covers the whole input (R = H, S = W);
    - gemm: `rows` x C times C x M, the rows stored as W, with H = R = S = 1;
    - matmul: the same for G pairs of matrices, of which the second is also an activation; it counts as the weights;
    - traffic-only operators: `iact_words` are read and `oact_words` written.

    Raises ValueError for sizes that are out of range or do not fit together.
    """

    name: str
    op: str
    N: int = 1
    G: int = 1
    M: int = 1
    C: int = 1
    H: int = 1
    W: int = 1
    R: int = 1
    S: int = 1
    stride: tuple[int, int] = (1, 1)
    """Rows, columns."""
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Top, bottom, left, right."""
    dilation: tuple[int, int] = (1, 1)
    """Rows, columns."""
    density: Density = Density()
    effectual_fraction: float | None = None
    """Published fraction of the MACs whose operands are both non-zero; None: iact density x weight density."""
    iact_words: int = 0
    """Words that a traffic-only operator reads."""
    oact_words: int = 0
    """Words that a traffic-only operator writes."""
    D: int = 1
    T: int = 1
    stride_d: int = 1
    padding_d: tuple[int, int] = (0, 0)
    """Front, back."""
    reads: tuple[str, ...] = ()
    """Names of the layers whose outputs it reads; empty: not stated."""
    weight_bits: float | None = None
    """Bits off-chip per weight, with its share of scales, where weights are stored in blocks of few bits; None: the
    machine's own."""
    transposed: bool = False
    output_padding: tuple[int, int] = (0, 0)
    """Outputs behind the last ones of a transposed convolution: rows, columns."""
    output_padding_d: int = 0
    uncounted: str = ""
    """Operator of a traffic-only layer that may multiply in a way that nobody counts; empty: all its work is known."""

    def __post_init__(self) -> None:
        self._check_types()
        if self.op not in MAC_OPS + TRAFFIC_OPS:
            raise ValueError(f"unknown op {self.op!r}; allowed: {', '.join(MAC_OPS + TRAFFIC_OPS)}")
        if not self.is_mac:
            self._check_traffic()
            return
        if self.uncounted:
            raise ValueError(
                f"{self.op} counts its work; only traffic-only layers have an operator that is not counted"
            )
        if self.weight_bits is not None and not 0.0 < self.weight_bits <= MOST_WEIGHT_BITS:
            raise ValueError(
                f"weight_bits is {self.weight_bits}; it must be more than 0 and at most {MOST_WEIGHT_BITS}"
            )
        for name in ("N", "G", "M", "C", "H", "W", "R", "S", "D", "T", "stride_d"):
            _check_size(name, getattr(self, name), 1)
        for name in ("stride", "dilation"):
            for value in getattr(self, name):
                _check_size(name, value, 1)
        for value in self.padding + self.padding_d:
            _check_size("padding", value, 0)
        for value in (*self.output_padding, self.output_padding_d):
            _check_size("output_padding", value, 0)
        self._check_window()
        if self.effectual_fraction is not None and not 0.0 <= self.effectual_fraction <= 1.0:
            raise ValueError(f"effectual_fraction is {self.effectual_fraction}; it must be between 0 and 1")
        for name in ("profile_iact", "profile_weight"):
            entries = len(getattr(self.density, name))
            if entries not in (0, self.G * self.C):
                tensor = name.removeprefix("profile_")
                raise ValueError(
                    f"the density profile of {tensor} has {entries} entries for {self.G * self.C} input channels"
                )
        for quantity, count in (
            ("MACs", self.macs),
            ("iacts", self.iact_total_words),
            ("weights", self.weight_words),
            ("oacts", self.oact_total_words),
        ):
            if count > LARGEST_COUNT:
                raise ValueError(f"{count} {quantity} are more than the {LARGEST_COUNT} that are counted")

    def _check_types(self) -> None:
        for name in ("name", "op", "uncounted"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} is {getattr(self, name)!r}; a text is required")
        whole = ("N", "G", "M", "C", "H", "W", "R", "S", "D", "T", "stride_d", "iact_words", "oact_words")
        for name in (*whole, "output_padding_d"):
            object.__setattr__(self, name, _whole(name, getattr(self, name)))  # an int, where numpy's would overflow
        lengths = {"stride": 2, "dilation": 2, "padding": 4, "padding_d": 2, "output_padding": 2}
        for name, length in lengths.items():
            values = getattr(self, name)
            if not isinstance(values, tuple | list) or len(values) != length:
                raise ValueError(f"{name} is {values!r}; a tuple of {length} whole numbers is required")
            object.__setattr__(self, name, tuple(_whole(name, value) for value in values))
        if not isinstance(self.transposed, bool):
            raise ValueError(f"transposed is {self.transposed!r}; True or False is required")
        for name in ("effectual_fraction", "weight_bits"):
            if not isinstance(getattr(self, name), Real | None):
                raise ValueError(f"{name} is {getattr(self, name)!r}; a number is required")
        if not isinstance(self.density, Density):
            raise ValueError(f"density is {self.density!r}; a value of the type Density is required")
        if not isinstance(self.reads, tuple):
            raise ValueError(f"reads is {self.reads!r}; a tuple of names is required")

    def _check_traffic(self) -> None:
        for name in ("iact_words", "oact_words"):
            if not 0 <= getattr(self, name) <= LARGEST_COUNT:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be between 0 and {LARGEST_COUNT}")
        if self.iact_words == 0 and self.oact_words == 0:
            raise ValueError(f"{self.op} reads and writes nothing; give the words that it moves")

    def _check_window(self) -> None:
        if self.transposed:
            self._check_transposed()
            return
        if any(self.output_padding) or self.output_padding_d:
            raise ValueError("output_padding is of transposed convolutions; this one is none")
        top, bottom, left, right = self.padding
        for axis, taps, dilation, size, padded in (
            ("filter rows", self.R, self.dilation[0], "H", self.H + top + bottom),
            ("filter columns", self.S, self.dilation[1], "W", self.W + left + right),
            ("depth taps", self.T, 1, "D", self.D + sum(self.padding_d)),
        ):
            extent = (taps - 1) * dilation + 1
            if extent > padded:
                raise ValueError(
                    f"the filter spans {extent} in {axis}, more than {size} with padding, which is {padded}"
                )
        if self.op == "fc" and (self.P, self.Q) != (1, 1):
            raise ValueError(
                f"fc has {self.P} x {self.Q} outputs a filter; its filter must cover the input (or use conv)"
            )
        if self.op in ("gemm", "matmul") and (self.H, self.R, self.S) != (1, 1, 1):
            raise ValueError(f"{self.op} keeps its rows in W; H, R and S must be 1")

    def _check_transposed(self) -> None:
        if self.op != "conv":
            raise ValueError(f"{self.op} cannot be transposed; only conv can")
        for name, outputs in (("rows", self.P), ("columns", self.Q), ("planes", self.depth_out)):
            if outputs < 1:
                raise ValueError(f"the transposed convolution has {outputs} output {name}; at least 1 is required")

    @property
    def is_mac(self) -> bool:
        """Whether the layer is made of multiply-accumulates."""
        return self.op in MAC_OPS

    @property
    def P(self) -> int:
        """Output rows."""
        return self._windows[1].outputs

    @property
    def Q(self) -> int:
        """Output columns."""
        return self._windows[2].outputs

    @property
    def depth_out(self) -> int:
        """Output planes of a 3-D convolution, else 1."""
        return self._windows[0].outputs

    @cached_property
    def _windows(self) -> tuple[_Window, _Window, _Window]:
        """Depth, rows and columns."""
        (top, bottom, left, right), (front, back) = self.padding, self.padding_d
        (u, v), (rows, columns), more = self.stride, self.dilation, (self.output_padding_d, *self.output_padding)
        return (
            _Window(self.D, self.T, self.stride_d, 1, front, back, self.transposed, more[0]),
            _Window(self.H, self.R, u, rows, top, bottom, self.transposed, more[1]),
            _Window(self.W, self.S, v, columns, left, right, self.transposed, more[2]),
        )

    @property
    def macs(self) -> int:
        """Multiply-accumulates, as published totals count; 0 for traffic-only operators.

        Those on padding are included; a transposed convolution has one for each input and tap, filter and channel.
        """
        if not self.is_mac:
            return 0
        taps = self.N * self.G * self.M * self.C * self.T * self.R * self.S
        return taps * (self.D * self.H * self.W if self.transposed else self.depth_out * self.P * self.Q)

    @property
    def inside_macs(self) -> int:
        """Multiply-accumulates whose iact is a value of the input, not padding, and whose output is not cut off."""
        if not self.is_mac:
            return 0
        depth, rows, columns = self._windows
        return self.N * self.G * self.M * self.C * depth.taps_inside * rows.taps_inside * columns.taps_inside

    @cached_property
    def unnamed(self) -> Layer:
        """The layer without its name and its place in the graph: equal for layers of equal cost."""
        return replace(self, name="", reads=())

    @property
    def effectual_macs(self) -> int:
        """Expected multiply-accumulates with both operands non-zero, to the nearest whole number.

        For a dense layer: exactly those on inputs.  With zeros, padding counts as values, as published counts do; the
        engines count it as zeros (`expected_macs`).
        """
        if self.effectual_fraction is not None:
            return round(self.macs * self.effectual_fraction)
        if self.density.iact == self.density.weight == 1.0:
            return self.inside_macs
        return round(self.macs * self.density.iact * self.density.weight)

    @property
    def expected_macs(self) -> int:
        """Multiply-accumulates with both operands non-zero, padding being zeros, to be expected of an engine.

        A published fraction counts padding as values: the rest of it is that of the other values.
        """
        inside, weight = self.inside_macs, self.density.weight
        if self.effectual_fraction is None:
            return round(inside * self.density.iact * weight)
        return max(0, round(self.macs * self.effectual_fraction - (self.macs - inside) * weight))

    @property
    def weight_words(self) -> int:
        """Weights; for a matmul, words of the second operand."""
        return self.G * self.M * self.C * self.T * self.R * self.S if self.is_mac else 0

    @property
    def iact_total_words(self) -> int:
        """Input activations, without padding; for a matmul, those of the first operand."""
        return self.N * self.G * self.C * self.D * self.H * self.W if self.is_mac else self.iact_words

    @property
    def oact_total_words(self) -> int:
        """Output activations."""
        return self.N * self.G * self.M * self.depth_out * self.P * self.Q if self.is_mac else self.oact_words

    def with_batch(self, n: int) -> Layer:
        """Return the layer for `n` times the images; a matmul gets `n` times the pairs of matrices."""
        if n < 1:
            raise ValueError(f"batch is {n}; it must be at least 1")
        if not self.is_mac:
            return replace(self, iact_words=self.iact_words * n, oact_words=self.oact_words * n)
        if self.op == "matmul":
            _check_size("G", self.G * n, 1)  # before profiles are repeated as often
            density = replace(
                self.density,
                profile_iact=self.density.profile_iact * n,
                profile_weight=self.density.profile_weight * n,
            )
            return replace(self, G=self.G * n, density=density)
        return replace(self, N=self.N * n)


@dataclass(frozen=True)
class _Window:
    """One dimension of a convolution."""

    size: int
    taps: int
    stride: int
    dilation: int
    before: int
    behind: int
    transposed: bool
    more: int
    """Outputs behind the last ones of a transposed convolution."""

    @property
    def outputs(self) -> int:
        extent, around = self.dilation * (self.taps - 1) + 1, self.before + self.behind
        if self.transposed:
            return (self.size - 1) * self.stride + extent - around + self.more
        return (self.size + around - extent) // self.stride + 1

    @property
    def taps_inside(self) -> int:
        """Pairs of an input and a tap that make up an output."""
        if self.transposed:
            return taps_inside(self.size, self.taps, self.stride, self.dilation, self.outputs, self.before)
        return taps_inside(self.outputs, self.taps, self.stride, self.dilation, self.size, self.before)


def taps_inside(outputs: int, taps: int, stride: int, dilation: int, size: int, before: int) -> int:
    """Count the pairs of an output and a tap of one dimension whose input is there, not padding.

    size: inputs without padding; before: padding in front of the first.
    """
    return _pairs_below(size + before, outputs, taps, stride, dilation) - _pairs_below(
        before, outputs, taps, stride, dilation
    )


def _pairs_below(end: int, outputs: int, taps: int, stride: int, dilation: int) -> int:
    """Count the pairs of an output and a tap whose place, output x stride + tap x dilation, is below `end`.

    In steps that grow with the logarithm of the sizes, as a filter may have billions of taps.
    """
    some = min(taps, max(0, -(-end // dilation)))
    whole = min(some, max(0, -(-(end - (outputs - 1) * stride) // dilation)))
    # The taps between, the last one first: the places below `end`, rounded up to whole strides.
    return whole * outputs + _floor_sum(some - whole, stride, dilation, end - (some - 1) * dilation + stride - 1)


def _floor_sum(count: int, divisor: int, step: int, first: int) -> int:
    """Sum floor((first + i x step) / divisor) for i from 0 to count - 1, by Euclid's algorithm; first is at least 0."""
    total = 0
    while count > 0:
        total += (count - 1) * count // 2 * (step // divisor) + count * (first // divisor)
        step, first = step % divisor, first % divisor
        last = step * count + first
        if last < divisor:
            break
        count, first, divisor, step = last // divisor, last % divisor, step, divisor
    return total


def _whole(name: str, value: object) -> int:
    """Return a whole number of Python or numpy as an int.  Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise ValueError(f"{name} is {value!r}; a whole number is required")
    return int(value)


def _check_size(name: str, value: int, least: int) -> None:
    if not least <= value <= LARGEST_SIZE:
        raise ValueError(f"{name} is {value}; it must be between {least} and {LARGEST_SIZE}")
