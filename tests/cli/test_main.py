"""The group, its help and completion."""

import importlib

import click
import pytest

from accelerator_sim import __version__
from accelerator_sim.cli.main import COMMANDS, cli
from accelerator_sim.files.vocabulary import Objective
from tests.cli.conftest import Run


def test_help_lists_every_command_and_exit_code(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    assert all(f"  {name} " in result.stdout for name in COMMANDS)
    assert "130 interrupted" in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: accelerator-sim {name} ")


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"accelerator-sim {__version__}\n"


def test_an_unknown_command_names_the_nearest(run: Run) -> None:
    result = run("simulat")
    assert result.exit_code == 2
    assert "no such command 'simulat'; did you mean 'simulate'?" in result.stderr
    assert "commands: simulate, compare, compare-noc, compare-dataflow, sweep, map" in run("xyz").stderr


def test_options_offer_every_objective() -> None:
    command = importlib.import_module("accelerator_sim.cli.simulate_command").command
    objective = next(parameter for parameter in command.params if parameter.name == "objective")
    assert list(objective.type.choices) == [goal.value for goal in Objective]


def test_completion_offers_built_in_names_then_files() -> None:
    command = importlib.import_module("accelerator_sim.cli.simulate_command").command
    context = click.Context(command, info_name="simulate")
    workload = next(parameter for parameter in command.params if parameter.name == "workload")
    names = [item.value for item in workload.shell_complete(context, "mobilenet_v1_")]
    assert "mobilenet_v1_0.5_128" in names
    assert [item.type for item in workload.shell_complete(context, "./x")] == ["file"]


def test_every_command_is_reachable() -> None:
    context = click.Context(cli)
    assert {name: cli.get_command(context, name) is not None for name in COMMANDS} == dict.fromkeys(COMMANDS, True)
