"""A layer as plain data, as the schema "accelerator-sim/simulation/1" has it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.mapping.file import mapping_entry
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.layer_work import work_of
from accelerator_sim.simulation.outcome import Outcome, Timing
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.phases import PhaseLayer

MOST_PES = 1024
"""Arrays up to this size are listed PE by PE."""


def layer_dict(result: LayerResult, architecture: Architecture, unit: EnergyUnit) -> dict[str, Any]:
    """Return one layer as plain data; what a failed layer would have cost is null.

    architecture: what it ran on; unit: that of the energies of its run.
    """
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
    tail: dict[str, Any] = {"mapping": mapping, "optimal_over": result.optimal_over, "verified": verified}
    tail |= {"mappings_run": result.compared if mapping else None, "bound_gap": result.gap}
    if result.phases:
        tail["phases"] = [_phase(phase) for phase in result.phases]
    if outcome is None or result.energy is None:
        unknown: dict[str, Any] = dict.fromkeys(("cycles", "latency_s", "bound_by", "active_pes", "utilization"))
        unknown |= {"stalls": {}, "accesses": [], "noc": [], "dram_bytes": None}
        return head | unknown | unit.fields({"energy_j": None}) | tail
    energy = unit.fields({"energy_j": result.energy.as_dict()})
    return head | _outcome_dict(outcome, architecture) | energy | tail


def _phase(result: LayerResult) -> dict[str, Any]:
    """A dense phase of a layer: its shape, cycles and mapping."""
    return {
        "name": result.layer.name,
        "phases": result.layer.phases if isinstance(result.layer, PhaseLayer) else 0,
        "shape": shape_dict(result.layer),
        "macs": result.layer.macs,
        "cycles": result.outcome.timing.cycles if result.outcome else None,
        "optimal_over": result.optimal_over,
        "mapping": mapping_entry(result.mapping) if result.mapping else None,
    }


def shape_dict(layer: Layer) -> dict[str, Any]:
    """Return the shape of a layer: its letters, or the words that a traffic-only layer moves."""
    if not layer.is_mac:
        return {"iact_words": layer.iact_words, "oact_words": layer.oact_words}
    shape: dict[str, Any] = {letter: getattr(layer, letter) for letter in "NGMCHWPQRS"}
    shape |= {name: list(getattr(layer, name)) for name in ("stride", "padding", "dilation")}
    if layer.transposed:
        shape |= {"transposed": True, "output_padding": list(layer.output_padding)}
    if (layer.D, layer.T) != (1, 1):
        shape |= {"D": layer.D, "T": layer.T, "stride_d": layer.stride_d, "padding_d": list(layer.padding_d)}
    return shape


def _outcome_dict(outcome: Outcome, architecture: Architecture) -> dict[str, Any]:
    return {
        "cycles": outcome.timing.cycles,
        "latency_s": outcome.timing.cycles / architecture.clock,
        "bound_by": outcome.timing.bound_by,
        "active_pes": outcome.counts.active_pes,
        "utilization": work_of(outcome).utilization(architecture),
        "stalls": _stalls(outcome.timing),
        "accesses": [asdict(record) for record in outcome.counts.accesses],
        "noc": [asdict(use) for use in outcome.counts.noc],
        **_machine_dict(outcome, architecture),
        "dram_bytes": dict(outcome.counts.dram_bytes),
    }


def _stalls(timing: Timing) -> dict[str, int]:
    """Losses by cause: PE-cycles where the machine was run, else cycles of the whole array."""
    losses = timing.losses_pe_cycles
    return {cause.value: lost for cause, lost in (timing.exposed_cycles if losses is None else losses).items()}


def _machine_dict(outcome: Outcome, architecture: Architecture) -> dict[str, Any]:
    """What only the engines that run the machine know: busy cycles, FIFO marks, the utilization over time."""
    if not outcome.timing.pe_busy:
        return {}
    of_cluster = architecture.pe_cluster.count
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
