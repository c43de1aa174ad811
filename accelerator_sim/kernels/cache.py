"""How numba compiles kernels, and where it keeps them: a cache whose entries carry the stamp of their sources.

Where no cache can be written the kernels are compiled again in each process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import config, njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, UserProvidedCacheLocator, UserWideCacheLocator

from accelerator_sim.kernels.stamps import stamp_of

uncached = False
"""Whether a kernel found no place for its cache (said once by the command line)."""


def stamp(module: str) -> bytes:
    """Stamp of a module's sources and of the compiler settings that numba's own key leaves out."""
    return stamp_of(module) + repr((getattr(config, "BOUNDSCHECK", 0), getattr(config, "OPT", 3))).encode()


class _Stamp:
    _py_file: str

    def get_source_stamp(self) -> bytes:
        return stamp(self._py_file.rpartition("/")[2].removesuffix(".py"))


class _Environment(_Stamp, UserProvidedCacheLocator):
    """NUMBA_CACHE_DIR."""


class _User(_Stamp, UserWideCacheLocator):
    """The user's cache folder."""


class _Implementation(CompileResultCacheImpl):
    _locator_classes = [_Environment, _User]  # noqa: RUF012


class _Cache(FunctionCache):
    _impl_class = _Implementation

    def __init__(self, function: Callable[..., Any], module: str) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        # An index names the types of signatures, and a stale one may name types that are gone.  Numba compares its own
        # version before it reads the rest, but the stamp only after.
        self._cache_file._version += stamp(module).hex()


def bare(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    """Return numba's dispatcher of a function that other kernels call: without an entry for Python or a cache."""
    return njit(**{"no_cpython_wrapper": True, "no_cfunc_wrapper": True} | options)(function)


def jitted(function: Callable[..., Any], module: str, options: dict[str, Any]) -> Any:
    """Return numba's dispatcher of a function of a module; the function where compilation is switched off."""
    global uncached
    dispatcher = njit(**{"nogil": True} | options)(function)
    if hasattr(dispatcher, "_cache"):  # absent when the JIT is switched off
        try:
            dispatcher._cache = _Cache(function, module)
        except RuntimeError:
            uncached = True
    return dispatcher
