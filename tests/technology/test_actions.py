from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accelerator_sim.architecture.architecture import TENSORS, Architecture, NarrowOperands, SharedGlb
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.technology.actions import MissingEnergy, clocked_gates, resolve_actions
from accelerator_sim.technology.area import area_of
from accelerator_sim.technology.technology import load_technology
from tests.near import near

Written = Callable[..., str]
PJ = 1e-12


def test_every_action_of_the_round_table(table: dict[str, Any], written: Written, architecture: Architecture) -> None:
    actions = resolve_actions(load_technology(written(table)), architecture)
    assert (actions.mac, actions.mac_gated) == near(((1 + 0.5) * PJ, 0.1 * PJ))
    assert actions.spad_access("iact") == near((2 * PJ, 3 * PJ))
    # 96 words of 24 b are 288 B, four times the 72 B of the table: twice the energy
    assert actions.spad_access("weight") == near((8 * PJ, 10 * PJ))
    assert actions.spad_access("psum") == near((6 * PJ, 7 * PJ))
    assert actions.glb_access("iact") == near((8 * PJ, 9 * PJ))
    # a bank of 6 KiB against 1.5 KiB: twice the energy
    assert actions.glb_access("psum") == near((24 * PJ, 26 * PJ))
    assert (actions.dram_read_bit, actions.dram_write_bit) == near((1 * PJ, 2 * PJ))
    assert actions.noc_hop_bit == near(dict.fromkeys(TENSORS, (0.5 + 2 * 0.25) * PJ))  # a hop of 2 mm
    assert actions.noc_deliver == near({"iact": 14 * PJ, "weight": 15 * PJ, "psum": 20 * PJ})
    assert actions.noc_local == near(17 * PJ)
    assert (actions.clock_active, actions.clock_idle) == near((5 * PJ, 0.5 * PJ))
    assert actions.fixed_width == {"noc.deliver.weight"}


def test_leakage_counts_pes_and_all_memory(table: dict[str, Any], written: Written, architecture: Architecture) -> None:
    banks = 2 * (3 * 1536 + 4 * 6144)  # clusters x (iact + psum)
    spads = 24 * (24 + 288 + 80 + 4)  # PEs x (iact + weight + psum + iact addresses)
    assert architecture.memory_bytes == banks + spads
    actions = resolve_actions(load_technology(written(table)), architecture)
    assert actions.leakage_w == near(24 * 1e-3 + (banks + spads) / 1024 * 1e-3)


def test_a_mac_of_narrower_operands(table: dict[str, Any], written: Written, architecture: Architecture) -> None:
    table["word_bits"] = "16 b"
    actions = resolve_actions(load_technology(written(table)), architecture)
    assert (actions.mac, actions.mac_gated) == near(((0.25 + 0.5) * PJ, 0.025 * PJ))


def test_clock_and_leakage_grow_with_the_gates_of_a_pe(
    table: dict[str, Any], written: Written, architecture: Architecture
) -> None:
    own = round(clocked_gates(architecture)) // 4 * 4
    architecture = architecture.model_copy(update={"pe": architecture.pe.model_copy(update={"gates": own})})
    table["clock"]["active"]["gates"] = 2 * own
    table["clock"]["idle"]["gates"] = own // 2
    table["leakage"]["pe"]["gates"] = own // 4
    actions, plain = resolve_actions(load_technology(written(table)), architecture), 24 * 1e-3
    assert (actions.clock_active, actions.clock_idle) == near((2.5 * PJ, 1 * PJ))
    rest = architecture.memory_bytes / 1024 * 1e-3
    assert actions.leakage_w == near(4 * plain + rest)


def test_weights_that_the_glb_does_not_store(architecture: Architecture) -> None:
    actions = resolve_actions(load_technology("cmos65_8b"), architecture)
    with pytest.raises(MissingEnergy) as caught:
        actions.glb_access("weight")
    assert str(caught.value) == (
        "action glb.weight.read has no energy in technology cmos65_8b: no GLB bank of round holds weights"
    )


def test_an_unknown_data_type(architecture: Architecture) -> None:
    actions = resolve_actions(load_technology("cmos65_8b"), architecture)
    with pytest.raises(MissingEnergy, match=r"^action glb\.bias\.read has no energy in technology cmos65_8b$"):
        actions.glb_access("bias")
    with pytest.raises(MissingEnergy, match=r"^action spad\.bias\.read has no energy in technology cmos65_8b$"):
        actions.spad_access("bias")
    with pytest.raises(MissingEnergy, match=r"^action noc\.deliver\.bias has no energy in technology cmos65_8b$"):
        actions.delivery("bias")


def test_shared_banks_and_a_shared_spad(architecture: Architecture) -> None:
    spad = architecture.pe.spad.model_copy(update={"shared": 512})
    shared = SharedGlb.model_validate({"banks": 25, "size": "4 KiB", "tensors": ["iact", "psum", "weight"]})
    iact = architecture.glb.iact.model_copy(update={"banks": 0, "size": None})
    changed = architecture.model_copy(
        update={
            "pe": architecture.pe.model_copy(update={"spad": spad}),
            "glb": architecture.glb.model_copy(update={"shared": shared, "iact": iact}),
        }
    )
    assert changed.pe.spad.bits_of("weight") / 8 == 512.0
    assert changed.glb.bank_size("iact") == changed.glb.bank_size("weight") == 4096
    assert changed.glb.bank_size("psum") == 6144  # banks of its own come first
    assert changed.memory_bytes == 2 * (4 * 6144 + 25 * 4096) + 24 * (512 + 4)
    assert resolve_actions(load_technology("cmos65_8b"), changed).glb_access("weight")[0] > 0.0


def test_control_grows_with_the_registers_of_a_mac(
    table: dict[str, Any], written: Written, architecture: Architecture
) -> None:
    held = architecture.precision.iact + architecture.precision.weight + architecture.precision.psum
    table["mac"]["control"]["width"] = f"{2 * held} b"
    assert resolve_actions(load_technology(written(table)), architecture).mac == near((1 + 0.25) * PJ)


def test_packed_macs_share_their_control(table: dict[str, Any], written: Written, architecture: Architecture) -> None:
    packed = architecture.pe.model_copy(update={"packed": NarrowOperands.model_validate({"width": "8 b", "macs": 2})})
    two = architecture.model_copy(update={"pe": packed})
    actions = resolve_actions(load_technology(written(table)), two)
    assert (two.lanes, two.macs_per_cycle) == (2 * architecture.lanes, 2 * architecture.macs_per_cycle)
    assert actions.mac == near((1 + 0.25) * PJ)
    wide = two.model_copy(update={"precision": two.precision.model_copy(update={"weight": 9})})
    assert (wide.lanes, wide.packing) == (architecture.lanes, 1)


def test_a_pe_without_gates_has_those_of_the_area_model() -> None:
    narrow, wide = load_architecture("eyeriss_v2", [("precision.weight", "4 b")]), load_architecture("eyeriss_v2")
    assert wide.pe.gates is None
    assert clocked_gates(wide) == near(area_of(wide, None).total.gates / 192)
    assert clocked_gates(narrow) < clocked_gates(wide)
    assert clocked_gates(load_architecture("eyeriss_v2", [("pe.gates", "5000")])) == 5000


def test_the_interface_off_chip_is_left_out_or_per_bit(
    table: dict[str, Any], written: Written, architecture: Architecture
) -> None:
    assert resolve_actions(load_technology(written(table)), architecture).interface_bit == 0.0
    table["dram"]["interface"] = {"energy": "3 pJ", "width": "2 b", "source": "assumed"}
    assert resolve_actions(load_technology(written(table)), architecture).interface_bit == near(1.5 * PJ)
