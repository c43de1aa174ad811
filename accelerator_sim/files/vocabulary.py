"""The closed sets of words, and the ranges of numbers, that the command line, Python calls and files share.

Every set is an enum whose members are text, and has beside it the same words as a type, so that a type checker accepts
`fidelity="event"` and refuses `fidelity="fast"`.  Nothing here imports a package: help texts are made from it.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, cast, get_args

from accelerator_sim.files.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Costs = TypeVar("Costs", float, NDArray[np.float64])


class Fidelity(StrEnum):
    """How cycles are found: exact times of events, clock by clock (the same, slower), or a bottleneck estimate."""

    EVENT = "event"
    CYCLE = "cycle"
    ANALYTICAL = "analytical"


FidelityWord = Literal["event", "cycle", "analytical"]


class Masks(StrEnum):
    """How zeros are drawn from densities: uneven between channels as in real layers, or independent."""

    CHANNELS = "channels"
    UNIFORM = "uniform"


MasksWord = Literal["channels", "uniform"]


class Objective(StrEnum):
    """What the search minimises.  Ties go to lower latency (for latency: to lower energy)."""

    ENERGY = "energy"
    LATENCY = "latency"
    EDP = "edp"
    DRAM = "dram"

    def rank(self, cycles: Costs, joules: Costs, moved: Costs) -> tuple[Costs, Costs]:
        """The cost to compare and the one that breaks its ties; moved: off-chip traffic.  Each may be an array."""
        first = {Objective.ENERGY: joules, Objective.LATENCY: cycles, Objective.DRAM: moved}
        return first.get(self, joules * cycles), joules if self is Objective.LATENCY else cycles


ObjectiveWord = Literal["energy", "latency", "edp", "dram"]


class ChipBoundary(StrEnum):
    """What the energy of an accelerator includes."""

    CHIP = "chip"
    CHIP_AND_DRAM = "chip+dram"


ChipBoundaryWord = Literal["chip", "chip+dram"]


class BoardBoundary(StrEnum):
    """What the energy of a baseline includes: the whole board, or what the board draws above idle."""

    BOARD = "board"
    NET = "net"


BoardBoundaryWord = Literal["board", "net"]


class NumberFormat(StrEnum):
    """Number formats of baselines; the one that is taken first where a device has it stands first."""

    FP16 = "fp16"
    INT8 = "int8"
    FP32 = "fp32"


NumberFormatWord = Literal["fp16", "int8", "fp32"]


class DataflowName(StrEnum):
    """The dataflows that can be compared (`dataflow.rules`)."""

    RS = "rs"
    WS = "ws"
    OS = "os"
    OS_A = "os_a"
    OS_B = "os_b"
    OS_C = "os_c"
    IS = "is"
    NLR = "nlr"


DataflowWord = Literal["rs", "ws", "os", "os_a", "os_b", "os_c", "is", "nlr"]


class NocName(StrEnum):
    """The networks on chip that can be compared (`noc.alternatives`)."""

    MESH = "mesh"
    BUS = "bus"
    UNICAST = "unicast"
    BROADCAST = "broadcast"
    ALL_TO_ALL = "all_to_all"
    TORUS = "torus"


NocWord = Literal["mesh", "bus", "unicast", "broadcast", "all_to_all", "torus"]
NOC_WORDS: tuple[NocWord, ...] = get_args(NocWord)
"""All networks that can be compared."""

Word = TypeVar("Word", bound=StrEnum)


def word(kind: type[Word], value: object, option_name: str) -> Word:
    """Return the member of a closed set that a word names.

    kind: the set; value: the word, or the member itself; option_name: the name of the option, for the message.

    Raises UsageError, with what is allowed and the nearest match, for anything else.
    """
    allowed = [member.value for member in kind]
    if isinstance(value, kind) or (isinstance(value, str) and not isinstance(value, StrEnum) and value in allowed):
        return kind(value)
    near = did_you_mean(value, allowed) if isinstance(value, str) else ""
    raise UsageError(f"{option_name} is {value!r}; allowed: {', '.join(allowed)}{near}")


def words(kind: type[Word], values: object, option_name: str) -> tuple[Word, ...]:
    """Return the members that words name, each once; a text is a list of words with commas.

    Raises UsageError for a word that is not in the set, and for no word at all.
    """
    members = tuple(dict.fromkeys(word(kind, each, option_name) for each in texts(values, option_name, split=",")))
    if not members:
        raise UsageError(f"{option_name} is empty; allowed: {', '.join(kind)}")
    return members


def texts(values: object, option_name: str, split: str | None = None) -> tuple[str, ...]:
    """Return texts as a tuple; one text stands for itself, or for its parts between `split`.

    Raises UsageError for anything that is neither a text nor several.
    """
    if isinstance(values, str):
        return (values,) if split is None else tuple(part.strip() for part in values.split(split) if part.strip())
    if isinstance(values, Iterable):
        listed = tuple(values)
        if all(isinstance(each, str) for each in listed):
            return cast(tuple[str, ...], listed)
    raise UsageError(f"{option_name} is {values!r}; a text or a list of texts is required")


@dataclass(frozen=True)
class Whole:
    """The range of a whole number, both ends included."""

    option_name: str
    least: int
    most: int

    def check(self, value: object) -> int:
        """Return a whole number (of Python or numpy).  Raises UsageError for another value, and outside the range."""
        try:
            number = None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
        except TypeError:  # of an array too, which has an index only where it is one number
            number = None
        if number is None:
            raise UsageError(f"{self.option_name} is {value!r}; {self.allowed} is required")
        if not self.least <= number <= self.most:
            raise UsageError(f"{self.option_name} is {number}; {self.allowed} is required")
        return number

    @property
    def allowed(self) -> str:
        """The range in words."""
        return f"a whole number from {self.least} to {self.most}"


@dataclass(frozen=True)
class Real:
    """The range of a finite number; `above` excludes its lower end, `most` is None for no upper end."""

    option_name: str
    least: float = 0.0
    most: float | None = None
    above: bool = False

    def check(self, value: object) -> float:
        """Return a number.  Raises UsageError for other values, NaN, infinity, and numbers outside the range."""
        try:
            number = math.nan if isinstance(value, bool | str) else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        low = number <= self.least if self.above else number < self.least
        if not math.isfinite(number) or low or (self.most is not None and number > self.most):
            raise UsageError(f"{self.option_name} is {value!r}; {self.allowed} is required")
        return number

    @property
    def allowed(self) -> str:
        """The range in words."""
        least = f"more than {self.least:g}" if self.above else f"at least {self.least:g}"
        return f"a finite number of {least}" + ("" if self.most is None else f" and at most {self.most:g}")


BATCH = Whole("batch", 1, 1 << 31)
"""Up to the largest size of a layer's dimension."""
SEED = Whole("seed", 0, (1 << 63) - 1)
"""What an SQLite column holds."""
JOBS = Whole("jobs", 1, 1024)
"""More processes than any machine has cores would only exhaust it."""
REFINE = Whole("refine", 1, 256)
"""Mappings that the event engine runs at most: the bounds of all others stop it before, or they are much slower."""
RESOLUTION = Whole("resolution", 1, 65536)
WIDTH = Real("width", 0.0, 4.0, above=True)
BIND = Whole("bind", 0, (1 << 63) - 1)
"""A dimension of an ONNX file."""


def flag(value: object, option_name: str) -> bool:
    """Return True or False.  Raises UsageError for anything else (a text "no" would count as true)."""
    if isinstance(value, bool):
        return value
    raise UsageError(f"{option_name} is {value!r}; True or False is required")


def place(value: object, option_name: str) -> str:
    """Return a name or a path as text.  Raises UsageError for anything else."""
    if isinstance(value, str | Path):
        return str(value)
    raise UsageError(f"{option_name} is {value!r}; a built-in name, a file, or what its loader returns is required")


def sequence(values: object, option_name: str) -> Sequence[object]:
    """Return several values as a tuple; one name, path or value by itself stands for a list of it.

    Raises UsageError for None.
    """
    if values is None:
        raise UsageError(f"{option_name} is None; a list is required")
    if isinstance(values, str | Path) or not isinstance(values, Iterable):
        return (values,)
    return tuple(values)
