"""Devices of which there are only measurements."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import accelerator_sim
from accelerator_sim.baseline.measured_device import MeasuredDevice, load_baseline, measured_schema
from accelerator_sim.comparison.machine_comparison import Comparison
from accelerator_sim.files.data import builtin_names, data_dir
from accelerator_sim.files.errors import InvalidFile, UsageError

MEASURED = [
    name for name in builtin_names("arch_configs", "baselines") if isinstance(load_baseline(name), MeasuredDevice)
]
FILE = """
name: x
title: X
kind: measured
source: made up
boundary: the chip
precision: int8
stack: any
networks: {resnet8: {energy: 1 mJ, inferences_per_s: 100}}
"""


def compare(network: str, *devices: str, **asked: object) -> Comparison:
    return accelerator_sim.compare(network, "eyeriss_v2", devices, fidelity="analytical", **asked)  # type: ignore[arg-type]


def test_the_table_of_mlperf_tiny() -> None:
    """v1.3, closed division: microjoules and inferences per second."""
    assert {name: {n: m.energy * 1e6 for n, m in load_baseline(name).networks.items()} for name in MEASURED} == {  # type: ignore[union-attr]
        "stm32u385": pytest.approx(
            {"resnet8": 966, "ds_cnn": 245, "mobilenet_v1_0.25_96": 518, "autoencoder": 31.8}
        ),
        "syntiant_ndp9120_0.9v": pytest.approx({"resnet8": 101.8, "ds_cnn": 31.5, "mobilenet_v1_0.25_96": 71.7}),
        "syntiant_ndp9120_1.1v": pytest.approx({"resnet8": 139.4, "ds_cnn": 43.8, "mobilenet_v1_0.25_96": 97.2}),
    }  # fmt: skip


def test_a_comparison_has_what_was_measured() -> None:
    comparison = compare("resnet8", "syntiant_ndp9120_1.1v", "stm32u385", "jetson_tx2_maxq")
    *_, syntiant, stm = comparison.entries
    assert syntiant.energy_j == pytest.approx(139.4e-6)
    assert syntiant.latency_s == pytest.approx(1 / 195)
    assert (stm.latency_s, stm.edp_js, stm.inferences_per_s, stm.node_nm) == (None, None, None, None)
    assert {ratio.baseline.name for ratio in comparison.matrix} == {
        "syntiant_ndp9120_1.1v", "stm32u385", "jetson_tx2_maxq",
    }  # fmt: skip
    assert "measured, not modelled: the device under test" in syntiant.note
    assert [device.name for device in comparison.devices] == [
        "jetson_tx2_maxq", "syntiant_ndp9120_1.1v", "stm32u385",
    ]  # fmt: skip
    assert "stm32u385" in repr(comparison)


def test_alone_it_can_be_compared_too(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(FILE)
    comparison = accelerator_sim.compare("resnet8", (), [tmp_path / "x.yaml"])
    assert [(entry.name, entry.energy_j, entry.latency_s) for entry in comparison.entries] == [("x", 1e-3, 0.01)]
    assert "measured, not modelled" in comparison.report(tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("network", "asked", "message"),
    [
        ("alexnet", {}, "has no measurement of 'alexnet'; it was measured on: resnet8"),
        ("resnet8", {"batch": 2}, "was measured with batch 1, not 2"),
        ("resnet8", {"precision": "fp16"}, "was measured with precision int8, not fp16"),
        ("resnet8", {"stack": "tuned"}, "was measured with stack as submitted, not tuned"),
        ("resnet8", {"board_boundary": "net"}, "was measured with board boundary board, not net"),
        ("resnet8", {"layers": "CONV1"}, "was measured on all layers of resnet8; leave --layer out"),
    ],
)
def test_what_was_not_measured_is_an_error(network: str, asked: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compare(network, "stm32u385", **asked)


def test_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(FILE.replace("100", "0"))
    with pytest.raises(InvalidFile, match=r"x.yaml:9:\d+: networks.resnet8.inferences_per_s"):
        load_baseline(str(tmp_path / "x.yaml"))


def test_the_schema_in_the_folder_is_up_to_date() -> None:
    path = data_dir("arch_configs") / "schemas" / "measured.schema.json"
    assert json.loads(path.read_text()) == json.loads(json.dumps(measured_schema()))
