"""Results as tables for other programs: CSV text, and pandas where it is installed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from accelerator_sim.files.errors import AcceleratorSimError
from accelerator_sim.files.text import printable

Row = dict[str, Any]


class Tabular:
    """What has rows: columns by name, in the same order in each row that has them."""

    def rows(self) -> list[Row]:
        """Return the rows."""
        raise NotImplementedError

    def iter_rows(self) -> Iterator[Row]:
        """Yield the rows one by one."""
        return iter(self.rows())

    @property
    def columns(self) -> Sequence[str] | None:
        """Names of the columns in their order; None: those that a row has."""
        return None

    def to_csv(self, path: str | Path | None = None) -> str:
        """Return the rows as CSV text with a header.

        path: a file that the text is also written to, None for none.
        """
        text = rows_text(self.iter_rows(), ",", self.columns)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def to_pandas(self) -> Any:
        """Return the rows as a pandas.DataFrame.  Raises AcceleratorSimError where pandas is not installed."""
        try:
            import pandas
        except ImportError:
            raise AcceleratorSimError("pandas is not installed; install it with: pip install pandas") from None
        return pandas.DataFrame(self.rows(), columns=self.columns)


def rows_text(rows: Iterable[Row], delimiter: str = "\t", columns: Sequence[str] | None = None) -> str:
    """Return rows as delimited text (`rows_lines`)."""
    return "".join(rows_lines(rows, delimiter, columns))


def rows_lines(rows: Iterable[Row], delimiter: str = "\t", columns: Sequence[str] | None = None) -> Iterator[str]:
    """Yield rows as delimited text, a header first.

    columns: those to write, all that a row has if None (then the rows are held until all are known).

    Control characters of texts are escaped; with tabs, white space in them becomes a space.  With commas, a text that a
    spreadsheet would take for a formula gets an apostrophe before it.
    """
    if columns is None:
        rows = list(rows)
        columns = list(dict.fromkeys(name for row in rows for name in row))
    clean = _spreadsheet_safe if delimiter == "," else _one_line
    line = io.StringIO()
    writer = csv.DictWriter(line, columns, restval="", delimiter=delimiter, lineterminator="\n")
    writer.writerow({name: clean(name) for name in columns})
    for row in rows:
        writer.writerow({key: clean(value) if isinstance(value, str) else value for key, value in row.items()})
        if line.tell() > _PIECE:
            yield line.getvalue()
            line.seek(0)
            line.truncate()
    yield line.getvalue()


_PIECE = 1 << 16
"""Characters that are written at a time: large beside the cost of a write."""


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))


def _spreadsheet_safe(text: str) -> str:
    """Spreadsheets compute cells that begin with one of these (OWASP, CSV injection)."""
    shown = printable(text, kept="\n\t")
    return f"'{shown}" if len(text) > 1 and text[0] in "=+-@\t\r" else shown
