"""Measurements that baselines are fitted to: `baseline/measured/`, a YAML file and a CSV file per set.

The YAML file gives the origin of the points, the meaning of the names in them, and the constants fitted to them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from accelerator_sim.files.errors import InvalidFile, Problem, UsageError, did_you_mean
from accelerator_sim.files.model import FileModel, load_model
from accelerator_sim.files.vocabulary import NumberFormat
from accelerator_sim.files.yaml_tree import load_document, read_text

FOLDER = Path(__file__).parent / "measured"
FittedConstant = Literal["static", "fp32", "fp16", "int8", "dram"]


class Limits(FileModel):
    """Largest allowed error of the model at the points, as root mean square of relative errors."""

    latency: float = Field(gt=0.0)
    energy: float | None = Field(default=None, gt=0.0)
    why: str = Field(min_length=1)


class MeasuredSet(FileModel):
    """One set of measurements of networks on devices."""

    title: str = Field(min_length=1)
    source: str = Field(min_length=1)
    networks: dict[str, str] = Field(description="workload by the name in the points")
    devices: dict[str, str] = Field(description="baseline by the name in the points")
    time: list[str] = Field(description="parameters of the default stack that are fitted, e.g. fp16.conv, bandwidth")
    energy: dict[str, list[FittedConstant]] = Field(default_factory=dict, description="constants fitted, by baseline")
    within: Limits


@dataclass(frozen=True)
class MeasuredPoint:
    """One measurement, for one inference of a batch; no power where only the time was measured."""

    workload: str
    precision: NumberFormat
    device: str
    batch: int
    latency_s: float
    """Time of the whole batch."""
    energy_j: float | None
    """Energy of one inference."""


def measured_names() -> list[str]:
    """The names of the sets that are carried."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_measured(name: str) -> tuple[MeasuredSet, tuple[MeasuredPoint, ...]]:
    """Read a set and its points.  Raises UsageError for an unknown name and InvalidFile for a bad file."""
    known = measured_names()
    if name not in known:
        raise UsageError(f"no measurements {name!r}{did_you_mean(name, known)}; there are: {', '.join(known)}")
    described = load_model(MeasuredSet, load_document(FOLDER / f"{name}.yaml"))
    return described, read_points(FOLDER / f"{name}.csv", described)


def read_points(path: Path, described: MeasuredSet) -> tuple[MeasuredPoint, ...]:
    """Read the points of a set.  Raises InvalidFile for a row that cannot be read."""
    points = []
    rows = csv.DictReader(read_text(path).splitlines())
    for number, row in enumerate(rows, start=2):
        try:
            points.append(_point(row, described))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidFile([Problem(str(path), number, None, "", f"not a measurement: {error!r}")]) from None
    return tuple(points)


def _point(row: dict[str, str], described: MeasuredSet) -> MeasuredPoint:
    precision = next(p for p in NumberFormat if p == row["precision"].lower())
    batch = int(row.get("batch") or 1)
    energy = row.get("energy_mj_per_frame")
    return MeasuredPoint(
        described.networks[row["network"]],
        precision,
        described.devices[row["device_mode"]],
        batch,
        batch / float(row["frames_per_s"]),
        float(energy) * 1e-3 if energy else None,
    )


def points_of(workload: str, device: str, precision: str, batch: int) -> MeasuredPoint | None:
    """Return the measurement of a network on a device, if there is one."""
    for name in measured_names():
        for point in load_measured(name)[1]:
            if (point.workload, point.device, point.precision, point.batch) == (workload, device, precision, batch):
                return point
    return None
