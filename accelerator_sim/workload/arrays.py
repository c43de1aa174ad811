"""Types of arrays that many modules take and return; content, shape and unit are documented at each array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.uint8]
"""1 where a value is not zero."""
