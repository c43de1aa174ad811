"""What a baseline is: a device in one power mode, and the software that runs on it, both from YAML files.

The model is of the kind that fits the Jetson boards (`baseline/measured/jetson.csv`): a roofline for time, and a static
power, an energy per operation and one per DRAM byte for the whole board.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from accelerator_sim.baseline.gpu_kernels import KernelKind
from accelerator_sim.files.data import builtin_names, looks_like_path, resolve
from accelerator_sim.files.errors import InvalidFile, Problem, UsageError, did_you_mean
from accelerator_sim.files.model import Chosen, FileModel, load_model
from accelerator_sim.files.text import printable
from accelerator_sim.files.units import BytesPerSecond, Hertz, Joules, Metres, OperationsPerSecond, Watts
from accelerator_sim.files.vocabulary import NumberFormat
from accelerator_sim.files.yaml_tree import load_document

BYTES = {NumberFormat.FP32: 4, NumberFormat.FP16: 2, NumberFormat.INT8: 1}
"""Bytes of one word."""

SOFTWARE = "baselines/software"
"""Folder of the built-in software files, below `arch_configs/`."""

Evidence = Literal["measured", "weak"]
LEAST_PART = 1e-6
"""Least part of a peak rate: less than a millionth is a typing error, and a device at 0 never finishes."""
Factor = Annotated[float, Field(ge=LEAST_PART, le=1e3)]
"""Part of a peak rate.  Winograd's and other fast algorithms are less than ten times as fast as direct convolution."""


class Efficiency(FileModel):
    """Part of the peak rate that a kind of kernel reaches; above 1 where fewer operations are done (Winograd)."""

    conv: Factor = Field(description="convolutions of more than one tap")
    pointwise: Factor = Field(description="1 x 1 convolutions, fully connected layers and matrix products")
    first: Factor = Field(description="convolutions of at most three channels")
    depthwise: Factor = Field(description="depthwise convolutions")

    def of(self, kind: KernelKind) -> float:
        """Return the efficiency of a kind; kernels without arithmetic have none to lose."""
        return 1.0 if kind == "memory" else float(getattr(self, kind))


class Stack(FileModel):
    """One generation of software: how well it uses a processor."""

    description: str = Field(min_length=1, description="library and its version or year")
    source: str = Field(min_length=1, description="what the values are fitted to or assumed from")
    evidence: Evidence = Field(description="fitted to measurements of these processors, or not")
    efficiency: dict[Chosen[NumberFormat], Efficiency] = Field(min_length=1, description="by number format")
    bandwidth: float = Field(ge=LEAST_PART, le=1.0, description="part of the DRAM's peak rate that kernels reach")
    launch_cycles: float = Field(ge=0.0, le=1e12, description="clock cycles from one kernel to the next")
    batch_gain: float = Field(
        default=0.0, ge=0.0, le=1e3, description="gain g: a batch of b has 1 + g (1 - 1/b) x efficiency"
    )


class Software(FileModel):
    """The stacks of a family of processors; the first one is the default.  A file of `baselines/software/`."""

    name: str = Field(min_length=1, description="name of the family")
    stacks: dict[str, Stack] = Field(min_length=1)


class Peaks(FileModel):
    """Peak rates by number format; those that a device does not run are left out."""

    fp32: OperationsPerSecond | None = None
    fp16: OperationsPerSecond | None = None
    int8: OperationsPerSecond | None = None


class Power(FileModel):
    """Power that does not depend on what is computed."""

    static: Watts = Field(description="while a network runs")
    idle: Watts | None = Field(default=None, description="measured with nothing running; left out: not known")

    @model_validator(mode="after")
    def _no_less_than_idle(self) -> Power:
        if self.idle is not None and self.idle > self.static:
            raise ValueError(f"idle power {self.idle:g} W is more than the static power, {self.static:g} W")
        return self


class Energies(FileModel):
    """Energy of one operation (half a multiply-accumulate) by number format, and of one DRAM byte."""

    fp32: Joules | None = None
    fp16: Joules | None = None
    int8: Joules | None = None
    dram: Joules = Field(description="energy of one byte")


class Sources(FileModel):
    """Where each group of values comes from: read, recalled, derived, fitted (and to what), or guessed."""

    clock: str = Field(min_length=1)
    peak: str = Field(min_length=1)
    dram: str = Field(min_length=1)
    power: str = Field(min_length=1)
    energy: str = Field(min_length=1)


class Device(FileModel):
    """A processor on its board, in one power mode.  One file of `arch_configs/baselines/`."""

    name: str = Field(min_length=1, description="name of the baseline")
    title: str = Field(min_length=1, description="product and power mode")
    kind: Literal["mobile_gpu", "data_centre_gpu", "mobile_cpu"]
    source: str = Field(min_length=1, description="what the constants were fitted to or taken from")
    evidence: Evidence = Field(description="fitted to measurements of this device, or weaker than that")
    node: Metres = Field(description="feature size of the process")
    clock: Hertz = Field(description="clock of the processor in this mode")
    peak: Peaks
    dram: BytesPerSecond = Field(description="peak rate of the DRAM")
    boundary: str = Field(min_length=1, description="what the power is of, e.g. module with DRAM")
    power: Power
    energy: Energies
    software: str | Software = Field(description="a file of baselines/software/, by name or path, or its content here")
    sources: Sources

    @model_validator(mode="after")
    def _whole(self) -> Device:
        if not self.precisions:
            raise ValueError("no number format has both a peak rate and an energy per operation")
        return self

    def __repr__(self) -> str:
        return f"<Device: {printable(self.name)}, {printable(self.title)}, {self.evidence}>"

    __str__ = __repr__

    @property
    def precisions(self) -> tuple[NumberFormat, ...]:
        """Number formats that the device has a rate and an energy for."""
        return tuple(
            p for p in NumberFormat if getattr(self.peak, p) is not None and getattr(self.energy, p) is not None
        )

    @property
    def node_nm(self) -> float:
        """Feature size in nanometres."""
        return round(self.node * 1e9, 6)

    @property
    def family(self) -> Software:
        """The software, read from its file by `load_device`."""
        assert isinstance(self.software, Software), "load_device puts it in"
        return self.software

    def stack(self, name: str | None = None) -> tuple[str, Stack]:
        """Return a software stack and its name.  Raises UsageError, naming those that there are.

        name: that of the stack, None for the default of the device.
        """
        stacks = self.family.stacks
        chosen = next(iter(stacks)) if name is None else name
        if chosen not in stacks:
            hint = did_you_mean(chosen, stacks)
            raise UsageError(f"{self.name} has no software stack {chosen!r}{hint}; it has: {', '.join(stacks)}")
        return chosen, stacks[chosen]

    def pick_precision(self, wanted: NumberFormat | None, stack: Stack, stack_name: str) -> NumberFormat:
        """Return the number format of a run.  Raises UsageError, naming those that there are.

        wanted: the format asked for, None for the default of the device; stack, stack_name: the software and its name,
        as `stack` returns them.
        """
        have = [p for p in self.precisions if p in stack.efficiency]
        if wanted in have:
            return wanted
        if wanted is None and have:
            return have[0]
        missing = f"{wanted} data" if wanted else "number format"
        raise UsageError(f"{self.name} has no {missing} with stack {stack_name!r}; it has: {', '.join(have) or 'none'}")


def load_device(name_or_path: str) -> Device:
    """Return a built-in baseline, or the one in a YAML file, with its software.

    name_or_path: a built-in name, or the path of a YAML file.

    Raises UsageError for an unknown name and InvalidFile for a bad file."""
    return read_device(resolve("arch_configs", name_or_path, "baseline", "baselines"))


def read_device(path: Path) -> Device:
    """Read a device file, and the software that it names.  Raises InvalidFile."""
    document = load_document(path)
    device = load_model(Device, document)
    if isinstance(device.software, Software):
        return device
    where = software_file(path, device.software)
    if where is None:
        line, column = document.position(("software",))
        known = builtin_names("arch_configs", SOFTWARE)
        hint = did_you_mean(device.software, known)
        message = f"unknown software {device.software!r}{hint}; allowed: {', '.join(known)}, a file, or a mapping"
        raise InvalidFile([Problem(str(path), line, column, "software", message)])
    return device.model_copy(update={"software": load_model(Software, load_document(where))})


def software_file(device: Path, name: str) -> Path | None:
    """Return the file of the software that a device file names, or None where there is none of that name."""
    if looks_like_path(name):
        return device.parent / name
    known = name in builtin_names("arch_configs", SOFTWARE)
    return resolve("arch_configs", name, "software", SOFTWARE) if known else None


def schema() -> dict[str, Any]:
    """Return the JSON schema of a device file."""
    return Device.model_json_schema()
