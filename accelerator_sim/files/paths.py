"""Questions about paths that anybody may have written: names that no file can have are answered, not raised on.

`pathlib` raises OSError for a name of more than 255 bytes, and RuntimeError for a link that leads to itself.
"""

from __future__ import annotations

import os.path
from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether there is a regular file."""
    return os.path.isfile(path)


def exists(path: Path) -> bool:
    """Whether there is anything."""
    return os.path.exists(path)


def real(path: Path) -> Path:
    """Return the path without links, as far as they lead anywhere."""
    return Path(os.path.realpath(path))
