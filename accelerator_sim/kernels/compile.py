"""Kernels: functions of numbers and arrays that are compiled, or read from the cache, when they are first called.

Until then numba is not imported, so that commands without a simulation start at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property, update_wrapper
from typing import Any

from accelerator_sim.kernels.stamps import imported_by

KERNELS: list[Kernel] = []
"""The kernels that Python calls, in order of definition."""


class Kernel:
    """A kernel in the hands of Python."""

    def __init__(self, function: Callable[..., Any], entry: bool, options: dict[str, Any]) -> None:
        """entry: whether Python calls it; options: how numba compiles the function."""
        update_wrapper(self, function)
        self.function, self.entry, self.options = function, entry, options

    def __call__(self, *arguments: Any) -> Any:
        """Call the compiled function."""
        return self.compiled(*arguments)

    @property
    def module(self) -> str:
        """Short name of the module that defines the kernel."""
        return self.function.__module__.rpartition(".")[2]

    @cached_property
    def dispatcher(self) -> Any:
        """What numba makes of the function; the function itself where compilation is switched off."""
        from accelerator_sim.kernels.cache import jitted

        return jitted(self.function, self.module, self.options)

    @cached_property
    def compiled(self) -> Any:
        """The dispatcher, once all kernels that it may call are dispatchers too."""
        own = self.dispatcher
        for name in imported_by(self.module):
            space = vars(sys.modules[f"{__package__}.{name}"])
            called = {key: value for key, value in space.items() if isinstance(value, Kernel) and not value.entry}
            space.update({key: value.dispatcher for key, value in called.items()})
        return own


def kernel(
    helper: bool = False, spliced: bool = False, reference_counts: bool = True
) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function when it is first called, with `nogil`, cached under the stamp of its sources.

    helper: only other kernels call it, as a function of its own; spliced: only other kernels call it, and its body is
    copied into them before compilation, which saves the passing of many arrays in inner loops; neither: Python calls
    it.  reference_counts: whether arrays are counted, which a kernel needs only if it makes arrays or returns them;
    one without is quicker to compile, and to run where it hands arrays on.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        options: dict[str, Any] = {"inline": "always" if spliced else "never"}
        made = Kernel(function, not (helper or spliced), options if reference_counts else options | {"_nrt": False})
        if made.entry:
            KERNELS.append(made)
        return made

    return decorate
