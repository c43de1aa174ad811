"""The results of a sweep as files for other programs: the same bytes for the same results."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

from accelerator_sim import __version__
from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.study.tabular import Row, rows_text
from accelerator_sim.sweep.results import flat

FORMATS = ("csv", "tsv", "json", "parquet")


def export(rows: Sequence[Row], form: str) -> str | bytes:
    """Return rows in a format of `FORMATS`.  Raises AcceleratorSimError for Parquet where pyarrow is not installed."""
    flattened = [flat(row) for row in rows]
    if form == "json":
        document = {"schema": "accelerator-sim/sweep/1", "version": __version__, "results": flattened}
        return json.dumps(document, indent=2, allow_nan=False) + "\n"
    if form == "parquet":
        return _parquet(flattened)
    return rows_text(flattened, "," if form == "csv" else "\t")


def _parquet(rows: Sequence[Row]) -> bytes:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise AcceleratorSimError(
            "Parquet needs pyarrow; install it with: pip install 'accelerator-sim[parquet]'"
        ) from None
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: _alike([row.get(name) for row in rows]) for name in names}
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), out)
    return out.getvalue()


def _alike(values: list[object]) -> list[object]:
    """A column of one type: whole numbers beside others become floats, anything beside text becomes text."""
    kinds = {type(value) for value in values if value is not None}
    if str in kinds and len(kinds) > 1:
        return [None if value is None else str(value) for value in values]
    if float in kinds:
        return [None if value is None else float(value) for value in values]  # type: ignore[arg-type]
    return values
