"""Loading what a command reads, with the problems of all its files at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from accelerator_sim.files.errors import InvalidFile, Problem

if TYPE_CHECKING:
    from accelerator_sim.architecture.model import Architecture
    from accelerator_sim.technology.technology import Technology
    from accelerator_sim.workload.choices import Choices
    from accelerator_sim.workload.network import Network


def load_all(sources: Iterable[tuple[Callable[[str], Any], str]]) -> list[Any]:
    """Load everything.  Raises InvalidFile with the problems of all files, each file once."""
    loaded: list[Any] = []
    problems: dict[Problem, None] = {}
    for load, name in sources:
        try:
            loaded.append(load(name))
        except InvalidFile as error:
            problems |= dict.fromkeys(error.problems)
    if problems:
        raise InvalidFile(problems)
    return loaded


def load_inputs(
    workload: str, choices: Choices, arch: str, overrides: tuple[tuple[str, str], ...] = ()
) -> tuple[Network, Architecture, Technology]:
    """Load a network, and a machine with its technology.  Raises InvalidFile and UsageError as their loaders do."""
    from accelerator_sim.study.machine import load_machine
    from accelerator_sim.workload.network import load_network

    network, machine = load_all(
        [(partial(load_network, choices=choices), workload), (partial(load_machine, overrides=overrides), arch)]
    )
    return network, *machine
