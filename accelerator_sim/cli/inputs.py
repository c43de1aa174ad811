"""Loading what a command reads, with the problems of all its files at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from accelerator_sim.cli import output
from accelerator_sim.files.errors import InvalidFile, Problem, UsageError
from accelerator_sim.files.vocabulary import Objective

if TYPE_CHECKING:
    from accelerator_sim.architecture.architecture import Architecture
    from accelerator_sim.mapping.file import MappingPlan
    from accelerator_sim.results.provenance import SourceFile
    from accelerator_sim.technology.technology import Technology
    from accelerator_sim.workload.choices import Choices
    from accelerator_sim.workload.network import Network


@dataclass(frozen=True)
class OneMachine:
    """Request for a comparison of one machine with itself; the fields are the parameters of the commands."""

    workload: str
    choices: Choices
    arch: str
    batch: int
    layers: tuple[str, ...]
    objective: Objective
    jobs: int
    asked: str | None
    out: Path | None


@dataclass(frozen=True)
class MappedLayers:
    """Request for a command that looks into mappings; the fields are its parameters."""

    workload: str
    choices: Choices
    name: str | None
    arch: str
    overrides: tuple[tuple[str, str], ...]
    batch: int
    objective: Objective
    mapping: str | None
    seed: int
    asked: str | None
    out: Path | None


def given(ctx: click.Context, name: str) -> bool:
    """Whether a parameter stands on the command line."""
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def one_machine(ctx: click.Context, option: str, takes: Iterable[str], archs: Sequence[str]) -> str:
    """Return the machine of a comparison that `option` of `compare` asks for, of one machine with itself.

    takes: parameters that go with it, besides the workload's and --arch.  Raises UsageError for others, and for
    several machines.
    """
    from accelerator_sim.workload.choices import Choices

    known = {"workload", "archs", *takes, *(field.name for field in fields(Choices))}
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if name not in known and given(ctx, name):
            raise UsageError(
                f"{parameter.opts[0]} cannot be combined with {option}, which compares one machine with itself"
            )
    if len(archs) > 1:
        raise UsageError(f"{option} takes one --arch; {len(archs)} given")
    return archs[0] if archs else "eyeriss_v2"


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
    from accelerator_sim.technology.machine_file import load_machine
    from accelerator_sim.workload.network_loader import load_network

    network, machine = load_all(
        [(partial(load_network, choices=choices), workload), (partial(load_machine, overrides=overrides), arch)]
    )
    return network, *machine


def load_mappings(mapping: str | None, architecture: Architecture, network: Network) -> MappingPlan:
    """Load the built-in mapping or the file that --mapping names; nothing is given without it.

    Raises InvalidFile and UsageError as its loaders do.
    """
    from accelerator_sim.mapping.file import MappingPlan, load_plan, mapping_file

    plan = load_plan(mapping_file(mapping), architecture, network) if mapping is not None else MappingPlan()
    if plan.note:
        output.note(f"note: {plan.note}")
    return plan


def mapping_files(mapping: str | None) -> list[SourceFile]:
    """Return the record of the file that --mapping names; none without it."""
    from accelerator_sim.mapping.file import mapping_file
    from accelerator_sim.results.provenance import source_file

    return [] if mapping is None else [source_file("mappings", mapping, mapping_file(mapping))]
