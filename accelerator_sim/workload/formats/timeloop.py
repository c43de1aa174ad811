"""Timeloop problem files: one convolution or matrix product a file.

    problem:
      version: 0.4
      shape: {...}                                       # timeloop_shape.py
      instance: {N: 1, C: 3, M: 64, P: 112, Q: 112, R: 7, S: 7, Wstride: 2, Hstride: 2, densities: {Inputs: 0.5}}

The older flat form has the sizes beside `shape`, which may be a name such as cnn-layer.  The input is as large as the
output needs it; padding is not told apart from it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accelerator_sim.files.errors import InvalidFile, Problem
from accelerator_sim.files.messages import shown
from accelerator_sim.files.yaml_tree import YamlPath, parse_document, read_text
from accelerator_sim.workload.formats.faults import Faults
from accelerator_sim.workload.formats.timeloop_shape import (
    BUILTIN,
    Roles,
    Shape,
    Window,
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

_PROBLEM = re.compile(r"^(problem|'problem'|\"problem\")\s*:", re.MULTILINE)
_TEMPLATES = (
    (re.compile(r"\{\{|\{%"), "a jinja template"),
    (re.compile(r"(?:^|[\s:\[,])!include\b"), "!include"),
    (re.compile(r"^\s*<<<\s*:"), "the merge key <<<"),
)
_DENSITIES = ("densities", "commonDensity", "common_density")
_DISTRIBUTIONS = ("fixed", "fixed-structured", "hypergeometric")
_NOTE = "from a Timeloop problem: H and W are what the outputs need, padding included"


def is_problem(text: str) -> bool:
    """Whether a text is meant as a Timeloop problem, be it one that can be read or not."""
    if _PROBLEM.search(text):
        return True
    if "problem" not in text:
        return False
    try:
        return "problem" in parse_document(text, "").raw
    except InvalidFile:
        return False


def read_problem(path: Path | str) -> Network:
    """Read a problem file as a network of one layer.  Raises InvalidFile with what is wrong, or not supported."""
    file = str(path)
    text = read_text(Path(path))
    _refuse_templates(text, file)
    document = parse_document(text, file)
    faults = Faults(document)
    faults.keys(document.raw, (), ("problem", *SECTIONS))
    if "problem" not in document.raw:
        raise faults.fail((), "no problem in it; a mapping `problem` is required")
    layer, notes = _layer(document.raw["problem"], Path(path).stem, faults)
    skipped = [key for key in document.raw if key in SECTIONS]
    if skipped:
        notes.append(f"{', '.join(skipped)} of the file: not read")
    return Network(Path(path).stem, f"Timeloop problem {Path(path).name}", (layer,), file, "; ".join(notes))


def _refuse_templates(text: str, file: str) -> None:
    problems = []
    for i, line in enumerate(text.split("\n"), start=1):
        plain = line.split(" #")[0] if not line.lstrip().startswith("#") else ""
        for pattern, what in _TEMPLATES:
            match = pattern.search(plain)
            if match:
                message = f"{what} is not supported; give the problem as Timeloop sees it, with everything in one file"
                problems.append(Problem(file, i, match.start() + 1, "", message))
                break
    if problems:
        raise InvalidFile(problems)


def _layer(value: Any, stem: str, faults: Faults) -> tuple[Layer, list[str]]:
    here: YamlPath = ("problem",)
    problem = faults.mapping(value, here, "shape and instance")
    version = problem.get("version", VERSIONS[-1])
    if str(version) not in VERSIONS:
        faults.add((*here, "version"), f"{shown(version)} is not supported; allowed: {', '.join(VERSIONS)}")
    name = faults.text(problem.get("name", stem), (*here, "name"), "text")
    flat = "instance" not in problem
    place = here if flat else (*here, "instance")
    sizes = problem if flat else faults.mapping(problem["instance"], place, "the size of every dimension")
    notes = [_NOTE]
    shape = _shape(problem.get("shape"), sizes, faults, notes)
    roles = find_roles(shape, faults)
    own = ("version", "name", "shape")
    known = (*shape.dimensions, *shape.coefficients, *_DENSITIES)
    faults.keys(sizes, place, (*own, *known) if flat else known)
    if not flat:
        faults.keys(problem, here, (*own, "instance"))
    bounds = {name: _bound(name, sizes, place, faults) for name in shape.dimensions}
    coefficients = {name: _coefficient(name, default, sizes, place, faults) for name, default in
                    shape.coefficients.items()}  # fmt: skip
    for dimension, why in roles.odd.items():
        if bounds[dimension] != 1:
            message = f"{bounds[dimension]} given, and {dimension} {why}; no convolution or matrix product has that"
            faults.add((*place, dimension), message)
    density = _density(sizes, place, shape, roles, faults)
    faults.check()
    try:
        layer = _built(name, roles, bounds, coefficients, density, notes)
    except ValueError as error:
        raise faults.fail(place, str(error)) from None
    total = math.prod(bounds.values())
    assert layer.macs == total, f"{layer.macs} MACs made of {total}"
    return layer, notes


def _shape(value: Any, sizes: Mapping[str, Any], faults: Faults, notes: list[str]) -> Shape:
    path: YamlPath = ("problem", "shape")
    if isinstance(value, dict):
        return parse_shape(value, path, faults)
    if value is None:
        value = "cnn-layer"
        notes.append("no shape is given: cnn-layer, as Timeloop assumes")
    word = faults.text(value, path, f"a mapping, or one of {', '.join(BUILTIN)},")
    tree = builtin_shape(word, "K" if "K" in sizes and "M" not in sizes else "M")
    if tree is None:
        raise faults.fail(path, f"{shown(word)} is no shape that is known; allowed: {', '.join(BUILTIN)}, or a mapping")
    return parse_shape(tree, path, faults)


def _bound(name: str, sizes: Mapping[str, Any], place: YamlPath, faults: Faults) -> int:
    if name not in sizes:
        faults.add(place, f"no size for dimension {name!r}; a whole number is required")
        return 1
    return faults.size(sizes[name], (*place, name), LARGEST_SIZE)


def _coefficient(name: str, default: int | None, sizes: Mapping[str, Any], place: YamlPath, faults: Faults) -> int:
    if name in sizes:
        return faults.size(sizes[name], (*place, name), LARGEST_SIZE)
    if default is None:
        faults.add(place, f"no value for coefficient {name!r}, which has no default")
    return default or 1


def _density(sizes: Mapping[str, Any], place: YamlPath, shape: Shape, roles: Roles, faults: Faults) -> Density:
    given = [key for key in _DENSITIES if key in sizes]
    if not given:
        return Density()
    if len(given) > 1:
        faults.add((*place, given[1]), f"{given[0]} is given, too; give one of them")
    key, spaces = given[0], [space.name for space in shape.spaces]
    path = (*place, key)
    if key == "densities":
        entries = faults.mapping(sizes[key], path, f"a density for {', '.join(spaces)}")
        faults.keys(entries, path, spaces)
        values = {name: (entry, (*path, name)) for name, entry in entries.items() if name in spaces}
    else:
        values = dict.fromkeys(spaces, (sizes[key], path))
    found = {name: _fraction(value, where, faults) for name, (value, where) in values.items()}
    dense = (1.0, "")
    said = ", ".join(f"{name} {how} {value:g}".replace("  ", " ") for name, (value, how) in found.items())
    return Density(
        iact=found.get(roles.inputs, dense)[0],
        weight=found.get(roles.weights, dense)[0],
        oact=found.get(roles.outputs, dense)[0],
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


def _built(
    name: str,
    roles: Roles,
    bounds: Mapping[str, int],
    coefficients: Mapping[str, int],
    density: Density,
    notes: list[str],
) -> Layer:
    """Return the layer.  Raises ValueError when its sizes do not fit together, or are too large."""

    def size(dimensions: Sequence[str], what: str) -> int:
        large = [dimension for dimension in dimensions if bounds[dimension] > 1]
        if len(large) > 1:
            notes.append(f"{name}: {', '.join(large)} are {what}, counted as one dimension")
        return math.prod(bounds[dimension] for dimension in dimensions)

    groups, images = size(roles.groups, "groups"), size(roles.images, "images or rows")
    filters, channels = size(roles.filters, "filters"), size(roles.channels, "channels")
    if not roles.windows:
        op = "matmul" if groups > 1 and not roles.named else "gemm"
        return Layer(name, op, G=groups, M=filters, C=channels, W=images, density=density)

    def extent(window: Window) -> tuple[int, int, int, int]:
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
