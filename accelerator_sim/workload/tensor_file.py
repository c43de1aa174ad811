"""Tensors in .npy and .npz files: their headers first, their values only where they are of the layer that names them.

A file is someone else's word: it may claim more than it holds, and an archive of a few megabytes may unpack to
gigabytes.  So the header is read and compared before any value is, values are read in pieces of `PIECE` bytes where
they are only counted, and whole only where their number is that of the layer.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from accelerator_sim.files.errors import did_you_mean
from accelerator_sim.files.paths import is_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

PIECE = 1 << 24
"""Bytes that are read at a time: 16 MiB, large beside the cost of a read, small beside a network's memory."""
LARGEST = 1 << 32
"""Values of a tensor up to which a file is taken for one: more than any layer whose zeros can be drawn has."""
LONGEST_HEADER = 1 << 16
"""Bytes of a header: numpy's own are 128."""


Content = TypeVar("Content")


@dataclass(frozen=True)
class TensorFile:
    """A tensor in a file, of which the header was read."""

    file: Path
    key: str
    """Its name in a .npz file, "" in a .npy file."""
    name: str
    """What messages call the file."""
    shape: tuple[int, ...]
    dtype: Any
    column_major: bool

    @property
    def size(self) -> int:
        """Values of the tensor."""
        return math.prod(self.shape)

    def held(self, shape: Sequence[int], axis: int) -> int:
        """Entries along `axis` that the tensor has of `shape`."""
        return self.size * shape[axis] // math.prod(shape)

    def compare(self, shape: Sequence[int], axis: int, block: int, description: str) -> None:
        """Make sure that the tensor has `shape`, except for dimensions of one, or whole blocks of it along `axis`.

        Raises ValueError, with both shapes, where it does not.
        """
        held = self.held(shape, axis)
        one = (*shape[:axis], held, *shape[axis + 1 :])
        if held % block or held > shape[axis] or [n for n in self.shape if n != 1] != [n for n in one if n != 1]:
            own_shape = " x ".join(map(str, self.shape)) or "one number"
            wanted = " x ".join(map(str, shape))
            raise ValueError(
                f"{self.name!r} holds a tensor of {own_shape}; {description} are {wanted} (a 1 may be left out)"
            )

    @cached_property
    def density(self) -> float:
        """Fraction of the values that are not zero, read a piece at a time.  Raises ValueError."""
        import numpy as np

        def counted(stream: IO[bytes]) -> int:
            left, nonzeros = self.size * self.dtype.itemsize, 0
            piece = max(1, PIECE // self.dtype.itemsize) * self.dtype.itemsize
            while left:
                data = _exactly(stream, min(left, piece))
                nonzeros += int(np.count_nonzero(np.frombuffer(data, self.dtype)))
                left -= len(data)
            return nonzeros

        return self._read(counted) / self.size

    def values(self) -> NDArray[Any]:
        """Return the values.  Raises ValueError where they cannot be read."""
        import numpy as np

        def read(stream: IO[bytes]) -> NDArray[Any]:
            flat = np.frombuffer(_exactly(stream, self.size * self.dtype.itemsize), self.dtype)
            return flat.reshape(self.shape, order="F" if self.column_major else "C")

        return self._read(read)

    def _read(self, read: Callable[[IO[bytes]], Content]) -> Content:
        """Read what follows the header."""
        with _faults(self.name), _opened(self.file, self.key) as (stream, _):
            _header(stream)
            return read(stream)


class _NotThere(ValueError):
    """The file is readable, but does not hold what is asked of it."""


def open_tensor(path: Path, key: str | None, name: str) -> TensorFile:
    """Read the header of a tensor in a .npy or .npz file, called `name` in messages.

    key: name of the tensor in a .npz file, None where it holds only one, and for a .npy file.

    Raises ValueError for a file that is not there or not readable, for a key that it does not have, for anything but
    numbers, and where fewer bytes follow the header than the tensor takes.
    """
    if not is_file(path):
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ValueError(f"no such tensor file {name!r}{did_you_mean(path.name, siblings)}")
    with _faults(name):
        member = ""
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = [entry.removesuffix(".npy") for entry in archive.namelist()]
            member = _member(name, key, names)
        elif key is not None:
            raise _NotThere(f"{name!r} holds one tensor without a name; leave out key")
        with _opened(path, member) as (stream, size):
            shape, column_major, dtype = _header(stream)
            if dtype.kind not in "biufc" or dtype.hasobject or not math.prod(shape):
                raise _NotThere(f"{name!r} holds no numbers")
            if math.prod(shape) > LARGEST:
                raise _NotThere(f"{name!r} claims {math.prod(shape)} values; at most {LARGEST} are read")
            follow, wanted = size - stream.tell(), math.prod(shape) * dtype.itemsize
            if follow < wanted:
                raise ValueError(f"{follow} bytes follow its header, which says {wanted}")
        return TensorFile(path, member, name, shape, dtype, column_major)


@contextmanager
def _faults(name: str) -> Iterator[None]:
    """Turn whatever the readers of numpy and zipfile raise on damaged bytes into a ValueError."""
    try:
        yield
    except _NotThere:
        raise
    except Exception as error:  # zlib's, zipfile's, ast's and struct's own, among others
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(f"{name!r} is not a readable .npy or .npz file: {reason}") from None


@contextmanager
def _opened(path: Path, key: str) -> Iterator[tuple[IO[bytes], int]]:
    """The bytes of a .npy file, or of a member of a .npz file, and how many there are."""
    if not zipfile.is_zipfile(path):
        with path.open("rb") as stream:
            yield stream, path.stat().st_size
        return
    with zipfile.ZipFile(path) as archive:
        entry = next((n for n in (f"{key}.npy", key) if n in archive.namelist()), key)
        with archive.open(entry) as stream:
            yield stream, archive.getinfo(entry).file_size


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, Any]:
    """Return shape, order (True: the first index runs fastest) and type of what follows."""
    from numpy.lib import format as npy

    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"version {version[0]}.{version[1]} of the format is not read; 1.0 and 2.0 are")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, column_major, dtype = read(stream, max_header_size=LONGEST_HEADER)
    if not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"its shape is {shape}")
    return shape, column_major, dtype


def _exactly(stream: IO[bytes], count: int) -> bytearray:
    """Return so many bytes.  Raises ValueError where there are fewer."""
    data = bytearray()
    while len(data) < count:
        piece = stream.read(min(count - len(data), PIECE))
        if not piece:
            raise ValueError(f"it ends after {len(data)} of {count} bytes")
        data += piece
    return data


def _member(name: str, key: str | None, members: list[str]) -> str:
    if not members:
        raise _NotThere(f"{name!r} holds no tensors")
    if key is None and len(members) == 1:
        return members[0]
    if key is None:
        raise _NotThere(f"{name!r} holds {len(members)} tensors; give key: one of {', '.join(members)}")
    if key not in members:
        raise _NotThere(f"{name!r} has no tensor {key!r}; it holds {', '.join(members)}{did_you_mean(key, members)}")
    return key
