"""The dataflows by name: which loops of a layer the array may unroll, what a PE walks by itself, and what rests in it.

Source: Chen, Emer, Sze, ISCA 2016, section IV (WS, OS_A to OS_C, NLR) and V (RS); JETCAS 2019 and its first version
arXiv:1807.07928 (RS+, which may also unroll channel groups and images).  IS mirrors WS with the roles of weights and
iacts exchanged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accelerator_sim.architecture.networks import Tensor
from accelerator_sim.files.vocabulary import DataflowName as Name
from accelerator_sim.files.vocabulary import words


@dataclass(frozen=True)
class Dataflow:
    """One dataflow: the loops that may be cut over PEs, and those that a PE walks while its tensor rests."""

    name: Name
    title: str
    parallel: str
    """Dimensions, of G N M C P Q R S, that may be cut over PEs."""
    inside: str
    """Dimensions that a PE walks by itself in one pass: N, P, Q, M as far as the GLB tile goes, the others whole."""
    held: tuple[Tensor, ...]
    """The tensors that rest in the SPads of a PE; a word of any other comes over the network at every MAC."""
    summary: str

    def holds(self, tensor: Tensor) -> bool:
        """Whether words of a tensor rest in the SPads."""
        return tensor in self.held

    @property
    def rows(self) -> bool:
        """Row stationary: a PE holds rows of all three tensors, of M0 filters and C0 channels."""
        return self.name == "rs"

    @property
    def broadcast(self) -> bool:
        """Weight stationary: a pixel goes once to all taps, and the psums of a filter row wait for the next one."""
        return self.name == "ws"

    @property
    def shifted(self) -> bool:
        """Whether PEs hand iacts on to their neighbours, whose windows overlap theirs (output stationary)."""
        return self.held == ("psum",)


DATAFLOWS: dict[str, Dataflow] = {
    flow.name: flow
    for flow in (
        Dataflow(
            Name.RS, "row stationary", "GNMCPR", "NPQS", ("iact", "weight", "psum"),
            "rows of iacts, weights and psums stay in a PE",
        ),
        Dataflow(
            Name.WS, "weight stationary", "MCRS", "NPQ", ("weight",), "a weight stays; psums add up over the array"
        ),
        Dataflow(Name.OS, "output stationary", "NMPQ", "CRS", ("psum",), "a psum stays until it is finished"),
        Dataflow(
            Name.OS_A, "output stationary, one channel", "PQ", "CRS", ("psum",),
            "pixels of one output channel at a time",
        ),
        Dataflow(
            Name.OS_B, "output stationary, channels and pixels", "MPQ", "CRS", ("psum",),
            "pixels of several output channels",
        ),
        Dataflow(
            Name.OS_C, "output stationary, one pixel", "M", "CRS", ("psum",), "one pixel of several output channels"
        ),
        Dataflow(Name.IS, "input stationary", "NCPQ", "MRS", ("iact",), "an iact stays; psums add up over channels"),
        Dataflow(Name.NLR, "no local reuse", "MC", "", (), "nothing stays in a PE; everything comes from the GLB"),
    )
}  # fmt: skip
"""All dataflows, by the name that `--dataflow` takes."""


def dataflows_of(names: str | Iterable[str]) -> tuple[Dataflow, ...]:
    """Return dataflows by name, or by a list of names with commas, each once.  Raises UsageError for another name."""
    return tuple(DATAFLOWS[name] for name in words(Name, names, "dataflows"))
