"""Pages of small networks, and a reader of pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from accelerator_sim.baseline.device import load_device
from accelerator_sim.comparison.compare_machines import Question, compare
from accelerator_sim.eyexam.explain import explain_run
from accelerator_sim.footprint.bill import Use
from accelerator_sim.report.compared import Wanted
from accelerator_sim.report.html import comparison_page as compared_page
from accelerator_sim.report.html import simulation_page as simulated_page
from accelerator_sim.report.html import sweep_page as swept_page
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.provenance import Provenance, SourceFile
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.sweeps.records import goal_of
from accelerator_sim.sweeps.spec import Spec, SweepAxis, SweepPlan
from accelerator_sim.sweeps.store import FIGURES
from accelerator_sim.sweeps.sweep_run import Failure, Summary
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from tests.small_network import CONV, FC, POOL, TWIN

ORIGIN = Provenance(
    ("accelerator-sim", "simulate", "a b.yaml", "--set", "clock=1 GHz"),
    (("clock", "1 GHz"),),
    (SourceFile("workload", "a b.yaml", "0123abcd"), SourceFile("mappings", "/dev/stdin", None)),
    (("technology t", "measured, 2017"),),
)
SIMPLE = (CONV, POOL, FC)


def run(
    arch: str = "eyeriss_v2", fidelity: str = "event", overrides: tuple[tuple[str, str], ...] = ()
) -> NetworkResult:
    """Return the result of a small network with two equal layers."""
    network = Network("small", "made up", (CONV, TWIN, POOL, FC), "small.yaml")
    return simulate_network(network, *load_machine(arch, overrides), Options(fidelity=fidelity))


def page_of(result: NetworkResult) -> str:
    """Return the page of a result, with what bounds its layers where they were run."""
    explained = None if result.fidelity == "analytical" else explain_run(result)
    return simulated_page.dumps(result, ORIGIN, explained)


def comparison_page(fidelity: str = "analytical", workload: str = "small", layers: tuple[Layer, ...] = SIMPLE) -> str:
    """Return the page of a small network on an accelerator and a board, with all that it can hold."""
    network = Network(workload, "made up", layers, "small.yaml")
    question = Question(Options(fidelity=fidelity))
    compared = compare(network, [load_machine("eyeriss_v2")], [load_device("jetson_tx2_maxq")], question)
    explained = [explain_run(run) for run in compared.runs] if fidelity == "event" else []
    return compared_page.dumps(compared, Wanted(True, Use("usa", 1000), ("wifi", "5g")), ORIGIN, explained)


def sweep_row(point: int, error: str | None = None, axes: dict[str, str] | None = None, **figures: float) -> Any:
    """Return a row as a store has it, with a latency, an energy and what follows from them unless it failed."""
    row: dict[str, Any] = {
        "stage": 0, "point": point, "key": f"{point:032x}", "status": "failed" if error else "ok", "error": error,
        "workload": "small", "architecture": "eyeriss_v2", "fidelity": "analytical", "objective": "latency",
        "batch": 1, "seed": 0, "axes": axes or {"clock": f"{100 * (point + 1)} MHz"},
    }  # fmt: skip
    known: dict[str, float] = {"latency_s": 1e-3 / (point + 1), "energy_total_j": 1e-6 * (point % 3 + 1), "pes": 192}
    known |= {"inferences_per_s": 1 / known["latency_s"]} | figures
    return row | {name: None if error else known.get(name) for name in FIGURES}


def sweep_page(
    rows: Sequence[Any], objectives: Sequence[str] = ("latency", "energy_total"), interrupted: bool = False
) -> str:
    """Return the page of rows of a sweep."""
    names = list(rows[0]["axes"]) if rows else ["clock"]
    axes = [SweepAxis((name,), tuple((row["axes"][name],) for row in rows)) for name in names]
    spec = Spec(architecture="eyeriss_v2", workloads=["small"], axes={}, objectives=list(objectives))
    failed = tuple(Failure(1, row["point"], row["workload"], row["error"]) for row in rows if row["error"])
    summary = Summary("0123", len(rows), 3, len(rows), 0, 0, failed, 1.5, interrupted)
    return swept_page.dumps(
        SweepPlan(spec, axes, [], Path(), ""), summary, rows, [goal_of(text) for text in objectives], ORIGIN
    )


def renamed(result: NetworkResult, name: str) -> NetworkResult:
    """Return a result whose first layer has another name."""
    first = result.layers[0]
    return replace(result, layers=(replace(first, layer=replace(first.layer, name=name)), *result.layers[1:]))


VOID = {"meta", "link", "input", "br"}


ENDED_BY_START = {"td": ("td",), "tr": ("td", "tr")}
ENDED_BY_END = {"table": ("td", "tr", "tbody")}
"""Open elements whose end tag may be left out before such a start or end tag (HTML, optional tags)."""


class Reader(HTMLParser):
    """Checks that elements are closed, and keeps what is needed to look at them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._end(ENDED_BY_START.get(tag, ()))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def _end(self, tags: tuple[str, ...]) -> None:
        for tag in tags:
            if self.open and self.open[-1] == tag:
                self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        self._end(ENDED_BY_END.get(tag, ()))
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


@pytest.fixture(scope="session")
def page(result: NetworkResult) -> str:
    return page_of(result)
