"""The single changes: legal machines, each different from what it was in what it says."""

from __future__ import annotations

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.eyexam.changes import MOST_SHAPES, Settings, variations
from accelerator_sim.files.data import builtin_names
from accelerator_sim.technology.machine_file import load_machine


def made(name: str, *overrides: tuple[str, str]) -> dict[str, tuple[Architecture, Settings, int]]:
    machine = load_machine(name, overrides)[0]
    found = variations(machine, lambda settings: load_machine(name, overrides + settings)[0])
    return {each.change.name: (each.architecture, each.change.settings, each.change.step) for each in found}


@pytest.mark.parametrize("name", builtin_names("arch_configs"))
def test_every_change_is_another_machine_with_a_name_of_its_own(name: str) -> None:
    machine = load_machine(name)[0]
    found = variations(machine, lambda settings: load_machine(name, settings)[0])
    assert len(found) >= 8
    assert len({each.change.name for each in found}) == len(found)
    assert all(each.architecture != machine for each in found)
    assert all(2 < each.change.step <= 7 for each in found)


@pytest.mark.parametrize("name", ["eyeriss_v1", "eyeriss_v2"])
def test_another_shape_has_as_many_pes(name: str) -> None:
    machine = load_machine(name)[0]
    shapes = {text: each for text, (each, _, _) in made(name).items() if " in " in text and " x " in text}
    grids = 1 if machine.flat else 2
    assert 2 <= len(shapes) <= grids * MOST_SHAPES
    assert {each.pes for each in shapes.values()} == {machine.pes}


def test_what_some_changes_set() -> None:
    found = made("eyeriss_v2")
    assert found["weight network twice as wide"][1] == (("noc.weight.port_width", "48 b"),)
    assert found["weight network twice as wide"][0].noc.weight.port_width == 48  # type: ignore[union-attr]
    wide = found["iact network twice as wide, its banks too"][0]
    assert (wide.glb.iact.port_width, wide.noc.iact.port_width) == (48, 48)  # type: ignore[union-attr]
    assert found["iact banks with two ports"][0].glb.iact.ports == 2
    assert found["twice the weight SPad"][0].pe.spad.weight.depth == 192
    assert found["weights load while the PEs compute"][0].overlap.weight_fill
    assert found["twice the clusters"][0].pes == 384
    other = found["PEs in 4 x 3"][0]
    assert other.glb.psum.banks == other.pe_cluster.columns == 3
    assert other.glb.psum.size == 4 * 1920 // 3


def test_a_limited_channel_can_be_widened() -> None:
    found = made("eyeriss_v1", ("dram.bandwidth", "480 MB/s"))
    assert found["twice the off-chip bandwidth"][0].dram.bandwidth == 960e6
    assert found["off-chip reads and writes at a time"][0].dram.duplex
    assert "twice the off-chip bandwidth" not in made("eyeriss_v2")


def test_an_iact_that_keeps_the_macs_can_let_go() -> None:
    name = "an iact keeps the MACs for no longer than it needs"
    assert made("eyeriss_v2", ("pe.min_cycles_per_iact", "2"))[name][0].pe.min_cycles_per_iact == 1
    assert name not in made("eyeriss_v2")


def test_psum_banks_with_one_port_can_read_before_they_write() -> None:
    name = "psum banks read a window, then write it"
    assert made("eyeriss_v2")[name][0].glb.psum.access == "burst"
    assert name not in made("eyeriss_v2", ("glb.psum.access", "burst"))
    assert name not in made("eyeriss_v2", ("glb.psum.ports", "2"))
    assert name not in made("eyeriss_v1")


def test_weights_in_csc_can_stream() -> None:
    name = "weights in CSC stream through to the PEs"
    limited = ("dram.bandwidth", "1 GB/s")
    assert made("eyeriss_v2", limited)[name][0].overlap.weight_stream == "all"
    assert name not in made("eyeriss_v2")
    assert name not in made("eyeriss_v2", limited, ("overlap.weight_stream", "all"))
    assert name not in made("eyeriss_v1", limited)


def test_what_makes_no_machine_is_left_out() -> None:
    """v2 has no GLB banks for weights, so that fetching them ahead is refused by the file's own rules."""
    assert "weights are fetched ahead into the GLB" not in made("eyeriss_v2")
    assert "weights are fetched ahead into the GLB" in made("eyeriss_v1", ("overlap.dram_weight", "false"))


def test_each_option_of_control_is_turned_back() -> None:
    """Every line of an open RTL's file that is not what the file of Eyeriss v2 has, or leaves out, is tried."""
    found = made("openeye_192")
    paths = {path for _, settings, _ in found.values() for path, _ in settings}
    assert paths >= {
        "pe.lock_step", "pe.start_latency", "pe.iact_buffer", "pe.iact_window", "pe.weights_stay", "pe.csc.iact_stream",
        "pe.csc.weight_addresses_per_cycle", "pe.psum_service.start", "pe.psum_service.latency", "overlap.iact_start",
        "noc.iact.words_per_cycle", "pe.min_cycles_per_iact",
    }  # fmt: skip
    assert found["PEs start and end windows on their own"][0].pe.start_latency == 1
    assert (
        not paths & {path for _, settings, _ in made("eyeriss_v2").values() for path, _ in settings} & {"pe.lock_step"}
    )
    words = made("openeye_192", ("pe.csc.iact_stream", "words"))
    assert "no filler words for zero iacts" not in words
    assert words["addresses of iacts beside the iacts"][0].pe.csc.iact_stream == "packed"  # type: ignore[union-attr]
