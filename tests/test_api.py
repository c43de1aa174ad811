"""The Python interface."""

import subprocess
import sys
from pathlib import Path

import pytest

import accelerator_sim
from accelerator_sim.files.errors import CheckFailed, UsageError
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.mapping.search import Unmappable
from accelerator_sim.study import run as running
from accelerator_sim.study.result import LayerResult
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

CONV = Layer("conv", "conv", C=4, M=8, H=8, W=8, R=3, S=3, padding=(1, 1, 1, 1))
WIDE = Layer("wide", "conv", C=1, M=1, H=20, W=20, R=1, S=17)
SIMPLE = Network("simple", "made up", (CONV,), "simple.yaml")
SMALL = Network("small", "made up", (CONV, WIDE), "small.yaml")


def test_sweep(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(
        "architecture: eyeriss_v2\nworkloads: [lstm_arnet]\naxes: {cluster_array.rows: [4, 8]}\n"
    )
    rows = accelerator_sim.run_sweep(tmp_path / "spec.yaml", tmp_path / "s.sqlite")
    assert [row["cluster_array.rows"] for row in rows] == [4, 8]
    assert rows[0]["cycles"] > rows[1]["cycles"] > 0


def test_explain() -> None:
    found = accelerator_sim.explain("mobilenet_v1_0.5_128", layer="DW5")
    assert found.explained[0].bounds.cycles[-1] == found.run.totals.cycles
    assert found.best()[0].cycles < found.run.totals.cycles
    machine = accelerator_sim.load_architecture("eyeriss_v2")
    same = accelerator_sim.explain("mobilenet_v1_0.5_128", machine, layer="DW5", changes=False)
    assert same.layers == found.layers
    assert same.measured == ()
    with pytest.raises(UsageError, match="give the architecture by name or file"):
        accelerator_sim.explain("mobilenet_v1_0.5_128", machine)
    with pytest.raises(UsageError, match="has no layer 'DW99'"):
        accelerator_sim.explain("mobilenet_v1_0.5_128", layer="DW99")


def test_simulate_takes_names_and_objects() -> None:
    by_name = accelerator_sim.simulate("alexnet", layers=["FC8"], objective="energy", batch=2)
    architecture = accelerator_sim.load_architecture("eyeriss_v2")
    network = accelerator_sim.load_network("alexnet")
    assert by_name == accelerator_sim.simulate(network, architecture, layers=["FC8"], objective="energy", batch=2)
    assert by_name.totals.macs == 2 * 4096 * 1000


def test_simulate_with_mappings() -> None:
    result = accelerator_sim.simulate(SMALL, mappings={"conv": Mapping()})
    assert result.layers[0].mapping == Mapping()


def test_a_layer_that_fails_is_in_the_result() -> None:
    result = accelerator_sim.simulate(SMALL)
    assert [layer.status for layer in result.layers] == ["ok", "failed"]


def test_a_broken_law_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        running, "run_layer", lambda layer, *_: LayerResult(layer, "failed", error="1 = 2", law_broken=True)
    )
    with pytest.raises(CheckFailed, match="1 = 2"):
        accelerator_sim.simulate(SMALL)


def test_map_layer() -> None:
    found = accelerator_sim.map_layer(CONV, "eyeriss_v2", "energy")
    assert found.optimal_over > 1
    with pytest.raises(Unmappable, match="the iact SPad"):
        accelerator_sim.map_layer(WIDE)


def test_unknown_names() -> None:
    with pytest.raises(UsageError, match="did you mean 'alexnet'"):
        accelerator_sim.simulate("alexnt")
    with pytest.raises(AttributeError, match="no attribute 'simulat'"):
        accelerator_sim.simulat  # noqa: B018


def test_importing_the_package_is_light() -> None:
    code = "import sys, accelerator_sim; print([m for m in ('numpy', 'numba', 'pydantic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_networks_of_one_machine_by_name_and_object() -> None:
    names = ("mesh", "bus")
    by_name = accelerator_sim.compare_networks(SIMPLE, names, "eyeriss_v1_5", fidelity="analytical")
    machine = accelerator_sim.load_architecture("eyeriss_v1_5")
    assert accelerator_sim.compare_networks(SIMPLE, names, machine, fidelity="analytical") == by_name
    assert [run.name for run in by_name.runs] == list(names)
    assert [run.name for run in accelerator_sim.compare_networks(SIMPLE, fidelity="analytical").runs] == [
        "mesh", "bus", "unicast", "broadcast",
    ]  # fmt: skip


def test_compare_takes_names_and_objects() -> None:
    by_name = accelerator_sim.compare(SIMPLE, ["eyeriss_v2"], ["jetson_tx2_maxq"], fidelity="analytical")
    machine = accelerator_sim.load_architecture("eyeriss_v2")
    device = accelerator_sim.load_baseline("jetson_tx2_maxq")
    assert accelerator_sim.compare(SIMPLE, [machine], [device], fidelity="analytical") == by_name
    assert [entry.name for entry in by_name.entries] == ["eyeriss_v2", "eyeriss_v2", "jetson_tx2_maxq"]


def test_a_year() -> None:
    year = accelerator_sim.year(1.0, "france", 3.6e6 / 365, price=0.2)
    assert (year.energy_kwh.low, year.co2e_kg.low) == (pytest.approx(1.0), pytest.approx(0.056))
    assert year.cost_usd is not None
    assert year.cost_usd.low == pytest.approx(0.2)
