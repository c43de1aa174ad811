"""Words of a closed set that have a label for people beside the value that files and programs read."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Labelled(StrEnum):
    """An enum whose members are written `NAME = "value", "label"`."""

    label: str
    """How it is called for people, wherever it is shown."""

    def __new__(cls, value: str, label: str = "") -> Self:
        """Make a member that owns its label; calling the enum with a value finds one."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member
