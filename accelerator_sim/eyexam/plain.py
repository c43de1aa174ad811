"""An explanation as plain data, in the schema "accelerator-sim/explanation/1"."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from accelerator_sim.eyexam.bounds import STEPS, Examination
from accelerator_sim.eyexam.explain import Explanation, LayerExplanation, Measured
from accelerator_sim.mapping.file import mapping_entry
from accelerator_sim.results.layer_plain import shape_dict
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.version import __version__

SCHEMA = "accelerator-sim/explanation/1"


def as_dict(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as plain data, in the order of the schema."""
    run = explanation.run
    return {
        "schema": SCHEMA,
        "version": __version__,
        "seed": run.seed,
        "objective": run.objective,
        "batch": run.batch,
        "architecture": {
            "name": run.architecture.name,
            "pes": run.architecture.pes,
            "macs_per_cycle": run.architecture.macs_per_cycle,
            "clock_hz": run.architecture.clock,
            "energy_normalised": run.normalised,
        },
        "workload": {"name": run.workload, "source": run.workload_source},
        "complete": run.complete and not explanation.interrupted,
        "estimate": run.estimate,
        "totals": asdict(run.totals),
        "lost_cycles": [
            {"step": step, "name": name, "cycles": cycles}
            for step, (name, cycles) in enumerate(zip(STEPS, explanation.lost, strict=True), start=1)
        ],
        "causes": [
            {
                "step": cause.step,
                "cause": cause.name or None,
                "lost_cycles": cause.lost,
                "layers": [layer.result.layer.name for layer in cause.layers],
            }
            for cause in explanation.by_cause()
        ],
        "layers": [
            _layer(layer) if layer is not None else _other(result)
            for layer, result in zip(explanation.layers, run.layers, strict=True)
        ],
        "changes": [_change(each, explanation.now) for each in explanation.measured],
        "changes_ruled_out": explanation.ruled_out,
    }


def _other(result: LayerResult) -> dict[str, Any]:
    cycles = result.outcome.timing.cycles if result.outcome else None
    return {"name": result.layer.name, "status": result.status, "error": result.error, "cycles": cycles}


def _layer(each: LayerExplanation) -> dict[str, Any]:
    result, bounds = each.result, each.bounds
    assert result.outcome is not None
    assert result.energy is not None
    assert result.mapping is not None
    step, cause = each.cause
    return {
        "name": result.layer.name,
        "status": result.status,
        "error": None,
        "cycles": result.outcome.timing.cycles,
        "op": result.layer.op,
        "shape": shape_dict(result.layer),
        "macs": bounds.macs,
        "effectual_macs": bounds.effectual_macs,
        "peak_cycles": bounds.peak_cycles,
        "steps": _steps(bounds),
        "binding_step": step,
        "binding_cause": cause or None,
        "active_share": bounds.active,
        "used_share": bounds.used,
        "roofline": [
            {
                "resource": roof.resource,
                "busy_cycles": roof.busy,
                "words": roof.words,
                "macs_per_word": roof.intensity(bounds.macs) if roof.words else None,
                "words_per_cycle": roof.bandwidth if roof.words else None,
                "macs_per_cycle": bounds.macs / roof.busy,
            }
            for roof in bounds.roofs
        ],
        "dataflows": [asdict(flow) for flow in each.dataflows],
        "pe_cycles": {"busy": sum(result.outcome.timing.pe_busy), **(result.outcome.timing.losses_pe_cycles or {})},
        "losses": asdict(each.losses),
        "reuse": [asdict(row) | {"macs_per_delivery": row.macs_per_delivery} for row in each.reuse],
        "energy_j": result.energy.as_dict(),
        "mapping": mapping_entry(result.mapping),
    }


def _steps(bounds: Examination) -> list[dict[str, Any]]:
    return [
        {
            "step": step,
            "name": name,
            "macs_per_cycle": bounds.rate(step),
            "effectual_macs_per_cycle": bounds.rate(step, effectual=True),
            "cycles": bounds.cycles[step - 1],
            "lost_cycles": bounds.lost[step - 1],
        }
        for step, name in enumerate(STEPS, start=1)
    ]


def _change(each: Measured, now: Measured) -> dict[str, Any]:
    return {
        "name": each.change.name,
        "set": dict(each.change.settings),
        "cycles": each.cycles,
        "cycles_ratio": each.cycles / now.cycles,
        "energy_j": each.energy_j,
        "energy_dram_j": each.energy_dram_j,
        "dram_bytes": each.dram_bytes,
        "area_ratio": each.area,
    }
