"""The off-chip channel, stepped: requests are served in their order, one queue a way."""

from __future__ import annotations

from typing import Any, NamedTuple

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.compile import kernel


class Channel(NamedTuple):
    """Queues of transfers and the clock of the layer, int64 arrays."""

    clock: Any
    """[1]: cycles since the start of the layer"""
    head: Any
    """[2]: transfers done, by way (0: reads, and writes where there is one queue)"""
    tail: Any
    """[2]: transfers asked for"""
    left: Any
    """[2, most]: cycles that a transfer still takes; 0: it is done when it may start"""
    after: Any
    """[2, most]: when it may start"""


@kernel(spliced=True)
def tick(channel):
    """One cycle of the channel, and of the clock."""
    now = channel.clock[0]
    for way in range(2):
        i = channel.head[way]
        while i < channel.tail[way] and now >= channel.after[way, i] and channel.left[way, i] == 0:
            i += 1
        if i < channel.tail[way] and now >= channel.after[way, i]:
            channel.left[way, i] -= 1
            if channel.left[way, i] == 0:
                i += 1
        channel.head[way] = i
    channel.clock[0] += 1


@kernel(spliced=True)
def time_left(channel, way, number):
    """Cycles until a transfer is done (numbers count from 1; 0 is none)."""
    now = channel.clock[0]
    time = now
    for i in range(channel.head[way], number):
        time = max(time, channel.after[way, i]) + channel.left[way, i]
    return time - now


class Needs(NamedTuple):
    """What a pass needs before it may start, int64."""

    iacts: Any
    weights: Any
    """Numbers of the transfers of its iacts and weights, 0 for none."""
    early: Any
    """Cycles before the end of that of its weights from which they may be sent to the PEs."""
    glb: Any
    """Whether it waits for the GLB banks."""
    glb_left: Any
    """Cycles that these still need for new iacts."""
    filling: Any
    """Cycles until its weights, which are sent ahead, are there."""


@kernel(reference_counts=False)
def step_wait(channel, needs, waits):
    """Step the clock until the next pass may start; needs: see `Needs`; waits: int64 [causes], added to."""
    begun = channel.clock[0]
    while True:
        waited = channel.clock[0] - begun
        if time_left(channel, 0, needs.iacts) > 0 or time_left(channel, 0, needs.weights) > needs.early:
            waits[at.DRAM] += 1
        elif needs.glb and needs.glb_left > waited:
            waits[at.GLB_PORT] += 1
        elif waited < needs.filling:
            waits[at.NO_WEIGHT] += 1
        else:
            return
        tick(channel)


@kernel(reference_counts=False)
def step_writes(channel, way, number, waits):
    """Step the clock until a transfer is done."""
    while time_left(channel, way, number) > 0:
        waits[at.DRAM] += 1
        tick(channel)
