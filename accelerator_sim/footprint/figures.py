"""Figures of grids, prices, data centres and links: `footprint/figures.yaml`, each with its source."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from accelerator_sim.files.errors import UsageError, did_you_mean
from accelerator_sim.files.model import FileModel, load_model
from accelerator_sim.files.units import CarbonPerEnergy, Joules, JoulesPerMegabyte, PricePerEnergy
from accelerator_sim.files.yaml_tree import load_document

FILE = Path(__file__).parent / "figures.yaml"

_TWO = Field(min_length=2, max_length=2)


class ElectricityGrid(FileModel):
    """Electricity of a country."""

    intensity: CarbonPerEnergy = Field(description="grams of CO2 equivalents per kWh, over the life cycle")
    source: str = Field(min_length=1)
    price: PricePerEnergy | None = Field(default=None, description="left out: not known")
    price_source: str = ""


class Pue(FileModel):
    """Energy of a data centre over that of its computers."""

    range: Annotated[list[float], _TWO]
    source: str = Field(min_length=1)


class Uplink(FileModel):
    """A way to send data away, with ranges."""

    radio: Annotated[list[JoulesPerMegabyte], _TWO] | None = Field(default=None, description="of the sending device")
    radio_source: str = ""
    burst: Annotated[list[Joules], _TWO] | None = Field(default=None, description="of the device, once a transfer")
    network: Annotated[list[JoulesPerMegabyte], _TWO]
    network_source: str = Field(min_length=1)


class Figures(FileModel):
    """The file."""

    grids: dict[str, ElectricityGrid]
    pue: Pue
    links: dict[str, Uplink]


@cache
def load_figures() -> Figures:
    """Read the figures."""
    return load_model(Figures, load_document(FILE))


def grid(name: str) -> ElectricityGrid:
    """Return a grid.  Raises UsageError, naming those that there are."""
    grids = load_figures().grids
    if name not in grids:
        raise UsageError(f"unknown grid {name!r}{did_you_mean(name, grids)}; there are: {', '.join(grids)}")
    return grids[name]


def link(name: str) -> Uplink:
    """Return a link.  Raises UsageError, naming those that there are."""
    links = load_figures().links
    if name not in links:
        raise UsageError(f"unknown link {name!r}{did_you_mean(name, links)}; there are: {', '.join(links)}")
    return links[name]
