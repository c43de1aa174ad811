"""Results as Python shows them: one line each, HTML that a notebook can show by itself, pages, figures and traces."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import singledispatchmethod
from typing import Any

from markupsafe import Markup

from accelerator_sim.comparison.dataflow_comparison import DataflowComparison
from accelerator_sim.comparison.machine_comparison import Comparison, ratio
from accelerator_sim.comparison.noc_comparison import NetworkComparison
from accelerator_sim.eyexam.explanation import Explanation
from accelerator_sim.figure.figure_kinds import draw
from accelerator_sim.files.errors import AcceleratorSimWarning
from accelerator_sim.files.text import printable
from accelerator_sim.python.pages import page_of
from accelerator_sim.report import dataflow_comparison_table, explanation_text, noc_comparison_table
from accelerator_sim.report.chrome_trace import dumps
from accelerator_sim.report.columns import Column, TableRow, fitted
from accelerator_sim.report.compared import times, title
from accelerator_sim.report.comparison_table import entry_columns
from accelerator_sim.report.names import COMPONENT_NAMES, partial
from accelerator_sim.report.numbers import format_energy, format_joules, percent, si
from accelerator_sim.report.pareto_text import render_records
from accelerator_sim.report.tables import layer_columns
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.run.trace import TraceWindow, trace, warning_of
from accelerator_sim.sweeps.opened import Sweep, SweepRecords

WIDTH = 110
"""Characters of a row in a notebook."""
COLORS = {
    "mac": "#009e73", "spad": "#56b4e9", "noc": "#e69f00", "glb": "#0072b2", "clock": "#cc79a7", "leakage": "#9a9ea4",
    "dram": "#d55e00",
}  # fmt: skip
"""Of the components of the energy, those of the pages; apart from each other for the colour-blind too (Okabe, Ito)."""


class PythonView:
    """Draws results as lines and as HTML."""

    @singledispatchmethod
    def line(self, result: object) -> str:
        """What a result is, in one line."""
        return f"{type(result).__name__} of {type(result).__module__}"

    @line.register
    def _(self, result: NetworkResult) -> str:
        work = f"{len(result.layers)} layers, {result.totals.cycles:,} cycles, {si(result.totals.latency_s, 's')}"
        energy = format_energy(result.energy.chip, result.energy_unit)
        failed = f"; {len(result.failed)} of {len(result.layers)} layers failed" if result.failed else ""
        where = f"{result.workload} on {result.architecture.name}"
        return printable(f"{where}, {result.fidelity}: {work}, {energy}{partial(result)}{failed}")

    @line.register
    def _(self, result: LayerResult) -> str:
        name = f"{result.layer.name} ({result.layer.op})"
        if result.outcome is None or result.energy is None:
            return printable(f"{name}: {result.status}, {result.error}")
        timing = result.outcome.timing
        bound = f", {timing.bound_by.label}" if timing.cycles else ""
        return printable(
            f"{name}: {timing.cycles:,} cycles, {format_energy(result.energy.chip, result.energy.unit)}{bound}"
        )

    @line.register
    def _(self, result: Comparison) -> str:
        base = result.reference
        each = (
            f"{title(e)} {format_joules(e.energy_j)} ({times(ratio(e.energy_j, base.energy_j))})"
            for e in result.entries
        )
        return printable(f"{result.workload}, batch {result.batch}: {', '.join(each)}")

    @line.register
    def _(self, result: Explanation) -> str:
        best = f", most helpful: {result.measured[0].change.name}" if result.measured else ""
        return f"{self.line(result.run)}; {len(result.explained)} layers explained{printable(best)}"

    @line.register
    def _(self, result: NetworkComparison) -> str:
        names = ", ".join(run.name for run in result.runs)
        return printable(f"{result.workload} on {result.architecture.name} with {names}")

    @line.register
    def _(self, result: DataflowComparison) -> str:
        names = ", ".join(each.flow.name for each in result.results)
        return printable(f"{result.workload} on {result.architecture.name} as {names}")

    @line.register
    def _(self, result: Sweep) -> str:
        with_errors = f", {result.summary.failures:,} failed" if result.summary and result.summary.failures else ""
        rows = sum(1 for _ in result.iter_rows())
        return printable(f"{result.store}: {rows:,} results{with_errors}, for {', '.join(map(str, result.goals()))}")

    @line.register
    def _(self, result: SweepRecords) -> str:
        return f"{len(result.records):,} points, by {', '.join(map(str, result.goals))}"

    @singledispatchmethod
    def html(self, result: object) -> str:
        """A result as HTML that stands by itself."""
        return Markup("<p>{}</p>").format(self.line(result))

    @html.register
    def _(self, result: NetworkResult) -> str:
        body = _table(fitted(layer_columns(result), result.layers, WIDTH))
        return Markup("<div><p>{}</p>{}{}</div>").format(self.line(result), _parts(result), body)

    @html.register
    def _(self, result: Comparison) -> str:
        body = _table(fitted(entry_columns(result), result.entries, WIDTH))
        return Markup("<div><p>{}</p>{}</div>").format(self.line(result), body)

    @html.register
    def _(self, result: Explanation) -> str:
        only = result.explained[0].result.layer.name if len(result.explained) == 1 else None
        return _plain(explanation_text.render(result, only, WIDTH))

    @html.register
    def _(self, result: NetworkComparison) -> str:
        return _plain(noc_comparison_table.render(result, WIDTH))

    @html.register
    def _(self, result: DataflowComparison) -> str:
        return _plain(dataflow_comparison_table.render(result, WIDTH))

    @html.register
    def _(self, result: Sweep) -> str:
        return Markup("<div><p>{}</p>{}</div>").format(self.line(result), self.html(result.front()))

    @html.register
    def _(self, result: SweepRecords) -> str:
        return _plain(render_records(result.records, result.goals, WIDTH, linked=result.linked))

    def page(self, result: object) -> str:
        """The page of a result.  Raises UsageError for one that has none."""
        return page_of(result)

    def figure(self, result: object, kind: str, choices: dict[str, Any]) -> Any:
        """A figure of a result.  Raises UsageError for a kind that it has not."""
        return draw(result, kind, choices)

    def trace(self, result: object, cycles: tuple[int, int], clusters: tuple[int, ...]) -> bytes:
        """The trace of a run.  Raises UsageError for an estimate, and for clusters that there are not."""
        assert isinstance(result, NetworkResult)
        window = TraceWindow(*cycles, clusters)
        spans = list(trace(result, window))
        if warning := warning_of(spans, window):
            warnings.warn(warning, AcceleratorSimWarning, stacklevel=3)
        return dumps(spans)


def _plain(text: str) -> Markup:
    return Markup('<pre style="line-height: 1.3">{}</pre>').format(text)


def _table(columns: Sequence[tuple[Column[TableRow], list[str]]]) -> Markup:
    """A table; long ones scroll."""

    def row(tag: str, texts: Sequence[str]) -> Markup:
        sides = ("left" if column.left else "right" for column, _ in columns)
        cell = Markup('<{0} style="text-align: {1}; padding: 0 0.6em">{2}</{0}>')
        cells = (cell.format(tag, side, text) for side, text in zip(sides, texts, strict=True))
        return Markup("<tr>{}</tr>").format(Markup("").join(cells))

    head = row("th", [column.heading for column, _ in columns])
    rows = Markup("").join(row("td", texts) for texts in zip(*(texts for _, texts in columns), strict=True))
    return Markup(
        '<div style="max-height: 30em; overflow: auto"><table><thead>{}</thead><tbody>{}</tbody></table></div>'
    ).format(head, rows)


def _parts(result: NetworkResult) -> Markup:
    """A bar of the energy by component, the off-chip DRAM in it, and what the colours are."""
    parts = _shares(result.energy.as_dict())
    total = format_energy(result.energy.total, result.energy_unit)
    bar, x = Markup(""), 0.0
    for name, share in parts.items():
        width = Markup("{:.2f}%").format(100.0 * share)
        bar += Markup('<rect x="{:.2f}%" width="{}" height="100%" fill="{}"><title>{} {}%</title></rect>').format(
            100.0 * x, width, COLORS[name], COMPONENT_NAMES[name], percent(share)
        )
        x += share
    names = Markup(", ").join(
        Markup('<span style="white-space: nowrap"><span style="color: {}">■</span> {} {}%</span>').format(
            COLORS[name], COMPONENT_NAMES[name], percent(share)
        )
        for name, share in parts.items()
    )
    return Markup(
        '<svg role="img" width="100%" height="16" style="max-width: 50em"><title>energy by component</title>{}</svg>'
        "<p>{} with off-chip DRAM: {}</p>"
    ).format(bar, total, names)


def _shares(parts: Mapping[str, float]) -> dict[str, float]:
    total = sum(parts.values())
    return {name: parts[name] / total for name in COMPONENT_NAMES if parts.get(name)} if total else {}
