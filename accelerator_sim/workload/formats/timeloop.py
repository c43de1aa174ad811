"""Timeloop problem files: one convolution or matrix product a file.

    problem:
      version: 0.4
      shape: {...}                                       # timeloop_shape.py
      instance: {N: 1, C: 3, M: 64, P: 112, Q: 112, R: 7, S: 7, Wstride: 2, Hstride: 2, densities: {Inputs: 0.5}}

The older flat form has the sizes beside `shape`, which may be a name such as cnn-layer; the library form includes a
base and merges it (`timeloop_library.py`).  The input is as large as the output needs it, padding included.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accelerator_sim.files.errors import InvalidFile, nearest
from accelerator_sim.files.messages import shown
from accelerator_sim.files.yaml_tree import Document, YamlPath, parse_document
from accelerator_sim.workload.formats.faults import Faults
from accelerator_sim.workload.formats.images import batch_of
from accelerator_sim.workload.formats.timeloop_library import Expanded, expand, merged
from accelerator_sim.workload.formats.timeloop_shape import (
    BUILTIN,
    ProblemShape,
    Roles,
    WindowNames,
    builtin_shape,
    find_roles,
    parse_shape,
)
from accelerator_sim.workload.layer import LARGEST_SIZE, Density, Layer
from accelerator_sim.workload.network import Network

VERSIONS = ("0.2", "0.3", "0.4")
SECTIONS = (
    "architecture", "arch", "components", "compound_components", "constraints", "architecture_constraints",
    "mapspace_constraints", "mapspace", "mapper", "mapping", "sparse_optimizations", "variables", "globals", "ERT",
    "ART",
)  # fmt: skip
"""What else a Timeloop specification holds; a problem does not depend on it."""

_BASE = re.compile(r"^problem_[A-Za-z0-9_]*\s*:", re.MULTILINE)
_PROBLEM = re.compile(r"^(problem|'problem'|\"problem\")\s*:", re.MULTILINE)
_NOT_READ = ("dnn_name", "notes", "histograms")
"""Keys of a problem that other tools add (CiMLoop)."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DENSITIES = ("densities", "commonDensity", "common_density")
_DISTRIBUTIONS = ("fixed", "fixed-structured", "hypergeometric")
_NOTE = "from a Timeloop problem: H and W are what the outputs need, padding included"


def is_problem(text: str) -> bool:
    """Whether a text is meant as a Timeloop problem, whether it can be read or not."""
    if _PROBLEM.search(text):
        return True
    if "problem" not in text:
        return False
    try:
        return "problem" in parse_document(text, "").raw
    except InvalidFile:
        return False


def is_base(text: str) -> bool:
    """Whether a text is what problems of the library form include, and no problem itself."""
    return not is_problem(text) and _BASE.search(text) is not None


def read_problem(path: Path | str) -> Network:
    """Read a problem file as a network of one layer.  Raises InvalidFile with what is wrong, or not supported."""
    whole = expand(path)
    document = whole.document
    try:
        return _network(Path(path), whole, document)
    except InvalidFile as error:
        raise whole.placed(error) from None


def _network(path: Path, whole: Expanded, document: Document) -> Network:
    faults = Faults(document)
    try:
        tree = merged(document.raw)
    except ValueError as error:
        raise faults.fail((), str(error)) from None
    there = [key for key in tree if not key.startswith("problem_") and not whole.included(document.position((key,))[0])]
    faults.keys(dict.fromkeys(there), (), ("problem", *SECTIONS))
    if "problem" not in tree:
        raise faults.fail((), "no problem in it; a mapping `problem` is required")
    layer, notes = _layer(tree["problem"], path.stem, faults, tree.get("variables"))
    skipped = [key for key in there if key in SECTIONS]
    if skipped:
        notes.append(f"{', '.join(skipped)} of the file: not read")
    source, batch = f"Timeloop problem {path.name}", batch_of([layer])
    return Network(path.stem, source, (layer,), str(path), "; ".join(notes), batch=batch)


def _layer(value: Any, stem: str, faults: Faults, variables: Any = None) -> tuple[Layer, list[str]]:
    here: YamlPath = ("problem",)
    problem = faults.mapping(value, here, "shape and instance")
    version = problem.get("version", VERSIONS[-1])
    if str(version) not in VERSIONS:
        faults.add((*here, "version"), f"{shown(version)} is not supported; allowed: {', '.join(VERSIONS)}")
    name = faults.text(problem.get("name", stem), (*here, "name"), "text")
    flat = "instance" not in problem
    instance_path = here if flat else (*here, "instance")
    sizes = problem if flat else faults.mapping(problem["instance"], instance_path, "the size of every dimension")
    notes = [_NOTE]
    shape = _shape(problem.get("shape"), sizes, faults, notes)
    roles = find_roles(shape, faults)
    own = ("version", "name", "shape", *_NOT_READ)
    left = [key for key in _NOT_READ if key in problem and key != "notes"]
    if left:
        notes.append(f"{', '.join(left)} of the problem: not read")
    if not flat:
        faults.keys(problem, here, (*own, "instance"))
    sizes = _known_sizes(
        {key: size for key, size in sizes.items() if not flat or key not in own}, instance_path, shape, faults, notes
    )
    sizes = _without_variables(sizes, variables, {*roles.images, *roles.odd}, notes)
    bounds = {name: _bound(name, sizes, instance_path, faults) for name in shape.dimensions}
    coefficients = {name: _coefficient(name, default, sizes, instance_path, faults) for name, default in
                    shape.coefficients.items()}  # fmt: skip
    for dimension, why in roles.odd.items():
        if bounds[dimension] != 1:
            message = f"{bounds[dimension]} given, and {dimension} {why}; no convolution or matrix product has that"
            faults.add((*instance_path, dimension), message)
    density = _density(sizes, instance_path, shape, roles, faults)
    faults.check()
    try:
        layer = built(name, roles, bounds, coefficients, density, notes)
    except ValueError as error:
        raise faults.fail(instance_path, str(error)) from None
    total = math.prod(bounds.values())
    assert layer.macs == total, f"{layer.macs} MACs made of {total}"
    return layer, notes


def _shape(value: Any, sizes: Mapping[str, Any], faults: Faults, notes: list[str]) -> ProblemShape:
    path: YamlPath = ("problem", "shape")
    if isinstance(value, dict):
        return parse_shape(value, path, faults)
    if value is None:
        value = "cnn-layer"
        notes.append("no shape is given: cnn-layer, as Timeloop assumes")
    word = faults.text(value, path, f"a mapping, or one of {', '.join(BUILTIN)},")
    tree = builtin_shape(word, "K" if "K" in sizes and "M" not in sizes else "M")
    if tree is None:
        raise faults.fail(path, f"{shown(word)} is not a known shape; allowed: {', '.join(BUILTIN)}, or a mapping")
    return parse_shape(tree, path, faults)


def _known_sizes(
    sizes: Mapping[str, Any], path: YamlPath, shape: ProblemShape, faults: Faults, notes: list[str]
) -> dict[str, Any]:
    """The sizes that the shape uses.  What looks like one of them is taken as it, or refused; others are left out."""
    known = (*shape.dimensions, *shape.coefficients, *_DENSITIES)
    out = {key: value for key, value in sizes.items() if key in known}
    unused = []
    for key, value in sizes.items():
        if key in known:
            continue
        same = next((name for name in shape.coefficients if name.casefold() == key.casefold()), None)
        near = nearest(key, [name for name in known if len(name) > 1])
        if same is not None and out.get(same, 1) in (1, value):  # a base gives every stride, as 1
            out[same] = value
            notes.append(f"{key} is taken as {same}")
        elif same is not None:
            faults.add((*path, key), f"{shown(value)} given, and {same} is {shown(out[same])}; give one of them")
        elif near is not None and near not in sizes:
            faults.add((*path, key), f"unknown key; did you mean {near!r}?")
        else:
            unused.append(key)
    if unused:
        notes.append(f"keys of the instance that the shape does not use: {', '.join(unused)}")
    return out


def _without_variables(
    sizes: Mapping[str, Any], variables: Any, may_be_one: set[str], notes: list[str]
) -> dict[str, Any]:
    """The sizes with the values of variables; one without a value is 1 where it counts images or bits."""
    known = variables if isinstance(variables, dict) else {}
    out = dict(sizes)
    for key, value in sizes.items():
        if isinstance(value, str) and _VARIABLE.fullmatch(value):
            if value in known:
                out[key] = known[value]
            elif key in may_be_one:
                out[key] = 1
                notes.append(f"{key} is the variable {value}, which the file does not set: taken as 1")
    return out


def _bound(name: str, sizes: Mapping[str, Any], path: YamlPath, faults: Faults) -> int:
    if name not in sizes:
        faults.add(path, f"no size for dimension {name!r}; a whole number is required")
        return 1
    return faults.size(sizes[name], (*path, name), LARGEST_SIZE)


def _coefficient(name: str, default: int | None, sizes: Mapping[str, Any], path: YamlPath, faults: Faults) -> int:
    if name in sizes:
        return faults.size(sizes[name], (*path, name), LARGEST_SIZE)
    if default is None:
        faults.add(path, f"no value for coefficient {name!r}, which has no default")
    return default or 1


def _density(sizes: Mapping[str, Any], path: YamlPath, shape: ProblemShape, roles: Roles, faults: Faults) -> Density:
    given = [key for key in _DENSITIES if key in sizes]
    if not given:
        return Density()
    if len(given) > 1:
        faults.add((*path, given[1]), f"{given[0]} is also given; give one of them")
    key, spaces = given[0], [space.name for space in shape.spaces]
    key_path = (*path, key)
    if key == "densities":
        entries = faults.mapping(sizes[key], key_path, f"a density for {', '.join(spaces)}")
        faults.keys(entries, key_path, spaces)
        values = {name: (entry, (*key_path, name)) for name, entry in entries.items() if name in spaces}
    else:
        values = dict.fromkeys(spaces, (sizes[key], key_path))
    densities = {name: _fraction(value, where, faults) for name, (value, where) in values.items()}
    dense = (1.0, "")
    said = ", ".join(f"{name} {how} {value:g}".replace("  ", " ") for name, (value, how) in densities.items())
    return Density(
        iact=densities.get(roles.inputs, dense)[0],
        weight=densities.get(roles.weights, dense)[0],
        oact=densities.get(roles.outputs, dense)[0],
        source=f"Timeloop problem: {said or 'dense'}",
    )


def _fraction(value: Any, path: YamlPath, faults: Faults) -> tuple[float, str]:
    """Return a density and its distribution."""
    how = ""
    if isinstance(value, dict):
        faults.keys(value, path, ("distribution", "density", "workload_tensor_size"))
        named = value.get("distribution")
        how = str(named).replace("_", "-")
        if how not in _DISTRIBUTIONS:
            message = f"the distribution {shown(named)} is not supported; allowed: {', '.join(_DISTRIBUTIONS)}"
            faults.add((*path, "distribution"), f"{message}, or a number")
        if "density" not in value:
            faults.add(path, "no density; a number between 0 and 1 is required")
            return 1.0, how
        value, path = value["density"], (*path, "density")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        faults.add(path, f"{shown(value)} given; a density between 0 and 1 is required")
        return 1.0, how
    return float(value), how


def built(
    name: str,
    roles: Roles,
    bounds: Mapping[str, int],
    coefficients: Mapping[str, int],
    density: Density,
    notes: list[str],
) -> Layer:
    """Return the layer of dimensions with these roles.

    bounds: size by dimension; coefficients: strides and dilations by name; notes: gets what was counted as one.
    Raises ValueError when its sizes do not fit together, or are too large.
    """

    def size(dimensions: Sequence[str], role: str) -> int:
        large = [dimension for dimension in dimensions if bounds[dimension] > 1]
        if len(large) > 1:
            notes.append(f"{name}: {', '.join(large)} are {role}, counted as one dimension")
        return math.prod(bounds[dimension] for dimension in dimensions)

    groups, images = size(roles.groups, "groups"), size(roles.images, "images or rows")
    filters, channels = size(roles.filters, "filters"), size(roles.channels, "channels")
    if not roles.windows:
        op = "matmul" if groups > 1 and not roles.named else "gemm"
        return Layer(name, op, G=groups, M=filters, C=channels, W=images, density=density)

    def extent(window: WindowNames) -> tuple[int, int, int, int]:
        """Input size, taps, stride and dilation."""
        taps = bounds[window.tap] if window.tap else 1
        stride = coefficients[window.stride] if window.stride else 1
        dilation = coefficients[window.dilation] if window.dilation else 1
        positions = bounds[window.position] if window.position else 1
        return (positions - 1) * stride + (taps - 1) * dilation + 1, taps, stride, dilation

    point = (1, 1, 1, 1)
    depth, rows, columns = (*[point] * (3 - len(roles.windows)), *map(extent, roles.windows))
    if depth[3] != 1:
        raise ValueError(f"a dilation of {depth[3]} in the first of three sliding windows is not supported; only 1 is")
    covers = groups == 1 and depth[:2] == (1, 1) and (rows[0], columns[0]) == (rows[1], columns[1])
    fields: dict[str, Any] = {"N": images, "G": groups, "M": filters, "C": channels, "density": density}
    if covers:
        return Layer(name, "fc", H=rows[0], W=columns[0], R=rows[1], S=columns[1], **fields)
    return Layer(
        name, "conv", H=rows[0], W=columns[0], R=rows[1], S=columns[1],
        stride=(rows[2], columns[2]), dilation=(rows[3], columns[3]), D=depth[0], T=depth[1], stride_d=depth[2],
        **fields,
    )  # fmt: skip
