"""Numbers of keys in the order in which they are met: a hash table in two flat arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels.compile import kernel


class Numbering(NamedTuple):
    """Room for the numbers of keys, int64 arrays of at least twice as many entries as there are keys."""

    keys: Any
    """-1: free."""
    numbers: Any


@kernel(helper=True, reference_counts=False)
def forget(numbering):
    """Forget all keys."""
    for i in range(numbering.keys.size):
        numbering.keys[i] = -1


@kernel(helper=True, reference_counts=False)
def numbered(numbering, key, found):
    """Number of a key: the one it has, or the next (`found`), by open addressing.

    Returns the number and whether it is new.
    """
    keys, numbers = numbering.keys, numbering.numbers
    slots = keys.size
    i = (key * 2654435761) % slots
    while keys[i] != -1:
        if keys[i] == key:
            return numbers[i], False
        i += 1
        if i == slots:
            i = 0
    keys[i] = key
    numbers[i] = found
    return found, True
