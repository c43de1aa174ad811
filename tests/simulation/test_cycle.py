"""The cycle engine's parts: a channel that skips a pass is where one that ticks through it is."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from accelerator_sim.kernels import timeline as line
from accelerator_sim.simulation.cycle import _RequestQueue

TRANSFERS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9), st.integers(0, 12)), max_size=8)
"""Way, cycles (0: an empty transfer), and cycles until the next one is asked for."""


def ticked(queue: _RequestQueue, cycles: int) -> None:
    """Each way serves one cycle of the first transfer that may start; those without cycles are done at once."""
    channel = queue.channel
    for _ in range(cycles):
        for way in range(2):
            for number in range(int(channel.head[way]), int(channel.tail[way])):
                if queue.now < channel.after[way, number]:
                    break
                if channel.left[way, number] > 0:
                    channel.left[way, number] -= 1
                    channel.head[way] = number + (channel.left[way, number] == 0)
                    break
                channel.head[way] = number + 1
        channel.clock[0] += 1


@given(transfers=TRANSFERS, latency=st.integers(0, 5), duplex=st.booleans(), cycles=st.integers(0, 40))
def test_skipping_is_ticking(transfers: list[tuple[int, int, int]], latency: int, duplex: bool, cycles: int) -> None:
    order = np.zeros(line.ORDER, dtype=np.int64)
    order[line.O_LATENCY], order[line.O_DUPLEX] = latency, duplex
    queues = _RequestQueue(order, len(transfers)), _RequestQueue(order, len(transfers))
    for queue, pass_time in zip(queues, (_RequestQueue.skip, ticked), strict=True):
        for way, length, after in transfers:
            queue.ask(way, length)
            pass_time(queue, after)
        pass_time(queue, cycles)
    for skipped, stepped in zip(queues[0].channel, queues[1].channel, strict=True):
        assert skipped.tolist() == stepped.tolist()
