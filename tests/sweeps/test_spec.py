"""Sweep files and the values of axes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.sweeps.axes import axis_values
from tests.sweeps.conftest import Make

COUNTS = (
    "cluster_array.rows", "cluster_array.columns", "pe_cluster.rows", "pe_cluster.columns", "pe.macs_per_cycle",
    "pe.pipeline_stages", "pe.fifo_depth.iact", "pe.fifo_depth.weight", "pe.fifo_depth.psum", "pe.spad.iact.depth",
    "pe.spad.weight.depth", "pe.spad.psum.depth", "glb.iact.banks", "glb.psum.banks", "noc.iact.routers",
    "noc.weight.routers", "noc.psum.routers", "configuration.cycles", "configuration.bits", "pe.gates",
    "pe.spad.iact_address.depth", "pe.spad.weight_address.depth",
)  # fmt: skip
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
        (
            HEAD + "axes: {batch: [0]}\n",
            "sweep.yaml:3:16: axes.batch.0: '0' is not a whole number from 1 to 2147483648",
        ),
        (HEAD + "axes: {resolution: [big]}\n", "axes.resolution.0: 'big' is not a whole number from 1 to 65536"),
        (
            HEAD + "axes: {width: [0]}\n",
            "axes.width.0: width is 0.0; a finite number of more than 0 and at most 4 is required",
        ),
        (
            HEAD + "axes: {objective: [speed]}\n",
            "axes.objective.0: objective is 'speed'; allowed: energy, latency",
        ),
        (HEAD + "constraints: [pes]\n", "constraints.0: 'pes' is not a comparison; write e.g. pes <= 1024"),
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
            HEAD + "axes: {pe_cluster.rowz: [3]}\n",
            "sweep.yaml:3:8: axes.pe_cluster.rowz: unknown key 'rowz' in 'pe_cluster'",
        ),
        (HEAD + "axes: {bacth: [3]}\n", "axes.bacth: unknown key 'bacth'"),
        (HEAD + "axes: {batch.x: [3]}\n", "axes.batch.x: unknown key 'batch'"),
        (HEAD + "axes: {clock.x: [3]}\n", "axes.clock.x: 'clock' is a single value; it has no 'x'"),
        (HEAD + "axes: {clock: [1 MHz, 3 furlongs]}\n", "sweep.yaml:3:23: axes.clock.1: unknown unit 'furlongs'"),
        (HEAD + "axes: {clock: [1 GB]}\n", "axes.clock.0: '1 GB' is a size; a frequency such as"),
        (HEAD + "axes: {pe_cluster.rows: [3, x]}\n", "axes.pe_cluster.rows.1: 'x' given; a whole number is required"),
        (HEAD + "axes: {pe_cluster.rows: [0]}\n", "axes.pe_cluster.rows.0: 0 is not allowed; it must be at least 1"),
        (
            HEAD + "axes: {noc.iact.kind: [ring]}\n",
            "axes.noc.iact.kind.0: 'ring' is not allowed; allowed: 'hierarchical_mesh'",
        ),
        (HEAD + "axes: {pe.csc: [{bits: 4 b}]}\n", "axes.pe.csc.0: count: missing; a number of bits"),
        (HEAD + "axes: {prune: [magnitud]}\n", "axes.prune.0: unknown pruning 'magnitud'; did you mean 'magnitude'"),
        (HEAD + "axes: {width: ['1e999']}\n", "axes.width.0: width is inf; a finite number"),
        (
            HEAD + f"axes: {{batch: ['{'9' * 100}']}}\n",
            "axes.batch.0: '9999999999999999999999999999999999999...' is not a whole",
        ),
        (
            HEAD + "axes: {batch: [9223372036854775807]}\n",
            "axes.batch.0: '9223372036854775807' is not a whole number from 1",
        ),
        (HEAD + "axes: {clock: {from: 1 MHz, to: '1e999 MHz', steps: 3}}\n", "axes.clock: '1e999 MHz' is too large"),
        (
            HEAD + "axes: {pe_cluster.rows: {from: 1, to: 2, steps: 3}}\n",
            "axes.pe_cluster.rows: 1.5 given; a whole number",
        ),
        (HEAD + "constraints: [pess <= 3]\n", "constraints.0: 'pess <= 3': no value 'pess'; did you mean 'pes'?"),
        (HEAD + "constraints: [glb.psum.sise <= 3]\n", "unknown key 'sise' in 'glb.psum'; did you mean 'size'?"),
        (HEAD + "constraints: [technology <= 3]\n", "constraints.0: 'technology <= 3': technology is not a number"),
        (HEAD + "constraints: [clock <= 3 KiB]\n", "constraints.0: 'clock <= 3 KiB' compares 1/s and B"),
        (HEAD + "objectives: []\n", "objectives: 0 item(s) given; at least 1 required"),
        (
            HEAD + f"mode: sobol\nsamples: 2\naxes: {{{', '.join(f'{path}: [1, 2]' for path in COUNTS)}}}\n",
            "sweep.yaml:3:1: mode: a Sobol sequence of 22 axes; at most 21 are known, use mode random",
        ),
        (
            HEAD
            + "axes: {pe.gates: {from: 1, to: 1001, steps: 1001}, pe_cluster.rows: {from: 1, to: 1001, steps: 1001}}\n",
            "axes: 1,002,001 combinations are more than 1,000,000; use mode random or sobol",
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


def test_all_that_is_wrong_is_reported_at_once(make: Make) -> None:
    with pytest.raises(InvalidFile) as error:
        make(HEAD + "axes: {clock: [1 s], pe.gate: [3], pe.gates: [0, 1, -1]}\nconstraints: [pes <= 1 s]\n")
    assert len(error.value.problems) == 5


@pytest.mark.parametrize("name", ["noc.iact.words_per_cycle", "pe.csc.count", "dram.compressed.0", "glb.weight.banks"])
def test_paths_of_other_kinds_may_be_varied(make: Make, name: str) -> None:
    """Whether a machine has them is seen at each point."""
    value = {"pe.csc.count": "4 b", "dram.compressed.0": "iact"}.get(name, "4")
    assert make(HEAD + f"axes: {{{name}: [{value}]}}\n").axes[0].names == (name,)
