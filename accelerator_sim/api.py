"""The Python interface: load an architecture and a network, map a layer, simulate a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.architecture.model import Architecture
from accelerator_sim.files.errors import CheckFailed
from accelerator_sim.mapping import mapping as nest
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.file import Plan
from accelerator_sim.mapping.search import Found, Objective, find_mapping
from accelerator_sim.study.machine import load_machine
from accelerator_sim.study.result import NetworkResult
from accelerator_sim.study.run import Options, simulate_network
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import Technology, load_technology
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network, load_network

__all__ = ["load_architecture", "load_network", "map_layer", "simulate"]


def simulate(
    network: Network | str | Path,
    architecture: Architecture | str | Path = "eyeriss_v2",
    *,
    objective: str = "latency",
    batch: int = 1,
    layers: Sequence[str] = (),
    mappings: Mapping[str, nest.Mapping] | None = None,
    constraints: Constraints | None = None,
    jobs: int = 1,
    fidelity: str = "event",
    verify: bool = False,
    seed: int = 0,
    masks: Literal["channels", "uniform"] = "channels",
    refine: int | None = None,
) -> NetworkResult:
    """Simulate a network, or the layers of it that match one of the globs `layers`.

    network, architecture: built-in names, files, or what the loaders return; objective: "energy", "latency", "edp" or
    "dram", what mappings are chosen for; mappings: those that are given, by layer name; constraints: rules for the
    search of the others; jobs: worker processes, which need the caller's main module to be guarded by
    `if __name__ == "__main__"`; fidelity: "event" (exact times), "cycle" (the same, clock by clock) or "analytical" (an
    estimate); verify: with "cycle", carry values and compare the outputs with a reference; seed, masks: how zeros are
    drawn from densities ("channels" or "uniform"); refine: mappings of the search that the event engine compares.

    A layer that cannot be mapped has its error in the result.  Raises UsageError for unknown names, InvalidFile for bad
    files, and CheckFailed when a result breaks a law.
    """
    machine, technology = _machine(architecture)
    shapes = network if isinstance(network, Network) else load_network(str(network))
    options = Options(
        Objective(objective), batch, tuple(layers), Plan(dict(mappings or {}), constraints or Constraints()),
        seed, jobs, fidelity, verify, masks, refine,
    )  # fmt: skip
    result = simulate_network(shapes, machine, technology, options)
    if result.interrupted:
        raise KeyboardInterrupt
    broken = [layer.error for layer in result.layers if layer.law_broken and layer.error]
    if broken:
        raise CheckFailed("\n".join(broken))
    return result


def map_layer(
    layer: Layer,
    architecture: Architecture | str | Path = "eyeriss_v2",
    objective: str = "latency",
    constraints: Constraints | None = None,
) -> Found:
    """Find the best mapping of a layer.  Raises Unmappable, naming the limit, where nothing fits."""
    machine, technology = _machine(architecture)
    return find_mapping(layer, machine, resolve_actions(technology, machine), Objective(objective), constraints)


def _machine(architecture: Architecture | str | Path) -> tuple[Architecture, Technology]:
    if isinstance(architecture, Architecture):
        return architecture, load_technology(architecture.technology)
    return load_machine(str(architecture))
