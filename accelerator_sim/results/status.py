"""What became of a layer, and what that means to a script."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum


class Status(StrEnum):
    """What became of a layer."""

    OK = "ok"
    TRAFFIC_ONLY = "traffic_only"
    """It has no multiply-accumulates; its words were moved."""
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """The run ended before the layer did."""

    @property
    def ran(self) -> bool:
        """Whether there is a result."""
        return self in (Status.OK, Status.TRAFFIC_ONLY)


class ExitCode(IntEnum):
    """Exit codes of results, the worse the later."""

    OK = 0
    LAYERS_FAILED = 5
    LAW_BROKEN = 4
    INTERRUPTED = 130


def worst_code(codes: Iterable[int]) -> int:
    """Return the worst of the exit codes of several results."""
    order = list(ExitCode)
    return max((ExitCode(code) for code in codes), key=order.index, default=ExitCode.OK)
