"""Types of arrays that many modules take and return; content, shape and unit are documented at each array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""Of any numbers."""
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.uint8]
"""1 where a value is not zero."""

AT_A_TIME = 32
"""Places that are copied together: 4 times as fast as all at once on 4096 x 9216 bytes."""


def laid_out(view: NDArray[Any], axis: int) -> NDArray[Any]:
    """Copy a view of moved axes into an array in C order.

    axis: an axis that is among the last ones in the view and among the first ones in memory; some places of it are
    copied at a time, so that the lines of memory that they share with their neighbours are still at hand for those.
    """
    array = np.empty(view.shape, dtype=view.dtype)
    source, target = np.moveaxis(view, axis, 0), np.moveaxis(array, axis, 0)
    for first in range(0, len(source), AT_A_TIME):
        target[first : first + AT_A_TIME] = source[first : first + AT_A_TIME]
    return array
