"""One layer, every objective."""

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.run.best_mappings import best_mappings
from accelerator_sim.run.options import Options
from accelerator_sim.technology.technology import Technology
from tests.small_network import CONV


def test_each_objective_is_least_at_its_own(architecture: Architecture, technology: Technology) -> None:
    choices = best_mappings(CONV, architecture, technology, Options(Objective.ENERGY))
    assert choices.chosen.objective is Objective.ENERGY
    everything = (choices.chosen, *choices.others)
    assert {choice.objective for choice in everything} == set(Objective)
    by_objective = {choice.objective: choice for choice in everything}
    fastest = by_objective[Objective.LATENCY].outcome.timing.cycles
    assert fastest == min(choice.outcome.timing.cycles for choice in everything)
    least = sum(by_objective[Objective.DRAM].outcome.counts.dram_bytes.values())
    assert least == min(sum(choice.outcome.counts.dram_bytes.values()) for choice in everything)
