"""The search for a nest against all nests of small layers on small machines, and what it refuses."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.dataflow import nest_space
from accelerator_sim.dataflow.nest import DIMENSIONS, Nests
from accelerator_sim.dataflow.nest_cost import NestCost, Prices
from accelerator_sim.dataflow.nest_search import find_nest
from accelerator_sim.dataflow.rules import DATAFLOWS, Dataflow, dataflows_of
from accelerator_sim.energy.account import account
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.mapping.search import Unmappable
from accelerator_sim.technology.actions import ActionEnergies, resolve_actions
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Layer
from tests.dataflow.strategies import layers

BASE = load_architecture("isca16_256")


@st.composite
def small_machines(draw: st.DrawFn) -> Architecture:
    """A few PEs with little storage, of which weights may or may not be given any of the GLB."""
    shared = BASE.glb.shared
    assert shared is not None
    tensors = draw(st.sampled_from([["iact", "weight", "psum"], ["iact", "psum"]]))
    glb = BASE.glb.model_copy(
        update={"shared": shared.model_copy(update={"banks": draw(st.integers(4, 200)), "tensors": tensors})}
    )
    spad = BASE.pe.spad.model_copy(update={"shared": draw(st.sampled_from([32, 64, 128]))})
    pe = BASE.pe.model_copy(update={"spad": spad})
    grid = BASE.pe_cluster.model_copy(update={"rows": draw(st.integers(1, 4)), "columns": draw(st.integers(1, 4))})
    noc = BASE.noc.model_copy(
        update={t: getattr(BASE.noc, t).model_copy(update={"words_per_cycle": 2}) for t in ("iact", "weight", "psum")}
    )
    return BASE.model_copy(update={"glb": glb, "pe": pe, "pe_cluster": grid, "noc": noc})


def every_nest(layer: Layer, machine: Architecture, flow: Dataflow) -> list[Nests]:
    """All nests of the space, by plain loops: every cut and residence, with every tile of filters and positions."""
    problem = problem_of(layer, machine)
    cuts = nest_space.cuts_of(problem, flow)
    loops, found = problem.loops, []
    for residence, i in product(nest_space.residences(problem, flow), range(len(cuts.m0))):
        spatial = {d: cuts.spatial[d][i : i + 1] for d in DIMENSIONS}
        m0, c0 = cuts.m0[i : i + 1], cuts.c0[i : i + 1]
        step = int(spatial["M"][0] * m0[0])
        filters = [step * k for k in range(1, -(-loops.M // step) + 1)]
        filters = {"is": list(range(1, loops.M + 1)), "ws": [step]}.get(flow.name, filters)
        n, p, q = (int(spatial[d][0]) for d in "NPQ")
        tiles = [(n, p, q * k) for k in range(1, -(-loops.Q // q) + 1)]
        tiles += [(n, p * k, loops.Q) for k in range(1, -(-loops.P // p) + 1)]
        tiles += [(n * k, loops.P, loops.Q) for k in range(1, -(-loops.N // n) + 1)]
        for m, lengths in product(filters, tiles):
            tile = {d: np.array([length]) for d, length in zip("NPQ", lengths, strict=True)} | {"M": np.array([m])}
            nest = Nests(problem, flow, residence, spatial, m0, c0, tile)
            if nest_space.fits(nest)[0]:
                found.append(nest)
    used_up = [nest for nest in found if flow.name in ("ws", "is") and nest.used_up[0]]
    return used_up or found


def value(nest: Nests, actions: ActionEnergies, objective: Objective) -> float:
    cost = NestCost(nest, actions.unit)
    joules = float(Prices(actions, nest.problem.architecture).energy(cost)[0])
    cycles = float(cost.cycles[0])
    bits = sum(float(cost.dram_bits(t)[0]) for t in ("iact", "weight", "psum"))
    return {"energy": joules, "latency": cycles, "edp": joules * cycles, "dram": bits}[objective.value]


@pytest.mark.parametrize("name", DATAFLOWS)
@pytest.mark.parametrize("number", [3, pytest.param(12, marks=pytest.mark.slow)])
def test_no_nest_is_better_than_the_one_found(name: str, number: int) -> None:
    @settings(max_examples=number, deadline=None)
    @given(layers(), small_machines(), st.sampled_from(Objective), st.sampled_from(["isca16_normalised", "cmos65_16b"]))
    def check(layer: Layer, machine: Architecture, objective: Objective, table: str) -> None:
        actions = resolve_actions(load_technology(table), machine)
        nests = every_nest(layer, machine, DATAFLOWS[name])
        best = min((value(nest, actions, objective) for nest in nests), default=math.inf)
        try:
            found = find_nest(layer, machine, actions, DATAFLOWS[name], objective)
        except Unmappable:
            assert not nests
            return
        assert nest_space.fits(found.nest)[0]
        assert int(found.nest.pes[0]) <= machine.pes
        assert value(found.nest, actions, objective) <= best * (1.0 + 1e-9)
        accounted = account(found.outcome, actions, machine).total
        searched = float(Prices(actions, machine).energy(NestCost(found.nest, actions.unit))[0])
        assert accounted == pytest.approx(searched, rel=1e-12)

    check()


@pytest.mark.parametrize(
    ("name", "size", "reason"),
    [
        ("ws", 17, "a plane of 17 x 17 weights takes 289 PEs > 256"),
        ("rs", 300, "the shared SPad: 300 iacts + 300 weights + 1 psums > 512 B"),
        ("os", 300, "a PE must hold 301 iacts, 1 psums"),
    ],
)
def test_what_cannot_run_names_the_limit(name: str, size: int, reason: str) -> None:
    layer = Layer("wide", "conv", M=1, C=1, H=size, W=size, R=size, S=size, padding=(1, 1, 1, 1))
    actions = resolve_actions(load_technology(BASE.technology), BASE)
    with pytest.raises(Unmappable, match=r"layer wide has no .* nest on isca16_256: ") as error:
        find_nest(layer, BASE, actions, DATAFLOWS[name])
    assert reason in str(error.value)


def test_a_glb_that_is_too_small_for_psums() -> None:
    layer = Layer("deep", "conv", M=1, C=300, H=8, W=8, R=3, S=3)
    shared = BASE.glb.shared
    assert shared is not None
    machine = BASE.model_copy(
        update={"glb": BASE.glb.model_copy(update={"shared": shared.model_copy(update={"banks": 1})})}
    )
    actions = resolve_actions(load_technology(BASE.technology), BASE)
    with pytest.raises(Unmappable, match="what the GLB must keep does not fit it"):
        find_nest(layer, machine, actions, DATAFLOWS["ws"])


def test_a_weight_is_fetched_once_where_its_psums_fit() -> None:
    """ISCA 2016 IV-A: a weight in a PE runs through all of its uses, were it cheaper to load it again."""
    layer = Layer("conv1", "conv", N=4, M=8, C=3, H=20, W=20, R=3, S=3)
    actions = resolve_actions(load_technology(BASE.technology), BASE)
    found = find_nest(layer, BASE, actions, DATAFLOWS["ws"])
    assert found.outcome.counts.access("dram", "weight").reads == 8 * 3 * 9
    assert found.outcome.counts.access("spad", "weight").writes == 8 * 3 * 9


def test_names() -> None:
    assert [flow.name for flow in dataflows_of("nlr, rs,nlr")] == ["nlr", "rs"]
    with pytest.raises(
        UsageError, match=r"dataflows is 'os_d'; allowed: rs, ws, os, os_a, os_b, os_c, is, nlr; did you"
    ):
        dataflows_of("rs,os_d")
    with pytest.raises(UsageError, match="dataflows is empty; allowed: rs, ws"):
        dataflows_of(",")
