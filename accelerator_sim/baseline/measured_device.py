"""A device of which only measurements are known: a few networks, each with its energy and its rate.

It is not modelled: what was not measured is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from accelerator_sim.baseline.device import Device, read_device
from accelerator_sim.files.data import resolve
from accelerator_sim.files.errors import UsageError, did_you_mean
from accelerator_sim.files.model import Chosen, FileModel, load_model
from accelerator_sim.files.text import printable
from accelerator_sim.files.units import Joules, Metres
from accelerator_sim.files.vocabulary import NumberFormat
from accelerator_sim.files.yaml_tree import load_document

MEASURED = "measured"
"""The kind of device."""


class MeasuredNetwork(FileModel):
    """One network on a device, one inference at a time."""

    energy: Joules = Field(description="of one inference, inside the boundary")
    inferences_per_s: float | None = Field(default=None, gt=0.0, le=1e12, description="left out: not known")


class MeasuredDevice(FileModel):
    """A device and what was measured on it.  One file of `arch_configs/baselines/`."""

    name: str = Field(min_length=1, description="name of the baseline")
    title: str = Field(min_length=1, description="product, voltage and clock")
    kind: Literal["measured"]
    source: str = Field(min_length=1, description="where the measurements were published, and how they were read")
    node: Metres | None = Field(default=None, description="feature size of the process; left out: not known")
    boundary: str = Field(min_length=1, description="what the energy is of")
    precision: Chosen[NumberFormat] = Field(description="number format of the networks that were measured")
    stack: str = Field(min_length=1, description="software that they ran with")
    networks: dict[str, MeasuredNetwork] = Field(min_length=1, description="measurements by name of the network")

    def __repr__(self) -> str:
        return f"<MeasuredDevice: {printable(self.name)}, {printable(self.title)}, {', '.join(self.networks)}>"

    __str__ = __repr__

    @property
    def node_nm(self) -> float | None:
        """Feature size in nanometres; None where it is not known."""
        return None if self.node is None else round(self.node * 1e9, 6)

    def of(self, network: str) -> MeasuredNetwork:
        """Return what was measured of a network.  Raises UsageError, with the networks that were measured.

        network: its name.
        """
        if network not in self.networks:
            raise UsageError(
                f"{self.name} has no measurement of {network!r}{did_you_mean(network, self.networks)}; it was measured"
                f" on: {', '.join(self.networks)}"
            )
        return self.networks[network]


def load_baseline(name_or_path: str) -> Device | MeasuredDevice:
    """Return a built-in baseline, or the one in a YAML file, with its software.

    name_or_path: a built-in name, or the path of a YAML file.

    Raises UsageError for an unknown name and InvalidFile for a bad file.

    >>> import accelerator_sim
    >>> accelerator_sim.load_baseline("jetson_tx2_maxq").name
    'jetson_tx2_maxq'
    """
    return read_baseline(resolve("arch_configs", name_or_path, "baseline", "baselines"))


def read_baseline(path: Path) -> Device | MeasuredDevice:
    """Read the file of a device that is modelled, or of one that was only measured.  Raises InvalidFile."""
    document = load_document(path)
    if isinstance(document.raw, dict) and document.raw.get("kind") == MEASURED:
        return load_model(MeasuredDevice, document)
    return read_device(path)


def measured_schema() -> dict[str, Any]:
    """Return the JSON schema of the file of a device that was only measured."""
    return MeasuredDevice.model_json_schema()
