"""The pages of results, as Python asks for them."""

from __future__ import annotations

from functools import singledispatch

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.comparison.machine_comparison import Comparison
from accelerator_sim.eyexam.explain import explained_for_page
from accelerator_sim.eyexam.explanation import Explanation
from accelerator_sim.files.errors import UsageError
from accelerator_sim.report.compared import Wanted
from accelerator_sim.report.html import comparison_page, simulation_page, sweep_page
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.provenance import Provenance
from accelerator_sim.sweeps.opened import Sweep

COMMAND = ("a", "Python", "program")
"""What made the result, where a page of the command line has its command."""


@singledispatch
def page_of(result: object) -> str:
    """Return the page of a result.  Raises UsageError for one that has none."""
    raise UsageError(f"a {type(result).__name__} has no page; write to_dict(), or what it prints")


@page_of.register
def _(result: NetworkResult) -> str:
    return _run_page(result, explained_for_page(result))


@page_of.register
def _(result: Explanation) -> str:
    return _run_page(result.run, result)


@page_of.register
def _(result: Comparison) -> str:
    explained = [each for run in result.runs if (each := explained_for_page(run)) is not None]
    sources = tuple(_source(run.architecture) for run in result.runs)
    return comparison_page.dumps(result, Wanted(), Provenance(COMMAND, (), (), sources), explained)


@page_of.register
def _(result: Sweep) -> str:
    if result.plan is None or result.summary is None:
        raise UsageError(
            f"{result.store}: a page says what was swept, which the store does not hold; call sweep() again (nothing is"
            " run twice), or use accelerator-sim sweep FILE --report"
        )
    rows = result.stored_rows()
    return sweep_page.dumps(result.plan, result.summary, rows, result.goals(), Provenance(COMMAND, (), ()))


def _run_page(run: NetworkResult, explained: Explanation | None) -> str:
    sources = (f"workload {run.workload}", f"{run.workload_source}. {run.workload_notes}"), _source(run.architecture)
    return simulation_page.dumps(run, Provenance(COMMAND, (), (), sources), explained)


def _source(architecture: Architecture) -> tuple[str, str]:
    return f"architecture {architecture.name}", architecture.source
