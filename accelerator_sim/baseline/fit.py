"""Fits the constants of baselines to measurements, and reports residuals and the errors of networks left out.

Time first: the parameters of a software stack are shared by all devices of its family and found by Levenberg-Marquardt
steps on the logarithms of times.  Then energy, for each device: static power and energies per operation and per byte,
by linear least squares of relative errors at the measured times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from accelerator_sim.baseline.device import BYTES, Device, Stack, load_device
from accelerator_sim.baseline.gpu_kernels import kernels_of
from accelerator_sim.baseline.measured import FittedConstant, MeasuredPoint, MeasuredSet
from accelerator_sim.baseline.roofline import Work, run_time, work_of
from accelerator_sim.workload.arrays import Floats
from accelerator_sim.workload.network_loader import load_network

ROUNDS = 60
STEP = 1e-4
ENOUGH = 1e-7
"""A step of the logarithms that ends the fit."""


@dataclass(frozen=True)
class Residual:
    """One point beside the model: latency and energy, and what is predicted with its network left out of the fit."""

    point: MeasuredPoint
    latency_s: float
    energy_j: float
    left_out_latency_s: float
    left_out_energy_j: float

    def error(self, quantity: str) -> float | None:
        """Relative error of "latency", "energy", "left_out_latency" or "left_out_energy"; None where not measured."""
        unit = "_s" if quantity.endswith("latency") else "_j"
        measured: float | None = getattr(self.point, quantity.removeprefix("left_out_") + unit)
        return None if measured is None else float(getattr(self, quantity + unit)) / measured - 1.0


def residuals(described: MeasuredSet, points: Sequence[MeasuredPoint]) -> tuple[Residual, ...]:
    """Compare every point with the constants of the files, and with those of a fit without its network."""
    devices = {name: load_device(name) for name in described.devices.values()}
    out: dict[MeasuredPoint, tuple[float, float]] = {}
    for workload in dict.fromkeys(point.workload for point in points):
        rest = [point for point in points if point.workload != workload]
        without = fit(described, rest, devices)
        out |= {point: predicted(without[point.device], point) for point in points if point.workload == workload}
    return tuple(Residual(point, *predicted(devices[point.device], point), *out[point]) for point in points)


def rms(errors: Sequence[float | None]) -> float | None:
    """Root mean square of the errors that there are; None for none."""
    known = [error for error in errors if error is not None]
    return float(np.sqrt(np.mean(np.square(known)))) if known else None


def fit(described: MeasuredSet, points: Sequence[MeasuredPoint], devices: Mapping[str, Device]) -> dict[str, Device]:
    """Return devices with the constants that fit the points best; they begin at the values of `devices`."""
    fitted = dict(devices)
    for family in dict.fromkeys(device.family.name for device in devices.values()):
        members = [name for name, device in devices.items() if device.family.name == family]
        chosen = [point for point in points if point.device in members]
        paths = [path for path in described.time if _applies(path, chosen)]
        values = _fit_time(paths, chosen, devices)
        for name in members:
            fitted[name] = _with_values(devices[name], paths, values)
    for name, constants in described.energy.items():
        chosen = [point for point in points if point.device == name and point.energy_j is not None]
        fitted[name] = _fit_energy(fitted[name], constants, chosen)
    return fitted


def predicted(device: Device, point: MeasuredPoint) -> tuple[float, float]:
    """Return latency of the batch and energy of one inference, as modelled."""
    work = _work(point.workload, point.batch)
    _, stack = device.stack()
    seconds = run_time(work, device, stack, point.precision, point.batch)
    terms = _terms(point, seconds)
    constants = [device.power.static, getattr(device.energy, point.precision), device.energy.dram]
    return seconds, float(np.dot(terms, constants)) / point.batch


@cache
def _work(workload: str, batch: int) -> Work:
    return work_of(kernels_of(load_network(workload).with_batch(batch)))


def _terms(point: MeasuredPoint, seconds: float) -> list[float]:
    """What static power, energy per operation and energy per byte are multiplied with."""
    work = _work(point.workload, point.batch)
    return [seconds, float(work.flop.sum()), float(work.words.sum()) * BYTES[point.precision]]


# --- time ------------------------------------------------------------------------------------------------------------
def _applies(path: str, points: Sequence[MeasuredPoint]) -> bool:
    precision, dot, _ = path.partition(".")
    return not dot or any(point.precision == precision for point in points)


def get(stack: Stack, path: str) -> float:
    """Return a parameter of a stack, as "fp16.conv" or "bandwidth"."""
    precision, dot, kind = path.partition(".")
    return float(getattr(stack.efficiency[precision], kind) if dot else getattr(stack, path))  # type: ignore[index]


def _put(stack: Stack, path: str, value: float) -> Stack:
    precision, dot, kind = path.partition(".")
    if not dot:
        return stack.model_copy(update={path: value})
    changed = stack.efficiency[precision].model_copy(update={kind: value})  # type: ignore[index]
    return stack.model_copy(update={"efficiency": {**stack.efficiency, precision: changed}})


def _with_values(device: Device, paths: Sequence[str], values: Sequence[float] | Floats) -> Device:
    name, stack = device.stack()
    for path, value in zip(paths, values, strict=True):
        stack = _put(stack, path, float(value))
    family = device.family.model_copy(update={"stacks": {**device.family.stacks, name: stack}})
    return device.model_copy(update={"software": family})


def _fit_time(paths: Sequence[str], points: Sequence[MeasuredPoint], devices: Mapping[str, Device]) -> Floats:
    measured = np.log([point.latency_s for point in points])
    used = {point.device: devices[point.device] for point in points}

    def errors(logs: Floats) -> Floats:
        changed = {name: _with_values(device, paths, np.exp(logs)) for name, device in used.items()}
        stacks = {name: device.stack()[1] for name, device in changed.items()}
        times = [
            run_time(_work(p.workload, p.batch), changed[p.device], stacks[p.device], p.precision, p.batch)
            for p in points
        ]
        return np.log(times) - measured

    x = np.log([get(next(iter(used.values())).stack()[1], path) for path in paths])
    at, damping = errors(x), 1e-3
    for _ in range(ROUNDS):
        slopes = np.array([errors(x + STEP * unit) - at for unit in np.eye(len(x))]).T / STEP
        move = np.linalg.solve(slopes.T @ slopes + damping * np.eye(len(x)), slopes.T @ at)
        trial = x - np.clip(move, -0.5, 0.5)
        there = errors(trial)
        if there @ there < at @ at:
            x, at, damping = trial, there, damping / 3.0
            if np.abs(move).max() < ENOUGH:
                break
        else:
            damping *= 5.0
    return np.asarray(np.exp(x))


# --- energy ----------------------------------------------------------------------------------------------------------
def _fit_energy(device: Device, constants: Sequence[FittedConstant], points: Sequence[MeasuredPoint]) -> Device:
    """Least squares of relative errors, at the measured times; the other constants stay as they are."""
    names: tuple[FittedConstant, ...] = ("static", "fp32", "fp16", "int8", "dram")
    energy = device.energy
    now = np.array([device.power.static, energy.fp32 or 0.0, energy.fp16 or 0.0, energy.int8 or 0.0, energy.dram])
    rows = np.zeros((len(points), len(names)))
    for row, point in zip(rows, points, strict=True):
        row[[0, names.index(point.precision), 4]] = _terms(point, point.latency_s)
        row /= (point.energy_j or 1.0) * point.batch
    free = [names.index(constant) for constant in constants]
    held = [i for i in range(len(names)) if i not in free]
    now[free] = np.linalg.lstsq(rows[:, free], 1.0 - rows[:, held] @ now[held], rcond=None)[0]
    update: dict[str, float] = {
        name: float(value) for name, value in zip(names[1:], now[1:], strict=True) if name in constants
    }
    power = device.power.model_copy(update={"static": float(now[0])} if "static" in constants else {})
    return device.model_copy(update={"power": power, "energy": energy.model_copy(update=update)})
