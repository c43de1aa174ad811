"""A dilated or transposed layer from the results of its dense phases, which run one after another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accelerator_sim.files.errors import CheckFailed
from accelerator_sim.files.vocabulary import Masks
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.status import Status
from accelerator_sim.simulation.operands import reference_outputs
from accelerator_sim.simulation.sequence import one_after_another
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.pattern import draw, values
from accelerator_sim.workload.phase_operands import phase_iacts, phase_weights, put_phase_outputs
from accelerator_sim.workload.phases import PhaseLayer, outputs_without_taps, phase_name

Given = Mapping | tuple[Mapping | None, ...] | None
"""A mapping of all dense phases of a layer, one of each (None: to be searched for), or none."""


def given_for(given: Given, phases: int) -> tuple[Mapping | None, ...]:
    """The mapping that is given for each of so many phases."""
    return given if isinstance(given, tuple) else (given,) * phases


def without_taps(layer: Layer, number: int) -> Layer | None:
    """The outputs that no input reaches, as a layer that only writes them; None where there are none.

    number: of the phase that it counts as.
    """
    words = outputs_without_taps(layer)
    return Layer(phase_name(layer.name, number), "other", oact_words=words) if words else None


def joined(layer: Layer, parts: Sequence[LayerResult]) -> LayerResult:
    """Join the results of the phases of a layer, which all ran.  The mapping is that of the one with most MACs."""
    mapped = [part for part in parts if part.mapping is not None]
    leading = max(mapped, key=lambda part: part.layer.macs, default=None)  # none where no input reaches an output
    energies = [part.energy for part in parts if part.energy is not None]
    counted = [part.optimal_over for part in mapped if part.optimal_over is not None]
    return LayerResult(
        layer,
        Status.OK,
        one_after_another([part.outcome for part in parts if part.outcome is not None], layer.macs),
        sum(energies[1:], energies[0]),
        leading.mapping if leading else None,
        sum(counted) if counted and len(counted) == len(mapped) else None,
        compared=sum(part.compared for part in mapped),
        phases=tuple(parts),
    )


def check_whole(layer: Layer, parts: Sequence[Layer], seed: int, masks: Masks, bits: tuple[int, int]) -> None:
    """Check that the outputs of the phases, each in its places, are those of the whole layer.

    bits: of iacts and weights.  Raises CheckFailed, with how many differ.
    """
    operands = values(layer, draw(layer, seed, masks), seed, *bits)
    whole = reference_outputs(layer, operands.iact, operands.weight)
    made = np.zeros_like(whole)
    for part in parts:
        assert isinstance(part, PhaseLayer)
        outputs = reference_outputs(part, phase_iacts(part, operands.iact), phase_weights(part, operands.weight))
        put_phase_outputs(part, outputs, made)
    different = int(np.count_nonzero(made != whole))
    if different:
        raise CheckFailed(f"layer {layer.name}: {different} of {whole.size} outputs of its dense phases differ")
