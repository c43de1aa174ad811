"""The names that `accelerator_sim` offers, by kind, and the directives that put them into the API page.

Nothing is listed by hand: names come from `accelerator_sim.__all__`, types from what its functions return.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_type_hints

import accelerator_sim

Function = Callable[..., Any]


def functions() -> dict[str, Function]:
    """Return the public functions by name."""
    return {name: value for name, value in _public() if inspect.isfunction(value)}


def classes() -> dict[str, type]:
    """Return the public classes that are neither errors nor warnings."""
    return {name: value for name, value in _public() if inspect.isclass(value) and not issubclass(value, Exception)}


def errors() -> dict[str, type]:
    """Return the public errors and warnings."""
    return {name: value for name, value in _public() if inspect.isclass(value) and issubclass(value, Exception)}


def returned() -> list[type]:
    """Return the types of the package that a public function returns, each once, by name."""
    found = set()
    for function in functions().values():
        hint = get_type_hints(function)["return"]
        found |= {each for each in (hint, *get_args(hint)) if inspect.isclass(each) and _ours(each)}
    return sorted(found, key=lambda each: each.__name__)


def methods(kind: type) -> dict[str, Function]:
    """Return the public methods of a type, those that it inherits inside the package included."""
    found: dict[str, Function] = {}
    for each in reversed([base for base in kind.__mro__ if _ours(base)]):
        own = {name: value for name, value in vars(each).items() if not name.startswith("_")}
        found |= {name: value for name, value in own.items() if inspect.isfunction(value)}
    return found


def directives(marker: str) -> str:
    """Return what stands in the API page for a marker: `functions`, `classes`, `errors` or `returned`.

    Raises KeyError for another marker.
    """
    members = "   :members:\n   :inherited-members: Exception, UserWarning, BaseModel\n   :undoc-members:\n"
    match marker:
        case "functions":
            parts = [f".. autofunction:: accelerator_sim.{name}\n" for name in functions()]
        case "classes":
            parts = [f".. autoclass:: accelerator_sim.{name}\n" for name in classes()]
        case "errors":
            parts = [f".. autoexception:: accelerator_sim.{name}\n" for name in errors()]
        case "returned":
            parts = [f".. autoclass:: {each.__module__}.{each.__name__}\n{members}" for each in returned()]
        case _:
            raise KeyError(marker)
    return "```{eval-rst}\n" + "\n".join(parts) + "```\n"


def _public() -> Iterator[tuple[str, Any]]:
    for name in accelerator_sim.__all__:
        yield name, getattr(accelerator_sim, name)


def _ours(kind: type) -> bool:
    return kind.__module__.startswith("accelerator_sim")
