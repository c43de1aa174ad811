"""The results of sweeps as files for other programs: the same bytes for the same results, and no more than some rows in
memory at a time.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO

from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.files.units import UNLIMITED
from accelerator_sim.results.tabular import Row, rows_lines
from accelerator_sim.sweeps.records import flat
from accelerator_sim.version import __version__

FORMATS = ("csv", "tsv", "json", "parquet")
BATCH_ROWS = 2000
"""Rows that are written at a time: some MB."""

Source = Callable[[], Iterable[Row]]
"""Gives the rows of a store, from the first one each time it is called."""


def export(source: Source, form: str, out: BinaryIO) -> None:
    """Write rows in a format of `FORMATS`.  They are read twice: first for the columns.

    Raises AcceleratorSimError for Parquet where pyarrow is not installed.
    """
    if form == "json":
        _json(source, out)
        return
    columns = _columns(source())
    if form == "parquet":
        _parquet(source, columns, out)
        return
    delimiter = "," if form == "csv" else "\t"
    for piece in rows_lines(map(flat, source()), delimiter, list(columns)):
        out.write(piece.encode())


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    remaining = iter(rows)
    while batch := [flat(row) for row in islice(remaining, BATCH_ROWS)]:
        yield batch


def _columns(rows: Iterable[Row]) -> dict[str, set[type]]:
    """The columns, in the order in which rows first have them, with the types of their values."""
    columns: dict[str, set[type]] = {}
    for row in rows:
        for name, value in flat(row).items():
            types = columns.setdefault(name, set())
            if value is not None:
                types.add(type(value))
    return columns


def _json(source: Source, out: BinaryIO) -> None:
    """The text that `json.dumps(..., indent=2)` gives for the whole document."""
    head = json.dumps({"schema": "accelerator-sim/sweep/1", "version": __version__, "results": []}, indent=2)
    out.write(head.removesuffix("]\n}").encode())
    between = "\n"
    for batch in _batches(source()):
        for row in batch:
            text = json.dumps({name: _finite(value) for name, value in row.items()}, indent=2, allow_nan=False)
            out.write((between + "\n".join(f"    {line}" for line in text.split("\n"))).encode())
            between = ",\n"
    out.write(b"]\n}\n" if between == "\n" else b"\n  ]\n}\n")


def _finite(value: Any) -> Any:
    """A value as JSON has it, which knows no infinity."""
    if isinstance(value, float) and not math.isfinite(value):
        return UNLIMITED if value > 0 else None
    return value


def _parquet(source: Source, columns: dict[str, set[type]], out: BinaryIO) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise AcceleratorSimError(
            "Parquet needs pyarrow; install it with: pip install 'accelerator-sim[parquet]'"
        ) from None
    made = {int: pyarrow.int64(), float: pyarrow.float64(), str: pyarrow.string()}
    schema = pyarrow.schema([(name, made[_kind(types)]) for name, types in columns.items()])
    with pyarrow.parquet.ParquetWriter(out, schema) as writer:
        for batch in _batches(source()):
            values = {name: _alike([row.get(name) for row in batch], _kind(types)) for name, types in columns.items()}
            writer.write_table(pyarrow.table(values, schema=schema))


def _kind(types: set[type]) -> type:
    """The type of a column: whole numbers beside others become floats, anything beside text becomes text."""
    if str in types or bool in types:
        return str
    return float if float in types or not types else int


def _alike(values: Sequence[object], kind: type) -> list[object]:
    return [None if value is None else kind(value) for value in values]
