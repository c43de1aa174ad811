"""Mapping files: mappings by layer name, and rules for the search of the others, read from and written as YAML."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, model_validator

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.data import resolve
from accelerator_sim.files.errors import InvalidFile, Problem, did_you_mean
from accelerator_sim.files.model import FileModel, load_model
from accelerator_sim.files.yaml_tree import Document, load_document
from accelerator_sim.mapping import chip_compiler, openeye
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.eyeriss_v1 import Letters, letters_of, mapping_of
from accelerator_sim.mapping.loops import Loops, loops_of
from accelerator_sim.mapping.mapping import AXES, TILES, Encoding, Factors, Mapping, Stationary
from accelerator_sim.mapping.problem import MappingProblem, problem_of
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.phases import dense_phases

FORMAT = "accelerator-sim/mapping/1"

AtLeastOne = Annotated[int, Field(ge=1, le=1 << 31)]


class FactorsEntry(FileModel):
    """Parts into which one axis of the array cuts each dimension."""

    G: AtLeastOne = 1
    N: AtLeastOne = 1
    M: AtLeastOne = 1
    C: AtLeastOne = 1
    P: AtLeastOne = 1
    Q: AtLeastOne = 1
    R: AtLeastOne = 1


class EncodingEntry(FileModel):
    """How operands are stored on chip: raw or csc."""

    iact: str = Field(default="raw", pattern="^(raw|csc)$", description="raw or csc")
    weight: str = Field(default="raw", pattern="^(raw|csc)$", description="raw or csc")


class LettersEntry(FileModel):
    """The parameters of JSSC 2017 Table III."""

    n: AtLeastOne = Field(description="ifmaps in a pass")
    m: AtLeastOne = Field(description="filters whose psums are in the GLB")
    e: AtLeastOne = Field(description="width of a PE set")
    p: AtLeastOne = Field(description="filters in a PE")
    q: AtLeastOne = Field(description="channels in a PE")
    r: AtLeastOne = Field(description="PE sets on different channels")
    t: AtLeastOne = Field(description="PE sets on different filters")


class MappingEntry(FileModel):
    """One mapping: four axes, tile lengths per PE, what stays; or the letters of Eyeriss v1."""

    cluster_rows: FactorsEntry = FactorsEntry()
    cluster_columns: FactorsEntry = FactorsEntry()
    pe_rows: FactorsEntry = FactorsEntry()
    pe_columns: FactorsEntry = FactorsEntry()
    M0: AtLeastOne = Field(default=1, description="filters in a PE")
    C0: AtLeastOne = Field(default=1, description="channels in a PE")
    S0: AtLeastOne | None = Field(default=None, description="filter columns in a PE at a time; not given: all")
    N0: AtLeastOne = Field(default=1, description="images of a tile in a PE")
    P0: AtLeastOne = Field(default=1, description="output rows of a tile in a PE")
    Q0: AtLeastOne = Field(default=1, description="output columns of a tile in a PE")
    M2: AtLeastOne = Field(default=1, description="filter passes of a GLB tile")
    stationary: str = Field(
        default="none", pattern="^(none|iact|weight|pe_weight)$", description="none, iact, weight or pe_weight"
    )
    encoding: EncodingEntry = EncodingEntry()
    eyeriss_v1: LettersEntry | None = Field(default=None, description="n, m, e, p, q, r, t instead of all the above")

    @model_validator(mode="after")
    def _one_form(self) -> MappingEntry:
        others = sorted(self.model_fields_set - {"eyeriss_v1"})
        if self.eyeriss_v1 is not None and others:
            raise ValueError(f"eyeriss_v1 stands alone; {', '.join(others)} cannot be given beside it")
        return self


class ConstraintsEntry(FileModel):
    """Rules for the layers whose mapping is searched (see `mapping.constraints.Constraints`)."""

    filters_per_pe: list[AtLeastOne] | None = Field(default=None, min_length=1, description="allowed M0")
    channels_per_pe: list[AtLeastOne] | None = Field(default=None, min_length=1, description="allowed C0")
    filter_columns_per_pe: list[AtLeastOne] | None = Field(default=None, min_length=1, description="S0 to try")
    whole_filters: bool = Field(default=False, description="all R filter rows lie on the array at once")
    wide_sets: bool = Field(default=False, description="output rows fill the PE columns before a set is folded")
    one_strip: bool = Field(default=False, description="a GLB tile holds one strip of output rows")
    whole_rows: bool = Field(default=False, description="a GLB tile holds whole output rows")
    stationary: list[Literal["none", "iact", "weight", "pe_weight"]] | None = Field(default=None, min_length=1)


class MappingFile(FileModel):
    """A mapping file."""

    format: str = Field(pattern=f"^{FORMAT}$", description=FORMAT)
    source: str = Field(default="", description="where the mappings or rules come from")
    compiler: Literal["eyeriss_v1", "openeye"] | None = Field(
        default=None, description="whose compiler maps the layers that are not given, as far as its rules go"
    )
    constraints: ConstraintsEntry = ConstraintsEntry()
    layers: dict[str, MappingEntry] = Field(default_factory=dict)


@dataclass(frozen=True)
class KnownCompiler:
    """Rules that map layers: of which machine, and what they give (None: they say nothing)."""

    machine: str
    suits: Callable[[Architecture], bool]
    mapping: Callable[[MappingProblem], Mapping | None]
    refusal: Callable[[MappingProblem], str] | None = None
    """Why they say nothing of a layer; None where that is no matter, since the rules need not cover all layers."""


COMPILERS = {
    "eyeriss_v1": KnownCompiler(
        "one flat array with shared GLB banks", chip_compiler.compiles_for, chip_compiler.compiled
    ),
    "openeye": KnownCompiler(
        "clusters of PEs with csc, and GLB banks for iacts and psums",
        openeye.maps_for,
        openeye.mapped,
        openeye.refusal,
    ),
}
"""Rules by the word that stands for them in a mapping file."""


@dataclass(frozen=True)
class MappingPlan:
    """Content of a mapping file for a network: given mappings by layer name, and rules for the other layers.

    A layer of several dense phases has a mapping under the name of each phase that one is given for.
    """

    mappings: dict[str, Mapping] = field(default_factory=dict)
    constraints: Constraints = field(default_factory=Constraints)
    refused: dict[str, str] = field(default_factory=dict)
    """Why rules that should map a layer do not, by its name; its mapping is searched."""

    @property
    def note(self) -> str:
        """What is to be said of the layers that are refused; "" where there are none."""
        if not self.refused:
            return ""
        reasons: dict[str, list[str]] = {}
        for name, reason in self.refused.items():
            reasons.setdefault(reason, []).append(name)
        told = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
        return f"the rules do not map {len(self.refused)} layers, whose mappings are searched: {told}"

    def given(self, layer: Layer) -> Mapping | tuple[Mapping | None, ...] | None:
        """The mapping that is given for a layer: one for each of its dense phases where there are several."""
        if not self.mappings or not layer.is_mac:
            return None
        found = tuple(self.mappings.get(phase.name) for phase in dense_phases(layer))
        if len(found) == 1:
            return found[0]
        return found if any(mapping is not None for mapping in found) else None


def mapping_file(name_or_path: str) -> Path:
    """Return the file that the name of a built-in mapping or a path stands for.

    Raises UsageError for a word that is neither.
    """
    return resolve("arch_configs", name_or_path, "mapping", "mappings")


def read_mappings(path: Path) -> tuple[Document, MappingFile]:
    """Read a mapping file, whatever network it is for.  Raises InvalidFile with every error in it."""
    document = load_document(path)
    return document, load_model(MappingFile, document)


def load_plan(path: Path, architecture: Architecture, network: Network) -> MappingPlan:
    """Read the mappings of a network's layers, and the rules for those that it does not give.

    Raises InvalidFile with every error: unknown keys and layers (with the nearest match), wrong values, PE sets that
    do not fit, a compiler of another machine.  Legality is not checked here: see `legality.broken_limits`.
    """
    document, file = read_mappings(path)
    named = {layer.name: dense_phases(layer) for layer in network.layers if layer.is_mac}
    layers = {phase.name: phase for phases in named.values() for phase in phases}
    known = {**{name: (phase,) for name, phase in layers.items()}, **named}
    problems: list[Problem] = []
    mappings: dict[str, Mapping] = {}
    for name, entry in file.layers.items():
        if name not in known:
            message = f"{network.name} has no such layer{did_you_mean(name, known)}"
            problems.append(_problem(document, ("layers", name), message))
            continue
        try:
            of_phases = {phase.name: _mapping(entry, loops_of(phase), architecture) for phase in known[name]}
        except ValueError as error:
            problems.append(_problem(document, ("layers", name), str(error)))
            continue
        own = {each: mapping for each, mapping in of_phases.items() if each == name or each not in file.layers}
        mappings |= own
    compiler = COMPILERS[file.compiler] if file.compiler is not None else None
    if compiler is not None and not compiler.suits(architecture):
        message = f"is for {compiler.machine}, which {architecture.name} is not"
        problems.append(_problem(document, ("compiler",), message))
    if problems:
        raise InvalidFile(sorted(problems, key=lambda problem: problem.order))
    if compiler is not None:
        others = {name: problem_of(layer, architecture) for name, layer in layers.items() if name not in mappings}
        found = {name: compiler.mapping(problem) for name, problem in others.items()}
        mappings |= {name: mapping for name, mapping in found.items() if mapping is not None}
        if compiler.refusal is not None:
            refused = {name: compiler.refusal(others[name]) for name, mapping in found.items() if mapping is None}
            return MappingPlan(mappings, _constraints(file.constraints), refused)
    return MappingPlan(mappings, _constraints(file.constraints))


def _constraints(entry: ConstraintsEntry) -> Constraints:
    lists = {
        "filters_per_pe": entry.filters_per_pe,
        "channels_per_pe": entry.channels_per_pe,
        "filter_columns_per_pe": entry.filter_columns_per_pe,
        "stationary": [Stationary(name) for name in entry.stationary] if entry.stationary else None,
    }
    rules: dict[str, Any] = {name: None if values is None else tuple(values) for name, values in lists.items()}
    rules |= {name: getattr(entry, name) for name in ("whole_filters", "wide_sets", "one_strip", "whole_rows")}
    return Constraints(**rules)


def _problem(document: Document, where: tuple[str, ...], message: str) -> Problem:
    line, column = document.position(where)
    return Problem(document.file, line, column, ".".join(where), message)


def _mapping(entry: MappingEntry, loops: Loops, architecture: Architecture) -> Mapping:
    """Return what an entry says, with tiles no larger than the layer needs.

    Raises ValueError for letters that do not fit.
    """
    if entry.eyeriss_v1 is not None:
        if not architecture.flat:
            raise ValueError(f"eyeriss_v1 letters describe one flat array, which {architecture.name} is not")
        letters, cluster = Letters(**entry.eyeriss_v1.model_dump()), architecture.pe_cluster
        return mapping_of(letters, loops, cluster.rows, cluster.columns).clipped(loops)
    parts: dict[str, Any] = {axis: Factors(**getattr(entry, axis).model_dump()) for axis in AXES}
    parts |= {name: length for name in TILES if (length := getattr(entry, name)) is not None}
    mapping = Mapping(
        **parts,
        stationary=Stationary(entry.stationary),
        iact_encoding=Encoding(entry.encoding.iact),
        weight_encoding=Encoding(entry.encoding.weight),
    )
    return mapping.clipped(loops)


def mapping_entry(mapping: Mapping) -> dict[str, Any]:
    """A mapping as plain data: an entry of the file, and `mapping` in the JSON results."""
    entry: dict[str, Any] = {axis: getattr(mapping, axis).as_dict() for axis in AXES}
    entry |= {name: getattr(mapping, name) for name in TILES}
    entry["stationary"] = mapping.stationary.value
    entry["encoding"] = {"iact": mapping.iact_encoding.value, "weight": mapping.weight_encoding.value}
    return entry


def letters_entry(tiling: Tiling) -> dict[str, Any] | None:
    """A mapping of a flat array in the letters of Eyeriss v1, or None where they cannot express all of it."""
    letters, cluster = letters_of(tiling), tiling.problem.architecture.pe_cluster
    if letters is None or not tiling.problem.architecture.flat:
        return None
    try:
        again = mapping_of(letters, tiling.loops, cluster.rows, cluster.columns).clipped(tiling.loops)
    except ValueError:
        return None
    return {"eyeriss_v1": vars(letters)} if again == tiling.mapping.clipped(tiling.loops) else None


def dump_mappings(tilings: Iterable[tuple[str, Tiling]]) -> str:
    """Write mappings as the text of a mapping file, in the letters of Eyeriss v1 where they can express it."""
    layers = {name: letters_entry(tiling) or mapping_entry(tiling.mapping) for name, tiling in tilings}
    content = {"format": FORMAT, "layers": layers}
    text: str = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120)
    return text
