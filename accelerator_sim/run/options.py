"""How a network is simulated: one type for the command line, Python calls and sweeps, checked when it is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

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
    compare all outputs with an integer reference; masks: how zeros are drawn; refine: mappings of the search that the
    event engine compares (None: some, where that is cheap).

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


def options_of(
    *,
    objective: Objective | ObjectiveWord = "latency",
    batch: int = 1,
    layers: str | Iterable[str] = (),
    plan: MappingPlan | None = None,
    seed: int = 0,
    jobs: int = 1,
    fidelity: Fidelity | FidelityWord | None = None,
    verify: bool = False,
    masks: Masks | MasksWord = "channels",
    refine: int | None = None,
) -> Options:
    """Return checked options of the words that a caller gives; parameters and errors are those of `Options`.

    layers: one glob, or several; fidelity: None for the event engine, or the clock-by-clock one with `verify`.
    """
    return Options(
        word(Objective, objective, "objective"),
        batch,
        texts(layers, "layers"),
        plan or MappingPlan(),
        seed,
        jobs,
        engine(fidelity, flag(verify, "verify")),
        verify,
        word(Masks, masks, "masks"),
        refine,
    )
