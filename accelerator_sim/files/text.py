"""Text from files, made safe to show."""

from __future__ import annotations


def printable(text: str, kept: str = "") -> str:
    """Return text with control characters (of a name in a file, say) made visible and harmless, except for those
    `kept`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in kept else f"\\x{ord(char):02x}" for char in text)
