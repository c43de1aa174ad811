"""Options and arguments that several commands share."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
from click.shell_completion import CompletionItem

from accelerator_sim.files.data import builtin_names
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.vocabulary import (
    BATCH,
    JOBS,
    RESOLUTION,
    SEED,
    WIDTH,
    Fidelity,
    Objective,
    Real,
    Whole,
    Word,
    word,
)

MOST_DIGITS = 18
"""Digits of a dimension that is bound: ONNX keeps dimensions in 64 bits."""
FOLDERS = {
    "architecture": ("arch_configs", ""),
    "workload": ("workloads", ""),
    "technology": ("arch_configs", "technologies"),
    "baseline": ("arch_configs", "baselines"),
    "mapping": ("arch_configs", "mappings"),
}
"""Where the built-in files of a kind are: folder and sub-folder."""

if TYPE_CHECKING:
    _TextType = click.ParamType[str]
else:
    _TextType = click.ParamType  # not generic in every version of click that will do

Command = TypeVar("Command", bound=Callable[..., Any])


def names_of(kind: str) -> list[str]:
    """Return the built-in names of a kind."""
    return builtin_names(*FOLDERS[kind])


class NameOrFile(_TextType):
    """A built-in name or a file; only the shell completion distinguishes them."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.name = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word as it is."""
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer the built-in names, or else files."""
        names = [name for name in names_of(self.kind) if name.startswith(incomplete)]
        return [CompletionItem(name) for name in names] or [CompletionItem(incomplete, type="file")]


class OneOf(click.Choice[Word] if TYPE_CHECKING else click.Choice):  # type: ignore[misc]
    """One word of a closed set; the command gets the member of its enum."""

    def __init__(self, kind: type[Word]) -> None:
        super().__init__([member.value for member in kind])
        self.kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the member.  Raises click.BadParameter for any other, with the allowed words and the nearest."""
        try:
            return word(self.kind, value, "the word" if param is None else param.opts[0].lstrip("-"))
        except UsageError as error:
            raise click.BadParameter(str(error), ctx, param) from None


def whole(limits: Whole) -> click.IntRange:
    """Return the type of an option that is a whole number."""
    return click.IntRange(limits.least, limits.most)


def real(limits: Real) -> Finite:
    """Return the type of an option that is a finite number."""
    return Finite(limits.least, limits.most, min_open=limits.above)


class Finite(click.FloatRange):
    """A number in a range, without NaN and infinity."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number.  Raises click.BadParameter for another value."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


def parse_set(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Split every PATH=VALUE."""
    pairs = []
    for text in values:
        path, equals, value = text.partition("=")
        if not equals or not path.strip():
            raise click.BadParameter(f"{text!r} is not PATH=VALUE; write e.g. pe_cluster.rows=4", ctx, param)
        pairs.append((path.strip(), value.strip()))
    return tuple(pairs)


def parse_bind(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, int]:
    """Read every NAME=N."""
    bound = {}
    for text in values:
        name, equals, number = text.rpartition("=")
        if not equals or not name or not number.isascii() or not number.isdecimal():
            message = f"{text!r} is not NAME=N with N a whole number of at least 0; write e.g. batch=1"
            raise click.BadParameter(message, ctx, param)
        if len(number) > MOST_DIGITS:
            raise click.BadParameter(f"{name}={number[:MOST_DIGITS]}... is too large for a dimension", ctx, param)
        bound[name] = int(number)
    return bound


_CHOICES = (
    click.option(
        "--bind",
        multiple=True,
        callback=parse_bind,
        metavar="NAME=N",
        help="ONNX only: a number for a symbolic dimension; repeatable.",
    ),
    click.option("--strict", is_flag=True, help="ONNX only: treat an unknown operator as an error."),
    click.option(
        "--weights/--no-weights",
        default=None,
        help="ONNX only: read the real weights or not.  [default: if the file holds them, up to 1 GB]",
    ),
    click.option(
        "--inputs",
        type=click.Path(path_type=Path),
        metavar="FILE.npz",
        help="ONNX only: run the model on these inputs to measure the densities of its activations.",
    ),
    click.option(
        "--densities",
        metavar="TABLE",
        help="Densities by layer: a .csv file, or a built-in table such as alexnet/han2015.",
    ),
    click.option("--width", type=real(WIDTH), metavar="X", help="CNN only: multiply all channels by X."),
    click.option("--resolution", type=whole(RESOLUTION), metavar="N", help="CNN only: use an input picture of N rows."),
    click.option(
        "--prune", metavar="RULE", help="Prune the weights: magnitude:0.9, erk:0.9, lottery:10 (0.8^10 left) or nm:2:4."
    ),
)


def parse_cycles(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, int]:
    """Return the first cycle and the one after the last of a text A:B."""
    begin, colon, end = value.partition(":")
    if not (colon and begin.isdecimal() and end.isdecimal() and int(begin) < int(end)):
        raise click.BadParameter(
            f"{value!r} is not A:B; write the first cycle and the one after the last, e.g. 0:20000"
        )
    return int(begin), int(end)


def parse_clusters(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Return the numbers of a list of clusters."""
    words = value.split(",") if value else []
    if not all(word.strip().isdecimal() for word in words):
        raise click.BadParameter(f"{value!r} is not a list of clusters; write their numbers, e.g. 0,1")
    return tuple(int(word) for word in words)


def workload_choices(command: Command) -> Command:
    """Options that read or change a workload; the command gets all of them as `choices`."""

    @functools.wraps(command)
    def gathered(**given: Any) -> Any:
        from accelerator_sim.workload.choices import Choices

        return command(choices=Choices(**{each.name: given.pop(each.name) for each in fields(Choices)}), **given)

    decorated: Any = gathered
    for option in reversed(_CHOICES):
        decorated = option(decorated)
    return cast(Command, decorated)


def gathered_into(kind: type[Any], name: str) -> Callable[[Command], Command]:
    """Hand a command the parameters that are fields of a dataclass as one value, under a name."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def gathered(**given: Any) -> Any:
            return command(**{name: kind(**{each.name: given.pop(each.name) for each in fields(kind)})}, **given)

        return cast(Command, gathered)

    return decorate


def workload_argument(command: Command) -> Command:
    """WORKLOAD."""
    return click.argument("workload", type=NameOrFile("workload"))(command)


def arch_option(command: Command) -> Command:
    """--arch."""
    return click.option(
        "--arch",
        type=NameOrFile("architecture"),
        default="eyeriss_v2",
        show_default=True,
        metavar="ARCH",
        help="The machine: a built-in name or a .yaml.",
    )(command)


def set_option(command: Command) -> Command:
    """--set."""
    return click.option(
        "--set",
        "overrides",
        multiple=True,
        callback=parse_set,
        metavar="PATH=VALUE",
        help='Override one value of the architecture, e.g. "dram.bandwidth=25.6 GB/s"; repeatable.',
    )(command)


def batch_option(command: Command) -> Command:
    """--batch."""
    return click.option(
        "--batch", type=whole(BATCH), default=1, show_default=True, metavar="N", help="Inputs processed together."
    )(command)


def text_format_option(command: Command) -> Command:
    """--format of a command whose result is a text to read."""
    help_text = "Default: text, or by the suffix of -o (.txt, .json)."
    return click.option("--format", "asked", type=click.Choice(["text", "json"]), help=help_text)(command)


def output_option(command: Command) -> Command:
    """-o."""
    file_type = click.Path(path_type=Path)
    return click.option("-o", "--output", "out", type=file_type, metavar="FILE", help="Write the result here.")(command)


def objective_option(command: Command) -> Command:
    """--objective."""
    return click.option(
        "--objective",
        type=OneOf(Objective),
        default=Objective.LATENCY.value,
        show_default=True,
        help="What the mapping search minimises.",
    )(command)


def jobs_option(command: Command) -> Command:
    """--jobs."""
    return click.option(
        "--jobs", type=whole(JOBS), default=1, show_default=True, metavar="N", help="Worker processes."
    )(command)


def fidelity_option(command: Command) -> Command:
    """--fidelity."""
    return click.option(
        "--fidelity",
        type=OneOf(Fidelity),
        default=Fidelity.EVENT.value,
        show_default=True,
        help="How cycles are found: exact event times, clock by clock (same result, slower), or a bottleneck estimate.",
    )(command)


def report_option(command: Command) -> Command:
    """--report."""
    return click.option(
        "--report",
        type=click.Path(path_type=Path),
        metavar="FILE.html",
        help="Write a page with charts of the result here.",
    )(command)


def layer_option(command: Command) -> Command:
    """--layer."""
    return click.option(
        "--layer", "layers", multiple=True, metavar="GLOB", help="Only layers whose name matches; repeatable."
    )(command)


def seed_option(command: Command) -> Command:
    """--seed."""
    return click.option(
        "--seed", type=whole(SEED), default=0, show_default=True, metavar="N", help="Seed of the random generator."
    )(command)


def output_options(*formats: str) -> Callable[[Command], Command]:
    """--format, with the formats that a command has besides the usual ones, and -o."""

    def add(command: Command) -> Command:
        form = click.option(
            "--format",
            "asked",
            type=click.Choice(["table", "json", "csv", "tsv", *formats]),
            help="Default: a table on a terminal, else tab-separated (or by the suffix of -o).",
        )
        return form(output_option(command))

    return add


def mapping_option(command: Command) -> Command:
    """--mapping."""
    return click.option(
        "--mapping",
        type=NameOrFile("mapping"),
        metavar="NAME|FILE",
        help="Mappings by layer, and rules (`constraints`) for the search of all other layers: a built-in name"
        " (`accelerator-sim list mappings`) or a file.",
    )(command)
