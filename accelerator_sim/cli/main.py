"""The command `accelerator-sim`: its sub-commands, loaded when they are used."""

from __future__ import annotations

import gc
import importlib
import sys
from typing import NoReturn

import click

from accelerator_sim.cli.command_line import COMMAND_LINE
from accelerator_sim.cli.error_messages import DEBUG, FAILURE, catch_signals, guarded, reported, show_warnings
from accelerator_sim.cli.output import QUIET, VERBOSE
from accelerator_sim.cli.streams import forget_output, prepare
from accelerator_sim.files.errors import did_you_mean
from accelerator_sim.version import __version__

COMMANDS = {
    "simulate": "cycles, energy and traffic of a network, layer by layer",
    "compare": "energy and latency of a network on several machines, side by side with mobile GPUs",
    "compare-noc": "one machine with a mesh, a torus, a bus, unicast, broadcast and all-to-all networks",
    "compare-dataflow": "one machine with several dataflows: row-, weight-, output-, input-stationary, no local reuse",
    "sweep": "many variations of a machine on many networks: resumable, parallel, to Pareto fronts",
    "map": "the mapping of one layer as a loop nest and a picture, and why it won",
    "explain": "why a layer or a network takes so long: Eyexam's seven steps, stalls, reuse, and what would help",
    "figure": "a figure of a network, a sweep or a machine as a file: roofline, energy, mapping, Pareto front and more",
    "validate": "published figures beside ours: published, ours, error, tolerance; misses first",
    "list": "the built-in architectures, workloads, technologies, baselines, mappings, densities and grids",
    "show": "the content of an architecture, workload, technology or baseline",
    "convert": "a network as a network file, Timeloop problems or a SCALE-Sim topology",
    "check": "check files, with every error in them",
    "warmup": "compile all kernels now rather than in the first simulation",
}
"""One line of help for each command; its code is `command` in its module, as compare_noc_command."""

EPILOG = (
    "Exit codes: 0 all well; 1 other failure; 2 usage; 3 invalid file; 4 a check failed;"
    " 5 some layers or points failed; 130 interrupted."
)


class LazyGroup(click.Group):
    """A group that imports a command only to run it (or to show its help)."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words of the command line, for reports that state how they were made.

        --debug, --quiet and --verbose may stand anywhere.
        """
        ctx.meta[COMMAND_LINE] = (ctx.info_name or "", *args)
        words, rest = (args[: args.index("--")], args[args.index("--") :]) if "--" in args else (args, [])
        ctx.meta[DEBUG] = DEBUG in words
        for short, long in (QUIET, VERBOSE):
            ctx.meta[long] = short in words or long in words
        if ctx.meta[QUIET[1]] and ctx.meta[VERBOSE[1]]:
            raise click.UsageError("--quiet and --verbose are given; give either", ctx)
        return super().parse_args(ctx, [word for word in words if word not in (DEBUG, *QUIET, *VERBOSE)] + rest)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"accelerator_sim.cli.{cmd_name.replace('-', '_')}_command")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command by its name.  An unknown name is a usage error that suggests the nearest."""
        name = args[0]
        if name not in COMMANDS and not ctx.resilient_parsing and not name.startswith("-"):
            hint = did_you_mean(name, COMMANDS) or f"; commands: {', '.join(COMMANDS)}"
            raise click.UsageError(f"no such command {name!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; what goes wrong becomes a message and an exit code."""
        return guarded(lambda: super(LazyGroup, self).invoke(ctx), ctx, ctx.meta[DEBUG])


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(DEBUG, is_flag=True, expose_value=False, help="Show the traceback of an unexpected error.")
@click.option(*QUIET, is_flag=True, expose_value=False, help="No notes, no progress; warnings and errors all the same.")
@click.option(*VERBOSE, is_flag=True, expose_value=False, help="More notes, such as what is assumed.")
@click.version_option(__version__, "--version", prog_name="accelerator-sim", message="%(prog)s %(version)s")
def cli() -> None:
    """The cost of a neural network, in cycles and joules, on an Eyeriss-style accelerator."""


GARBAGE = (50_000, 20, 20)
"""Objects after which circles are looked for: with Python's 700 that takes 5% of a short run, and frees 0.5 MB."""


def main() -> NoReturn:
    """Run the command line and end the process."""
    gc.set_threshold(*GARBAGE)
    prepare()
    catch_signals()
    show_warnings()
    try:
        cli(prog_name="accelerator-sim")
    except Exception as error:  # raised before a command runs
        code = reported(error, DEBUG in sys.argv)
        sys.exit(FAILURE if code is None else code)
    except KeyboardInterrupt as error:
        sys.exit(reported(error))
    finally:
        _flush()
    sys.exit(0)


def _flush() -> None:
    """Write what is left of the output; what cannot be written was reported."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        forget_output()
