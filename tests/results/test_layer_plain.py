"""The JSON contract: the plain data of a result."""

import json
from dataclasses import replace
from typing import Any

import pytest

from accelerator_sim import __version__
from accelerator_sim.report.json import encode
from accelerator_sim.results.network_result import NetworkResult


@pytest.fixture
def data(result: NetworkResult) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(encode(result.to_dict()))
    return loaded


def test_head(data: dict[str, Any]) -> None:
    assert data["schema"] == "accelerator-sim/simulation/1"
    assert (data["version"], data["seed"], data["fidelity"], data["batch"]) == (__version__, 0, "event", 1)
    expected = {"name": "eyeriss_v2", "pes": 192, "macs_per_cycle": 384, "clock_hz": 200e6, "technology": "cmos65_8b"}
    assert expected.items() <= data["architecture"].items()
    assert "JETCAS" in data["architecture"]["source"]
    assert data["architecture"]["node_nm"] == 65
    area = data["architecture"]["area"]
    assert set(area) == {"kgates", "sram_bits", "mm2", "estimate", "by_component"}
    assert area["estimate"] is True
    assert set(area["by_component"]["spad"]) == {"kgates", "sram_bits", "mm2"}
    assert {"name": "small", "source": "made up"}.items() <= data["workload"].items()


def test_totals(data: dict[str, Any]) -> None:
    assert set(data["totals"]) >= {
        "layers", "macs", "effectual_macs", "cycles", "latency_s", "inferences_per_s", "energy_j", "energy_dram_j",
        "inferences_per_j", "gops_per_w", "dram_bytes", "utilization",
    }  # fmt: skip
    assert data["totals"]["layers"] == 4
    assert data["totals"]["mac_layers"] == 3


def test_a_layer(data: dict[str, Any]) -> None:
    layer = data["layers"][0]
    assert set(layer) >= {
        "name", "op", "status", "error", "shape", "macs", "effectual_macs", "cycles", "latency_s", "bound_by",
        "active_pes", "utilization", "stalls", "accesses", "noc", "dram_bytes", "energy_j", "mapping", "optimal_over",
    }  # fmt: skip
    assert (layer["status"], layer["error"], layer["op"]) == ("ok", None, "conv")
    assert set(layer["shape"]) == {*"NGMCHWPQRS", "stride", "padding", "dilation"}
    assert set(layer["accesses"][0]) >= {"level", "tensor", "reads", "writes", "word_bits"}
    assert {a["level"] for a in layer["accesses"]} == {"dram", "glb", "noc", "spad", "mac"}
    assert set(layer["noc"][0]) >= {"tensor", "mode", "links_used", "words", "word_hops"}
    assert set(layer["dram_bytes"]) == {"iact", "weight", "psum"}
    assert set(layer["energy_j"]) == {"mac", "spad", "noc", "glb", "dram", "clock", "leakage"}
    assert layer["mapping"]["M0"] >= 1
    assert layer["optimal_over"] > 1


def test_layers_without_macs_and_failed_ones(data: dict[str, Any]) -> None:
    pool, wide = data["layers"][1:3]
    assert (pool["status"], pool["mapping"], pool["optimal_over"]) == ("traffic_only", None, None)
    assert pool["dram_bytes"] == {"iact": 512, "weight": 0, "psum": 128}
    assert wide["status"] == "failed"
    assert "cannot be mapped" in wide["error"]
    assert [wide[name] for name in ("cycles", "energy_j", "dram_bytes", "mapping")] == [None] * 4


def test_the_same_bytes_for_the_same_result(result: NetworkResult) -> None:
    assert encode(result.to_dict()) == encode(replace(result).to_dict())


def test_no_nan(result: NetworkResult) -> None:
    empty = json.loads(encode(replace(result, layers=()).to_dict()))
    assert empty["totals"]["inferences_per_s"] is None
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"x": float("nan")})
