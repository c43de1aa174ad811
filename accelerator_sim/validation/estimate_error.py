"""How far the estimate of the analytical engine is from the event engine, layer by layer, on the mappings that run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.simulation.analytical import bottleneck
from accelerator_sim.technology.technology import Technology
from accelerator_sim.workload.network import Network


@dataclass(frozen=True)
class LayerEstimate:
    """One layer with one mapping: its cycles by both engines."""

    network: str
    layer: str
    estimate: int
    cycles: int

    @property
    def ratio(self) -> float:
        """Estimate over cycles."""
        return self.estimate / self.cycles


@dataclass(frozen=True)
class EstimateError:
    """The estimates of the layers of some networks on one machine."""

    machine: str
    layers: tuple[LayerEstimate, ...]

    @property
    def median(self) -> float:
        """Median of the ratios of estimate and event engine."""
        return median(layer.ratio for layer in self.layers)

    @property
    def lowest(self) -> LayerEstimate:
        """The layer that is most underestimated."""
        return min(self.layers, key=lambda layer: layer.ratio)

    @property
    def highest(self) -> LayerEstimate:
        """The layer that is most overestimated."""
        return max(self.layers, key=lambda layer: layer.ratio)

    @property
    def within(self) -> float:
        """Share of the layers whose estimate is at most 10% off."""
        return sum(abs(layer.ratio - 1.0) <= 0.1 for layer in self.layers) / len(self.layers)

    @property
    def total(self) -> float:
        """Estimate over cycles of all layers together."""
        return sum(layer.estimate for layer in self.layers) / sum(layer.cycles for layer in self.layers)


def estimate_error(
    architecture: Architecture, technology: Technology, networks: Sequence[Network], options: Options | None = None
) -> EstimateError:
    """Compare the estimate with the event engine on the mappings that this chooses.

    networks: whose layers with multiply-accumulates are mapped and run; options: how.

    Raises UsageError as `simulate_network`, and ValueError where no layer runs.
    """
    found = []
    for network in networks:
        result = simulate_network(network, architecture, technology, options or Options())
        schedules = result.schedules()
        for layer, outcome, _ in result.finished:
            if layer.mapping is not None:
                estimate = bottleneck(schedules[layer.layer.name]).timing.cycles
                found.append(LayerEstimate(network.name, layer.layer.name, estimate, outcome.timing.cycles))
    if not found:
        raise ValueError(f"no layer of {', '.join(network.name for network in networks)} runs on {architecture.name}")
    return EstimateError(architecture.name, tuple(found))


def estimates_markdown(errors: Sequence[EstimateError]) -> str:
    """Return the errors of some machines as a table in Markdown."""

    def cell(layer: LayerEstimate) -> str:
        return f"{layer.ratio:.2f} ({layer.network} {layer.layer})"

    rows = [
        "| machine | layers | all together | median | within 10% | lowest | highest |",
        "|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {error.machine} | {len(error.layers)} | {error.total:.3f} | {error.median:.3f} | {error.within:.0%} |"
        f" {cell(error.lowest)} | {cell(error.highest)} |"
        for error in errors
    ]
    return "\n".join(rows) + "\n"
