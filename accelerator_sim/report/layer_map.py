"""The mapping of one layer for a reader: loop nest, array, and why it won; or the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from accelerator_sim.files.text import printable
from accelerator_sim.mapping.eyeriss_v1 import letters_of
from accelerator_sim.mapping.file import mapping_entry
from accelerator_sim.mapping.picture import array_picture, loop_nest
from accelerator_sim.report.json import encode
from accelerator_sim.report.numbers import format_energy, percent, si
from accelerator_sim.results.layer_plain import shape_dict
from accelerator_sim.results.layer_result import NEAR
from accelerator_sim.results.layer_work import work_of
from accelerator_sim.run.best_mappings import MappingChoice, MappingChoices
from accelerator_sim.simulation.links import link_words
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.version import __version__

SCHEMA = "accelerator-sim/map/1"


def render(phases: Sequence[MappingChoices], width: int = 80, batch: int = 1) -> str:
    """Return the mapping of each dense phase of a layer as text; batch: the inferences that the layer is of."""
    return "\n".join(_phase_text(choices, width, batch) for choices in phases)


def _phase_text(choices: MappingChoices, width: int, batch: int) -> str:
    layer, chosen = choices.layer, choices.chosen
    shape = " ".join(f"{letter}{getattr(layer, letter)}" for letter in "NGMCPQRS")
    title = f"{printable(layer.name)} ({layer.op}) on {printable(choices.architecture.name)}"
    return "\n".join(
        [
            f"{title}: {shape}, {layer.macs:,} MACs, batch {batch}",
            "",
            loop_nest(chosen.schedule),
            "",
            array_picture(chosen.schedule, width),
            "",
            *(row for line in _why(choices) for row in wrap(line, max(width, 40), subsequent_indent="  ")),
            "",
            *_beside(choices),
            "",
        ]
    )


def _why(choices: MappingChoices) -> list[str]:
    chosen, outcome = choices.chosen, choices.chosen.outcome
    mapping = chosen.schedule.mapping
    busy = sorted(chosen.estimate.resource_cycles.items(), key=lambda item: -item[1])
    used = percent(work_of(outcome).utilization(choices.architecture))
    return [
        _won(chosen),
        f"stationary: {mapping.stationary.value}; iacts stored {mapping.iact_encoding.value},"
        f" weights {mapping.weight_encoding.value}",
        f"{outcome.timing.cycles:,} cycles, bound by {outcome.timing.bound_by.label} (event engine, as in simulate);"
        f" {outcome.counts.active_pes} of {choices.architecture.pes} PEs, utilization {used}%",
        f"{chosen.estimate.cycles:,} cycles by the bottleneck estimate, whose busy cycles are: "
        + ", ".join(f"{name.label} {cycles:,}" for name, cycles in busy),
        *_letters(choices),
        *_networks(choices),
    ]


def _won(chosen: MappingChoice) -> str:
    """Return why a mapping was chosen."""
    if chosen.optimal_over is None:
        return "a given mapping; the optima stand below"
    ran = f"; of the best by it, the event engine ran {chosen.compared}{_left(chosen.gap)}"
    return f"least {chosen.name} of {chosen.optimal_over:,} mappings within the SPad limits, by the estimate{ran}"


def _left(gap: float | None) -> str:
    """Return what the mappings that were not run can gain."""
    if gap is None:
        return ""
    if gap <= NEAR:
        return f", and no other can be better by more than {100 * NEAR:.1f}%"
    return f"; the bound of another one lies {100 * gap:.1f}% below"


def _letters(choices: MappingChoices) -> list[str]:
    """Return the mapping in the letters of Eyeriss v1, where they can express it."""
    letters = letters_of(choices.chosen.schedule) if choices.architecture.flat else None
    if letters is None:
        return []
    return ["in the letters of Eyeriss v1: " + " ".join(f"{name}={value}" for name, value in vars(letters).items())]


def _networks(choices: MappingChoices) -> list[str]:
    """Return how each data type travels, and the load of its busiest mesh link."""
    lines = []
    for use in choices.chosen.outcome.counts.noc:
        line = f"{use.tensor}: {use.mode.replace('_', ' ')}, {use.words:,} words sent, {use.delivered:,} delivered"
        loads = {} if choices.architecture.flat else link_words(choices.chosen.schedule, use.tensor)
        if loads:
            (start, end), most = max(loads.items(), key=lambda item: item[1])
            line += f"; busiest of {len(loads)} links: cluster {start} to {end}, {most:,} values"
        lines.append(line)
    return lines


def _beside(choices: MappingChoices) -> list[str]:
    """Return the costs of the optima for all objectives, the chosen one first."""
    lines = ["Mappings are chosen by the estimate; run by the event engine, another one may come out better."]
    lines += [f"{'chosen for':<12}{'cycles':>13}{'estimate':>13}{'chip energy':>13}{'with DRAM':>12}{'DRAM':>9}"]
    for choice in (choices.chosen, *choices.others):
        same = " (the same mapping)" if choice.schedule.mapping == choices.chosen.schedule.mapping else ""
        chip, total = (format_energy(each, choice.energy.unit) for each in (choice.energy.chip, choice.energy.total))
        lines.append(
            f"{choice.name:<12}{choice.outcome.timing.cycles:>13,}{choice.estimate.cycles:>13,}{chip:>13}"
            f"{total:>12}{si(sum(choice.outcome.counts.dram_bytes.values()), 'B'):>9}"
            + (same if choice is not choices.chosen else "")
        )
    return lines


def dumps(phases: Sequence[MappingChoices], width: int = 80, batch: int = 1) -> str:
    """Return the mapping of a layer as JSON, the other dense phases in `phases`; batch: the inferences of the layer."""
    first, *others = (_phase_dict(choices, width, batch) for choices in phases)
    return encode(first | ({"phases": others} if others else {}))


def _phase_dict(choices: MappingChoices, width: int, batch: int) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "version": __version__,
        "architecture": {
            "name": choices.architecture.name,
            "energy_normalised": choices.chosen.energy.unit is EnergyUnit.MAC,
        },
        "batch": batch,
        "estimate": False,
        "layer": {"name": choices.layer.name, "op": choices.layer.op, "shape": shape_dict(choices.layer)},
        **_choice(choices.chosen, choices),
        "loop_nest": loop_nest(choices.chosen.schedule).splitlines(),
        "array": array_picture(choices.chosen.schedule, width).splitlines(),
        "others": [_choice(choice, choices) for choice in choices.others],
    }


def _choice(choice: MappingChoice, choices: MappingChoices) -> dict[str, Any]:
    outcome = choice.outcome
    return {
        "objective": choice.name,
        "cycles": outcome.timing.cycles,
        "estimated_cycles": choice.estimate.cycles,
        "latency_s": outcome.timing.cycles / choices.architecture.clock,
        "bound_by": outcome.timing.bound_by,
        "resources": dict(choice.estimate.resource_cycles),
        "active_pes": outcome.counts.active_pes,
        "utilization": work_of(outcome).utilization(choices.architecture),
        **choice.energy.unit.fields({"energy_j": choice.energy.as_dict()}),
        "dram_bytes": dict(outcome.counts.dram_bytes),
        "optimal_over": choice.optimal_over,
        "mapping": mapping_entry(choice.schedule.mapping),
    }
