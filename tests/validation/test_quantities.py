"""Quantities by hand: a layer small enough to count."""

from __future__ import annotations

from dataclasses import replace

import pytest

import accelerator_sim as sim
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.energy.chip_blocks import energy_by_block
from accelerator_sim.results.accounted_run import AccountedRun
from accelerator_sim.technology.energy_unit import EnergyUnitError
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.validation.quantities import QUANTITIES, input_cost, psum_cost
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network

PADDED = Layer("padded", "conv", M=2, C=1, H=4, W=4, R=3, S=3, padding=(1, 1, 1, 1), density=Density(weight=0.5))
PLAIN = Layer("plain", "conv", M=2, C=2, H=4, W=4)


@pytest.fixture(scope="module")
def run() -> AccountedRun:
    network = Network("n", "by hand", (PADDED, PLAIN), "n.yaml")
    result = sim.simulate(network, load_architecture("eyeriss_v1"), fidelity="event")
    return AccountedRun(result, load_technology("cmos65_16b"))


def value(run: AccountedRun, name: str, layers: str = "*") -> float:
    return QUANTITIES[name].of(replace(run, layers=layers))


def test_layers_add_up(run: AccountedRun) -> None:
    for name in ("cycles", "dram_mb", "glb_mb", "effectual_macs", "total_ms", "processing_ms"):
        parts = value(run, name, "padded") + value(run, name, "plain")
        assert value(run, name) == pytest.approx(parts), name


def test_rates(run: AccountedRun) -> None:
    seconds, joules = run.result.totals.latency_s, run.result.totals.energy_j
    assert value(run, "inferences_per_s") == pytest.approx(1 / seconds)
    assert value(run, "inferences_per_j") == pytest.approx(1 / joules)
    assert value(run, "power_mw") == pytest.approx(1e3 * joules / seconds)
    assert value(run, "gops_per_w") == pytest.approx(2e-9 * run.result.totals.macs / joules)


def test_energies_in_the_wrong_unit_are_refused(run: AccountedRun) -> None:
    with pytest.raises(EnergyUnitError, match="energies are in joules, not multiples of one MAC"):
        value(run, "total_energy")
    macs = run.charged(load_technology("isca16_normalised"))
    assert value(macs, "total_energy") == pytest.approx(macs.energy.total)
    assert value(macs, "mac_energy") == sum(o.counts.macs_issued for _, o, _ in macs.parts)
    for name in ("inferences_per_j", "gops_per_w", "power_mw"):
        with pytest.raises(EnergyUnitError, match="multiples of one MAC, not joules"):
            value(macs, name)


def test_processing_leaves_out_configuration_and_the_channel(run: AccountedRun) -> None:
    configuration = 2 * 20_000 / 200e6 * 1e3
    assert 0 < value(run, "processing_ms") < value(run, "total_ms") - configuration


def test_padding_counts_as_work(run: AccountedRun) -> None:
    """A 3x3 window at the corner of a 4x4 plane misses 5 taps, at an edge 3: 4*5 + 8*3 = 44 of 144 a filter."""
    inside = value(run, "effectual_macs", "padded")
    assert value(run, "effectual_macs_padded", "padded") == pytest.approx(inside + 2 * 44 * 0.5)
    assert value(run, "effectual_macs_padded", "plain") == value(run, "effectual_macs", "plain") == 64


def test_glb_accesses_with_filters(run: AccountedRun) -> None:
    """Filters are read from the GLB once for each strip of rows, here a single one: 2 x 9 words and 2 x 2."""
    for layer, filters in (("padded", 18), ("plain", 4)):
        words = value(run, "glb_mb", layer) * 1e6 + filters * 2
        assert value(run, "glb_mib", layer) == pytest.approx(words / 2**20)


def test_shares_are_of_the_chip(run: AccountedRun) -> None:
    energy = run.energy
    assert value(run, "noc_share") == pytest.approx(energy.noc / energy.chip)
    assert value(run, "glb_share") == pytest.approx(energy.glb / energy.chip)
    blocks = energy_by_block(energy, run.technology, run.result.architecture, run.seconds)
    both = (blocks["pe"] + blocks["noc"]) / energy.chip
    assert value(run, "pe_block") + value(run, "noc_block") == pytest.approx(both)
    assert value(run, "noc_block") > value(run, "noc_share")


def test_gating_saves_what_gated_macs_would_have_taken(run: AccountedRun) -> None:
    actions, energy = run.actions, run.energy
    gated = sum(outcome.counts.macs_gated for _, outcome, _ in run.parts)
    psums = sum(actions.spad_access("psum"))
    saved = gated * (actions.mac - actions.mac_gated + actions.spad_access("weight")[0] + psums)
    assert gated > 0
    assert value(run, "gating_saving") == pytest.approx(saved / (saved + energy.mac + energy.spad + energy.clock))


def test_another_table(run: AccountedRun) -> None:
    table = load_technology("cmos65_16b")
    clock = table.clock.active.model_copy(update={"energy": table.clock.active.energy * 2})
    doubled = run.charged(table.model_copy(update={"clock": table.clock.model_copy(update={"active": clock})}))
    one = run.actions.clock_active
    added = sum(a.pe_cycles_active for _, a, _ in run.parts) * one
    assert doubled.energy.clock - run.energy.clock == pytest.approx(added)
    assert doubled.energy.mac == run.energy.mac


def test_the_decomposition_rules_of_isca16() -> None:
    """The paper's examples: an input used 1 x 2 x 3 x 4 times, a psum of 2 x 3 x 3 x 2 accumulations (III-D)."""
    costs = (200.0, 6.0, 2.0, 1.0)
    assert input_cost((1, 2, 3, 4), costs) == 200 + 2 * 6 + 6 * 2 + 24
    assert psum_cost((2, 3, 3, 2), costs) == 3 * 200 + 8 * 6 + 12 * 2 + 36
