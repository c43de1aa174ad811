"""The Python interface."""

import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import accelerator_sim
from accelerator_sim.files.errors import AcceleratorSimWarning, CheckFailed, NothingRan, UsageError
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.mapping.search import Unmappable
from accelerator_sim.report.tables import render
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.status import Status
from accelerator_sim.run import network_run as running
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

CONV = Layer("conv", "conv", C=4, M=8, H=8, W=8, R=3, S=3, padding=(1, 1, 1, 1))
WIDE = Layer("wide", "gemm", N=64, W=1 << 31)
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


def test_errors_can_be_caught_by_their_public_names() -> None:
    with pytest.raises(accelerator_sim.UsageError, match="unknown architecture 'eyeris'"):
        accelerator_sim.simulate("alexnet", "eyeris")
    for error in ("CheckFailed", "InvalidFile", "NothingRan", "UsageError"):
        assert issubclass(getattr(accelerator_sim, error), accelerator_sim.AcceleratorSimError)


def test_simulate_takes_names_and_objects() -> None:
    by_name = accelerator_sim.simulate("alexnet", layers=["FC8"], objective="energy", batch=2)
    architecture = accelerator_sim.load_architecture("eyeriss_v2")
    network = accelerator_sim.load_network("alexnet")
    assert by_name == accelerator_sim.simulate(network, architecture, layers=["FC8"], objective="energy", batch=2)
    assert by_name.totals.macs == 2 * 4096 * 1000


def test_simulate_with_mappings() -> None:
    result = accelerator_sim.simulate(SIMPLE, mappings={"conv": Mapping()})
    assert result.layers[0].mapping == Mapping()


def test_simulate_with_a_built_in_mapping() -> None:
    given = {"layers": "conv5_3", "batch": 3, "fidelity": "analytical"}
    result = accelerator_sim.simulate("vgg16", "eyeriss_v1", mappings="eyeriss_v1_vgg16", **given)
    (layer,) = result.layers
    assert layer.mapping is not None
    assert (layer.optimal_over, layer.mapping.N0) == (None, 3)
    with pytest.raises(UsageError, match=r"unknown mapping 'eyeriss_v1_vgg': .* did you mean 'eyeriss_v1_vgg16'"):
        accelerator_sim.simulate("vgg16", "eyeriss_v1", mappings="eyeriss_v1_vgg", **given)


def test_a_layer_that_fails_is_in_the_result_and_a_warning_says_so() -> None:
    with pytest.warns(AcceleratorSimWarning, match="small on eyeriss_v2: 1 of 2 layers failed; totals are partial"):
        result = accelerator_sim.simulate(SMALL)
    assert [layer.status for layer in result.layers] == ["ok", "failed"]
    assert not result.complete
    assert result.to_dict()["complete"] is False
    assert {row["run_complete"] for row in result.rows()} == {False}


def test_a_network_of_which_nothing_ran_is_an_error() -> None:
    with pytest.raises(NothingRan, match="no layer of wide on eyeriss_v2 ran: layer wide cannot be mapped"):
        accelerator_sim.simulate(Network("wide", "made up", (WIDE,), "wide.yaml"))


def test_a_comparison_warns_of_each_run_with_failed_layers() -> None:
    with pytest.warns(AcceleratorSimWarning) as caught:
        found = accelerator_sim.compare(SMALL, ["eyeriss_v2", "eyeriss_v1_5"], fidelity="analytical")
    assert [str(each.message).split(":")[0] for each in caught] == ["small on eyeriss_v2", "small on eyeriss_v1_5"]
    assert found.to_dict()["complete"] is False


def test_layers_are_one_glob_or_several() -> None:
    one = accelerator_sim.simulate("alexnet", layers="FC8")
    assert [layer.layer.name for layer in one.layers] == ["FC8"]
    assert accelerator_sim.simulate("alexnet", layers=["FC8"]) == one


def test_verify_implies_the_clock_by_clock_engine() -> None:
    result = accelerator_sim.simulate(SIMPLE, verify=True)
    assert result.fidelity == "cycle"
    assert result.verified == 8 * 8 * 8
    assert result.to_dict()["verified_outputs"] == 512
    assert "outputs verified: 512 values equal the reference" in render(result)
    assert accelerator_sim.simulate(SIMPLE).verified is None


WRONG_CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("simulate", {"fidelity": "fast"}, "fidelity is 'fast'; allowed: event, cycle, analytical"),
    ("simulate", {"fidelity": "analytic"}, "did you mean 'analytical'?"),
    ("simulate", {"masks": "foo"}, "masks is 'foo'; allowed: channels, uniform"),
    ("simulate", {"objective": "speed"}, "objective is 'speed'; allowed: energy, latency, edp, dram"),
    ("simulate", {"refine": -3}, "refine is -3; a whole number from 1 to 256 is required"),
    ("simulate", {"batch": 1.5}, "batch is 1.5; a whole number from 1 to"),
    ("simulate", {"batch": 0}, "batch is 0; a whole number"),
    ("simulate", {"batch": float("nan")}, "batch is nan; a whole number"),
    ("simulate", {"batch": 1 << 32}, "batch is 4294967296; a whole number from 1 to 2147483648 is required"),
    ("simulate", {"seed": -1}, "seed is -1; a whole number"),
    ("simulate", {"jobs": 0}, "jobs is 0; a whole number from 1 to 1024 is required"),
    ("simulate", {"verify": "yes"}, "verify is 'yes'; True or False is required"),
    ("simulate", {"verify": True, "fidelity": "event"}, "which fidelity 'event' does not; use 'cycle'"),
    ("simulate", {"layers": 3}, "layers is 3; a text or a list of texts is required"),
    ("simulate", {"layers": "CONV9"}, "no layer of simple matches 'CONV9'"),
    ("simulate", {"architecture": 3}, "architecture is 3; a built-in name, a file"),
    ("explain", {"objective": "speed"}, "objective is 'speed'"),
    ("explain", {"batch": 2.0}, "batch is 2.0; a whole number"),
    ("explain", {"changes": 1}, "changes is 1; True or False is required"),
    ("compare", {"board_boundary": "foo"}, "board_boundary is 'foo'; allowed: board, net"),
    ("compare", {"chip_boundary": "dram"}, "chip_boundary is 'dram'; allowed: chip, chip+dram"),
    ("compare", {"precision": "fp64"}, "precision is 'fp64'; allowed: fp16, int8, fp32"),
    ("compare", {"stack": 3}, "stack is 3; a built-in name"),
    ("compare", {"baselines": ["jetson_tx2_maxq"], "stack": "tund"}, "did you mean 'tuned'?"),
    ("compare", {"baselines": None}, "baselines is None; a list is required"),
    ("compare_networks", {"networks": ["mesh", "ring"]}, "networks is 'ring'; allowed: mesh, bus, unicast, broadcast"),
    ("compare_dataflows", {"dataflows": ["rss"]}, "dataflows is 'rss'; allowed: rs, ws, os, os_a, os_b, os_c, is, nlr"),
    ("compare_dataflows", {"batch": -1}, "batch is -1"),
]


@pytest.mark.parametrize(("call", "given", "message"), WRONG_CALLS, ids=lambda value: str(value)[:40])
def test_a_wrong_word_or_number_is_refused(call: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        getattr(accelerator_sim, call)(SIMPLE, **given)


def test_a_normalised_technology_has_no_joules_to_make_a_year_of() -> None:
    with pytest.warns(AcceleratorSimWarning, match="isca16_normalised is normalised: energies are multiples"):
        result = accelerator_sim.simulate(SIMPLE, "isca16_256", fidelity="analytical")
    assert result.totals.energy_macs == result.energy.chip > 0
    with pytest.raises(UsageError, match="multiples of one MAC, not joules"):
        accelerator_sim.year(result.totals.energy_j)
    layer = next(each.layer for each in result.layers if each.layer.is_mac)
    found = accelerator_sim.map_layer(layer, "isca16_256")
    assert found.energy > 0
    with pytest.raises(UsageError, match="multiples of one MAC, not joules"):
        _ = found.energy_j


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"energy_j": -1.0}, "energy_j is -1.0; a finite number of at least 0"),
        ({"energy_j": math.nan}, "energy_j is nan"),
        ({"energy_j": 1.0, "grid": "wrld"}, "did you mean 'world'"),
        ({"energy_j": 1.0, "inferences_per_day": math.inf}, "inferences_per_day is inf"),
        ({"energy_j": 1.0, "devices": 0.5}, "devices is 0.5; a whole number"),
        ({"energy_j": 1.0, "price": -0.1}, "price is -0.1"),
        ({"energy_j": 1.0, "in_data_centre": "yes"}, "in_data_centre is 'yes'"),
    ],
)
def test_a_year_of_wrong_numbers_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        accelerator_sim.year(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"width": 0}, "width is 0; a finite number of more than 0 and at most 4"),
        ({"width": math.nan}, "width is nan"),
        ({"resolution": 1.5}, "resolution is 1.5; a whole number"),
        ({"bind": {"batch": -1}}, "bind batch is -1; a whole number"),
        ({"bind": "batch=1"}, "bind is 'batch=1'; a mapping"),
        ({"strict": "no"}, "strict is 'no'"),
        ({"weights": 1}, "weights is 1"),
        ({"prune": 3}, "prune is 3"),
    ],
)
def test_wrong_choices_of_a_workload_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        accelerator_sim.Choices(**given)


def test_a_layer_to_map_is_one_with_macs() -> None:
    for wrong in (Layer("p", "pool", iact_words=1), "CONV1"):
        with pytest.raises(UsageError, match="a Layer with multiply-accumulates is required"):
            accelerator_sim.map_layer(wrong)  # type: ignore[arg-type]


def test_a_type_checker_refuses_wrong_words(tmp_path: Path) -> None:
    (tmp_path / "call.py").write_text(
        "import accelerator_sim as sim\n"
        'sim.simulate("alexnet", fidelity="fast")\n'
        'sim.simulate("alexnet", masks="uniform")\n'
    )
    done = subprocess.run([sys.executable, "-m", "mypy", str(tmp_path / "call.py")], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'call.py:2: error: Argument "fidelity" to "simulate" has incompatible type' in done.stdout
    assert "call.py:3" not in done.stdout


def test_a_broken_law_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        running, "run_layer", lambda layer, *_: LayerResult(layer, Status.FAILED, error="1 = 2", law_broken=True)
    )
    with pytest.raises(CheckFailed, match="1 = 2"):
        accelerator_sim.simulate(SMALL)


def test_map_layer() -> None:
    found = accelerator_sim.map_layer(CONV, "eyeriss_v2", "energy")
    assert found.optimal_over > 1
    with pytest.raises(Unmappable, match="its dimension Q is 137,438,953,472"):
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
        "mesh", "bus", "unicast", "broadcast", "all_to_all", "torus",
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


WRONG_TYPES: list[tuple[Callable[..., object], tuple[Any, ...], dict[str, Any], str]] = [
    (accelerator_sim.simulate, (SIMPLE,), {"batch": np.array([1, 2])}, "batch is array([1, 2]); a whole number"),
    (accelerator_sim.simulate, (SIMPLE,), {"mappings": 3}, "mappings is 3; mappings"),
    (accelerator_sim.simulate, (SIMPLE,), {"constraints": 3}, "constraints is 3; a value of the type Constraints"),
    (accelerator_sim.map_layer, (CONV,), {"constraints": []}, "constraints is []; a value of the type"),
    (accelerator_sim.load_network, (None,), {}, "workload is None; a built-in name"),
    (accelerator_sim.load_network, ("alexnet", 3), {}, "choices is 3; a value of the type Choices"),
    (accelerator_sim.load_baseline, (b"x.yaml",), {}, "baseline is b'x.yaml'; a built-in name"),
    (accelerator_sim.load_architecture, ("a\0b",), {}, "unknown architecture 'a\\x00b'"),
    (accelerator_sim.load_architecture, ("eyeriss_v2", "clock"), {}, "overrides is 'clock'; a list of pairs"),
    (accelerator_sim.load_architecture, ("eyeriss_v2", [("clock", 3)]), {}, "overrides is [('clock', 3)]"),
]


@pytest.mark.parametrize(("call", "given", "named", "message"), WRONG_TYPES)
def test_a_value_of_another_type_is_refused(
    call: Callable[..., object], given: tuple[Any, ...], named: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        call(*given, **named)
