from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from accelerator_sim.files.data import builtin_names, data_dir
from accelerator_sim.files.errors import InvalidFile, UsageError
from accelerator_sim.technology.scaling import energy_ratio
from accelerator_sim.technology.technology import load_technology, schema
from tests.near import near

Written = Callable[..., str]
BUILT_IN = builtin_names("arch_configs", "technologies")


def refusal(path: str) -> str:
    """Return the one problem of a table, without the place."""
    with pytest.raises(InvalidFile) as caught:
        load_technology(path)
    assert len(caught.value.problems) == 1
    problem = caught.value.problems[0]
    assert problem.line is not None
    return f"{problem.path}: {problem.message}"


def test_the_built_in_tables() -> None:
    assert {
        "isca16_normalised", "cmos65_16b", "cmos65_8b", "cmos45_8b", "cmos28_8b", "cmos16_8b", "cmos7_8b",
    } <= set(BUILT_IN)  # fmt: skip


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_table_loads(name: str) -> None:
    assert load_technology(name).name == name


def test_quantities_are_in_joules() -> None:
    table = load_technology("cmos65_8b")
    assert table.mac.issued.energy == near(0.3e-12)
    assert table.dram.read.per_bit == near(8.5e-12)
    assert (table.node_nm, table.voltage, table.word_bits) == (65.0, 1.0, 8)


def test_isca16_charges_a_transfer_once() -> None:
    table = load_technology("isca16_normalised")
    assert table.normalised
    assert table.dram.read.per_bit * 16 == near(200 * table.mac.issued.energy)
    assert table.spad.iact.write.energy == table.glb.weight.write.energy == table.noc.deliver.psum.energy == 0.0


def test_the_schema_in_the_folder_is_up_to_date() -> None:
    path = data_dir("arch_configs") / "technologies" / "technology.schema.json"
    assert json.loads(path.read_text()) == json.loads(json.dumps(schema()))


# --- widths and sizes -----------------------------------------------------------------------------------------------
def test_width_scales_in_proportion_and_size_by_its_root(table: dict[str, Any], written: Written) -> None:
    read = load_technology(written(table)).spad.weight.read
    assert read.of_access(24, 72) == near(4e-12)
    assert read.of_access(48, 72) == near(8e-12)
    assert read.of_access(24, 288) == near(8e-12)


def test_a_given_exponent(table: dict[str, Any], written: Written) -> None:
    table["spad"]["weight"]["read"]["exponent"] = 1.0
    assert load_technology(written(table)).spad.weight.read.of_access(24, 288) == near(16e-12)


def test_without_width_and_size_the_value_holds_for_every_access(table: dict[str, Any], written: Written) -> None:
    del table["spad"]["weight"]["read"]["width"], table["spad"]["weight"]["read"]["size"]
    assert load_technology(written(table)).spad.weight.read.of_access(999, 999) == near(4e-12)


def test_exponent_without_size(table: dict[str, Any], written: Written) -> None:
    table["spad"]["iact"]["read"]["exponent"] = 0.5
    assert refusal(written(table)) == (
        "spad.iact.read: exponent without a size; give the size of the memory that the energy holds for"
    )


# --- what a table must say ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "path",
    ["mac.gated", "mac.control", "spad.iact.write", "glb.weight.read", "noc.hop.wire", "noc.deliver.psum", "noc.local",
     "dram.write", "clock.idle", "leakage.sram"],
)  # fmt: skip
def test_a_missing_action(path: str, table: dict[str, Any], written: Written) -> None:
    *parents, last = path.split(".")
    holder = table
    for parent in parents:
        holder = holder[parent]
    del holder[last]
    assert refusal(written(table)).startswith(f"{path}: missing; ")


def test_a_missing_energy(table: dict[str, Any], written: Written) -> None:
    del table["mac"]["issued"]["energy"]
    assert refusal(written(table)).startswith("mac.issued.energy: missing; ")


def test_a_missing_source(table: dict[str, Any], written: Written) -> None:
    del table["mac"]["issued"]["source"]
    assert refusal(written(table)).startswith("mac.issued.source: missing; ")


@pytest.mark.parametrize("source", ["", "Horowitz", "common knowledge"])
def test_a_source_that_names_no_origin(source: str, table: dict[str, Any], written: Written) -> None:
    table["mac"]["issued"]["source"] = source
    assert refusal(written(table)) == (
        "mac.issued.source: names no origin; cite a publication and its year,"
        " or write 'assumed: ...' or 'fitted to ...'"
    )


@pytest.mark.parametrize("source", ["Horowitz, ISSCC 2014", "assumed: as a read", "fitted to the chip's power"])
def test_a_source_that_does(source: str, table: dict[str, Any], written: Written) -> None:
    table["mac"]["issued"]["source"] = source
    assert load_technology(written(table)).mac.issued.source == source


def test_zero_without_a_reason(table: dict[str, Any], written: Written) -> None:
    table["spad"]["iact"]["write"]["energy"] = "0 pJ"
    assert refusal(written(table)) == (
        "spad.iact.write.source: an energy of zero needs its reason; write 'zero because ...'"
    )


def test_zero_power_without_a_reason(table: dict[str, Any], written: Written) -> None:
    table["leakage"]["pe"]["power"] = "0 W"
    assert refusal(written(table)).startswith("leakage.pe.source: an energy of zero needs its reason")


def test_zero_with_a_reason(table: dict[str, Any], written: Written) -> None:
    table["spad"]["iact"]["write"] = {"energy": "0 pJ", "source": "zero because the GLB read is charged instead"}
    assert load_technology(written(table)).spad.iact.write.energy == 0.0


def test_a_reason_for_zero_is_no_origin_of_another_value(table: dict[str, Any], written: Written) -> None:
    table["mac"]["gated"]["source"] = "zero because it is gated"
    assert refusal(written(table)).startswith("mac.gated.source: names no origin")


def test_dram_without_width(table: dict[str, Any], written: Written) -> None:
    del table["dram"]["read"]["width"]
    assert refusal(written(table)).startswith("dram.read.width: missing; ")


def test_an_unknown_action(table: dict[str, Any], written: Written) -> None:
    table["clock"]["idel"] = table["clock"]["idle"]
    assert refusal(written(table)) == "clock.idel: unknown key; did you mean 'idle'?"


def test_unknown_technology() -> None:
    with pytest.raises(UsageError, match=r"unknown technology 'cmos65_8': .*did you mean 'cmos65_8b'\?"):
        load_technology("cmos65_8")


# --- scaled tables --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "node", "volts"), [("cmos45_8b", 45, 1.0), ("cmos28_8b", 28, 0.9), ("cmos7_8b", 7, 0.7)]
)
def test_scaling_multiplies_the_chip_and_leaves_the_dram(name: str, node: int, volts: float) -> None:
    base, scaled = load_technology("cmos65_8b"), load_technology(name)
    ratio = energy_ratio(65, 1.0, node, volts)
    assert scaled.mac.issued.energy == near(base.mac.issued.energy * ratio)
    assert scaled.glb.psum.write.energy == near(base.glb.psum.write.energy * ratio)
    assert scaled.noc.deliver.iact.energy == near(base.noc.deliver.iact.energy * ratio)
    assert scaled.clock.idle.energy == near(base.clock.idle.energy * ratio)
    assert scaled.leakage.pe.power == near(base.leakage.pe.power * ratio)
    assert scaled.dram == base.dram
    assert (scaled.node_nm, scaled.voltage) == (node, volts)
    assert scaled.spad.weight.read.width == base.spad.weight.read.width


def test_scaled_values_say_how_they_were_made() -> None:
    scaled = load_technology("cmos28_8b")
    rule = "from 65 nm 1 V to 28 nm 0.9 V (Stillmaker and Baas, Integration 58, 2017)"
    assert rule in scaled.source
    assert rule in scaled.mac.issued.source
    assert "assumed to hold for leakage" in scaled.leakage.pe.source


def test_scaling_from_a_file_at_the_usual_voltage(table: dict[str, Any], written: Written) -> None:
    written(table, "base.yaml")
    path = written({"name": "own", "scaled_from": "./base.yaml", "node": "16 nm"})
    assert load_technology(path).mac.issued.energy == near(1e-12 * energy_ratio(65, 1.0, 16, 0.8))


def test_scaling_to_an_unknown_node(written: Written) -> None:
    path = written({"name": "own", "scaled_from": "cmos65_8b", "node": "22 nm", "voltage": "0.9 V"})
    assert refusal(path) == (
        "node: 22 nm has no scaling polynomial; known nodes: 130, 90, 65, 45, 32, 28, 20, 16, 14, 12, 10, 8, 7 nm"
    )


def test_scaling_a_scaled_table(written: Written) -> None:
    path = written({"name": "own", "scaled_from": "cmos28_8b", "node": "7 nm"})
    assert refusal(path) == "scaled_from: 'cmos28_8b' is scaled itself, from 'cmos65_8b'; name that one"


def test_scaling_normalised_units(written: Written) -> None:
    path = written({"name": "own", "scaled_from": "isca16_normalised", "node": "7 nm"})
    assert refusal(path) == "scaled_from: 'isca16_normalised' is normalised; it has no joules to scale"


def test_scaling_an_unknown_table(written: Written) -> None:
    with pytest.raises(UsageError, match="unknown technology 'cmos65'"):
        load_technology(written({"name": "own", "scaled_from": "cmos65", "node": "7 nm"}))


def test_a_scaled_table_has_no_actions_of_its_own(table: dict[str, Any], written: Written) -> None:
    path = written({"name": "own", "scaled_from": "cmos65_8b", "node": "7 nm", "clock": table["clock"]})
    assert refusal(path).startswith("clock: unknown key; allowed: name, source, scaled_from, node, voltage")
