"""Counting the stored weights: entries and SPad words of every CSC column, PE by PE."""

from __future__ import annotations

from accelerator_sim.kernels.compile import kernel


@kernel()
def count_columns(mask, rows, columns, filters, first, pe_columns, reach, simd, entries, words):
    """Count the weights of columns that are cut over PEs.

    mask: uint8 of `rows` x `columns` columns of `filters` weights; first: int64 [parts + 1], where each part of the
    filters begins; pe_columns: int64 [parts + 1], where each part of the columns begins.  Outputs, int64 by column:
    entries, and words of `simd` entries, over all parts: a run of zeros of at least `reach` costs an entry.
    Returns the words of the fullest PE: of a part of the filters and one of the columns, over all rows.
    """
    most = 0
    for i in range(rows * columns):
        entries[i] = 0
        words[i] = 0
    for part in range(first.size - 1):
        for block in range(pe_columns.size - 1):
            held = 0
            for r in range(rows):
                for c in range(pe_columns[block], pe_columns[block + 1]):
                    at_column = r * columns + c
                    base = at_column * filters
                    stored = run = 0
                    for k in range(base + first[part], base + first[part + 1]):
                        if mask[k]:
                            stored += 1 + run // reach
                            run = 0
                        else:
                            run += 1
                    word = (stored + simd - 1) // simd
                    entries[at_column] += stored
                    words[at_column] += word
                    held += word
            most = max(most, held)
    return most
