"""The shape of a Timeloop problem: its dimensions, and what each of them is by the projections of the data spaces.

    shape:
      name: conv
      dimensions: [C, M, R, S, N, P, Q]
      coefficients: [{name: Wstride, default: 1}, ...]
      data_spaces:
        - {name: Weights, projection: [[[C]], [[M]], [[R]], [[S]]]}
        - {name: Inputs, projection: [[[N]], [[C]], [[R, Wdilation], [P, Wstride]], [[S, Hdilation], [Q, Hstride]]]}
        - {name: Outputs, projection: [[[N]], [[M]], [[Q]], [[P]]], read_write: true}

Letters mean nothing by themselves.  A dimension of the output is a position, an image or a filter, one that is missing
from it is summed over, and a sum in the projection of the inputs is a sliding window (Parashar et al., ISPASS 2019).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accelerator_sim.files.errors import did_you_mean
from accelerator_sim.files.messages import shown
from accelerator_sim.files.yaml_tree import YamlPath
from accelerator_sim.workload.formats.faults import Faults
from accelerator_sim.workload.layer import LARGEST_SIZE

Term = tuple[str, str | None]
"""A dimension and the coefficient that multiplies it, if there is one."""

_WEIGHTS = re.compile(r"weight|filter|kernel", re.IGNORECASE)
_INPUTS = re.compile(r"input|ifmap|iact|activation", re.IGNORECASE)
_TERM = "[DIMENSION] or [DIMENSION, COEFFICIENT]"


@dataclass(frozen=True)
class DataSpace:
    """A tensor: the sum of terms that indexes each of its ranks, and whether it is the output."""

    name: str
    ranks: tuple[tuple[Term, ...], ...]
    written: bool
    path: YamlPath

    @property
    def dimensions(self) -> set[str]:
        """Everything that indexes it."""
        return {dimension for rank in self.ranks for dimension, _ in rank}


@dataclass(frozen=True)
class ProblemShape:
    """Dimensions, coefficients with their defaults (None: none is given), and data spaces."""

    name: str
    dimensions: tuple[str, ...]
    coefficients: Mapping[str, int | None]
    spaces: tuple[DataSpace, ...]
    path: YamlPath


@dataclass(frozen=True)
class WindowNames:
    """A sliding window: output position x stride + tap x dilation.  None: absent, or a coefficient of 1."""

    position: str | None
    tap: str | None
    stride: str | None
    dilation: str | None


@dataclass(frozen=True)
class Roles:
    """What every dimension is.  Several dimensions of one role count as one, flattened."""

    inputs: str
    weights: str
    outputs: str
    named: bool
    """Whether the names of the data spaces show which of the operands is the weights."""
    groups: tuple[str, ...]
    images: tuple[str, ...]
    filters: tuple[str, ...]
    channels: tuple[str, ...]
    windows: tuple[WindowNames, ...]
    odd: Mapping[str, str]
    """Dimensions that only a size of 1 makes harmless, and why."""


def parse_shape(value: Any, path: YamlPath, faults: Faults) -> ProblemShape:
    """Return a shape.  Raises InvalidFile."""
    before = len(faults.problems)
    tree = faults.mapping(value, path, "name, dimensions, data_spaces, coefficients")
    spaces_key = "data-spaces" if "data-spaces" in tree and "data_spaces" not in tree else "data_spaces"
    for word in ("flatten", "ranks"):
        if word in tree:
            raise faults.fail((*path, word), f"{word!r} is not supported; write the dimensions without it")
    faults.keys(tree, path, ("name", "dimensions", "coefficients", spaces_key))
    for word in ("dimensions", spaces_key):
        if word not in tree:
            raise faults.fail(path, f"the shape has no {word}; a list is required")
    name = tree.get("name", "")
    if not isinstance(name, str | int | float) or isinstance(name, bool):
        raise faults.fail((*path, "name"), f"{shown(name)} given; text is required")
    listed = faults.items(tree["dimensions"], (*path, "dimensions"), "the names of the dimensions")
    dimensions: list[str] = []
    for i, item in enumerate(listed):
        dimension = faults.text(item, (*path, "dimensions", i), "the name of a dimension")
        if dimension in dimensions:
            faults.add((*path, "dimensions", i), f"a second dimension {dimension!r}")
        dimensions.append(dimension)
    coefficients = _coefficients(tree.get("coefficients"), (*path, "coefficients"), faults)
    for word in coefficients:
        if word in dimensions:
            faults.add((*path, "coefficients"), f"{word!r} is also the name of a dimension")
    entries = faults.items(tree[spaces_key], (*path, spaces_key), "the data spaces")
    spaces = [
        _space(entry, (*path, spaces_key, i), dimensions, coefficients, faults) for i, entry in enumerate(entries)
    ]
    for i, space in enumerate(spaces):
        if space.name in [other.name for other in spaces[:i]]:
            faults.add(space.path, f"a second data space {space.name!r}")
    if len(faults.problems) > before:
        faults.check()
    return ProblemShape(str(name), tuple(dimensions), coefficients, tuple(spaces), path)


def _coefficients(value: Any, path: YamlPath, faults: Faults) -> dict[str, int | None]:
    coefficients: dict[str, int | None] = {}
    if value is None or value == []:
        return coefficients
    for i, item in enumerate(faults.items(value, path, "coefficients, each {name: NAME, default: 1}")):
        entry = faults.mapping(item, (*path, i), "{name: NAME, default: 1}")
        faults.keys(entry, (*path, i), ("name", "default"))
        name = faults.text(entry.get("name"), (*path, i, "name"), "the name of a coefficient")
        if name in coefficients:
            faults.add((*path, i), f"a second coefficient {name!r}")
        default = entry.get("default")
        coefficients[name] = None if default is None else faults.size(default, (*path, i, "default"), LARGEST_SIZE)
    return coefficients


def _space(
    value: Any, path: YamlPath, dimensions: list[str], coefficients: Mapping[str, Any], faults: Faults
) -> DataSpace:
    entry = faults.mapping(value, path, "name, projection, read_write")
    written_key = "read-write" if "read-write" in entry and "read_write" not in entry else "read_write"
    faults.keys(entry, path, ("name", "projection", written_key, "ranks"))
    name = faults.text(entry.get("name"), (*path, "name"), "the name of a data space")
    written = entry.get(written_key, False)
    if not isinstance(written, bool):
        text = str(written).lower()
        if text not in ("true", "false"):
            faults.add((*path, written_key), f"{shown(written)} given; true or false is required")
        written = text == "true"
    projection_path = (*path, "projection")
    listed = faults.items(entry.get("projection"), projection_path, f"for each rank a sum of terms {_TERM}")
    ranks = []
    for i, item in enumerate(listed):
        # A rank is a list of terms; a plain name, or one in single brackets, stands for one term.
        terms = item if isinstance(item, list) else [item]
        if len(terms) == 1 and not isinstance(terms[0], list):
            terms = [[terms[0]]]
        ranks.append(tuple(_term(term, (*projection_path, i), dimensions, coefficients, faults) for term in terms))
        if not terms:
            faults.add((*projection_path, i), f"an empty rank; a sum of terms {_TERM} is required")
    used = [dimension for rank in ranks for dimension, _ in rank]
    for dimension in dict.fromkeys(used):
        if used.count(dimension) > 1:
            faults.add(
                projection_path,
                f"dimension {dimension!r} occurs in it twice; that is not a convolution or matrix product",
            )
    return DataSpace(name, tuple(ranks), written, path)


def _term(value: Any, path: YamlPath, dimensions: list[str], coefficients: Mapping[str, Any], faults: Faults) -> Term:
    if not isinstance(value, list) or len(value) not in (1, 2) or not all(isinstance(word, str) for word in value):
        raise faults.fail(path, f"a term is {_TERM}, and a rank a list of terms: [[R, Wdilation], [P, Wstride]]")
    dimension, coefficient = value[0], value[1] if len(value) == 2 else None
    for word, known, noun in ((dimension, dimensions, "dimension"), (coefficient, list(coefficients), "coefficient")):
        if word is not None and word not in known:
            listed = ", ".join(known) or "none"
            faults.add(
                path, f"{word!r} is not a {noun} of the shape{did_you_mean(word, known) or f'; those are: {listed}'}"
            )
    return dimension, coefficient


def find_roles(shape: ProblemShape, faults: Faults) -> Roles:
    """Return what every dimension is.  Raises InvalidFile for anything but a convolution or matrix product."""
    spaces_path = (*shape.path, *(shape.spaces[0].path[len(shape.path) : -1]))
    names = ", ".join(space.name for space in shape.spaces)
    written = [space for space in shape.spaces if space.written]
    if len(shape.spaces) != 3 or len(written) != 1:
        message = f"{len(shape.spaces)} data spaces ({names}), {len(written)} of them read_write"
        raise faults.fail(
            spaces_path, f"{message}; a convolution or matrix product has two operands and one read_write output"
        )
    output = written[0]
    inputs, weights, named = _operands([space for space in shape.spaces if not space.written], faults)
    for space in (output, weights):
        for rank in space.ranks:
            if len(rank) > 1 or rank[0][1] is not None:
                text = " + ".join(" x ".join(filter(None, term)) for term in rank)
                raise faults.fail(
                    space.path,
                    f"{space.name} is indexed by {text}; only the inputs of a convolution have a sliding window",
                )
    windows = tuple(
        _window(rank, inputs, output.dimensions, weights.dimensions, faults) for rank in inputs.ranks if _slides(rank)
    )
    if len(windows) > 3:
        raise faults.fail(inputs.path, f"{inputs.name} has {len(windows)} sliding windows; at most 3 are supported")
    sliding = {name for window in windows for name in (window.position, window.tap) if name is not None}
    roles: dict[str, list[str]] = {"groups": [], "images": [], "filters": [], "channels": []}
    odd = {}
    for dimension in shape.dimensions:
        if dimension in sliding:
            continue
        inside = (dimension in inputs.dimensions, dimension in weights.dimensions, dimension in output.dimensions)
        role = {
            (True, True, True): "groups",
            (True, False, True): "images",
            (False, True, True): "filters",
            (True, True, False): "channels",
        }.get(inside)
        if role:
            roles[role].append(dimension)
        else:
            spaces = [space.name for space in (inputs, weights, output) if dimension in space.dimensions]
            odd[dimension] = f"stands in {spaces[0]} only" if spaces else "stands in no data space"
    plain = {key: tuple(value) for key, value in roles.items()}
    return Roles(
        inputs.name, weights.name, output.name, named,
        plain["groups"], plain["images"], plain["filters"], plain["channels"], windows, odd,
    )  # fmt: skip


def _slides(rank: tuple[Term, ...]) -> bool:
    return len(rank) > 1 or rank[0][1] is not None


def _operands(operands: list[DataSpace], faults: Faults) -> tuple[DataSpace, DataSpace, bool]:
    """Return the inputs, the weights, and whether their names show which is which."""
    first, second = operands
    sliding = [space for space in operands if any(_slides(rank) for rank in space.ranks)]
    if len(sliding) == 2:
        raise faults.fail(
            second.path,
            f"{first.name} and {second.name} both have a sliding window; a convolution has one in its inputs",
        )
    like_weights = [space for space in operands if _WEIGHTS.search(space.name)]
    like_inputs = [space for space in operands if _INPUTS.search(space.name) and space not in like_weights]
    named = bool(like_weights)
    if sliding:
        inputs = sliding[0]
    elif len(like_weights) == 1:
        inputs = second if like_weights[0] is first else first
    elif len(like_inputs) == 1:
        inputs = like_inputs[0]
    else:
        inputs = first
    return inputs, second if inputs is first else first, named


def _window(
    rank: tuple[Term, ...], inputs: DataSpace, outputs: set[str], weights: set[str], faults: Faults
) -> WindowNames:
    positions = [term for term in rank if term[0] in outputs and term[0] not in weights]
    taps = [term for term in rank if term[0] in weights and term[0] not in outputs]
    if len(positions) > 1 or len(taps) > 1 or len(positions) + len(taps) != len(rank):
        text = " + ".join(" x ".join(filter(None, term)) for term in rank)
        raise faults.fail(
            inputs.path,
            f"{inputs.name} is indexed by {text}; a sliding window adds one dimension of the output and one of the"
            " weights",
        )
    position, stride = positions[0] if positions else (None, None)
    tap, dilation = taps[0] if taps else (None, None)
    return WindowNames(position, tap, stride, dilation)


def builtin_shape(name: str, filters: str) -> dict[str, Any] | None:
    """Return the shape that Timeloop has under a name, or None.

    `filters` is the letter of the filters of a convolution: K in Timeloop's own file, M in many others.
    """
    word = name.lower().replace("_", "-")
    if word in ("cnn-layer", "conv-layer"):
        return convolution(filters=filters)
    if word in ("dw-cnn-layer", "depthwise-cnn-layer"):
        return convolution(group="C", filters=None, channels=None)
    if word in ("gemm", "gemm-abz"):
        return product(("A", "B", "Z"), rows="M", filters="N", channels="K")
    return None


BUILTIN = ("cnn-layer", "conv-layer", "dw-cnn-layer", "gemm-ABZ")


def convolution(
    group: str | None = None, filters: str | None = "M", channels: str | None = "C", depth: bool = False
) -> dict[str, Any]:
    """Return the tree of the shape of a convolution; the letters of what it does not have are None."""
    shared = [group] if group else []
    windows = [("R", "P", "W"), ("S", "Q", "H")]
    if depth:
        windows.insert(0, ("T", "O", "D"))
    taps, positions = [tap for tap, _, _ in windows], [position for _, position, _ in windows]
    own = [letter for letter in (channels, filters) if letter]
    slides = [[[tap, f"{axis}dilation"], [position, f"{axis}stride"]] for tap, position, axis in windows]
    return {
        "name": "conv",
        "dimensions": [*shared, *own, *taps, "N", *positions],
        "coefficients": [
            {"name": f"{axis}{quantity}", "default": 1} for quantity in ("stride", "dilation") for _, _, axis in windows
        ],
        "data_spaces": [
            {"name": "Weights", "projection": [*_ranks(shared + own), *_ranks(taps)]},
            {"name": "Inputs", "projection": [*_ranks(["N", *shared, *([channels] if channels else [])]), *slides]},
            {
                "name": "Outputs",
                "projection": _ranks(["N", *shared, *([filters] if filters else []), *positions]),
                "read_write": True,
            },
        ],
    }


def product(
    spaces: tuple[str, str, str], rows: str, filters: str, channels: str, group: str | None = None
) -> dict[str, Any]:
    """Return the tree of the shape of a matrix product.

    spaces: names of the data spaces of inputs, weights and outputs; the others are letters of the dimensions.
    """
    inputs, weights, outputs = spaces
    shared = [group] if group else []
    return {
        "name": "gemm",
        "dimensions": [*shared, rows, filters, channels],
        "data_spaces": [
            {"name": inputs, "projection": _ranks([*shared, rows, channels])},
            {"name": weights, "projection": _ranks([*shared, filters, channels])},
            {"name": outputs, "projection": _ranks([*shared, rows, filters]), "read_write": True},
        ],
    }


def _ranks(letters: list[str]) -> list[list[list[str]]]:
    return [[[letter]] for letter in letters]
