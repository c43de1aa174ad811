"""Joules of one inference as energy, carbon and cost of a year, and beside those of sending its input away."""

from __future__ import annotations

from dataclasses import dataclass

from accelerator_sim.files.vocabulary import Real, Whole
from accelerator_sim.footprint.figures import grid, link, load_figures

DAYS = 365
J_PER_KWH = 3.6e6
MEGABYTE = 1e6
ENERGY = Real("energy_j")
INFERENCES_PER_DAY = Real("inferences_per_day", above=True)
DEVICES = Whole("devices", 1, 1 << 62)
PRICE = Real("price")


@dataclass(frozen=True)
class Range:
    """A value that is only known to lie between two."""

    low: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> Range:
        """Return the range of a multiple."""
        return Range(self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Use:
    """How much is inferred, and with which electricity.

    grid: name of a grid; inferences_per_day: of each device, above 0; devices: 1 or more; price: US dollars per kWh, at
    least 0, the grid's if None.  Raises UsageError for other numbers.
    """

    grid: str
    inferences_per_day: float
    devices: int = 1
    price: float | None = None

    def __post_init__(self) -> None:
        INFERENCES_PER_DAY.check(self.inferences_per_day)
        DEVICES.check(self.devices)
        if self.price is not None:
            PRICE.check(self.price)


@dataclass(frozen=True)
class Year:
    """What all devices take in a year while they infer; nothing is counted for the time in between.

    Ranges are those of the PUE for machines in a data centre, else of no width.  `cost_usd` is None where no price is
    known.
    """

    energy_kwh: Range
    co2e_kg: Range
    cost_usd: Range | None


@dataclass(frozen=True)
class Sending:
    """Energy of sending the input of one inference away, and of inference there; joules."""

    link: str
    input_bytes: int
    radio_j: Range | None
    """Energy of the device that sends; None where no figure is known."""
    network_j: Range
    cloud_j: Range | None
    """Energy of inference in a data centre, PUE included; None where no such machine is compared."""

    @property
    def total_j(self) -> Range:
        """Energy of all parts that are known."""
        total = self.network_j
        for part in (self.radio_j, self.cloud_j):
            total = total + part if part else total
        return total


def pue(in_data_centre: bool) -> Range:
    """Factor on energy for cooling and supply."""
    return Range(*load_figures().pue.range) if in_data_centre else Range(1.0, 1.0)


def year(energy_j: float, use: Use, in_data_centre: bool = False) -> Year:
    """Return a year of inferences of `energy_j` joules each.

    Raises UsageError for an unknown grid, and for an energy that is negative or not finite.
    """
    ENERGY.check(energy_j)
    electricity = grid(use.grid)
    kwh = pue(in_data_centre).times(energy_j * use.inferences_per_day * use.devices * DAYS / J_PER_KWH)
    price = electricity.price if use.price is None else use.price
    return Year(kwh, kwh.times(electricity.intensity / 1000.0), None if price is None else kwh.times(price))


def sending(name: str, input_bytes: int, cloud_j: float | None = None) -> Sending:
    """Return the energy of sending over a link, and of inference there if `cloud_j` is given.

    Raises UsageError for an unknown link.
    """
    figures = link(name)
    megabytes = input_bytes / MEGABYTE
    radio = None
    if figures.radio is not None:
        radio = Range(*figures.radio).times(megabytes) + Range(*(figures.burst or [0.0, 0.0]))
    cloud = None if cloud_j is None else pue(True).times(cloud_j)
    return Sending(name, input_bytes, radio, Range(*figures.network).times(megabytes), cloud)
