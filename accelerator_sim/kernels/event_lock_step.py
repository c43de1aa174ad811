"""PEs in lock-step: those of a chain of psums, or of the whole array, start a window together and end it together.

A window starts `START_LATENCY` cycles after the last of what any of them waits for: its words in the SPad, the weights,
the last psum of the window before in the GLB (where psums move beside MACs: the end of that window).
"""

from __future__ import annotations

from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.kernels.blocks import is_left_over, place_of_link
from accelerator_sim.kernels.compile import kernel
from accelerator_sim.kernels.event_chain import of_pes, set_pes
from accelerator_sim.kernels.event_leap import chain_has
from accelerator_sim.kernels.event_state import note
from accelerator_sim.kernels.vectors import WIDTH, larger, largest, number_in, spread


@kernel(spliced=True)
def works(run, x, window):
    """Whether a block of chains has a window."""
    return chain_has(run.plan.chain, run.plan.blocks.chain_number[x * WIDTH], window)


@kernel(spliced=True)
def ready_at(run, x):
    """When all that the PEs of each chain of a block wait for is there, vector."""
    blocks, ready = run.plan.blocks, spread(-1)
    for link in range(blocks.chain_first[x], blocks.chain_first[x + 1]):
        here = larger(of_pes(run, link, at.B_FILLED), of_pes(run, link, at.B_RESTED))
        ready = larger(ready, larger(here, of_pes(run, link, at.B_WEIGHTS) - spread(1)))
    return ready


@kernel(spliced=True)
def done_at(run, x):
    """When all PEs of each chain of a block are done with their window, vector."""
    blocks, done = run.plan.blocks, spread(-1)
    for link in range(blocks.chain_first[x], blocks.chain_first[x + 1]):
        done = larger(done, of_pes(run, link, at.B_FREE))
    return done


@kernel(helper=True, reference_counts=False)
def start_together(run, part, window):
    """Find when the PEs of a part start a window, all words of which have been sent."""
    blocks, last = run.plan.blocks, spread(-1)
    every = run.e[at.LOCK_STEP] == at.ARRAY_TOGETHER
    if every:
        for x in range(blocks.chain_part[part], blocks.chain_part[part + 1]):
            if works(run, x, window):
                last = spread(largest(larger(last, ready_at(run, x))))
    for x in range(blocks.chain_part[part], blocks.chain_part[part + 1]):
        if works(run, x, window):
            start = (last if every else ready_at(run, x)) + spread(run.e[at.START_LATENCY])
            for link in range(blocks.chain_first[x], blocks.chain_first[x + 1]):
                set_pes(run, link, at.B_START, start)


@kernel(helper=True, reference_counts=False)
def note_others(run, link, done, end):
    """Record that the PEs of a link waited for others."""
    for i in range(WIDTH):
        if not is_left_over(run.plan.blocks, link, i):
            u = place_of_link(run.e, run.plan.blocks, link, i)
            note(run.spans, run.out, u, at.IMBALANCE, number_in(done, i), number_in(end, i))


@kernel(spliced=True)
def end_chains(run, x, end):
    """The PEs of a block of chains end their window."""
    blocks = run.plan.blocks
    for link in range(blocks.chain_first[x], blocks.chain_first[x + 1]):
        done, row = of_pes(run, link, at.B_FREE), at.B_SPENT + at.IMBALANCE
        set_pes(run, link, row, of_pes(run, link, row) + end - done)
        if run.spans.shape[0] > 0:
            note_others(run, link, done, end)
        set_pes(run, link, at.B_FREE, end)
        set_pes(run, link, at.B_LEFT, end)
        set_pes(run, link, at.B_DONE, end)
        if run.e[at.OVERLAP]:
            set_pes(run, link, at.B_RESTED, end)


@kernel(helper=True, reference_counts=False)
def end_together(run, part, window):
    """Find when the PEs of a part end a window: with the last of those in lock-step."""
    blocks, last = run.plan.blocks, spread(-1)
    every = run.e[at.LOCK_STEP] == at.ARRAY_TOGETHER
    if every:
        for x in range(blocks.chain_part[part], blocks.chain_part[part + 1]):
            if works(run, x, window):
                last = spread(largest(larger(last, done_at(run, x))))
    for x in range(blocks.chain_part[part], blocks.chain_part[part + 1]):
        if works(run, x, window):
            end_chains(run, x, last if every else done_at(run, x))
