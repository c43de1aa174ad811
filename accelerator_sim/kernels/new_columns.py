"""The columns that a window brings into a PE, and the words beside its iacts: what a stream carries for one window."""

from __future__ import annotations

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel


@kernel(spliced=True)
def new_columns(e, extent):
    """Columns from one window to the next in what a stream carries, of windows of so many columns."""
    return extent if e[at.RELOAD] else min(e[at.COL_STRIDE], extent)


@kernel(spliced=True)
def address_words(e, columns, channels):
    """Words of addresses before a segment in CSC: one for each channel and one for the end.

    The channels of a segment of one column are one column of the matrix.
    """
    if not e[at.ADDRESS_WORDS]:
        return 0
    return (channels if columns > 1 else 1) + 1
