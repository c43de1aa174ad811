"""Measured points, and the constants that are fitted to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerator_sim.baseline.device import Device, load_device
from accelerator_sim.baseline.fit import fit, get, predicted, residuals, rms
from accelerator_sim.baseline.measured import load_measured, measured_names, points_of, read_points
from accelerator_sim.baseline.roofline import run_baseline
from accelerator_sim.files.errors import InvalidFile, UsageError
from accelerator_sim.workload.network_loader import load_network


def test_all_points_are_carried() -> None:
    assert {name: len(load_measured(name)[1]) for name in measured_names()} == {
        "jetson": 158, "p40": 17, "raspberry_pi": 5,
    }  # fmt: skip
    point = points_of("alexnet", "jetson_tx2_maxq", "fp16", 1)
    assert point is not None
    assert (point.energy_j, point.latency_s) == (pytest.approx(0.0602), pytest.approx(1 / 126.3))
    assert points_of("alexnet", "jetson_tx2_maxq", "fp16", 2) is None


@pytest.mark.parametrize("name", ["jetson", "p40", "raspberry_pi"])
def test_the_shipped_constants_are_the_fit(name: str) -> None:
    described, points = load_measured(name)
    devices = {device: load_device(device) for device in described.devices.values()}
    for device, fitted in fit(described, points, devices).items():
        shipped = devices[device]
        for path in described.time:
            if path.split(".")[0] in shipped.stack()[1].efficiency or "." not in path:
                assert get(shipped.stack()[1], path) == pytest.approx(get(fitted.stack()[1], path), rel=2e-3), path
        for constant in described.energy.get(device, []):
            assert constant_of(shipped, constant) == pytest.approx(constant_of(fitted, constant), rel=2e-3)


def constant_of(device: Device, constant: str) -> float:
    return float(device.power.static if constant == "static" else getattr(device.energy, constant))


def test_a_fit_finds_what_made_the_points() -> None:
    described, points = load_measured("jetson")
    devices = {name: load_device(name) for name in described.devices.values()}
    made = []
    for point in points:
        seconds, joules = predicted(devices[point.device], point)
        made.append(type(point)(point.workload, point.precision, point.device, point.batch, seconds, joules))
    wrong = {name: disturbed(device) for name, device in devices.items()}
    found = fit(described, made, wrong)
    errors = [predicted(found[p.device], p)[0] / p.latency_s - 1 for p in made]
    assert rms(errors) == pytest.approx(0.0, abs=1e-3)
    assert found["jetson_tx2_maxq"].energy.dram == pytest.approx(devices["jetson_tx2_maxq"].energy.dram, rel=1e-2)


def disturbed(device: Device) -> Device:
    name, stack = device.stack()
    stack = stack.model_copy(update={"launch_cycles": stack.launch_cycles * 1.3, "bandwidth": stack.bandwidth * 0.9})
    family = device.family.model_copy(update={"stacks": {name: stack}})
    energy = device.energy.model_copy(update={"fp16": 1e-12})
    return device.model_copy(update={"software": family, "energy": energy})


def test_a_residual_is_what_a_run_of_the_device_gives() -> None:
    described, points = load_measured("jetson")
    some = [p for p in points if p.workload in ("alexnet", "vgg16", "googlenet", "resnet50_v1", "squeezenet")]
    for residual in residuals(described, some)[::7]:
        point = residual.point
        run = run_baseline(load_network(point.workload), load_device(point.device), point.batch, point.precision)
        assert (residual.latency_s, residual.energy_j) == (pytest.approx(run.latency_s), pytest.approx(run.energy_j))


def test_a_network_left_out_is_not_looked_at() -> None:
    described, points = load_measured("jetson")
    others = [point for point in points if point.workload != "alexnet"]
    one = next(point for point in points if point.workload == "alexnet")
    twice = type(one)(one.workload, one.precision, one.device, one.batch, 2 * one.latency_s, 2 * (one.energy_j or 0.0))
    (a,) = [r for r in residuals(described, [*others, one]) if r.point == one]
    (b,) = [r for r in residuals(described, [*others, twice]) if r.point == twice]
    assert (a.left_out_latency_s, a.left_out_energy_j) == (b.left_out_latency_s, b.left_out_energy_j)


def test_unknown_names_and_bad_rows(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no measurements 'jetsons'; did you mean 'jetson'"):
        load_measured("jetsons")
    (tmp_path / "points.csv").write_text("network,precision,device_mode,frames_per_s\nalexnet,FP16,Nano,fast\n")
    with pytest.raises(InvalidFile, match=r"points\.csv:2: not a measurement: ValueError\("):
        read_points(tmp_path / "points.csv", load_measured("jetson")[0])
