"""The YAML form of a network: one entry a layer, told apart by `op`.

name: example
source: where the shapes come from
layers:
  - {name: conv1, op: conv, C: 3, H: 224, W: 224, M: 64, kernel: 7, stride: 2, padding: 3}
  - {name: pool1, op: pool, inputs: 802816, outputs: 200704}
  - {name: fc, op: fc, C: 512, M: 1000}
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from accelerator_sim.files.errors import InvalidFile, Problem, did_you_mean
from accelerator_sim.files.model import FileModel, load_model
from accelerator_sim.files.yaml_tree import load_document
from accelerator_sim.workload.density_file import DensityValue, Profile
from accelerator_sim.workload.layer import LARGEST_COUNT, LARGEST_SIZE, Density, Layer
from accelerator_sim.workload.network import Network

Size = Annotated[int, Field(ge=1, le=LARGEST_SIZE)]
Words = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LARGEST_SIZE


def _numbers(value: Any, least: int, lengths: tuple[int, ...], wanted: str) -> tuple[int, ...]:
    """Return one whole number, or a list of as many as `lengths` allows, as a tuple."""
    items = value if isinstance(value, list) else [value]
    if (isinstance(value, list) and len(items) not in lengths) or not all(_whole(item, least) for item in items):
        raise ValueError(f"{wanted} is required, each between {least} and {LARGEST_SIZE}")
    return tuple(items)


def _pair(value: Any) -> tuple[int, int]:
    numbers = _numbers(value, 1, (2,), "a whole number or [rows, columns]")
    return numbers[0], numbers[-1]


def _depth_padding(value: Any) -> tuple[int, int]:
    numbers = _numbers(value, 0, (2,), "a whole number or [front, back]")
    return numbers[0], numbers[-1]


def _padding(value: Any) -> tuple[int, int, int, int] | Literal["same"]:
    if value == "same":
        return "same"
    numbers = _numbers(value, 0, (2, 4), 'a whole number, [rows, columns], [top, bottom, left, right] or "same"')
    if len(numbers) == 4:
        return numbers[0], numbers[1], numbers[2], numbers[3]
    return numbers[0], numbers[0], numbers[-1], numbers[-1]


def _list_schema(least: int, lengths: tuple[int, ...], description: str, words: tuple[str, ...] = ()) -> WithJsonSchema:
    number = {"type": "integer", "minimum": least, "maximum": LARGEST_SIZE}
    lists = [{"type": "array", "items": number, "minItems": n, "maxItems": n} for n in lengths]
    return WithJsonSchema({"description": description, "anyOf": [number, *lists, *({"const": word} for word in words)]})


Pair = Annotated[tuple[int, int], PlainValidator(_pair), _list_schema(1, (2,), "a whole number or [rows, columns]")]
DepthPadding = Annotated[
    tuple[int, int], PlainValidator(_depth_padding), _list_schema(0, (2,), "a whole number or [front, back]")
]
Padding = Annotated[
    tuple[int, int, int, int] | Literal["same"],
    PlainValidator(_padding),
    _list_schema(0, (2, 4), 'a whole number, [rows, columns], [top, bottom, left, right] or "same"', ("same",)),
]


class DensityEntry(FileModel):
    """Mean fraction of values that are not zero."""

    iact: DensityValue = Field(default=Profile(1.0), description="of the input activations")
    weight: DensityValue = Field(default=Profile(1.0), description="of the weights")
    oact: DensityValue = Field(default=Profile(1.0), description="of the output activations, where they leave the chip")
    source: str | None = Field(default=None, description="where the figures come from")

    def to_density(self, default_source: str) -> Density:
        """Return the density of a layer; `default_source` stands in for a source that is not given."""
        return Density(
            iact=self.iact.mean,
            weight=self.weight.mean,
            oact=self.oact.mean,
            source=default_source if self.source is None else self.source,
            profile_iact=self.iact.channels,
            profile_weight=self.weight.channels,
            tensor_iact=self.iact.tensor,
            tensor_weight=self.weight.tensor,
        )


class _Entry(FileModel):
    name: str = Field(min_length=1, description="unique name of the layer")
    reads: list[str] = Field(
        default_factory=list, description="names of the layers whose outputs it reads; left out: not stated"
    )


class _MacEntry(_Entry):
    G: Size = Field(default=1, description="groups (of a matmul: pairs of matrices, e.g. heads)")
    M: Size = Field(description="filters per group, that is output channels")
    C: Size = Field(description="input channels per group")
    density: DensityEntry | None = Field(default=None, description="left out: assumed dense")
    effectual_fraction: Fraction | None = Field(
        default=None, description="fraction of the MACs whose operands are both non-zero, where it is published"
    )

    def shape(self) -> dict[str, Any]:
        """Return the fields of the layer that depend on the operator."""
        raise NotImplementedError

    def to_layer(self, density_source: str) -> Layer:
        """Return the layer.  Raises ValueError when its sizes do not fit together."""
        density = self.density.to_density(density_source) if self.density else Density()
        return Layer(
            G=self.G,
            M=self.M,
            C=self.C,
            density=density,
            effectual_fraction=self.effectual_fraction,
            reads=tuple(self.reads),
            **self.shape(),
        )

    @model_validator(mode="after")
    def _fits(self) -> _MacEntry:
        self.to_layer("")
        return self


class ConvEntry(_MacEntry):
    """A convolution; depthwise is G: channels, M: 1, C: 1, and 1-D is H: 1."""

    op: Literal["conv"]
    N: Size = Field(default=1, description="images")
    H: Size = Field(description="input rows, without padding")
    W: Size = Field(description="input columns, without padding")
    R: Size | None = Field(default=None, description="filter rows")
    S: Size | None = Field(default=None, description="filter columns")
    kernel: Pair | None = Field(default=None, description="filter rows and columns, instead of R and S")
    stride: Pair = Field(default=(1, 1), description="rows, columns")
    padding: Padding = Field(default=(0, 0, 0, 0), description="zeros around the input")
    dilation: Pair = Field(default=(1, 1), description="rows, columns")
    D: Size = Field(default=1, description="input planes of a 3-D convolution")
    T: Size = Field(default=1, description="depth taps of a 3-D convolution")
    stride_d: Size = Field(default=1, description="stride in depth")
    padding_d: DepthPadding = Field(default=(0, 0), description="planes of zeros in front and behind")

    def shape(self) -> dict[str, Any]:
        """Return the window of the convolution, with "same" padding worked out (the larger half goes last)."""
        if self.kernel is not None:
            if self.R is not None or self.S is not None:
                raise ValueError("kernel and R or S are given; give either kernel, or R and S")
            r, s = self.kernel
        elif self.R is None or self.S is None:
            raise ValueError("no filter size; give kernel, or R and S")
        else:
            r, s = self.R, self.S
        padding = self.padding
        if padding == "same":
            rows = _same(self.H, r, self.stride[0], self.dilation[0])
            columns = _same(self.W, s, self.stride[1], self.dilation[1])
            padding = rows + columns
        return {
            "name": self.name, "op": self.op, "N": self.N, "H": self.H, "W": self.W, "R": r, "S": s,
            "stride": self.stride, "padding": padding, "dilation": self.dilation,
            "D": self.D, "T": self.T, "stride_d": self.stride_d, "padding_d": self.padding_d,
        }  # fmt: skip


def _same(size: int, taps: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return the padding before and after that gives ceil(size / stride) outputs."""
    total = max((-(-size // stride) - 1) * stride + (taps - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


class FcEntry(_MacEntry):
    """A fully connected layer over C channels of H x W inputs."""

    op: Literal["fc"]
    N: Size = Field(default=1, description="images")
    H: Size = Field(default=1, description="input rows")
    W: Size = Field(default=1, description="input columns")

    def shape(self) -> dict[str, Any]:
        """Return a filter that covers the input."""
        sizes = {"H": self.H, "W": self.W, "R": self.H, "S": self.W}
        return {"name": self.name, "op": self.op, "N": self.N, **sizes}


class GemmEntry(_MacEntry):
    """A matrix product, `rows` x C activations times C x M weights."""

    op: Literal["gemm"]
    N: Size = Field(default=1, description="images, each of `rows`")
    rows: Size = Field(description="rows of the activations, e.g. tokens")

    def shape(self) -> dict[str, Any]:
        """Return the rows as columns of a 1 x 1 convolution."""
        return {"name": self.name, "op": self.op, "N": self.N, "W": self.rows}


class MatmulEntry(_MacEntry):
    """G products of activations, `rows` x C times C x M."""

    op: Literal["matmul"]
    rows: Size = Field(description="rows of the first operand")

    def shape(self) -> dict[str, Any]:
        """Return the rows as columns of a 1 x 1 convolution."""
        return {"name": self.name, "op": self.op, "W": self.rows}


class TrafficEntry(_Entry):
    """An operator without multiply-accumulates, counted by the words that it moves."""

    op: Literal["pool", "add", "mul", "activation", "softmax", "norm", "embedding", "other"]
    inputs: Words = Field(description="words read per image")
    outputs: Words = Field(description="words written per image")

    def to_layer(self, density_source: str) -> Layer:
        """Return the layer.  Raises ValueError when it moves nothing."""
        reads = tuple(self.reads)
        return Layer(name=self.name, op=self.op, iact_words=self.inputs, oact_words=self.outputs, reads=reads)

    @model_validator(mode="after")
    def _fits(self) -> TrafficEntry:
        self.to_layer("")
        return self


Entry = Annotated[ConvEntry | FcEntry | GemmEntry | MatmulEntry | TrafficEntry, Field(discriminator="op")]


class NetworkFile(FileModel):
    """A neural network as the simulator reads it."""

    name: str = Field(min_length=1, description="name of the network")
    source: str = Field(min_length=1, description="publication that the shapes come from")
    notes: str = Field(default="", description="what a reader should know, e.g. what is fused and not listed")
    density_source: str = Field(
        default="given without a source", description="where the densities come from, unless a layer says otherwise"
    )
    layers: list[Entry] = Field(min_length=1, description="the layers in the order in which they run")


def read_network(path: Path | str) -> Network:
    """Read a network file.  Raises InvalidFile with everything that is wrong with it."""
    document = load_document(path)
    content = load_model(NetworkFile, document, context={"folder": Path(path).parent})
    first: dict[str, int] = {}
    problems = []
    for i, entry in enumerate(content.layers):
        line, column = document.position(("layers", i, "name"))
        if entry.name in first:
            message = f"a second layer {entry.name!r}; the first is in line {first[entry.name]}"
            problems.append(Problem(document.file, line, column, f"layers.{i}.name", message))
        for j, name in enumerate(entry.reads):
            if name not in first:
                line_of, column_of = document.position(("layers", i, "reads", j))
                message = f"no layer {name!r} before this one{did_you_mean(name, first)}"
                problems.append(Problem(document.file, line_of, column_of, f"layers.{i}.reads.{j}", message))
        first.setdefault(entry.name, line or 0)
    if problems:
        raise InvalidFile(problems)
    layers = tuple(entry.to_layer(content.density_source) for entry in content.layers)
    return Network(content.name, content.source, layers, document.file, content.notes)


def schema() -> dict[str, Any]:
    """Return the JSON schema of a network file."""
    return NetworkFile.model_json_schema()
