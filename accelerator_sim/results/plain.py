"""A result as plain data, in the schema "accelerator-sim/simulation/1"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from accelerator_sim.mapping.file import mapping_entry
from accelerator_sim.results.result import LayerResult, NetworkResult, utilization
from accelerator_sim.simulation.outcome import Outcome, Timing
from accelerator_sim.version import __version__
from accelerator_sim.workload.layer import Layer

SCHEMA = "accelerator-sim/simulation/1"

MOST_PES = 1024
"""Arrays up to this size are listed PE by PE."""


def as_dict(result: NetworkResult) -> dict[str, Any]:
    """Return a result as plain data, in the order of the schema."""
    return head_dict(result) | {"layers": list(layer_dicts(result))}


def layer_dicts(result: NetworkResult) -> Iterator[dict[str, Any]]:
    """Yield each layer as plain data."""
    for layer in result.layers:
        yield layer_dict(layer, result)


def head_dict(result: NetworkResult) -> dict[str, Any]:
    """Return all of a result but its layers as plain data."""
    architecture = result.architecture
    return {
        "schema": SCHEMA,
        "version": __version__,
        "seed": result.seed,
        "fidelity": result.fidelity,
        "objective": result.objective,
        "batch": result.batch,
        "architecture": {
            "name": architecture.name,
            "source": architecture.source,
            "pes": architecture.pes,
            "macs_per_cycle": architecture.macs_per_cycle,
            "clock_hz": architecture.clock,
            "technology": result.technology,
            "node_nm": result.node_nm,
            "area": result.area.as_dict(),
            "energy_normalised": result.normalised,
        },
        "workload": {"name": result.workload, "source": result.workload_source, "layers": result.workload_layers},
        "complete": result.complete,
        "estimate": result.estimate,
        "verified_outputs": result.verified,
        "totals": asdict(result.totals),
    }


def layer_dict(result: LayerResult, run: NetworkResult) -> dict[str, Any]:
    """Return one layer as plain data; what a failed layer would have cost is null."""
    layer, outcome = result.layer, result.outcome
    head: dict[str, Any] = {
        "name": layer.name,
        "op": layer.op,
        "status": result.status,
        "error": result.error,
        "shape": shape_dict(layer),
        "macs": layer.macs,
        "effectual_macs": outcome.counts.effectual_macs if outcome else layer.effectual_macs,
    }
    mapping = mapping_entry(result.mapping) if result.mapping else None
    verified = asdict(result.verdict) if result.verdict else None
    tail = {"mapping": mapping, "optimal_over": result.optimal_over, "verified": verified}
    if outcome is None or result.energy is None:
        unknown = dict.fromkeys(("cycles", "latency_s", "bound_by", "active_pes", "utilization"))
        return head | unknown | {"stalls": {}, "accesses": [], "noc": [], "dram_bytes": None, "energy_j": None} | tail
    return head | _outcome_dict(outcome, run) | {"energy_j": result.energy.as_dict()} | tail


def shape_dict(layer: Layer) -> dict[str, Any]:
    """Return the shape of a layer: its letters, or the words that a traffic-only layer moves."""
    if not layer.is_mac:
        return {"iact_words": layer.iact_words, "oact_words": layer.oact_words}
    shape: dict[str, Any] = {letter: getattr(layer, letter) for letter in "NGMCHWPQRS"}
    shape |= {name: list(getattr(layer, name)) for name in ("stride", "padding", "dilation")}
    if (layer.D, layer.T) != (1, 1):
        shape |= {"D": layer.D, "T": layer.T, "stride_d": layer.stride_d, "padding_d": list(layer.padding_d)}
    return shape


def _outcome_dict(outcome: Outcome, run: NetworkResult) -> dict[str, Any]:
    return {
        "cycles": outcome.timing.cycles,
        "latency_s": outcome.timing.cycles / run.architecture.clock,
        "bound_by": outcome.timing.bound_by,
        "active_pes": outcome.counts.active_pes,
        "utilization": utilization(outcome.counts.macs_issued, outcome.timing.cycles, run.architecture),
        "stalls": _stalls(outcome.timing),
        "accesses": [asdict(record) for record in outcome.counts.accesses],
        "noc": [asdict(use) for use in outcome.counts.noc],
        **_machine_dict(outcome, run),
        "dram_bytes": dict(outcome.counts.dram_bytes),
    }


def _stalls(timing: Timing) -> dict[str, int]:
    """Losses by cause: PE-cycles where the machine was run, else cycles of the whole array."""
    losses = timing.losses_pe_cycles
    return {cause.value: lost for cause, lost in (timing.exposed_cycles if losses is None else losses).items()}


def _machine_dict(outcome: Outcome, run: NetworkResult) -> dict[str, Any]:
    """What only the engines that run the machine know: busy cycles, FIFO marks, the utilization over time."""
    if not outcome.timing.pe_busy:
        return {}
    of_cluster = run.architecture.pe_cluster.count
    clusters = [
        sum(outcome.timing.pe_busy[i : i + of_cluster]) for i in range(0, len(outcome.timing.pe_busy), of_cluster)
    ]
    return {
        "busy_pe_cycles": sum(outcome.timing.pe_busy),
        "cluster_busy": clusters,
        "pe_busy": list(outcome.timing.pe_busy) if len(outcome.timing.pe_busy) <= MOST_PES else None,
        "fifo_marks": dict(outcome.timing.fifo_marks),
        "utilization_over_time": list(outcome.timing.utilization_over_time),
    }
