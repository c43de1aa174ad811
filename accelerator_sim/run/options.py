"""How a network is simulated: one type for the command line, Python calls and sweeps, checked when it is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.vocabulary import (
    BATCH,
    JOBS,
    REFINE,
    SEED,
    Fidelity,
    FidelityWord,
    Masks,
    MasksWord,
    Objective,
    ObjectiveWord,
    flag,
    texts,
    word,
)
from accelerator_sim.mapping.file import MappingPlan


@dataclass(frozen=True)
class Options:
    """How to simulate.

    objective: what mappings are chosen for; batch: inputs at a time; layers: globs that select layers, all for none;
    plan: given mappings by layer name, and rules for the search of the others; seed: of the random generator that
    draws zeros from densities; jobs: worker processes; fidelity: the engine; verify: carry values clock by clock and
    compare all outputs with an integer reference; masks: how zeros are drawn; refine: mappings of a layer that the
    event engine runs at most, until no other can win (None: few).

    Raises UsageError, with what is allowed, for a word outside its set, a number that is not whole or outside its
    range, and for `verify` with an engine that carries no values.
    """

    objective: Objective = Objective.LATENCY
    batch: int = 1
    layers: tuple[str, ...] = ()
    plan: MappingPlan = field(default_factory=MappingPlan)
    seed: int = 0
    jobs: int = 1
    fidelity: Fidelity = Fidelity.EVENT
    verify: bool = False
    masks: Masks = Masks.CHANNELS
    refine: int | None = None

    def __post_init__(self) -> None:
        checked = {
            "objective": word(Objective, self.objective, "objective"),
            "batch": BATCH.check(self.batch),
            "layers": texts(self.layers, "layers"),
            "seed": SEED.check(self.seed),
            "jobs": JOBS.check(self.jobs),
            "fidelity": word(Fidelity, self.fidelity, "fidelity"),
            "verify": flag(self.verify, "verify"),
            "masks": word(Masks, self.masks, "masks"),
            "refine": None if self.refine is None else REFINE.check(self.refine),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        engine(self.fidelity, self.verify)


def engine(fidelity: Fidelity | FidelityWord | None, verify: bool) -> Fidelity:
    """Return the engine that is meant: `verify` implies the clock-by-clock one; None without it, the event engine.

    Raises UsageError for an unknown word, and for an engine that carries no values to verify.
    """
    if fidelity is None:
        return Fidelity.CYCLE if verify else Fidelity.EVENT
    chosen = word(Fidelity, fidelity, "fidelity")
    if verify and chosen is not Fidelity.CYCLE:
        raise UsageError(
            f"verify carries values through the machine clock by clock, which fidelity '{chosen.value}' does not;"
            " use 'cycle', or leave fidelity out"
        )
    return chosen


class OptionWords(TypedDict, total=False):
    """The fields of `Options` in the words that a caller gives; what is left out has its default.

    layers: one glob, or several; fidelity: None for the event engine, or the clock-by-clock one with `verify`.
    """

    objective: Objective | ObjectiveWord
    batch: int
    layers: str | Iterable[str]
    plan: MappingPlan | None
    seed: int
    jobs: int
    fidelity: Fidelity | FidelityWord | None
    verify: bool
    masks: Masks | MasksWord
    refine: int | None


def options_of(**words: Unpack[OptionWords]) -> Options:
    """Return checked options of the words that a caller gives; errors are those of `Options`."""
    verify = flag(words.get("verify", False), "verify")
    return Options(
        word(Objective, words.get("objective", "latency"), "objective"),
        words.get("batch", 1),
        texts(words.get("layers", ()), "layers"),
        words.get("plan") or MappingPlan(),
        words.get("seed", 0),
        words.get("jobs", 1),
        engine(words.get("fidelity"), verify),
        verify,
        word(Masks, words.get("masks", "channels"), "masks"),
        words.get("refine"),
    )
