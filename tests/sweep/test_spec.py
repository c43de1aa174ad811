"""Sweep files and the values of axes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.sweep.spec import axis_values
from tests.sweep.conftest import Make

HEAD = "architecture: eyeriss_v2\nworkloads: [small.yaml]\n"


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ([1, 2.5, "3 KiB", True, None], ("1", "2.5", "3 KiB", "true", "null")),
        ([{"rows": 3, "columns": [1, 2]}], ("{rows: 3, columns: [1, 2]}",)),
        ({"powers_of_two": [3, 16]}, ("4", "8", "16")),
        ({"from": 1, "to": 2, "steps": 3}, ("1", "1.5", "2")),
        ({"from": "10 GB/s", "to": "30 GB/s", "steps": 3}, ("10 GB/s", "20 GB/s", "30 GB/s")),
        ({"from": 0.1, "to": 0.3, "steps": 3}, ("0.1", "0.2", "0.3")),
    ],
)
def test_values(given: Any, values: tuple[str, ...]) -> None:
    assert axis_values(given) == values


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "an empty list; at least one value is required"),
        (3, "a list of values, {from, to, steps} or {powers_of_two: [least, most]} is required"),
        ({"powers_of_two": [0, 4]}, "powers_of_two is [least, most], two whole numbers of at least 1"),
        ({"powers_of_two": [5, 7]}, "no power of two lies between 5 and 7"),
        ({"from": 1, "to": 2, "steps": 1}, "steps is 1; a whole number from 2 to 10000 is required"),
        ({"from": "1 GB/s", "to": "2 MB/s", "steps": 2}, "from is in GB/s, to in MB/s; give both in one unit"),
        ({"from": "a", "to": 2, "steps": 2}, "'a' is not a number, with a unit or without"),
        (
            {"from": 1, "too": 2, "steps": 2},
            "unknown key 'too'; did you mean 'to'?; a range is {from, to, steps} or {powers_of_two: [least, most]}",
        ),
    ],
)
def test_wrong_values(given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        axis_values(given)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("architecture: eyeriss_v2\n", "no network: give workloads, or an axis workload"),
        (HEAD + "axes: {workload: [small.yaml]}\n", "workloads and an axis workload are given; give either"),
        (HEAD + "mode: random\n", "mode random needs samples, the number of points"),
        (HEAD + "samples: 3\n", "mode grid has all combinations; leave samples out"),
        (HEAD + "axes: {batch: []}\n", "axes.batch: an empty list; at least one value is required"),
        (HEAD + "axes: {batch: [0]}\n", "axes.batch: '0' is no whole number of at least 1"),
        (HEAD + "axes: {resolution: [big]}\n", "axes.resolution: 'big' is no whole number of at least 1"),
        (HEAD + "axes: {width: [0]}\n", "axes.width: '0' is no number above 0"),
        (
            HEAD + "axes: {objective: [speed]}\n",
            "axes.objective: unknown objective 'speed'; objectives: energy, latency",
        ),
        (HEAD + "constraints: [pes]\n", "constraints.0: 'pes' is no comparison; write e.g. pes <= 1024"),
        (HEAD + "objectives: [latncy_s]\n", "objectives.0: unknown result 'latncy_s'; did you mean 'latency_s'?"),
        (HEAD + "stages: [{fidelity: event, by: edd}]\n", "stages.0.by: unknown result 'edd'"),
        (HEAD + "axes: {batch: [1]}\nlinked: [[batch, clock]]\n", "linked.0: no axis 'clock'"),
        (
            HEAD + "axes: {batch: [1], clock: [1 MHz, 2 MHz]}\nlinked: [[batch, clock]]\n",
            "linked.0: linked axes have as many values each; batch has 1, clock has 2",
        ),
        (
            HEAD + "axes: {batch: [1], clock: [1 MHz]}\nlinked: [[batch, clock], [clock, batch]]\n",
            "linked.1: axis 'clock' is linked twice",
        ),
        (
            HEAD + "axes: {a: {from: 1, to: 2, steps: 9999}, b: {from: 1, to: 2, steps: 9999}}\n",
            "axes: 99,980,001 combinations are more than 1,000,000; use mode random or sobol",
        ),
    ],
)
def test_wrong_files(make: Make, text: str, message: str) -> None:
    with pytest.raises(InvalidFile) as error:
        make(text)
    assert message in str(error.value)
    assert "sweep.yaml" in str(error.value)


def test_linked_axes_go_together(make: Make) -> None:
    text = "axes: {pe_cluster.columns: [2, 4], clock: [1 MHz, 2 MHz], noc.psum.routers: [2, 4]}\n"
    sweep = make(HEAD + text + "linked: [[pe_cluster.columns, noc.psum.routers]]\n")
    assert sweep.grid_size == 4
    assert [axis.names for axis in sweep.axes] == [("pe_cluster.columns", "noc.psum.routers"), ("clock",)]
    assert sweep.axes[0].values == (("2", "2"), ("4", "4"))


def test_the_text_is_the_content(make: Make) -> None:
    """Comments and order do not change it; values do."""
    plain = make("architecture: eyeriss_v2\nworkloads: [small.yaml]\n").text
    assert make("# a comment\nworkloads: [small.yaml]\narchitecture: eyeriss_v2\n").text == plain
    assert make(HEAD + "seed: 1\n").text != plain
