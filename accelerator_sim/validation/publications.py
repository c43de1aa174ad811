"""Published figures as data: `validation/published/*.yaml`, one file per publication.

A file names *cases* (a workload on an architecture, with the mapping and the options of the publication) and *figures*:
a quantity of a case, its published value, where it stands, how it was read, and how near ours has to come, and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from accelerator_sim.files.errors import UsageError, did_you_mean
from accelerator_sim.files.model import Chosen, FileModel, load_model
from accelerator_sim.files.units import Volts
from accelerator_sim.files.vocabulary import Fidelity, Objective
from accelerator_sim.files.yaml_tree import load_document

FOLDER = Path(__file__).parent / "published"
Tolerance = Annotated[float, Field(gt=0.0, le=1.0)]


class Case(FileModel):
    """A run that a publication reports: what was computed, on what, and how."""

    workload: str = Field(description="built-in network")
    architecture: str = Field(description="built-in architecture")
    set: dict[str, str] = Field(default_factory=dict, description="values that differ, by YAML path")
    voltage: Volts | None = Field(default=None, description="supply voltage; left out: that of the technology table")
    batch: int = Field(default=1, ge=1)
    layers: list[str] = Field(default_factory=list, description="globs; all layers if left out")
    mapping: str | None = Field(default=None, description="built-in mapping: mappings or rules")
    densities: str | None = Field(default=None, description="built-in table; that of the network if left out")
    dense: bool = Field(default=False, description="operands as if they had no zeros, as a compiler knows them")
    objective: Chosen[Objective] = Objective.LATENCY
    fidelity: Chosen[Fidelity] = Fidelity.EVENT
    slow: bool = Field(default=False, description="left out of --quick")
    seeds: int = Field(default=1, ge=1, le=64, description="seeds of drawn zeros that ours is the mean of, from 0 on")
    note: str = Field(default="", description="what the publication does not say and is assumed")


class Figure(FileModel):
    """One published quantity, or the same one of several layers."""

    name: str = Field(min_length=1, description="what is published, in words")
    quantity: str = Field(description="a name of validation.quantities.QUANTITIES")
    case: str = Field(description="the case that it is taken of")
    over: str | None = Field(default=None, description="the figure is the case's quantity over this case's")
    per: float = Field(default=1.0, gt=0.0, description="divide the ratio by this: the growth of the machine, say")
    layer: str | None = Field(default=None, description="glob of the layers that it is taken over; all if left out")
    value: float | None = None
    values: dict[str, float] | None = Field(default=None, description="published values by layer")
    least: float | None = Field(default=None, description="published as at least this")
    most: float | None = Field(default=None, description="published as at most this")
    within: Tolerance | None = Field(default=None, description="error that is tolerated, as a fraction of the value")
    margin: float | None = Field(
        default=None, ge=0.0, description="instead of within: error in units of the value; 0: none"
    )
    mean_within: Tolerance | None = Field(default=None, description="mean error of `values` that is tolerated")
    where: str = Field(min_length=1, description="table, figure or section")
    read: Literal["printed", "recalled", "derived", "chart"] = Field(
        description="printed there; recalled, without the page at hand; derived from printed figures; read off a chart"
    )
    why: str = Field(min_length=1, description="why this tolerance")
    cause: str = Field(default="", description="what is thought to make ours miss, where it does")
    gave: str | None = Field(default=None, description="what of the case was derived from it: no validation")
    follows: str | None = Field(
        default=None, description="from what of the case it follows, whatever the model: no validation where it holds"
    )
    fitted: str | None = Field(default=None, description="technology table that was fitted to it: no validation")

    @model_validator(mode="after")
    def _one_kind(self) -> Figure:
        kinds = (self.value is not None, self.values is not None, self.least is not None or self.most is not None)
        if sum(kinds) != 1:
            raise ValueError("give one of value, values, or least and most")
        if (kinds[0] or kinds[1]) and (self.within is None) == (self.margin is None):
            raise ValueError("value and values need within, or else margin, the error that is tolerated")
        if self.mean_within is not None and not kinds[1]:
            raise ValueError("mean_within is for values")
        return self


class Publication(FileModel):
    """One file: a publication, the runs that it reports, and their figures."""

    title: str = Field(min_length=1)
    source: str = Field(min_length=1)
    cases: dict[str, Case]
    figures: list[Figure]

    @model_validator(mode="after")
    def _known_cases(self) -> Publication:
        for figure in self.figures:
            for name in (figure.case, figure.over):
                if name is not None and name not in self.cases:
                    raise ValueError(f"figure {figure.name!r} is of case {name!r}{did_you_mean(name, self.cases)}")
        return self


def publication_names() -> list[str]:
    """The names of the publications whose figures are carried."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_publications(names: Sequence[str] = ()) -> dict[str, Publication]:
    """Read publications by name, all for none.  Raises UsageError for an unknown name, InvalidFile for a bad file."""
    known = publication_names()
    for name in names:
        if name not in known:
            raise UsageError(f"no figures of {name!r}{did_you_mean(name, known)}; there are: {', '.join(known)}")
    return {name: load_model(Publication, load_document(FOLDER / f"{name}.yaml")) for name in names or known}
