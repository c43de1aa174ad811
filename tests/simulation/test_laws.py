"""The conservation laws on drawn cases, and what happens when one is broken; more bandwidth and fewer values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.networks import HierarchicalMesh
from accelerator_sim.files.errors import CheckFailed
from accelerator_sim.mapping.mapping import Encoding, Factors, Mapping
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.noc.agreement import _wires
from accelerator_sim.simulation.engines import estimate_of
from accelerator_sim.simulation.laws import check, claims
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.workload.layer import Density, Layer
from tests.oracles.strategies import Case, cases, machine

NORMAL_AND_SLOW = [300, pytest.param(5000, marks=pytest.mark.slow)]


def drawn(check_case: Callable[..., None], number: int, **more: Any) -> None:
    """Run a check on so many drawn cases, with larger layers than a walk could take."""

    @settings(max_examples=number)
    @given(case=cases(most_macs=10**9, roomy=False), **more)
    def run(**arguments: Any) -> None:
        check_case(**arguments)

    run()


def laws_hold(case: Case) -> None:
    """Every law that a run checks."""
    schedule = Schedule(case.problem, case.mapping)
    check(schedule, estimate_of(schedule))


@pytest.mark.parametrize("number", NORMAL_AND_SLOW)
def test_the_laws_hold(number: int) -> None:
    drawn(laws_hold, number)


def test_a_broken_law_names_layer_law_and_both_sides(architecture: Architecture) -> None:
    layer = Layer("conv7", "conv", M=4, C=2, H=6, W=6, R=3, S=3)
    schedule = Schedule(problem_of(layer, architecture), Mapping(pe_rows=Factors(R=3), M0=4, C0=2, P0=4, Q0=4))
    outcome = estimate_of(schedule)
    check(schedule, outcome)
    with pytest.raises(CheckFailed, match="law violated: each MAC is executed once: 1,153, expected 1,152"):
        check(schedule, replace(outcome, counts=replace(outcome.counts, macs=1153)))
    with pytest.raises(CheckFailed, match=r"layer conv7: law violated: cycles >= busy time of pe: [\d,]+ > 3"):
        check(schedule, replace(outcome, timing=replace(outcome.timing, cycles=3)))
    with pytest.raises(CheckFailed, match=r"no negative off-chip bytes of iact: 0 > -1"):
        check(schedule, replace(outcome, counts=replace(outcome.counts, dram_bytes={"iact": -1})))
    tight = Schedule(schedule.problem, replace(schedule.mapping, M0=33))
    with pytest.raises(CheckFailed, match=r"no memory holds more than its capacity: the psum SPad: M0 = 33 > 32 psums"):
        check(tight, outcome)


def test_every_law_has_its_own_name(architecture: Architecture) -> None:
    layer = Layer("conv7", "conv", M=4, C=2, H=6, W=6, R=3, S=3)
    schedule = Schedule(problem_of(layer, architecture), Mapping(pe_rows=Factors(R=3), M0=4, C0=2, P0=4, Q0=4))
    names = [claim[0] for claim in claims(schedule, estimate_of(schedule))]
    assert len(names) == len(set(names)) > 40


BY_THE_GRAPH = "by the graph of the network"


@pytest.mark.parametrize(
    ("name", "clusters", "walked"), [("eyeriss_v2", 16, True), ("eyeriss_v2", 22, False), ("eyeriss_v1", 1, True)]
)
def test_small_arrays_are_compared_with_their_graph(name: str, clusters: int, walked: bool) -> None:
    """22 clusters of 12 PEs are more than 256 PEs."""
    array = {} if clusters == 1 else {"cluster_array": f"{{rows: {clusters // 2}, columns: 2}}"}
    layer = Layer("conv7", "conv", M=4, C=2, H=6, W=6, R=3, S=3)
    schedule = Schedule(problem_of(layer, machine(name, array)), Mapping(pe_rows=Factors(R=3), M0=4, C0=2))
    names = [claim[0] for claim in claims(schedule, estimate_of(schedule)) if BY_THE_GRAPH in claim[0]]
    assert bool(names) == walked
    assert any("links in use" in found for found in names) == (walked and name == "eyeriss_v2")


def test_a_closed_form_that_differs_from_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wires that a closed form forgets, and a hop that it does not count, are broken laws."""
    layer = Layer("conv7", "conv", M=4, C=2, H=6, W=6, R=3, S=3)
    shared = Mapping(cluster_rows=Factors(M=2), pe_rows=Factors(R=3), M0=2, C0=2)
    routers = {"noc.iact": "{kind: hierarchical_mesh, routers: 2, port_width: 24 b, directions: [south, horizontal]}"}
    schedule = Schedule(problem_of(layer, machine("eyeriss_v2", routers)), shared)
    outcome = estimate_of(schedule)
    check(schedule, outcome)
    monkeypatch.setitem(schedule.__dict__, "iact_hops", schedule.iact_hops + 1)
    with pytest.raises(CheckFailed, match="layer conv7: law violated: iact words times links, "):
        check(schedule, outcome)
    monkeypatch.undo()
    monkeypatch.setattr(HierarchicalMesh, "links_inside", lambda self, site: 7)
    _wires.cache_clear()
    with pytest.raises(CheckFailed, match=r"iact links of 24 b and 0.288675 mm, .*: 224, expected 512"):
        check(schedule, outcome)
    _wires.cache_clear()


def test_a_published_fraction_above_the_product_of_the_densities() -> None:
    """A correlated layer: 40% of the MACs are effectual where independent zeros would leave 25%."""
    one = {"cluster_array": "{rows: 1, columns: 1}", "pe_cluster": "{rows: 1, columns: 1}"}
    quick = {"noc.weight.routers": "1", "noc.psum.routers": "1", "pe.psum_service.cycles_per_psum": "0"}
    architecture = machine("eyeriss_v2", one | quick | {"configuration.cycles": "0", "noc.psum.port_width": "400 b"})
    layer = Layer("correlated", "conv", M=16, W=400, S=2, density=Density(0.5, 0.5, 1.0), effectual_fraction=0.4)
    problem = problem_of(layer, architecture, Encoding.CSC, Encoding.CSC)
    schedule = Schedule(problem, Mapping(M0=16, Q0=20))
    check(schedule, estimate_of(schedule))


# --- law 9 -----------------------------------------------------------------------------------------------------------
WIDER = (
    "dram.bandwidth", "noc.iact", "noc.weight", "noc.psum", "glb.iact.port_width", "glb.psum.port_width",
    "glb.iact.ports", "glb.psum.ports", "dram.duplex",
)  # fmt: skip


def widened(architecture: Architecture, what: str) -> Architecture:
    """A machine with twice the bandwidth at one place (two ports, both directions at once)."""
    room, *path = what.split(".")
    inner = getattr(architecture, room)
    if room == "noc":
        network = getattr(inner, path[0])
        name = "words_per_cycle" if architecture.flat else "port_width"
        inner = inner.model_copy(
            update={path[0]: network.model_copy(update={name: 2 * getattr(network, name)})}
        )  # fmt: skip
    elif room == "glb":
        store = getattr(inner, path[0])
        value = 2 if path[1] == "ports" else 2 * store.port_width
        inner = inner.model_copy(update={path[0]: store.model_copy(update={path[1]: value})})
    else:
        inner = inner.model_copy(update={path[0]: True if path[0] == "duplex" else 2.0 * inner.bandwidth})
    return architecture.model_copy(update={room: inner})


def bandwidth_helps(case: Case, what: str) -> None:
    """With the same mapping, more bandwidth never costs cycles."""
    problem = case.problem
    wider = replace(problem, architecture=widened(problem.architecture, what))
    before, after = (estimate_of(Schedule(p, case.mapping)).timing.cycles for p in (problem, wider))
    assert after <= before


@pytest.mark.parametrize("number", NORMAL_AND_SLOW)
def test_more_bandwidth_never_costs_cycles(number: int) -> None:
    drawn(bandwidth_helps, number, what=st.sampled_from(WIDER))


def zeros_help(case: Case, tensor: str, share: float) -> None:
    """With the same mapping, fewer non-zeros never cost cycles, off-chip bytes or MACs that take a slot."""
    layer = replace(case.problem.layer, effectual_fraction=None)
    density = layer.density
    fewer = Density(**{t: getattr(density, t) * (share if t == tensor else 1.0) for t in ("iact", "weight", "oact")})
    encodings = case.problem.iact_encoding, case.problem.weight_encoding
    before, after = (
        estimate_of(
            Schedule(problem_of(replace(layer, density=d), case.problem.architecture, *encodings), case.mapping)
        )
        for d in (density, fewer)
    )
    assert after.timing.cycles <= before.timing.cycles
    assert after.counts.macs_issued <= before.counts.macs_issued
    assert sum(after.counts.dram_bytes.values()) <= sum(before.counts.dram_bytes.values())


@pytest.mark.parametrize("number", NORMAL_AND_SLOW)
def test_fewer_non_zeros_never_cost_cycles(number: int) -> None:
    tensors, shares = st.sampled_from(["iact", "weight", "oact"]), st.floats(0.0, 1.0)
    drawn(zeros_help, number, tensor=tensors, share=shares)
