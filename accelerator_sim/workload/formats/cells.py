"""The cells of a table as programs write it: with commas, semicolons or tabs, quoted or not, with any line ends."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from accelerator_sim.files.errors import InvalidFile, Problem

DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class Record:
    """A row: the line on which it begins, and each cell with its column (from 1), up to the last one with text."""

    line: int
    cells: tuple[tuple[str, int], ...]


def records(text: str, file: str) -> Iterator[Record]:
    """Yield the rows that are not empty.  What follows a cell that begins with # is a comment.

    Raises InvalidFile, naming file and line, for quotes that are not closed.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    delimiter = delimiter_of(next((line for line in lines if line.strip(" ,;\t")), ""))
    at = 0
    while at < len(lines):
        number, line = at + 1, lines[at]
        at += 1
        if '"' not in line:
            all_cells = _plain(line, delimiter)
        else:
            all_cells, taken = _quoted(lines[at - 1 :], delimiter, file, number)
            at += taken - 1
        cells = _before_comment(all_cells)
        if cells:
            yield Record(number, cells)


def delimiter_of(line: str) -> str:
    """Return what stands between the cells of a header; a comma where nothing else does."""
    bare = "".join(line.split('"')[::2])  # outside of quotes
    return max(DELIMITERS, key=lambda each: (bare.count(each), -DELIMITERS.index(each)))


def _plain(line: str, delimiter: str) -> list[tuple[str, int]]:
    cells = []
    column = 1
    for cell in line.split(delimiter):
        cells.append((cell.strip(), column + len(cell) - len(cell.lstrip())))
        column += len(cell) + 1
    return cells


def _quoted(lines: list[str], delimiter: str, file: str, number: int) -> tuple[list[tuple[str, int]], int]:
    """The cells of a row with quotes, and how many lines it has."""
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        row = next(reader)
    except csv.Error as error:
        reason = "a quote is not closed" if "unexpected end" in str(error) else str(error)
        raise InvalidFile([Problem(file, number, 1, "", f"cannot be read as CSV: {reason}")]) from None
    cells, column = [], 1
    for cell in row:
        text = " ".join(cell.split())
        start = lines[0].find(text, column - 1) + 1
        column = start or column
        cells.append((text, column))
    return cells, reader.line_num


def _before_comment(cells: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    end = next((at for at, (text, _) in enumerate(cells) if text.startswith("#")), len(cells))
    kept = cells[:end]
    while kept and not kept[-1][0]:
        kept.pop()
    return tuple(kept)
