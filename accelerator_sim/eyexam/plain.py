"""Layers and changes as plain data, as the schema "accelerator-sim/explanation/1" has them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from accelerator_sim.eyexam.bounds import STEPS, Examination
from accelerator_sim.eyexam.findings import LayerExplanation, MeasuredChange
from accelerator_sim.mapping.file import mapping_entry
from accelerator_sim.results.layer_plain import shape_dict
from accelerator_sim.results.layer_result import LayerResult


def unexplained_dict(result: LayerResult) -> dict[str, Any]:
    """Return a layer that has no explanation as plain data."""
    cycles = result.outcome.timing.cycles if result.outcome else None
    return {"name": result.layer.name, "status": result.status, "error": result.error, "cycles": cycles}


def layer_dict(each: LayerExplanation) -> dict[str, Any]:
    """Return the explanation of a layer as plain data."""
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
        **result.energy.unit.fields({"energy_j": result.energy.as_dict()}),
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


def change_dict(each: MeasuredChange, now: MeasuredChange) -> dict[str, Any]:
    """Return a change as plain data, beside the machine as it is."""
    return {
        "name": each.change.name,
        "set": dict(each.change.settings),
        "cycles": each.cycles,
        "cycles_ratio": each.cycles / now.cycles,
        **each.energy.unit.fields({"energy_j": each.energy.chip, "energy_dram_j": each.energy.dram}),
        "dram_bytes": each.dram_bytes,
        "area_ratio": each.area,
    }
