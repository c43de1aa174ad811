"""Every name that a result can hold has one for people."""

from accelerator_sim.energy.account import COMPONENTS
from accelerator_sim.kernels.causes import Cause
from accelerator_sim.report.cycles import by_cause
from accelerator_sim.report.names import BOUND_NAMES, CAUSE_NAMES, COMPONENT_NAMES, LEVEL_NAMES, RESOURCE_NAMES
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.simulation.outcome import LEVELS, WAITS, Bound, Resource


def test_levels_and_components() -> None:
    assert set(LEVEL_NAMES) == set(LEVELS)
    assert set(COMPONENT_NAMES) == set(COMPONENTS)
    assert list(COMPONENT_NAMES)[-1] == "dram"  # it is not the chip's


def test_every_cause_bound_and_resource_has_a_name() -> None:
    assert set(CAUSE_NAMES) == set(Cause)
    assert set(BOUND_NAMES) == set(Bound)
    assert set(RESOURCE_NAMES) == set(Resource)
    assert set(WAITS) == set(Resource) - {Resource.PE}
    assert {bound.value for bound in Bound} == {"pe"} | {cause.value for cause in Cause if cause is not Cause.BUSY}


def test_cycles_by_cause_add_up(result: NetworkResult) -> None:
    for _, outcome, _ in result.finished:
        spent = by_cause(outcome.timing, result.architecture)
        assert round(sum(spent.values()), 6) == outcome.timing.cycles
