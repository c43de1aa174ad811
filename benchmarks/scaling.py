"""How the time of the event engine grows with PEs, channels, positions, images and density: seconds and exponents."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.simulation.engines import Event
from accelerator_sim.workload.layer import Density, Layer
from benchmarks.timing import least, show, table
from benchmarks.visits import ARCHITECTURE, planned

DENSE = Layer("scaled", "conv", M=64, C=64, H=28, W=28, R=3, S=3, padding=(1, 1, 1, 1))
SPARSE = replace(DENSE, density=Density(iact=0.4, weight=0.4))
ARRAYS = ((4, 2), (8, 2), (16, 4), (32, 8))
"""Rows and columns of clusters of 12 PEs: 96 to 3,072 PEs."""


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The power of the size with which the seconds grow, by least squares of their logarithms.

    sizes, seconds: above 0, of one length, at least two sizes that differ.  Raises ValueError for others.
    """
    if len(sizes) != len(seconds) or len(set(sizes)) < 2 or min(*sizes, *seconds) <= 0:
        raise ValueError(f"no power fits sizes {list(sizes)} and seconds {list(seconds)}")
    across, up = [math.log(size) for size in sizes], [math.log(second) for second in seconds]
    middle, height = sum(across) / len(across), sum(up) / len(up)
    rise = sum((x - middle) * (y - height) for x, y in zip(across, up, strict=True))
    return rise / sum((x - middle) ** 2 for x in across)


def with_positions(layer: Layer, side: int) -> Layer:
    """A layer with an output of so many rows and columns."""
    return replace(layer, H=side, W=side)


def with_density(layer: Layer, percent: int) -> Layer:
    """A layer with so many per cent of non-zeros in both operands."""
    return replace(layer, density=Density(iact=percent / 100, weight=percent / 100))


@dataclass(frozen=True)
class ScaledAxis:
    """A size that is varied."""

    name: str
    sizes: tuple[int, ...]
    layer_of: Callable[[Layer, int], Layer]
    sparse_only: bool = False

    def amounts(self) -> list[int]:
        """What the exponent is fitted over."""
        return [size * size for size in self.sizes] if self.layer_of is with_positions else list(self.sizes)


AXES = (
    ScaledAxis("channels C", (16, 32, 64, 128, 256), lambda layer, size: replace(layer, C=size)),
    ScaledAxis("filters M", (16, 32, 64, 128, 256), lambda layer, size: replace(layer, M=size)),
    ScaledAxis("positions P x Q", (7, 14, 28, 56, 112), with_positions),
    ScaledAxis("images N", (1, 2, 4, 8), lambda layer, size: replace(layer, N=size)),
    ScaledAxis("density, %", (5, 10, 20, 50, 90), with_density, sparse_only=True),
)


def event_seconds(layer: Layer, architecture: Architecture = ARCHITECTURE) -> float:
    """CPU seconds of the event engine on one layer, passes planned and run."""
    schedule, stored = planned(layer, architecture)
    Event().run(schedule, stored)
    return least(lambda: Event().run(schedule, stored))


def scaled_row(name: str, kind: str, sizes: Sequence[int], seconds: Sequence[float]) -> tuple[str, str, str, str]:
    """A row of the table: what grows, from where to where, times, exponent."""
    ends = f"{1e3 * seconds[0]:.1f} to {1e3 * seconds[-1]:.1f} ms"
    return name, kind, f"{sizes[0]:,} to {sizes[-1]:,}: {ends}", f"{exponent(sizes, seconds):.2f}"


def scaling_rows() -> list[tuple[str, str, str, str]]:
    """All rows: what grows, kind of layer, times, fitted exponent."""
    rows = []
    machines = [
        load_architecture("eyeriss_v2", [("cluster_array", f"{{rows: {high}, columns: {wide}}}")])
        for high, wide in ARRAYS
    ]
    for kind, layer in (("dense", DENSE), ("sparse", SPARSE)):
        pes = [machine.pes for machine in machines]
        rows.append(scaled_row("PEs", kind, pes, [event_seconds(layer, machine) for machine in machines]))
        for axis in AXES:
            if kind == "sparse" or not axis.sparse_only:
                seconds = [event_seconds(axis.layer_of(layer, size)) for size in axis.sizes]
                rows.append(scaled_row(axis.name, kind, axis.amounts(), seconds))
    return rows


def main() -> None:
    """Measure, print, and with --write record."""
    show("scaling", table(("what grows", "layer", "`event`, CPU time", "exponent"), scaling_rows()))


if __name__ == "__main__":
    main()
