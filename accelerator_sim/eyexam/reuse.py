"""How often each word is moved at each level, against the least that would do."""

from __future__ import annotations

from dataclasses import dataclass

from accelerator_sim.architecture.networks import Tensor
from accelerator_sim.simulation.schedule import Schedule


@dataclass(frozen=True)
class Reuse:
    """One tensor: its different words, and how often a word is moved at each level, on average.

    Words are nominal (zeros count), and padding that is moved on chip counts as moved.  Of iacts and weights: `dram` is
    read from off-chip, `glb` read from the GLB, `sent` put on the network by a source, `delivered` taken by a PE,
    `macs` used by multiply-accumulates.  Of psums (words: outputs): `dram` written off-chip, `glb` read or written
    there, `sent` moved between a column of PEs and what is outside, `delivered` handed to the next PE or cluster of its
    chain, `macs` added to.  The least that would do is 1 for `dram`, `sent` and (except for psums) `delivered`; 0 for
    `glb`, and for psums `delivered`; `macs` is given by the layer.
    """

    tensor: Tensor
    words: int
    dram: float
    glb: float
    sent: float
    delivered: float
    macs: float

    @property
    def macs_per_delivery(self) -> float:
        """Multiply-accumulates that a word serves in the PE that it was delivered to: the reuse in the SPad."""
        return self.macs / self.delivered if self.delivered else 0.0

    @property
    def targets(self) -> float:
        """PEs that one word on the network serves: the reuse in space."""
        return self.delivered / self.sent if self.sent else 0.0


def reuse(schedule: Schedule) -> tuple[Reuse, ...]:
    """The reuse of the three tensors of a layer."""
    layer, loops = schedule.problem.layer, schedule.loops
    iacts, macs = layer.iact_total_words, loops.macs
    weights, outputs = loops.weights, loops.outputs
    moved = schedule.psum_in + schedule.psum_out
    read = 0 if schedule.psum_bypasses_glb else schedule.psum_in + schedule.psum_drained
    return (
        Reuse(
            "iact",
            iacts,
            schedule.iact_fetched / iacts,
            0.0 if schedule.iact_bypasses_glb else schedule.iact_sent / iacts,
            schedule.iact_sent / iacts,
            schedule.iact_delivered / iacts,
            macs / iacts,
        ),
        Reuse(
            "weight",
            weights,
            schedule.weight_fetched / weights,
            schedule.weight_read / weights,
            schedule.weight_sent / weights,
            schedule.weight_delivered / weights,
            macs / weights,
        ),
        Reuse(
            "psum",
            outputs,
            1.0,
            (read + schedule.psum_written) / outputs,
            moved / outputs,
            (schedule.psum_local_hops + schedule.psum_hops) / outputs,
            macs / outputs,
        ),
    )
