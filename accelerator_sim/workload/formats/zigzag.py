"""Workloads of ZigZag and Stream: a YAML list of layers, each with the equation of its loops.

    - id: 0
      name: conv1
      operator_type: Conv
      equation: O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]
      dimension_relations: [ix=2*ox+1*fx, iy=2*oy+1*fy]
      loop_dims: [B, K, C, OY, OX, FY, FX]
      loop_sizes: [1, 64, 3, 112, 112, 7, 7]
      operand_source: {I: 0, W: 0}

Letters mean nothing by themselves; what a dimension is follows from the operands that it indexes, as in Timeloop's
problems.  An operand whose source is another layer is an activation (Mei et al., "ZigZag", IEEE TC 70(8) 2021; the form
is that of zigzag/parser/workload_validator.py).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.files.messages import shown
from accelerator_sim.files.yaml_tree import YamlPath, parse_tree, read_text
from accelerator_sim.workload.formats.faults import Faults
from accelerator_sim.workload.formats.images import batch_of
from accelerator_sim.workload.formats.timeloop import built
from accelerator_sim.workload.formats.timeloop_shape import DataSpace, ProblemShape, Term, find_roles
from accelerator_sim.workload.formats.unique import UniqueNames
from accelerator_sim.workload.layer import LARGEST_SIZE, Density, Layer
from accelerator_sim.workload.network import Network

_EQUATION = re.compile(
    r"(\w+)((?:\[\w+\])+)\s*(\+?)=\s*(\w+)((?:\[\w+\])+)(?:\s*([*+])\s*(\w+)((?:\[\w*\])+))?", re.ASCII
)
_RELATION = re.compile(r"(\w+)\s*=\s*(?:(\d{1,9})\s*\*\s*)?(\w+)\s*\+\s*(?:(\d{1,9})\s*\*\s*)?(\w+)", re.ASCII)
_POOLS = ("pool", "max", "average")
"""How the operator types begin, or end, that take a maximum or a mean: they move words and multiply nothing."""
_NOTE = "from a ZigZag or Stream workload; its operand precisions are not used, those of the architecture are"
_SHOWN = "O[b][k]+=I[b][c]*W[c][k]"


def is_workload(text: str) -> bool:
    """Whether a text is meant as a ZigZag or Stream workload, whether it can be read or not."""
    if "equation" not in text or not any(word in text for word in ("operator_type", "loop_dim")):
        return False
    try:
        return bool(_entries(parse_tree(text, "").raw))
    except InvalidFile:
        return text.lstrip().startswith("-")


def _entries(tree: Any) -> list[tuple[YamlPath, dict[str, Any]]]:
    """The layers of a list, of a mapping by number, or of the list that a mapping holds; none for anything else."""
    path: YamlPath = ()
    if isinstance(tree, dict):
        key = next((key for key in ("layers", "workload", "operators") if isinstance(tree.get(key), list)), None)
        if key is not None:
            path, tree = (key,), tree[key]
    items = enumerate(tree) if isinstance(tree, list) else tree.items() if isinstance(tree, dict) else ()
    entries = [((*path, at), entry) for at, entry in items if isinstance(entry, dict)]
    return entries if any("equation" in entry or "loop_dims" in entry for _, entry in entries) else []


@dataclass(frozen=True)
class _GivenOperand:
    name: str
    indices: tuple[str, ...]


@dataclass(frozen=True)
class _GivenLayer:
    """A layer as the file has it."""

    path: YamlPath
    name: str
    number: int
    operator: str
    output: _GivenOperand
    inputs: tuple[_GivenOperand, ...]
    multiplies: bool
    sizes: Mapping[str, int]
    relations: Mapping[str, tuple[Term, Term]]
    """The two terms of each dimension that is a sum."""
    strides: Mapping[str, int]
    """Values of the coefficients by name."""
    sources: Mapping[str, tuple[int, ...]]
    padding: Mapping[str, tuple[int, int]]


def read_layers(path: Path | str) -> Network:
    """Read a workload.  Raises InvalidFile with everything that is wrong, or cannot be read."""
    file = str(path)
    document = parse_tree(read_text(Path(path)), file)
    faults = Faults(document)
    entries = _entries(document.raw)
    if not entries:
        raise faults.fail(
            (), "no layers in it; a list of layers, each with equation, loop_dims and loop_sizes, is required"
        )
    layers: list[Layer] = []
    notes = [_NOTE]
    names = UniqueNames()
    by_number: dict[int, str] = {}
    for at, (entry_path, given) in enumerate(entries):
        entry = _entry(given, entry_path, at, faults)
        if entry is None:
            continue
        name = names.unique(entry.name)
        reads = _reads(entry, by_number, faults)
        if entry.number in by_number:
            faults.add((*entry_path, "id"), f"a second layer with the id {entry.number}")
        by_number[entry.number] = name
        layer = _layer(entry, name, faults, notes)
        if layer is not None:
            layers.append(replace(layer, reads=reads))
    faults.check()
    stem = Path(path).stem
    source, batch = f"ZigZag workload {Path(path).name}", batch_of(layers)
    return Network(stem, source, tuple(layers), file, "; ".join(dict.fromkeys(notes)), batch=batch)


def _entry(given: Mapping[str, Any], entry_path: YamlPath, at: int, faults: Faults) -> _GivenLayer | None:
    """A layer, or None after noting what is wrong with it."""
    before = len(faults.problems)
    number = given.get("id", entry_path[-1] if isinstance(entry_path[-1], int) else at)
    if isinstance(number, bool) or not isinstance(number, int):
        faults.add((*entry_path, "id"), f"{shown(number)} given; a whole number is required")
        number = at
    operator = given.get("operator_type", "")
    if not isinstance(operator, str):
        faults.add((*entry_path, "operator_type"), f"{shown(operator)} given; text is required")
        operator = ""
    name = given.get("name") or f"{operator or 'layer'}_{number}"
    equation = given.get("equation")
    match = _EQUATION.fullmatch(equation.strip()) if isinstance(equation, str) else None
    if match is None:
        faults.add((*entry_path, "equation"), f"{shown(equation)} given; an equation such as {_SHOWN} is required")
        return None
    operands = [_GivenOperand(match[k], tuple(re.findall(r"\[(\w+)\]", match[k + 1].upper()))) for k in (1, 4)]
    if match[7]:
        operands.append(_GivenOperand(match[7], tuple(re.findall(r"\[(\w+)\]", match[8].upper()))))
    relations, strides = _relations(given, entry_path, faults)
    sizes = _sizes(given, entry_path, faults)
    known = {*sizes, *relations}
    for index in dict.fromkeys(index for operand in operands for index in operand.indices):
        if index not in known and len(faults.problems) == before:
            faults.add(
                (*entry_path, "equation"), f"no size for {index.lower()!r}; loop_dims has {', '.join(sizes) or 'none'}"
            )
    sources = _sources(given, entry_path, faults)
    padding = _padding(given, entry_path, faults)
    if len(faults.problems) > before:
        return None
    return _GivenLayer(
        entry_path, str(name), number, operator, operands[0], tuple(operands[1:]), match[6] == "*",
        sizes, relations, strides, sources, padding,
    )  # fmt: skip


def _sizes(given: Mapping[str, Any], entry_path: YamlPath, faults: Faults) -> dict[str, int]:
    if isinstance(given.get("loop_dim_size"), dict):  # the older form
        path: YamlPath = (*entry_path, "loop_dim_size")
        return {
            key.upper(): faults.size(size, (*path, key), LARGEST_SIZE) for key, size in given["loop_dim_size"].items()
        }
    path = (*entry_path, "loop_dims")
    dims = faults.items(given.get("loop_dims"), path, "the names of the loops")
    sizes = faults.items(given.get("loop_sizes"), (*entry_path, "loop_sizes"), "the sizes of the loops")
    if len(dims) != len(sizes):
        faults.add((*entry_path, "loop_sizes"), f"{len(sizes)} sizes for {len(dims)} loops")
    out: dict[str, int] = {}
    for at, (dim, size) in enumerate(zip(dims, sizes, strict=False)):
        key = faults.text(dim, (*path, at), "the name of a loop").upper()
        if key in out:
            faults.add((*path, at), f"a second loop {dim!r}")
        out[key] = faults.size(size, (*entry_path, "loop_sizes", at), LARGEST_SIZE)
    return out


def _relations(
    given: Mapping[str, Any], entry_path: YamlPath, faults: Faults
) -> tuple[dict[str, tuple[Term, Term]], dict[str, int]]:
    """The dimensions that are sums of two others, and the values of their coefficients."""
    key = "equation_relations" if "equation_relations" in given else "dimension_relations"
    listed = given.get(key)
    out: dict[str, tuple[Term, Term]] = {}
    strides: dict[str, int] = {}
    for at, text in enumerate(faults.items(listed, (*entry_path, key), "sums such as ix=2*ox+1*fx") if listed else []):
        match = _RELATION.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            faults.add((*entry_path, key, at), f"{shown(text)} given; a sum such as ix=2*ox+1*fx is required")
            continue
        name, first, second = (match[k].upper() for k in (1, 3, 5))
        if name in out:
            faults.add((*entry_path, key, at), f"a second sum for {match[1]!r}")
        terms = []
        for dimension, factor in ((first, match[2]), (second, match[4])):
            coefficient = f"{name}:{dimension}"
            strides[coefficient] = int(factor or 1)
            terms.append((dimension, coefficient))
            if strides[coefficient] < 1:
                faults.add((*entry_path, key, at), f"{shown(text)} given; factors of at least 1 are required")
        out[name] = (terms[0], terms[1])
    return out, strides


def _sources(given: Mapping[str, Any], entry_path: YamlPath, faults: Faults) -> dict[str, tuple[int, ...]]:
    sources = given.get("operand_source")
    if sources is None:
        return {}
    out = {}
    path = (*entry_path, "operand_source")
    for name, source in faults.mapping(sources, path, "the id of a layer by operand").items():
        listed = source if isinstance(source, list) else [source]
        if not all(isinstance(each, int) and not isinstance(each, bool) for each in listed):
            faults.add((*path, name), f"{shown(source)} given; the id of a layer is required")
            continue
        out[name] = tuple(listed)
    return out


def _padding(given: Mapping[str, Any], entry_path: YamlPath, faults: Faults) -> dict[str, tuple[int, int]]:
    """The zeros before and behind of dimensions of the input."""
    padding = given.get("padding")
    if not padding:
        return {}
    dims = given.get("pr_loop_dims")
    if isinstance(dims, list) and isinstance(padding, list) and len(dims) == len(padding):
        padding = dict(zip(map(str, dims), padding, strict=True))
    pairs = padding if isinstance(padding, dict) else {"": None}
    out = {}
    for dim, pair in pairs.items():
        if isinstance(pair, list) and len(pair) == 2 and all(type(n) is int and 0 <= n <= LARGEST_SIZE for n in pair):
            out[dim.upper()] = (pair[0], pair[1])
    if len(out) < len(pairs):
        faults.add((*entry_path, "padding"), "padding is [[before, behind], ...], in the order of pr_loop_dims")
    return out


def _reads(entry: _GivenLayer, known: Mapping[int, str], faults: Faults) -> tuple[str, ...]:
    """The names of the layers whose outputs it reads.  A source that is the layer itself is a constant."""
    names: dict[str, None] = {}
    for name, sources in entry.sources.items():
        for source in sources:
            if source in known:
                names[known[source]] = None
            elif source != entry.number and source >= 0:  # below 0: the input of the network
                path = (*entry.path, "operand_source", name)
                faults.add(path, f"no layer before this one has the id {source}")
    return tuple(names)


def _layer(entry: _GivenLayer, name: str, faults: Faults, notes: list[str]) -> Layer | None:
    """The layer, or None after noting why there is none."""
    if not entry.multiplies or _pools(entry.operator):
        return _traffic(entry, name, faults)
    constant = entry.inputs[1:] if len(entry.inputs) > 1 else ()
    spaces = [_space(entry, operand, False) for operand in entry.inputs] + [_space(entry, entry.output, True)]
    shape = ProblemShape(name, tuple(entry.sizes), dict.fromkeys(entry.strides), tuple(spaces), entry.path)
    before = len(faults.problems)
    try:
        roles = find_roles(shape, faults)
    except InvalidFile:  # noted
        return None
    for dimension, why in roles.odd.items():
        if entry.sizes[dimension] != 1:
            faults.add(
                (*entry.path, "loop_dims"), f"{dimension} of {entry.sizes[dimension]} {why}; no product has that"
            )
    if len(faults.problems) > before:
        return None
    activations = all(_moves(entry, operand) for operand in entry.inputs) and constant
    try:
        layer = built(name, roles, entry.sizes, entry.strides, Density(), notes)
        layer = replace(layer, op="matmul") if activations and layer.op == "gemm" else layer
        layer = _padded(layer, entry) if layer.op == "conv" else layer
    except ValueError as error:
        faults.add(entry.path, str(error))
        return None
    total = math.prod(entry.sizes.values())
    assert layer.macs == total, f"{layer.macs} MACs made of {total}"
    return layer


def _pools(operator: str) -> bool:
    word = operator.lower()
    return word.startswith(_POOLS) or word.endswith("pool")


def _moves(entry: _GivenLayer, operand: _GivenOperand) -> bool:
    """Whether an operand is the output of a layer."""
    return any(source != entry.number for source in entry.sources.get(operand.name, ()))


def _space(entry: _GivenLayer, operand: _GivenOperand, written: bool) -> DataSpace:
    ranks = tuple(entry.relations.get(index, ((index, None),)) for index in operand.indices)
    name = {"W": "Weights", "I": "Inputs"}.get(operand.name, operand.name)
    return DataSpace(name, ranks, written, (*entry.path, "equation"))


def _padded(layer: Layer, entry: _GivenLayer) -> Layer:
    """The layer without the zeros around its input, where the file gives their number."""
    sides = []
    for axis in ("Y", "X"):
        sides.append(next((pair for name, pair in entry.padding.items() if name.endswith(axis)), (0, 0)))
    (top, bottom), (left, right) = sides
    height, width = layer.H - top - bottom, layer.W - left - right
    return replace(layer, H=height, W=width, padding=(top, bottom, left, right)) if any(map(any, sides)) else layer


def _traffic(entry: _GivenLayer, name: str, faults: Faults) -> Layer | None:
    """An operator that multiplies nothing, by the words that it reads and writes."""
    read = [operand for operand in entry.inputs if not (_pools(entry.operator) and _is_window(entry, operand))]
    words = sum(_words(entry, operand) for operand in read)
    op = "pool" if _pools(entry.operator) else "add" if len(entry.inputs) > 1 else "other"
    try:
        return Layer(name, op, iact_words=words, oact_words=_words(entry, entry.output))
    except ValueError as error:
        faults.add(entry.path, str(error))
        return None


def _is_window(entry: _GivenLayer, operand: _GivenOperand) -> bool:
    """Whether an operand of a pool only spans its window: it holds no values."""
    return not set(operand.indices) & set(entry.output.indices)


def _words(entry: _GivenLayer, operand: _GivenOperand) -> int:
    return math.prod(_extent(entry, index) for index in operand.indices)


def _extent(entry: _GivenLayer, index: str) -> int:
    if index not in entry.relations:
        return entry.sizes[index]
    whole = 1 + sum(
        (entry.sizes.get(dimension, 1) - 1) * entry.strides[coefficient or ""]
        for dimension, coefficient in entry.relations[index]
    )
    return max(1, whole - sum(entry.padding.get(index, (0, 0))))
