"""How a workload is read, and what is changed in it before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.vocabulary import BIND, RESOLUTION, WIDTH, flag, place


@dataclass(frozen=True)
class Choices:
    """Choices that the file of a network leaves open.

    For ONNX files and exports of PyTorch only:

    bind: numbers for symbolic dimensions, by name; strict: make an operator that nobody knows an error; weights: read
    the real weights (None: where the file holds them and they are few enough); inputs: a .npz file of inputs to run the
    network on, for the densities of its activations.

    For all networks:

    densities: a table of densities by layer, a built-in NETWORK/NAME or a .csv file; prune: a rule by which weights are
    taken away, such as "magnitude:0.9"; width: of a convolutional network, a factor for its channels; resolution: of a
    convolutional network, the rows of the picture.

    Raises UsageError for values of another type or outside their range.
    """

    bind: Mapping[str, int] = field(default_factory=dict)
    strict: bool = False
    weights: bool | None = None
    inputs: Path | None = None
    densities: str | None = None
    prune: str | None = None
    width: float | None = None
    resolution: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.bind, Mapping):
            raise UsageError(f"bind is {self.bind!r}; a mapping of names of dimensions to whole numbers is required")
        for name, number in self.bind.items():
            replace(BIND, option_name=f"bind {name}").check(number)
        flag(self.strict, "strict")
        if self.weights is not None:
            flag(self.weights, "weights")
        for name in ("inputs", "densities", "prune"):
            if getattr(self, name) is not None:
                place(getattr(self, name), name)
        if self.width is not None:
            WIDTH.check(self.width)
        if self.resolution is not None:
            RESOLUTION.check(self.resolution)

    def of_graphs(self) -> list[str]:
        """Names of the choices that were made and apply to ONNX files and exports of PyTorch only."""
        made = {"bind": self.bind, "strict": self.strict, "weights": self.weights is not None, "inputs": self.inputs}
        return [name for name, value in made.items() if value]
