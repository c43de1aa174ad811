"""How kernels are compiled and cached: one freshness stamp over the whole package.

Numba's own cache notices a change of the file that holds a function, but not of a helper in another file; the stamp
here covers every file of `kernels/`.  Where no cache can be written the kernels are compiled again in each process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from numba import config, njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, UserProvidedCacheLocator, UserWideCacheLocator

KERNELS: list[Any] = []
"""The kernels that Python calls, in order of definition."""


@lru_cache(maxsize=1)
def kernel_stamp() -> bytes:
    """Digest of all kernel sources and of the compiler settings that numba's own key leaves out."""
    digest = hashlib.sha256(repr((getattr(config, "BOUNDSCHECK", 0), getattr(config, "OPT", 3))).encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()


class _Stamp:
    def get_source_stamp(self) -> bytes:
        return kernel_stamp()


class _Environment(_Stamp, UserProvidedCacheLocator):
    """NUMBA_CACHE_DIR."""


class _User(_Stamp, UserWideCacheLocator):
    """The user's cache folder."""


class _Implementation(CompileResultCacheImpl):
    _locator_classes = [_Environment, _User]  # noqa: RUF012


class _Cache(FunctionCache):
    _impl_class = _Implementation

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        # An index names the types of signatures, and a stale one may name types that are gone.  Numba compares its own
        # version before it reads the rest, but the stamp only after.
        self._cache_file._version += kernel_stamp().hex()


uncached = False
"""Whether a kernel found no place for its cache (said once by the command line)."""


def kernel(
    helper: bool = False, spliced: bool = False, reference_counts: bool = True
) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function lazily with `nogil`, cached under the package-wide stamp.

    helper: only other kernels call it, as a function of its own; spliced: only other kernels call it, and its body is
    copied into them before compilation, which saves the passing of many arrays in inner loops; neither: Python calls
    it.  reference_counts: whether arrays are counted, which a kernel needs only if it makes arrays or returns them;
    one without is quicker to compile, and to run where it hands arrays on.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        global uncached
        options: dict[str, Any] = {} if reference_counts else {"_nrt": False}
        compiled = njit(nogil=True, inline="always" if spliced else "never", **options)(function)
        if hasattr(compiled, "_cache"):  # absent when the JIT is switched off
            try:
                compiled._cache = _Cache(function)
            except RuntimeError:
                uncached = True
        if not (helper or spliced):
            KERNELS.append(compiled)
        return compiled

    return decorate
