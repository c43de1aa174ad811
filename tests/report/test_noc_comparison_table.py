"""The table of several networks on chip."""

from __future__ import annotations

import json

import pytest

from accelerator_sim.comparison.noc_comparison import NetworkComparison, compare_networks
from accelerator_sim.report import noc_comparison_table as report
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

LAYERS = (
    Layer("conv", "conv", C=4, M=8, H=8, W=8, R=3, S=3),
    Layer("pool", "pool", iact_words=512, oact_words=128),
    Layer("fc", "fc", C=128, M=10),
    Layer("wide", "gemm", N=64, W=1 << 31),
)


def compared(*layers: Layer) -> NetworkComparison:
    network = Network("small", "made up", layers, "small.yaml")
    return compare_networks(network, *load_machine("eyeriss_v2"), ["mesh", "unicast"], Options(fidelity="analytical"))


@pytest.fixture(scope="module")
def several() -> NetworkComparison:
    return compared(*LAYERS)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_table_fits_its_width(several: NetworkComparison, width: int) -> None:
    lines = report.render(several, width).splitlines()
    assert max(map(len, lines)) <= width
    assert lines[0].startswith("small on eyeriss_v2 with other networks")


def test_what_the_table_says(several: NetworkComparison) -> None:
    text = report.render(several, 160)
    sizes = [line.split() for line in text.splitlines() if line.startswith(("mesh", "unicast"))]
    assert sizes[0][:7] == ["mesh", "144,", "144,", "128", "900,", "288,", "440"]
    assert sizes[1][:7] == ["unicast", "192,", "64,", "27.43", "736,", "276,", "331"]
    by_layer = [line.split()[:2] for line in text.splitlines() if line.startswith(("conv ", "fc ", "pool", "wide"))]
    assert by_layer == [["conv", "mesh"], ["conv", "unicast"], ["fc", "mesh"], ["fc", "unicast"]]
    assert "left out, as they failed on a network: wide" in text
    assert "Ratios are over mesh" in text


def test_one_layer_needs_no_second_table() -> None:
    text = report.render(compared(LAYERS[0]), 160)
    assert "layer" not in text


def test_json_and_rows(several: NetworkComparison) -> None:
    assert json.loads(report.dumps_json(several)) == several.to_dict()
    assert report.dumps_rows(several, ",") == several.to_csv()
    assert report.dumps_rows(several, "\t").splitlines()[0].split("\t")[:2] == ["network", "layer"]
