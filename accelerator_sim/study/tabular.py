"""Results as tables for other programs: CSV text, and pandas where it is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from accelerator_sim.files.errors import AcceleratorSimError

Row = dict[str, Any]


class Tabular:
    """What has rows: columns by name, in the same order in each row that has them."""

    def rows(self) -> list[Row]:
        """Return the rows."""
        raise NotImplementedError

    @property
    def columns(self) -> Sequence[str] | None:
        """Names of the columns in their order; None: those that a row has."""
        return None

    def to_csv(self, path: str | Path | None = None) -> str:
        """Return the rows as CSV text with a header; write it to a file, too, if a path is given."""
        text = rows_text(self.rows(), ",", self.columns)
        if path is not None:
            Path(path).write_text(text)
        return text

    def to_pandas(self) -> Any:
        """Return the rows as a pandas.DataFrame.  Raises AcceleratorSimError where pandas is not installed."""
        try:
            import pandas
        except ImportError:
            raise AcceleratorSimError("pandas is not installed; install it with: pip install pandas") from None
        return pandas.DataFrame(self.rows(), columns=self.columns)


def rows_text(rows: Iterable[Row], delimiter: str = "\t", columns: Sequence[str] | None = None) -> str:
    """Return rows as delimited text; columns: those to write, all that a row has if None.

    With tabs, each row is one line: tabs and newlines in text become spaces.
    """
    kept = list(rows)
    names = list(dict.fromkeys(name for row in kept for name in row)) if columns is None else columns
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    for row in kept:
        if delimiter == "\t":
            row = {key: " ".join(value.split()) if isinstance(value, str) else value for key, value in row.items()}
        writer.writerow(row)
    return out.getvalue()
