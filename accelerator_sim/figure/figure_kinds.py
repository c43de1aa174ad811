"""The kinds of figures that each result has."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.comparison.machine_comparison import Comparison
from accelerator_sim.eyexam.explain import explain_run
from accelerator_sim.eyexam.explanation import Explanation
from accelerator_sim.figure.architecture_picture import architecture_picture
from accelerator_sim.figure.bar_figures import energy, energy_of_machines, stalls, waterfall
from accelerator_sim.figure.canvas import Drawing, styled
from accelerator_sim.figure.machine_figures import links, timeline
from accelerator_sim.figure.mapping_picture import mapping
from accelerator_sim.figure.point_figures import parallel, pareto, roofline, trend
from accelerator_sim.files.errors import UsageError, did_you_mean
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.sweeps.opened import Sweep


def _waterfall_of(result: NetworkResult) -> Drawing:
    """The bounds of the layers of a run, which are found here.  Raises UsageError for an estimate."""
    if result.estimate:
        raise UsageError("an estimate has no actual cycles to compare with bounds; use the engines event or cycle")
    return waterfall(explain_run(result))


Draw = Callable[..., Drawing]

OF_RUNS: Mapping[str, Draw] = {
    "roofline": roofline,
    "energy": energy,
    "waterfall": _waterfall_of,
    "stalls": stalls,
    "timeline": timeline,
    "links": links,
    "mapping": mapping,
}
"""Of a simulated network."""
OF_SWEEPS: Mapping[str, Draw] = {"pareto": pareto, "parallel": parallel, "trend": trend}
"""Of a sweep."""
OF_COMPARISONS: Mapping[str, Draw] = {"energy": energy_of_machines}
"""Of machines side by side."""
OF_ARCHITECTURES: Mapping[str, Draw] = {"architecture": architecture_picture}
"""Of a machine by itself."""
KINDS = (*OF_RUNS, *OF_SWEEPS, *OF_ARCHITECTURES)


def draw(result: object, kind: str, choices: Mapping[str, Any]) -> Drawing:
    """Return a figure of a result.

    choices: arguments of the kind, by name.  Raises UsageError for a kind that the result has not, with those that it
    has, and for other choices than the kind has; what the kind raises; and AcceleratorSimError where matplotlib is not
    installed.
    """
    kinds = kinds_of(result)
    if kind not in kinds:
        known = ", ".join(kinds) or "none"
        raise UsageError(
            f"a {type(result).__name__} has no figure {kind!r}{did_you_mean(str(kind), kinds)}; it has {known}"
        )
    known_choices = list(inspect.signature(kinds[kind]).parameters)[1:]
    for name in choices:
        if name not in known_choices:
            raise UsageError(f"figure {kind!r} has no choice {name!r}; it has {', '.join(known_choices) or 'none'}")
    if isinstance(result, Explanation) and kind != "waterfall":
        result = result.run
    with styled():
        return kinds[kind](result, **choices)


def kinds_of(result: object) -> Mapping[str, Draw]:
    """Return the kinds of figures that a result has, each with what draws it."""
    if isinstance(result, Explanation):
        return {**OF_RUNS, "waterfall": waterfall}
    if isinstance(result, NetworkResult):
        return OF_RUNS
    if isinstance(result, Comparison):
        return OF_COMPARISONS
    if isinstance(result, Architecture):
        return OF_ARCHITECTURES
    return OF_SWEEPS if isinstance(result, Sweep) else {}
