"""The dataflows by name: which tensor rests in a PE, and which loops of a layer the array may unroll.

Source: Chen, Emer, Sze, ISCA 2016, section IV (WS, OS_A to OS_C, NLR) and V (RS); JETCAS 2019 and its first version
arXiv:1807.07928 (RS+, which may also unroll channel groups and images).  IS mirrors WS with the roles of weights and
iacts exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from accelerator_sim.architecture.model import Tensor

Name = Literal["rs", "ws", "os", "os_a", "os_b", "os_c", "is", "nlr"]


@dataclass(frozen=True)
class Dataflow:
    """One dataflow: the loops that may be cut over PEs, and the tensor that stays in a PE while it is reused."""

    name: Name
    title: str
    parallel: str
    """Dimensions, of G N M C P Q R S, that may be cut over PEs."""
    stationary: Tensor | None
    """The tensor that rests in the SPad of a PE; None: all three (rows, RS) or none at all (NLR)."""
    summary: str


DATAFLOWS: dict[str, Dataflow] = {
    flow.name: flow
    for flow in (
        Dataflow("rs", "row stationary", "GNMCPR", None, "rows of iacts, weights and psums stay in a PE"),
        Dataflow("ws", "weight stationary", "MCRS", "weight", "a weight stays; psums add up over the array"),
        Dataflow("os", "output stationary", "NMPQ", "psum", "a psum stays until it is finished"),
        Dataflow("os_a", "output stationary, one channel", "PQ", "psum", "pixels of one output channel at a time"),
        Dataflow("os_b", "output stationary, channels and pixels", "MPQ", "psum", "pixels of several output channels"),
        Dataflow("os_c", "output stationary, one pixel", "M", "psum", "one pixel of several output channels"),
        Dataflow("is", "input stationary", "NCPQ", "iact", "an iact stays; psums add up over channels"),
        Dataflow("nlr", "no local reuse", "MC", None, "nothing stays in a PE; everything comes from the GLB"),
    )
}
"""All dataflows, by the name that `--dataflow` takes."""
