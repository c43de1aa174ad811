"""SCALE-Sim topologies: CSV files with one layer per row, as convolutions or as matrix products.

    Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
    Conv1, 230, 230, 7, 7, 3, 64, 2,

    Layer, M, N, K,
    fc1, 128, 3072, 768,

SCALE-Sim skips the first line, reads the rest by position and drops what follows the last comma (`topology_utils.py` of
SCALE-Sim v2 and v3); so headings that are not the usual ones are passed over.  A second stride, a sparsity N:M and a
batch size may follow.  IFMAP sizes include the padding.
Names with DP are depthwise: SCALE-Sim runs one layer of one channel for each of the Channels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accelerator_sim.files.errors import InvalidFile, Problem
from accelerator_sim.files.yaml_tree import read_text
from accelerator_sim.workload.formats.cells import Record, records
from accelerator_sim.workload.formats.images import batch_of
from accelerator_sim.workload.formats.unique import UniqueNames
from accelerator_sim.workload.layer import LARGEST_SIZE, Density, Layer
from accelerator_sim.workload.network import Network

CONVOLUTION = (
    "Layer name", "IFMAP Height", "IFMAP Width", "Filter Height", "Filter Width", "Channels", "Num Filter", "Strides",
)  # fmt: skip
PRODUCT = ("Layer", "M", "N", "K")
FORMS = f"{', '.join(CONVOLUTION)} - or {', '.join(PRODUCT)}"

_HEADINGS = {
    CONVOLUTION: (
        "layer.*|name", "ifmaph(eight)?", "ifmapw(idth)?", "filterh(eight)?", "filterw(idth)?", "(num)?channels?",
        "num(ber)?(of)?filters?", "strides?|strideh(eight)?",
    ),
    PRODUCT: ("layer.*|name", "m", "n", "k"),
}  # fmt: skip
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_SPARSITY = re.compile(r"([0-9]{1,9})\s*:\s*([0-9]{1,9})", re.ASCII)
_DEPTHWISE = re.compile(r"(?<![a-z])dw(?![a-z])|depth-?_?wise", re.IGNORECASE)


@dataclass(frozen=True)
class _TopologyRow:
    line: int
    name: str
    sizes: tuple[int, ...]
    stride_width: int | None
    sparsity: tuple[int, int] | None
    batch: int


@dataclass(frozen=True)
class _Header:
    form: tuple[str, ...]
    more: tuple[str, ...]
    """Normalised headings of the columns after the known ones."""
    foreign: tuple[str, ...]
    """Headings that SCALE-Sim does not know, as they are written."""
    by_position: tuple[str, ...]
    """What stands over columns whose heading is not the usual one, and what they are taken for."""


def is_depthwise(name: str) -> bool:
    """Whether the name of a layer marks it as depthwise: DP as SCALE-Sim reads it, or dw or depthwise."""
    return "DP" in name or _DEPTHWISE.search(name) is not None


def read_topology(path: Path | str) -> Network:
    """Read a topology.  Raises InvalidFile with everything that is wrong with it."""
    file = str(path)
    text = read_text(Path(path), "CSV")
    problems: list[Problem] = []
    header: _Header | None = None
    rows: list[_TopologyRow] = []
    all_records = list(records(text, file))
    for record in all_records:
        if header is None:
            header = _header(record, all_records[1:], file)
        else:
            row = _row(record.cells, header, file, record.line, problems)
            if row:
                rows.append(row)
    if header is None:
        raise InvalidFile([Problem(file, None, None, "", f"is empty; a header is required: {FORMS}")])
    if not rows and not problems:
        raise InvalidFile(
            [Problem(file, len(text.splitlines()) + 1, None, "", "no layers under the header; at least 1 is required")]
        )
    notes = ["from a SCALE-Sim topology: H and W are IFMAP sizes, which include padding"]
    if header.foreign:
        notes.append(f"columns that are not SCALE-Sim's are not read: {', '.join(header.foreign)}")
    if header.by_position:
        notes.append(f"read by their positions, as SCALE-Sim does: {'; '.join(header.by_position)}")
    layers = []
    names = UniqueNames()
    for i, row in enumerate(rows):
        try:
            layer, said = _product(row) if header.form == PRODUCT else _convolution(rows, i)
        except ValueError as error:
            problems.append(Problem(file, row.line, 1, row.name, str(error)))
            continue
        layer = replace(layer, name=names.unique(row.name))
        if layer.name != row.name:
            notes.append(f"line {row.line}: a second {row.name!r}, called {layer.name!r}")
        notes += [f"{layer.name}: {text}" for text in said]
        layers.append(layer)
    if problems:
        raise InvalidFile(sorted(problems, key=lambda problem: problem.order))
    source, batch = f"SCALE-Sim topology {Path(path).name}", batch_of(layers)
    return Network(Path(path).stem, source, tuple(layers), file, "; ".join(notes), batch=batch)


def _header(record: Record, rows: Sequence[Record], file: str) -> _Header:
    """Return which form the columns have.  Raises InvalidFile where neither the headings nor the rows show it."""
    cells = record.cells
    plain = [re.sub(r"[^a-z0-9]", "", text.lower()) for text, _ in cells]
    if len(plain) > 3 and all(_NUMBER.fullmatch(word) for word in plain[1:4]):
        message = (
            f"the first line is a layer; SCALE-Sim takes it for the header and skips it.  Put one before it: {FORMS}"
        )
        raise InvalidFile([Problem(file, record.line, 1, "", message)])
    form = _form(plain, rows)
    if form is None:
        at = next((i for i, word in enumerate(plain) if not _is(PRODUCT, i, word)), len(plain))
        text, column = cells[at] if at < len(cells) else ("", None)
        given = f"{text!r} given" if text else "missing"
        wanted = PRODUCT[min(at, len(PRODUCT) - 1)]
        message = f"{given}; column {at + 1} is {wanted!r}.  Allowed: {FORMS}"
        raise InvalidFile([Problem(file, record.line, column, "header", message)])
    odd = []
    for i, wanted in enumerate(form):
        if not _is(form, i, plain[i] if i < len(plain) else ""):
            if i < len(plain) and _exchanged(form, i, plain):
                text, column = cells[i]
                message = f"{text!r} given; column {i + 1} is {wanted!r}.  Allowed: {FORMS}"
                raise InvalidFile([Problem(file, record.line, column, "header", message)])
            given = repr(cells[i][0]) if i < len(cells) and cells[i][0] else "without a heading"
            odd.append(f"column {i + 1} ({given}) as {wanted}")
    more = tuple(plain[len(form) :])
    foreign = tuple(
        text for (text, _), word in zip(cells[len(form) :], more, strict=True) if word and _meaning(word) is None
    )
    return _Header(form, more, foreign, tuple(odd))


def _form(plain: Sequence[str], rows: Sequence[Record]) -> tuple[str, ...] | None:
    """The form that the headings name; else the one that has as many numbers as the first row."""
    if any(word.startswith(("ifmap", "filter")) for word in plain):
        return CONVOLUTION
    if all(_is(PRODUCT, i, plain[i] if i < len(plain) else "") for i in range(1, len(PRODUCT))):
        return PRODUCT
    first = [text for text, _ in rows[0].cells[1:]] if rows else []
    numbers = next((i for i, text in enumerate(first) if not _NUMBER.fullmatch(text)), len(first))
    return {len(CONVOLUTION) - 1: CONVOLUTION, len(CONVOLUTION): CONVOLUTION, len(PRODUCT) - 1: PRODUCT}.get(numbers)


def _exchanged(form: tuple[str, ...], column: int, plain: Sequence[str]) -> bool:
    """Whether a heading is that of another column, which has not its own: then the columns have another order."""
    own = [i for i in range(len(form)) if i != column and _is(form, i, plain[column])]
    return any(not _is(form, i, plain[i] if i < len(plain) else "") for i in own)


def _is(form: tuple[str, ...], column: int, word: str) -> bool:
    """Whether a heading is the usual one of a column."""
    return column < len(form) and re.fullmatch(_HEADINGS[form][column], word) is not None


def _meaning(heading: str) -> str | None:
    if re.fullmatch("stridew(idth)?|strides?", heading):
        return "stride"
    if heading.startswith("sparsity") or heading in ("nm", "sparsityratio"):
        return "sparsity"
    return "batch" if heading.startswith("batch") else None


def _row(
    cells: Sequence[tuple[str, int]], header: _Header, file: str, number: int, problems: list[Problem]
) -> _TopologyRow | None:
    """Return a row, or None after noting what is wrong with it."""
    before = len(problems)

    def wrong(column: int | None, column_name: str, message: str) -> None:
        problems.append(Problem(file, number, column, column_name, message))

    wanted = len(header.form)
    name = cells[0][0]
    if not name:
        wrong(1, header.form[0], "no name")
    if len(cells) < wanted:
        wrong(1, name, f"{len(cells)} column(s); {wanted} are required: {', '.join(header.form)}")
        return None
    sizes = []
    for (text, column), column_name in zip(cells[1:wanted], header.form[1:], strict=True):
        if _NUMBER.fullmatch(text) and 1 <= int(text) <= LARGEST_SIZE:
            sizes.append(int(text))
        else:
            given = repr(text[:40]) if text else "nothing"
            wrong(column, column_name, f"{given} given; a whole number between 1 and {LARGEST_SIZE} is required")
    stride, sparsity, batch = None, None, 1
    for i, (text, column) in enumerate(cells[wanted:]):
        heading = header.more[i] if i < len(header.more) else ""
        if not text:
            continue
        ratio, whole = _SPARSITY.fullmatch(text), _NUMBER.fullmatch(text)
        number_of = int(text) if whole else 0
        meaning = _meaning(heading) or ("foreign" if heading else None)
        if meaning is None:  # by what it looks like, as SCALE-Sim does
            meaning = "sparsity" if ratio else "batch" if header.form == PRODUCT else "stride"
            if header.foreign and not ratio and not whole:
                meaning = "foreign"
        if meaning == "foreign":
            continue
        if meaning == "sparsity":
            n, m = (int(ratio[1]), int(ratio[2])) if ratio else (0, 0)
            if sparsity is not None:
                wrong(column, "Sparsity", f"{text[:40]!r} given; a second one")
            elif 1 <= n <= m:
                sparsity = n, m
            else:
                wrong(column, "Sparsity", f"{text[:40]!r} given; N:M is required, N of M weights not zero, as 2:4")
        elif not 1 <= number_of <= LARGEST_SIZE:
            column_name = "Stride Width" if meaning == "stride" else "Batch"
            wrong(column, column_name, f"{text[:40]!r} given; a whole number between 1 and {LARGEST_SIZE} is required")
        elif meaning == "stride" and stride is None and header.form == CONVOLUTION:
            stride = number_of
        elif meaning == "batch" and batch == 1:
            batch = number_of
        else:
            wrong(column, name, f"{text[:40]!r} in column {wanted + i + 1} is one too many; {', '.join(header.form)}")
    if len(problems) > before:
        return None
    return _TopologyRow(number, name, tuple(sizes), stride, sparsity, batch)


def _density(row: _TopologyRow) -> Density:
    if row.sparsity is None:
        return Density()
    n, m = row.sparsity
    return Density(weight=n / m, source=f"SCALE-Sim topology: {n}:{m} sparsity of the weights")


def _product(row: _TopologyRow) -> tuple[Layer, list[str]]:
    """Return M x K activations times K x N weights; a batch of them has activations on both sides."""
    rows, filters, channels = row.sizes
    fields: dict[str, Any] = {"M": filters, "C": channels, "W": rows}
    if row.batch == 1:
        return Layer(row.name, "gemm", density=_density(row), **fields), []
    layer = Layer(row.name, "matmul", G=row.batch, density=_density(row), **fields)
    return layer, [f"a batch of {row.batch} products, taken as pairs of activations"]


def _convolution(rows: Sequence[_TopologyRow], i: int) -> tuple[Layer, list[str]]:
    """Return the layer of a row, and what a reader should know of it.  Raises ValueError."""
    row = rows[i]
    height, width, r, s, channels, filters, stride = row.sizes
    strides = (stride, row.stride_width or stride)
    groups, notes = 1, []
    if is_depthwise(row.name):
        if "DP" in row.name:
            groups, channels = channels, 1
            notes.append(f"DP: depthwise, {groups} channels with {filters} filter(s) each, as SCALE-Sim runs it")
        elif filters == 1 or channels == 1:
            groups, said = _channels(rows, i)
            filters = channels = 1
            notes.append(f"depthwise by its name, {groups} channels{said}")
        else:
            notes.append(f"{channels} channels and {filters} filters: an ordinary convolution, as SCALE-Sim runs it")
    fields: dict[str, Any] = {"N": row.batch, "M": filters, "C": channels, "H": height, "W": width, "R": r, "S": s}
    if groups == 1 and (height, width) == (r, s):
        return Layer(row.name, "fc", density=_density(row), **fields), notes
    layer = Layer(row.name, "conv", G=groups, stride=strides, density=_density(row), **fields)
    outputs = [-(-(size - taps) // step) + 1 for size, taps, step in ((height, r, strides[0]), (width, s, strides[1]))]
    if outputs != [layer.P, layer.Q]:
        theirs, ours = " x ".join(map(str, outputs)), f"{layer.P} x {layer.Q}"
        notes.append(f"{ours} outputs, of windows that lie inside, where SCALE-Sim rounds up to {theirs}")
    return layer, notes


def _channels(rows: Sequence[_TopologyRow], i: int) -> tuple[int, str]:
    """Return the channels of a depthwise row, from the rows beside it where it has one channel and one filter."""
    channels, filters = rows[i].sizes[4:6]
    if channels != 1 or filters != 1:
        return max(channels, filters), ""
    after = rows[i + 1].sizes[4] if i + 1 < len(rows) and not is_depthwise(rows[i + 1].name) else None
    before = rows[i - 1].sizes[5] if i and not is_depthwise(rows[i - 1].name) else None
    if after and before in (after, None):
        return after, f", which the row does not say and {rows[i + 1].name} reads"
    if before and after is None:
        return before, f", which the row does not say and {rows[i - 1].name} writes"
    return 1, " as written, since the rows beside it do not state how many"
