"""Random layers, machines and nests of every dataflow, small enough to be walked."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.dataflow.nest import DIMENSIONS, Keep, Nests, Residence
from accelerator_sim.dataflow.rules import DATAFLOWS, Dataflow
from accelerator_sim.mapping.problem import MappingProblem, problem_of
from accelerator_sim.workload.layer import Layer

BASE = load_architecture("isca16_256")


def sizes(most: int) -> st.SearchStrategy[int]:
    return st.integers(1, most)


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    """A convolution with or without overlapping windows, in groups or not, or a fully connected layer."""
    r, s = draw(sizes(3)), draw(sizes(3))
    padding = (draw(st.integers(0, r - 1)), 0, draw(st.integers(0, s - 1)), 0)
    stride = (draw(sizes(3)), draw(sizes(3)))
    p, q = draw(sizes(5)), draw(sizes(4))
    h, w = ((p - 1) * stride[0] + r - padding[0], (q - 1) * stride[1] + s - padding[2])
    if h < 1 or w < 1:
        padding, h, w = (0, 0, 0, 0), (p - 1) * stride[0] + r, (q - 1) * stride[1] + s
    groups = draw(st.sampled_from([1, 1, 2]))
    return Layer(
        "drawn", "conv", N=draw(sizes(3)), G=groups, M=draw(sizes(5)), C=draw(sizes(4)), H=h, W=w, R=r, S=s,
        stride=stride, padding=padding,
    )  # fmt: skip


@st.composite
def machines(draw: st.DrawFn) -> Architecture:
    """The machine of ISCA 2016, with other rules for padding, psums and bypassing."""
    glb = BASE.glb.model_copy(
        update={
            "iact": BASE.glb.iact.model_copy(update={"bypass": draw(st.booleans())}),
            "psum_read_first": draw(st.booleans()),
            "psum_final_to_dram": draw(st.booleans()),
        }
    )
    dram = BASE.dram.model_copy(update={"padding": draw(st.sampled_from(["stored", "skipped"]))})
    return BASE.model_copy(update={"glb": glb, "dram": dram})


def residences(flow: Dataflow) -> st.SearchStrategy[Residence]:
    """What the search may choose from."""
    every = [Residence(False, i, w) for i in Keep for w in (Keep.PASS, Keep.NONE)]
    every += [Residence(True, i, w) for i in (Keep.PASS, Keep.NONE) for w in (Keep.ALL, Keep.NONE)]
    return st.sampled_from([r for r in every if _sensible(r, flow)])


def _sensible(r: Residence, flow: Dataflow) -> bool:
    if flow.broadcast and (r.weight is not Keep.NONE or r.iact is Keep.PASS):
        return False
    if r.filters_outer and flow.name in ("ws", "is"):
        return False
    return not (flow.rows and (r.weight is Keep.PASS or r.iact is Keep.NONE))


@st.composite
def nests(draw: st.DrawFn, name: str) -> Nests:
    """Any nest of a dataflow, whatever fits the machine; imperfect factors more often than not."""
    flow = DATAFLOWS[name]
    problem = problem_of(draw(layers()), draw(machines()))
    loops = problem.loops
    parallel = flow.parallel + ("Q" if flow.rows and loops.positions else "")
    spatial = {d: draw(sizes(loops.sizes[d])) if d in parallel else 1 for d in DIMENSIONS}
    if flow.broadcast:
        spatial |= {"R": loops.R, "S": loops.S}
    m0, c0 = (draw(sizes(loops.M)), draw(sizes(loops.C))) if flow.rows else (1, 1)
    step = spatial["M"] * m0
    filters = {"is": draw(sizes(loops.M)), "ws": min(spatial["M"], loops.M)}.get(
        name, step * draw(sizes(max(1, loops.M // step)))
    )
    tile = {d: spatial[d] * draw(sizes(max(1, loops.sizes[d] // spatial[d]))) for d in "NPQ"}
    if flow.rows and not loops.positions:
        tile["Q"] = loops.Q  # a PE walks whole rows
    return one(problem, flow, draw(residences(flow)), spatial, (m0, c0), tile | {"M": filters})


def one(
    problem: MappingProblem, flow: Dataflow, residence: Residence, spatial: dict[str, int], inside: tuple[int, int],
    tile: dict[str, int],
) -> Nests:  # fmt: skip
    """One nest from plain numbers."""
    return Nests(
        problem, flow, residence, {d: np.array([n]) for d, n in spatial.items()}, np.array([inside[0]]),
        np.array([inside[1]]), {d: np.array([n]) for d, n in tile.items()},
    )  # fmt: skip
