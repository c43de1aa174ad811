"""The YAML form of a network: one entry per layer, distinguished by `op`.

name: example
source: where the shapes come from
layers:
  - {name: conv1, op: conv, C: 3, H: 224, W: 224, M: 64, kernel: 7, stride: 2, padding: 3}
  - {name: pool1, op: pool, inputs: 802816, outputs: 200704}
  - {name: fc, op: fc, C: 512, M: 1000}

An entry with `op: network` stands for all layers of another network, and any entry may be there `repeat` times; both
are expanded when the file is read, so that a network is a plain list of layers to all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from accelerator_sim.files.data import builtin_names, looks_like_path, resolve
from accelerator_sim.files.errors import InvalidFile, Problem, did_you_mean
from accelerator_sim.files.model import FileModel, load_model
from accelerator_sim.files.paths import is_file, real
from accelerator_sim.files.yaml_tree import Document, YamlPath, dotted, load_document
from accelerator_sim.workload.density_file import DensityValue, Profile, TensorProfile
from accelerator_sim.workload.layer import LARGEST_COUNT, LARGEST_SIZE, MOST_WEIGHT_BITS, Density, Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.operand_shapes import tensor_layout

LARGEST_NETWORK = 100_000
"""Layers that a network may have, repeated ones counted each time."""
DEEPEST = 16
"""Networks that may lie in one another."""

Family = Literal["cnn", "cnn-1d", "transformer", "recurrent", "point-cloud", "video", "other"]
Size = Annotated[int, Field(ge=1, le=LARGEST_SIZE)]
WordCount = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LARGEST_SIZE


def _numbers(value: Any, least: int, lengths: tuple[int, ...], wanted: str) -> tuple[int, ...]:
    """Return one whole number, or a list of as many as `lengths` allows, as a tuple."""
    items = value if isinstance(value, list) else [value]
    if (isinstance(value, list) and len(items) not in lengths) or not all(_whole(item, least) for item in items):
        raise ValueError(f"{wanted} is required, each between {least} and {LARGEST_SIZE}")
    return tuple(items)


def _rows_and_columns(least: int) -> tuple[PlainValidator, WithJsonSchema]:
    """Return how one number, or one for rows and one for columns, is read, and its schema."""
    wanted = "a whole number or [rows, columns]"

    def read(value: Any) -> tuple[int, int]:
        numbers = _numbers(value, least, (2,), wanted)
        return numbers[0], numbers[-1]

    return PlainValidator(read), _list_schema(least, (2,), wanted)


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


RowsAndColumns = Annotated[tuple[int, int], *_rows_and_columns(1)]
DepthPadding = Annotated[
    tuple[int, int], PlainValidator(_depth_padding), _list_schema(0, (2,), "a whole number or [front, back]")
]
OutputPadding = Annotated[tuple[int, int], *_rows_and_columns(0)]
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
    kept_channels: list[Size] | None = Field(
        default=None,
        min_length=2,
        max_length=2,
        description="[N, M]: N weights of M neighbouring channels are left",
    )
    source: str | None = Field(default=None, description="where the figures come from")

    @model_validator(mode="after")
    def _some_are_left(self) -> DensityEntry:
        if self.kept_channels is not None and self.kept_channels[0] > self.kept_channels[1]:
            raise ValueError(f"kept_channels is {self.kept_channels}; N of M with N <= M")
        return self

    def to_density(self, default_source: str, layer: Layer) -> Density:
        """Return the density of a layer; `default_source` stands in for a source that is not given.

        Raises ValueError for tensors of another shape than the layer's.
        """
        iact, weight, oact = (_measured(getattr(self, name), name, layer) for name in ("iact", "weight", "oact"))
        return Density(
            iact=iact,
            weight=weight,
            oact=oact,
            source=default_source if self.source is None else self.source,
            profile_iact=self.iact.channels,
            profile_weight=self.weight.channels,
            tensor_iact=self.iact.tensor,
            tensor_weight=self.weight.tensor,
            kept_channels=(self.kept_channels[0], self.kept_channels[1]) if self.kept_channels else None,
        )


def _measured(profile: Profile, name: str, layer: Layer) -> float:
    """The mean of a density; that of a tensor is counted when its header fits the layer."""
    if not isinstance(profile, TensorProfile):
        return profile.mean
    return profile.measured(*tensor_layout(layer, name), f"the {name}s of layer {layer.name}").mean


class _Entry(FileModel):
    name: str = Field(min_length=1, description="unique name of the layer, or beginning of the names of a network")
    repeat: Size | None = Field(
        default=None, description="how often it is there, in sequence, as NAME.0, NAME.1, ...; left out: once, as NAME"
    )


class _WeightsEntry(_Entry):
    weights: Literal["shared", "own"] = Field(
        default="shared", description="whether repetitions have the same weights, or each its own"
    )

    @model_validator(mode="after")
    def _repeated(self) -> _WeightsEntry:
        if self.weights == "own" and self.repeat is None:
            raise ValueError("weights is for repetitions; also give repeat")
        return self


class _LayerEntry(_Entry):
    reads: list[str] = Field(
        default_factory=list, description="names of the layers whose outputs it reads; left out: not stated"
    )


class _MacEntry(_LayerEntry, _WeightsEntry):
    G: Size = Field(default=1, description="groups (of a matmul: pairs of matrices, e.g. heads)")
    M: Size = Field(description="filters per group, that is output channels")
    C: Size = Field(description="input channels per group")
    density: DensityEntry | None = Field(default=None, description="left out: assumed dense")
    effectual_fraction: Fraction | None = Field(
        default=None, description="fraction of the MACs whose operands are both non-zero, where it is published"
    )
    weight_bits: float | None = Field(
        default=None,
        gt=0.0,
        le=MOST_WEIGHT_BITS,
        description="bits off-chip per weight, with its share of scales, of weights stored in blocks of few bits",
    )

    def shape(self) -> dict[str, Any]:
        """Return the fields of the layer that depend on the operator."""
        raise NotImplementedError

    def to_layer(self, density_source: str) -> Layer:
        """Return the layer.  Raises ValueError when its sizes, or those of its tensors, do not fit together."""
        layer = Layer(
            G=self.G,
            M=self.M,
            C=self.C,
            effectual_fraction=self.effectual_fraction,
            weight_bits=self.weight_bits,
            reads=tuple(self.reads),
            **self.shape(),
        )
        if self.density is None:
            return layer
        return replace(layer, density=self.density.to_density(density_source, layer))

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
    kernel: RowsAndColumns | None = Field(default=None, description="filter rows and columns, instead of R and S")
    stride: RowsAndColumns = Field(default=(1, 1), description="rows, columns")
    padding: Padding = Field(default=(0, 0, 0, 0), description="zeros around the input")
    dilation: RowsAndColumns = Field(default=(1, 1), description="rows, columns")
    D: Size = Field(default=1, description="input planes of a 3-D convolution")
    T: Size = Field(default=1, description="depth taps of a 3-D convolution")
    stride_d: Size = Field(default=1, description="stride in depth")
    padding_d: DepthPadding = Field(default=(0, 0), description="planes of zeros in front and behind")
    transposed: bool = Field(
        default=False, description="spreads each input over the outputs stride x place + dilation x tap; padding crops"
    )
    output_padding: OutputPadding = Field(
        default=(0, 0), description="outputs behind the last ones of a transposed convolution: rows, columns"
    )
    output_padding_d: Annotated[int, Field(ge=0, le=LARGEST_SIZE)] = Field(default=0, description="the same in depth")

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
        if padding == "same" and self.transposed:
            raise ValueError("padding same is of convolutions; give a transposed one the outputs to crop on each side")
        if padding == "same":
            rows = _same(self.H, r, self.stride[0], self.dilation[0])
            columns = _same(self.W, s, self.stride[1], self.dilation[1])
            padding = rows + columns
        return {
            "name": self.name, "op": self.op, "N": self.N, "H": self.H, "W": self.W, "R": r, "S": s,
            "stride": self.stride, "padding": padding, "dilation": self.dilation,
            "D": self.D, "T": self.T, "stride_d": self.stride_d, "padding_d": self.padding_d,
            "transposed": self.transposed, "output_padding": self.output_padding,
            "output_padding_d": self.output_padding_d,
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


class TrafficEntry(_LayerEntry):
    """An operator without multiply-accumulates, counted by the words that it moves."""

    op: Literal["pool", "add", "mul", "activation", "softmax", "norm", "embedding", "other"]
    inputs: WordCount = Field(description="words read per image")
    outputs: WordCount = Field(description="words written per image")
    uncounted: str = Field(
        default="", description="an operator that may multiply and is not counted: the layer fails by this name"
    )

    def to_layer(self, density_source: str) -> Layer:
        """Return the layer.  Raises ValueError when it moves nothing."""
        reads = tuple(self.reads)
        layer = Layer(name=self.name, op=self.op, iact_words=self.inputs, oact_words=self.outputs, reads=reads)
        return replace(layer, uncounted=self.uncounted)

    @model_validator(mode="after")
    def _fits(self) -> TrafficEntry:
        self.to_layer("")
        return self


class NetworkEntry(_WeightsEntry):
    """All layers of another network, with names that begin with that of the entry."""

    op: Literal["network"]
    of: str = Field(min_length=1, description="name of a built-in network, or a file beside this one")


Entry = Annotated[
    ConvEntry | FcEntry | GemmEntry | MatmulEntry | TrafficEntry | NetworkEntry, Field(discriminator="op")
]


class NetworkFile(FileModel):
    """A neural network as the simulator reads it."""

    name: str = Field(min_length=1, description="name of the network")
    family: Family | None = Field(default=None, description="kind of network")
    source: str = Field(default="not stated", min_length=1, description="publication that the shapes come from")
    notes: str = Field(default="", description="what a reader should know, e.g. what is fused and not listed")
    batch: Size = Field(default=1, description="inferences that the layers are of; left out: one")
    density_source: str = Field(
        default="given without a source", description="where the densities come from, unless a layer says otherwise"
    )
    layers: list[Entry] = Field(min_length=1, description="the layers in the order in which they run")


def read_network(path: Path | str) -> Network:
    """Read a network file, and those that it is made of.  Raises InvalidFile with everything that is wrong with it."""
    return _read(Path(path), (), {})


def _read(path: Path, above: tuple[Path, ...], known: dict[Path, Network]) -> Network:
    """Read a network file that is part of the files `above`; `known` are the networks that have been read already."""
    document = load_document(path)
    content = load_model(NetworkFile, document, context={"folder": path.parent})
    lines: dict[str, int] = {}
    layers: list[Layer] = []
    reused: set[str] = set()
    parts: dict[str, None] = {}
    problems = []
    for i, entry in enumerate(content.layers):
        entry_path: YamlPath = ("layers", i)
        if isinstance(entry, NetworkEntry):
            try:
                part = _part(entry, document, (*entry_path, "of"), (*above, real(path)), known)
            except InvalidFile as error:
                problems += [problem for problem in error.problems if problem not in problems]
                continue
            if part.batch != content.batch:
                message = (
                    f"{entry.of!r} is of {part.batch} inference(s), and this network of {content.batch}; give both the"
                    " same batch"
                )
                problems.append(_problem(document, (*entry_path, "of"), message))
                continue
            own, reused_there = part.layers, part.reused
            parts |= dict.fromkeys((part.file, *part.parts))
        else:
            own, reused_there = (entry.to_layer(content.density_source),), frozenset()
            problems += _unknown_reads(entry.reads, lines, document, entry_path)
        count = len(layers) + len(own) * (entry.repeat or 1)
        if count > LARGEST_NETWORK:
            message = f"{count:,} layers with this one; at most {LARGEST_NETWORK:,} are allowed"
            problems.append(_problem(document, (*entry_path, "repeat") if entry.repeat else entry_path, message))
            break
        line = document.position((*entry_path, "name"))[0] or 0
        copies = list(_copies(entry, own))
        taken = next((layer.name for layer in copies if layer.name in lines), None)
        if taken is not None:
            message = f"a second layer {taken!r}; the first is in line {lines[taken]}"
            problems.append(_problem(document, (*entry_path, "name"), message))
        shared = isinstance(entry, _WeightsEntry) and entry.weights == "shared"
        for k, layer in enumerate(copies):
            if layer.is_mac and ((shared and k >= len(own)) or own[k % len(own)].name in reused_there):
                reused.add(layer.name)
            lines.setdefault(layer.name, line)
        layers += copies
    if problems:
        raise InvalidFile(problems)
    return Network(
        content.name,
        content.source,
        tuple(layers),
        document.file,
        content.notes,
        content.family or "",
        tuple(parts),
        frozenset(reused),
        content.batch,
    )


def _unknown_reads(
    reads: Iterable[str], lines: Mapping[str, int], document: Document, entry_path: YamlPath
) -> Iterator[Problem]:
    """Yield a problem for each layer that is read and does not stand before; lines: those of the layers that do."""
    for j, name in enumerate(reads):
        if name not in lines:
            message = f"no layer {name!r} before this one{did_you_mean(name, lines)}"
            yield _problem(document, (*entry_path, "reads", j), message)


def _part(
    entry: NetworkEntry, document: Document, yaml_path: YamlPath, above: tuple[Path, ...], known: dict[Path, Network]
) -> Network:
    """Return the network that an entry names.  Raises InvalidFile."""
    name = entry.of
    if looks_like_path(name):
        path = Path(document.file).parent / name
        if not is_file(path):
            raise InvalidFile([_problem(document, yaml_path, f"{name!r}: there is no file {path}")])
    elif name in builtin_names("workloads"):
        path = resolve("workloads", name, "workload")
    else:
        hint = did_you_mean(name, builtin_names("workloads"))
        allowed = "a built-in name (`accelerator-sim list workloads` shows them) or a file, e.g. ./mine.yaml"
        raise InvalidFile([_problem(document, yaml_path, f"unknown network {name!r}{hint}; allowed: {allowed}")])
    where = real(path)
    if where in above:
        chain = " in ".join(file.name for file in (where, *reversed(above[above.index(where) :])))
        raise InvalidFile([_problem(document, yaml_path, f"a network cannot be part of itself: {chain}")])
    if len(above) >= DEEPEST:
        raise InvalidFile([_problem(document, yaml_path, f"more than {DEEPEST} networks in one another")])
    if where not in known:
        known[where] = _read(path, above, known)
    return known[where]


def _copies(entry: _Entry, own: tuple[Layer, ...]) -> Iterator[Layer]:
    """Yield the layers that an entry stands for, under their names: NAME or NAME.0, and of a network NAME.LAYER.

    Where all layers of a network are called NAME.0.LAYER already, repetitions count on from there.
    """
    numbers = [""] if entry.repeat is None else [f".{k}" for k in range(entry.repeat)]
    if not isinstance(entry, NetworkEntry):
        for number in numbers:
            yield replace(own[0], name=entry.name + number) if number else own[0]
        return
    first = f"{entry.name}.0."
    skip = len(first) if entry.repeat is not None and all(layer.name.startswith(first) for layer in own) else 0
    for number in numbers:
        start = f"{entry.name}{number}."
        for layer in own:
            reads = tuple(start + name[skip:] for name in layer.reads)
            yield replace(layer, name=start + layer.name[skip:], reads=reads)


def _problem(document: Document, path: YamlPath, message: str) -> Problem:
    line, column = document.position(path)
    return Problem(document.file, line, column, dotted(path), message)


def schema() -> dict[str, Any]:
    """Return the JSON schema of a network file."""
    return NetworkFile.model_json_schema()
