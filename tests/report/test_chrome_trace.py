"""Traces: spans that cover a PE's time, in a file that Perfetto opens."""

from __future__ import annotations

import gzip
import itertools
import json
from collections import Counter
from pathlib import Path

import pytest

import accelerator_sim as sim
from accelerator_sim.kernels.causes import Cause
from accelerator_sim.report.chrome_trace import dumps
from accelerator_sim.run.trace import Span, TraceWindow, trace

RESULT = sim.simulate("mobilenet_v1_0.5_128_sparse", layers=["PW13", "FC"])


def test_spans_of_a_pe_follow_one_another_and_count_its_busy_cycles() -> None:
    cycles = RESULT.totals.cycles
    spans = [span for span in trace(RESULT, TraceWindow(0, cycles)) if span.track == "PE 0,0" and span.cluster == 3]
    for before, after in itertools.pairwise(spans):
        assert before.end <= after.begin
    outcomes = [layer.outcome for layer in RESULT.layers]
    busy = sum(outcome.timing.pe_busy[3 * 12] for outcome in outcomes if outcome is not None)
    assert sum(span.end - span.begin for span in spans if span.activity == "busy") == busy
    sent = [span for span in trace(RESULT, TraceWindow(0, cycles)) if span.activity == "send"]
    assert {span.track for span in sent} == {"iact router 0", "iact router 1", "iact router 2"}


@pytest.mark.parametrize("architecture", ["eyeriss_v2", "openeye_48", "eyeriss_v1_5"])
def test_spans_account_for_every_lost_cycle(architecture: str) -> None:
    """By cause, what PEs did adds up to what the engine counts; the whole array waits for the others."""
    result = sim.simulate("mobilenet_v1_0.5_128_sparse", architecture, layers=["PW13", "DW13", "FC"])
    drawn: Counter[str] = Counter()
    for span in trace(result, TraceWindow(0, result.totals.cycles)):
        if span.track.startswith("PE"):
            drawn[span.activity] += span.end - span.begin
    counted: Counter[str] = Counter()
    for _, outcome, _ in result.finished:
        counted["busy"] += sum(outcome.timing.pe_busy)
        counted.update({str(cause): lost for cause, lost in (outcome.timing.losses_pe_cycles or {}).items()})
        for cause, cycles in outcome.timing.exposed_cycles.items():  # the whole array waits
            counted[str(cause)] -= cycles * result.architecture.pes
    whole = {Cause.IMBALANCE, Cause.UNUSED, Cause.CONFIGURATION, Cause.DRAM, Cause.SPAD_FILL}
    named = {cause for cause in counted if counted[cause] and cause not in whole}
    assert {"busy", "psum_service"} <= named
    assert {cause: drawn[cause] for cause in named} == {cause: counted[cause] for cause in named}


def test_a_window_and_a_cluster() -> None:
    spans = list(trace(RESULT, TraceWindow(400, 500, (2,))))
    parts = [span for span in spans if span.cluster >= 0]
    assert parts
    assert {span.cluster for span in parts} <= {2}
    assert all(400 <= span.begin < span.end <= 500 for span in parts)


def test_the_file_is_a_chrome_trace() -> None:
    data = json.loads(gzip.decompress(dumps([Span(-1, "layers", "FC", 0, 9), Span(0, "PE 0,0", "busy", 2, 5)])))
    names = [event["args"]["name"] for event in data["traceEvents"] if event["ph"] == "M"]
    assert names == ["network", "layers", "cluster 0", "PE 0,0"]
    (last,) = (event for event in data["traceEvents"] if event["name"] == "busy")
    assert (last["ph"], last["ts"], last["dur"]) == ("X", 2, 3)


def test_links_of_their_own_have_a_track_each() -> None:
    """A PE's link sends for as many cycles as all its words take: three each, with a third of a word a PE."""
    networks = [(f"noc.{t}", "{kind: unicast, words_per_cycle: 64}") for t in ("iact", "weight", "psum")]
    result = sim.simulate(
        "mobilenet_v1_0.5_128", sim.load_architecture("eyeriss_v1_192", networks), layers=["DW14"], refine=1
    )
    (layer,) = result.layers
    assert layer.outcome is not None
    sent = [span for span in trace(result, TraceWindow(0, layer.outcome.timing.cycles)) if span.activity == "send"]
    assert len({span.track for span in sent}) == layer.outcome.counts.active_pes
    assert {span.track.rpartition(" ")[0] for span in sent} == {"iact link"}
    assert sum(span.end - span.begin for span in sent) == 3 * layer.outcome.counts.access("noc", "iact").reads


def test_the_array_waits_for_dram_between_passes(tmp_path: Path) -> None:
    """Between passes nothing runs: what the whole array waits for is drawn, all of its cycles."""
    slow = sim.load_architecture("eyeriss_v2", [("dram.bandwidth", "1 GB/s")])
    result = sim.simulate("mobilenet_v1_0.5_128_sparse", slow, layers="PW13")
    spans = [span for span in trace(result, TraceWindow(0, result.totals.cycles)) if span.track == "array"]
    assert {span.activity for span in spans} == {"waiting for DRAM, configuration"}
    ((_, outcome, _),) = result.finished
    assert sum(span.end - span.begin for span in spans) == sum(outcome.timing.exposed_cycles.values())


def test_an_empty_trace_warns(tmp_path: Path) -> None:
    with pytest.warns(sim.AcceleratorSimWarning, match=r"no PE does anything in cycles 9,000,000 to 9,000,010"):
        RESULT.trace(tmp_path / "t.json.gz", cycles=(9_000_000, 9_000_010))
    file = RESULT.trace(tmp_path / "t.json.gz", cycles=(0, 900), clusters=(0,))
    assert len(json.loads(gzip.decompress(file.read_bytes()))["traceEvents"]) > 100
    with pytest.raises(sim.UsageError, match="no cluster 99 to trace: eyeriss_v2 has clusters 0 to 15"):
        RESULT.trace(tmp_path / "t.json.gz", clusters=(99,))
    with pytest.raises(sim.UsageError, match="an estimate has no times to trace"):
        sim.simulate("alexnet", fidelity="analytical", layers="FC8").trace(tmp_path / "t.json.gz")
