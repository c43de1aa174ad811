"""Kernels: functions of numbers and arrays that are compiled, or read from the cache, when they are first called.

Until then numba is not imported, so that commands without a simulation start at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, update_wrapper
from typing import Any

from accelerator_sim.kernels.cache import bare, jitted

KERNELS: list[CompiledKernel] = []
"""The kernels that Python calls, in order of definition."""


class CompiledKernel:
    """A kernel in the hands of Python."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        """options: how numba compiles the function."""
        update_wrapper(self, function)
        self.function, self.options = function, options

    def __call__(self, *arguments: Any) -> Any:
        """Call the compiled function."""
        return self.dispatcher(*arguments)

    @property
    def module(self) -> str:
        """Short name of the module that defines the kernel."""
        return self.function.__module__.rpartition(".")[2]

    @cached_property
    def dispatcher(self) -> Any:
        """What numba makes of the function for Python; the function itself where compilation is switched off."""
        return jitted(self.function, self.module, self.options)

    @cached_property
    def inner(self) -> Any:
        """What numba makes of the function for other kernels."""
        return bare(self.function, self.options)

    @property
    def _numba_type_(self) -> Any:
        """By which numba knows the function where another kernel names it."""
        return self.inner._numba_type_


def kernel(
    helper: bool = False, spliced: bool = False, reference_counts: bool = True
) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function when it is first called, with `nogil`, cached under the stamp of its sources.

    helper: only other kernels call it, as a function of its own; spliced: only other kernels call it, and the
    compiler puts its code into theirs, which saves the passing of many arrays in inner loops; neither: Python calls
    it.  reference_counts: whether arrays are counted, which a kernel needs only if it makes arrays or returns them;
    one without is quicker to compile, and to run where it hands arrays on.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        options: dict[str, Any] = {"forceinline": True} if spliced else {}
        counted = reference_counts and not spliced
        made = CompiledKernel(function, options if counted else options | {"_nrt": False})
        if not (helper or spliced):
            KERNELS.append(made)
        return made

    return decorate
