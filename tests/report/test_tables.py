"""Tables for a terminal."""

from dataclasses import replace

import pytest

from accelerator_sim.report import tables
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.technology.energy_unit import EnergyUnit
from accelerator_sim.workload.network_loader import load_network


def test_eighty_columns_hold_the_main_ones(result: NetworkResult) -> None:
    text = tables.render(result, 80)
    assert max(map(len, text.splitlines())) <= 80
    heading = next(line for line in text.splitlines() if line.startswith("layer "))
    assert heading.replace("bound by", "bound").replace("util %", "util").split() == [
        "layer", "MACs", "cycles", "latency", "util", "bound", "chip", "energy", "DRAM", "bytes",
    ]  # fmt: skip
    assert "…" not in text


@pytest.mark.parametrize("width", [40, 60, 80, 120, 220])
def test_latency_and_energy_are_there_at_every_width(result: NetworkResult, width: int) -> None:
    heading = next(line for line in tables.render(result, width).splitlines() if line.startswith("layer "))
    assert "latency" in heading
    assert "chip energy" in heading


def test_wide_terminals_show_accesses_and_components(result: NetworkResult) -> None:
    heading = next(line for line in tables.render(result, 220).splitlines() if line.startswith("layer "))
    assert all(word in heading for word in ("GLB words", "NoC words", "SPad words", "leakage"))


def test_totals_name_every_level_and_component(result: NetworkResult) -> None:
    text = tables.render(result, 80)
    for level in ("DRAM", "GLB", "NoC", "SPad", "MAC"):
        assert any(line.startswith(f"{level} ") and "psum" in line for line in text.splitlines())
    for part in ("MAC", "SPad", "NoC", "GLB", "clock", "leakage"):
        assert any(line.startswith(part) and "% of the chip" in line for line in text.splitlines())
    assert "3 of 4 layers ran" in text
    assert f"{result.totals.cycles:,} = " in text
    assert "mm2 at 65 nm, " in text
    elsewhere = tables.render(replace(result, node_nm=22.0))
    assert "area         no area rule at 22 nm, " in elsewhere


def test_failed_layers_stand_out(result: NetworkResult) -> None:
    row = next(line for line in tables.render(result, 80).splitlines() if line.startswith("wide"))
    assert "FAILED" in row


def test_narrow_terminals_keep_names_and_cycles(result: NetworkResult) -> None:
    text = tables.render(result, 40)
    heading = next(line for line in text.splitlines() if line.startswith("layer "))
    assert heading.split()[:2] == ["layer", "MACs"] or "cycles" in heading
    assert max(map(len, text.splitlines())) <= 40


def test_a_selection_is_named(result: NetworkResult) -> None:
    assert "small (4 of 9 layers)" in tables.render(replace(result, workload_layers=9), 80)


def test_normalised_energies_are_not_joules(result: NetworkResult) -> None:
    layers = tuple(
        replace(layer, energy=layer.energy and replace(layer.energy, unit=EnergyUnit.MAC)) for layer in result.layers
    )
    text = tables.render(replace(result, layers=layers, energy_unit=EnergyUnit.MAC), 80)
    line = next(line for line in text.splitlines() if line.startswith("chip energy"))
    assert line.endswith("MAC (partial)")
    assert "/J" not in line


def test_styles_only_when_asked(result: NetworkResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b" in tables.render(result, 80, color=True)
    assert "\x1b" not in tables.render(result, 80)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in tables.render(result, 80, color=True)


def test_names_are_text_not_markup(result: NetworkResult) -> None:
    odd = replace(result.layers[0], layer=replace(result.layers[0].layer, name="[red]\x1b[2J:smile:"))
    text = tables.render(replace(result, layers=(odd,)), 120)
    assert "[red]\\x1b[2J:smile:" in text


def test_a_network() -> None:
    text = tables.render_network(load_network("alexnet"), 100)
    assert "724,406,816 MACs" in text
    assert max(map(len, text.splitlines())) <= 100
    row = next(line for line in text.splitlines() if line.startswith("CONV2"))
    assert row.split()[:6] == ["CONV2", "conv", "1", "2", "128", "48"]
