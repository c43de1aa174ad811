"""What results show of themselves in Python: one short line, and HTML in notebooks."""

from __future__ import annotations

import inspect
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest

import accelerator_sim
from accelerator_sim.files.data import builtin_names
from accelerator_sim.results import shown
from accelerator_sim.results.status import Status
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

LAYERS = (
    Layer("a <b> & \x1b", "conv", M=4, C=3, H=8, W=8, R=3, S=3),
    Layer("fc", "fc", M=5, C=4, H=1, W=1),
)
NETWORK = Network(name="small & <odd>", source="drawn", file="", layers=LAYERS)


@cache
def results() -> list[Any]:
    run = accelerator_sim.simulate(NETWORK, fidelity="analytical")
    return [
        run,
        *run.layers,
        accelerator_sim.compare(NETWORK, "eyeriss_v2", "jetson_tx2_maxq", fidelity="analytical"),
        accelerator_sim.compare_networks(NETWORK, ("mesh", "unicast"), fidelity="analytical"),
        accelerator_sim.compare_dataflows(NETWORK, ("rs", "ws")),
        accelerator_sim.explain(NETWORK, changes=False),
        accelerator_sim.explain(NETWORK, layer="fc", changes=False),
    ]


class Checker(HTMLParser):
    """Collects the text of HTML whose elements are all closed in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("number", range(8))
def test_a_line_and_html(number: int) -> None:
    result = results()[number]
    line, html = repr(result), result._repr_html_()
    assert line.startswith(f"<{type(result).__name__}: ")
    assert len(line) < 250
    assert line.isprintable()
    assert type(html) is str
    assert "<b>" not in html
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    assert len(checker.text) > 40


def test_what_a_line_says() -> None:
    run = accelerator_sim.simulate("alexnet", fidelity="analytical", layers="FC*")
    cycles = f"{run.totals.cycles:,}"
    assert repr(run).startswith(f"<NetworkResult: alexnet on eyeriss_v2, analytical: 3 layers, {cycles} cycles, ")
    assert repr(run.layers[0]).startswith("<LayerResult: FC6 (fc): ")
    html = run._repr_html_()
    assert html is not None
    assert all(text in html for text in ("FC6", "bound by", "clock and control", "off-chip DRAM"))


def test_failures_are_said() -> None:
    run = accelerator_sim.simulate("alexnet", fidelity="analytical", layers="FC*")
    failed = replace(run.layers[0], status=Status.FAILED, outcome=None, energy=None, error="too large")
    partial = replace(run, layers=(failed, *run.layers[1:]))
    assert repr(partial).endswith("(partial); 1 of 3 layers failed>")
    assert repr(failed) == "<LayerResult: FC6 (fc): failed, too large>"


def test_inputs_are_lines_too() -> None:
    lines = [repr(accelerator_sim.load_architecture(name)) for name in builtin_names("arch_configs")]
    lines += [repr(accelerator_sim.load_network("alexnet")), repr(accelerator_sim.load_baseline("jetson_tx2_maxq"))]
    assert all(line.startswith("<") and len(line) < 120 for line in lines)
    assert lines[builtin_names("arch_configs").index("eyeriss_v2")] == (
        "<Architecture: eyeriss_v2, 8 x 2 clusters of 3 x 4 PEs, 384 MACs/cycle, cmos65_8b>"
    )
    assert str(accelerator_sim.load_architecture("eyeriss_v1")) == repr(accelerator_sim.load_architecture("eyeriss_v1"))


def test_without_a_viewer_there_is_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "_viewers", [])
    assert repr(results()[0]) == "<NetworkResult>"
    assert results()[0]._repr_html_() is None


def test_completion_offers_what_is_there() -> None:
    assert dir(accelerator_sim) == sorted(accelerator_sim.__all__)
    offered = set(dir(accelerator_sim)) - {"__version__"}
    assert all(inspect.getattr_static(accelerator_sim.api, name, None) for name in offered)
