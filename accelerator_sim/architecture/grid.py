"""Rectangles of identical parts, and the links of networks that are laid over them.

The floor plan of a flat network: the GLB stands at the middle of one side.  A trunk runs along that side, with a link
to the first row and one from row to row; in each row a line of one link per PE leaves it (JSSC 2017 IV-C: Y-bus and
X-buses).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from accelerator_sim.files.model import FileModel

Count = Annotated[int, Field(ge=1, le=1 << 20)]


class Grid(FileModel):
    """A rectangle of identical parts."""

    rows: Count = Field(description="number of rows")
    columns: Count = Field(description="number of columns")

    @property
    def count(self) -> int:
        """Parts in the rectangle."""
        return self.rows * self.columns


def tree_links(grid: Grid) -> int:
    """Links of a trunk along one side and of a line through every row."""
    return grid.rows + grid.rows * grid.columns


def path_links(grid: Grid, row: int, column: int) -> int:
    """Links on the way from the port, at the middle of the side, to the PE at (row, column)."""
    return 1 + abs(row - (grid.rows - 1) // 2) + 1 + column


def private_links(grid: Grid) -> int:
    """Links of ways of their own to all PEs."""
    return sum(path_links(grid, row, column) for row in range(grid.rows) for column in range(grid.columns))
