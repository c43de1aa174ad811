"""How numba compiles kernels, and where it keeps them: a cache whose entries carry the stamp of their sources.

Where no cache can be written the kernels are compiled again in each process.  Numba is imported by the first call.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from accelerator_sim.kernels.references import register_references
from accelerator_sim.kernels.stamps import stamp_of
from accelerator_sim.kernels.vector_code import register_vectors

uncached = False
"""Whether a kernel found no place for its cache (said once by the command line)."""


def register() -> None:
    """Tell numba what kernels use beside numbers and arrays; once, before the first is compiled."""
    register_references()
    register_vectors()


def stamp(module: str) -> bytes:
    """Stamp of a module's sources and of the compiler settings that numba's own key leaves out."""
    from numba import config

    return stamp_of(module) + repr((getattr(config, "BOUNDSCHECK", 0), getattr(config, "OPT", 3))).encode()


@cache
def _cache_class() -> Any:
    """Numba's cache of a function, with the stamp in the place of the time of its file."""
    from numba.core import caching
    from numba.core.runtime.nrt import rtsys

    class Stamp:
        _py_file: str

        def get_source_stamp(self) -> bytes:
            return stamp(self._py_file.rpartition("/")[2].removesuffix(".py"))

    class Environment(Stamp, caching.UserProvidedCacheLocator):
        """NUMBA_CACHE_DIR."""

    class User(Stamp, caching.UserWideCacheLocator):
        """The user's cache folder."""

    class Implementation(caching.CompileResultCacheImpl):
        _locator_classes = [Environment, User]  # noqa: RUF012

    class StampedCache(caching.FunctionCache):
        _impl_class = Implementation

        def __init__(self, function: Callable[..., Any], module: str) -> None:
            super().__init__(function)  # type: ignore[no-untyped-call]
            # An index names the types of signatures, and a stale one may name types that are gone.  Numba compares its
            # own version before it reads the rest, but the stamp only after.
            self._cache_file._version += stamp(module).hex()

        def load_overload(self, signature: Any, target: Any) -> Any:
            # Numba's own method first loads what is known of all types and functions, in 0.1 s, which only a
            # compilation reads; and a compilation loads it itself.
            rtsys.initialize(target)
            with self._guard_against_spurious_io_errors():
                loaded = self._load_overload(signature, target)  # type: ignore[no-untyped-call]
            if loaded is None:  # it is compiled next
                register()
            return loaded

    return StampedCache


def bare(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    """Return numba's dispatcher of a function that other kernels call: without an entry for Python or a cache.

    A number that is written into a call is as any other: the function is not compiled once more for it.
    """
    from numba import njit
    from numba.core import types as kinds

    plain: Any = kinds.unliteral
    dispatcher: Any = njit(**{"no_cpython_wrapper": True, "no_cfunc_wrapper": True} | options)(function)
    template_of = getattr(dispatcher, "get_call_template", None)  # absent when the JIT is switched off
    if template_of is not None:
        dispatcher.get_call_template = lambda types, names: template_of(
            tuple(map(plain, types)), {name: plain(kind) for name, kind in names.items()}
        )
    return dispatcher


def jitted(function: Callable[..., Any], module: str, options: dict[str, Any]) -> Any:
    """Return numba's dispatcher of a function of a module; the function where compilation is switched off."""
    from numba import njit

    global uncached
    dispatcher = njit(**{"nogil": True} | options)(function)
    if hasattr(dispatcher, "_cache"):  # absent when the JIT is switched off
        try:
            dispatcher._cache = _cache_class()(function, module)
        except RuntimeError:
            uncached = True
            register()
    return dispatcher
