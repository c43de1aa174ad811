"""Measured points beside a baseline's model: residuals, and errors of networks that were left out of the fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from accelerator_sim.baseline.fit import Residual, rms
from accelerator_sim.baseline.measured import MeasuredSet
from accelerator_sim.files.text import printable
from accelerator_sim.report.columns import EXTRA, Column, fitted, table
from accelerator_sim.report.json import encode
from accelerator_sim.report.numbers import format_joules, si
from accelerator_sim.report.tables import paint
from accelerator_sim.results.tabular import rows_text
from accelerator_sim.version import __version__

SCHEMA = "accelerator-sim/residuals/1"
ERRORS = ("energy", "left_out_energy", "latency", "left_out_latency")


@dataclass(frozen=True)
class Fit:
    """A set of measurements and the error of the model at each point."""

    name: str
    described: MeasuredSet
    residuals: tuple[Residual, ...]

    def rms(self, quantity: str, residuals: Sequence[Residual] | None = None) -> float | None:
        """Root mean square of one kind of error, of some of the points or of all."""
        return rms([r.error(quantity) for r in (self.residuals if residuals is None else residuals)])

    @property
    def holds(self) -> bool:
        """Whether the model is as near as the set allows."""
        limits = (("latency", self.described.within.latency), ("energy", self.described.within.energy))
        return all(limit is None or (self.rms(quantity) or 0.0) <= limit for quantity, limit in limits)


def summary(fit: Fit) -> str:
    """One line: points, errors, what is allowed."""
    within = fit.described.within
    parts = []
    for quantity, limit in (("energy", within.energy), ("latency", within.latency)):
        if limit is not None:
            parts.append(
                f"{quantity} {_percent(fit.rms(quantity))} rms ({100 * limit:g}% allowed; networks left out of the fit"
                f" {_percent(fit.rms(f'left_out_{quantity}'))})"
            )
    verdict = "" if fit.holds else ", TOO FAR"
    return f"{fit.name}: {len(fit.residuals)} measured points, {', '.join(parts)}{verdict}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100.0 * value:.1f}%"


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{100.0 * value:+.1f}%"


def ordered(fit: Fit) -> list[Residual]:
    """The points, the farthest first."""

    def distance(residual: Residual) -> float:
        error = residual.error("energy")
        return abs(error if error is not None else residual.error("latency") or 0.0)

    return sorted(fit.residuals, key=distance, reverse=True)


def render(fit: Fit, width: int = 80, color: bool = False) -> str:
    """Return every point, the farthest first, the errors by device, and the summary."""
    energy = fit.described.within.energy is not None
    main, side = (1, EXTRA) if energy else (EXTRA, 1)
    columns: list[Column[Residual]] = [
        Column("network", lambda r: r.point.workload, 0, left=True),
        Column("bits", lambda r: r.point.precision, 2),
        *([] if energy else [Column[Residual]("batch", lambda r: str(r.point.batch), 2)]),
        Column("device", lambda r: r.point.device, 3, left=True),
        Column("energy", lambda r: format_joules(r.point.energy_j), main),
        Column("model", lambda r: format_joules(r.energy_j), main),
        Column("error", lambda r: _signed(r.error("energy")), main),
        Column("left out", lambda r: _signed(r.error("left_out_energy")), main + 1),
        Column("latency", lambda r: si(r.point.latency_s, "s"), side),
        Column("modelled", lambda r: si(r.latency_s, "s"), side),
        Column("by", lambda r: _signed(r.error("latency")), side),
        Column("left out ", lambda r: _signed(r.error("left_out_latency")), side + 1),
    ]
    if not energy:
        columns = [c for c in columns if c.importance < EXTRA]
    parts: list[RenderableType] = [
        Text(f"{fit.described.title}: {printable(fit.described.source)}", overflow="fold"),
        Text(),
        table(fitted(columns, ordered(fit), width)),
        Text(),
        table(fitted(_device_columns(fit), list(dict.fromkeys(r.point.device for r in fit.residuals)), width)),
        Text(),
        Text(summary(fit)),
        Text(f"allowed because: {fit.described.within.why}"),
        Text("left out: predicted by a fit without any point of that network"),
    ]
    return paint(parts, width, color)


def _device_columns(fit: Fit) -> list[Column[str]]:
    def of(device: str) -> list[Residual]:
        return [residual for residual in fit.residuals if residual.point.device == device]

    def column(heading: str, quantity: str) -> Column[str]:
        return Column(heading, lambda device: _percent(fit.rms(quantity, of(device))), 1)

    headings = ("energy rms", "left out", "latency rms", "left out ")
    pairs = [column(heading, quantity) for heading, quantity in zip(headings, ERRORS, strict=True)]
    if fit.described.within.energy is None:
        pairs = pairs[2:]
    points = Column[str]("points", lambda device: str(len(of(device))), 1)
    return [Column("device", lambda device: device, 0, left=True), points, *pairs]


def rows(fit: Fit) -> list[dict[str, Any]]:
    """Return one row per point."""
    out = []
    for residual in ordered(fit):
        point = residual.point
        row: dict[str, Any] = {"set": fit.name, "workload": point.workload, "precision": point.precision}
        row |= {"device": point.device, "batch": point.batch}
        row |= {"measured_latency_s": point.latency_s, "latency_s": residual.latency_s}
        row |= {"measured_energy_j": point.energy_j, "energy_j": None if point.energy_j is None else residual.energy_j}
        out.append(row | {f"{quantity}_error": residual.error(quantity) for quantity in ERRORS})
    return out


def dumps_json(fits: Sequence[Fit]) -> str:
    """Return sets of points as JSON, in the schema "accelerator-sim/residuals/1"."""
    sets = {
        fit.name: {
            "title": fit.described.title,
            "source": fit.described.source,
            "holds": fit.holds,
            "rms": {quantity: fit.rms(quantity) for quantity in ERRORS},
            "allowed": fit.described.within.model_dump(),
            "points": rows(fit),
        }
        for fit in fits
    }
    return encode({"schema": SCHEMA, "version": __version__, "sets": sets})


def dumps_rows(fits: Sequence[Fit], delimiter: str = "\t") -> str:
    """Return one line per point."""
    return rows_text([row for fit in fits for row in rows(fit)], delimiter)
