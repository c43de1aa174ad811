"""Axes as columns: numbers in SI units, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterator

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.files.units import BYTES_PER_SECOND, DIMENSIONS, Dimension, format_quantity, parse_quantity
from accelerator_sim.sweeps.axes import CHOICES, column_of, dimension, path_of, readable, stored


@pytest.mark.parametrize(
    ("name", "text", "column", "value"),
    [
        ("dram.bandwidth", "25.6 GB/s", "dram.bandwidth_bytes_per_s", 25.6e9),
        ("dram.bandwidth", "unlimited", "dram.bandwidth_bytes_per_s", "unlimited"),
        ("clock", "200 MHz", "clock_hz", 2e8),
        ("glb.psum.size", "1920 B", "glb.psum.size_bytes", 1920),
        ("dram.latency", "100 ns", "dram.latency_s", 1e-7),
        ("noc.hop_length", "1 mm", "noc.hop_length_m", 1e-3),
        ("precision.iact", "8 b", "precision.iact_bits", 8),
        ("pe_cluster.rows", "3", "pe_cluster.rows", 3),
        ("pe.psum_service.cycles_per_psum", "0.5", "pe.psum_service.cycles_per_psum", 0.5),
        ("overlap.psum_drain", "true", "overlap.psum_drain", "true"),
        ("pe.csc", "{count: 4 b}", "pe.csc", "{count: 4 b}"),
        ("batch", "4", "batch", 4),
        ("width", "0.5", "width", 0.5),
        ("workload", "7", "workload", "7"),
        ("prune", "magnitude:0.5", "prune", "magnitude:0.5"),
        ("technology", "cmos65_8b", "technology", "cmos65_8b"),
    ],
)
def test_columns(name: str, text: str, column: str, value: float | str) -> None:
    assert (column_of(name), stored(name, text)) == (column, value)
    assert path_of(column) == name
    assert readable({column: value}) == {name: text}


def _leaves(model: pydantic.BaseModel, path: str = "") -> Iterator[str]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, pydantic.BaseModel):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield path + name


@pytest.mark.parametrize("name", ["eyeriss_v1", "eyeriss_v2"])
def test_every_path_has_a_column_of_its_own(name: str) -> None:
    paths = [*CHOICES, *_leaves(load_architecture(name))]
    columns = [column_of(path) for path in paths]
    assert len(set(columns)) == len(paths) > 50
    assert [path_of(column) for column in columns] == paths
    assert sum(dimension(path) is not None for path in paths) > 15


def test_bases() -> None:
    for each in DIMENSIONS:
        assert each.units[each.base] == 1
    assert len({each.suffix for each in DIMENSIONS}) == len(DIMENSIONS)


@given(st.sampled_from(DIMENSIONS), st.floats(1e-12, 1e15))
def test_quantities_are_shown_exactly(each: Dimension, value: float) -> None:
    number = float(round(value)) + 1 if each.whole else value
    assert parse_quantity(format_quantity(number, each), each) == number


def test_quantities() -> None:
    assert format_quantity(25.6e9, BYTES_PER_SECOND) == "25.6 GB/s"
    assert format_quantity(float("inf"), BYTES_PER_SECOND) == "unlimited"
