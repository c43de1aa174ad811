"""Every name that a result can hold has one for people."""

from accelerator_sim.architecture.model import Architecture
from accelerator_sim.energy.account import EnergyBreakdown
from accelerator_sim.kernels import machine
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.report.cycles import by_cause
from accelerator_sim.report.names import CAUSE_NAMES, COMPONENT_NAMES, LEVEL_NAMES
from accelerator_sim.simulation.activity import LEVELS
from accelerator_sim.simulation.analytical import bottleneck
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.study.machine import load_machine
from accelerator_sim.study.result import NetworkResult


def test_levels_and_components() -> None:
    assert set(LEVEL_NAMES) == set(LEVELS)
    assert set(COMPONENT_NAMES) == set(EnergyBreakdown().as_dict())
    assert list(COMPONENT_NAMES)[-1] == "dram"  # it is not the chip's


def limited() -> Architecture:
    return load_machine("eyeriss_v1", [("dram.latency", "100 ns")])[0]


def test_causes(result: NetworkResult) -> None:
    assert set(machine.CAUSES) <= set(CAUSE_NAMES)
    mapping = result.layers[0].mapping
    assert mapping is not None
    for architecture in (result.architecture, limited()):
        side, serial = bottleneck(Schedule(problem_of(result.layers[0].layer, architecture), mapping))
        assert set(side) | set(serial) <= set(CAUSE_NAMES)


def test_cycles_by_cause_add_up(result: NetworkResult) -> None:
    for _, activity, _ in result.finished:
        spent = by_cause(activity, result.architecture)
        assert round(sum(spent.values()), 6) == activity.cycles
