"""Models written back as files."""

from pathlib import Path

import pytest

from accelerator_sim.architecture.load import load_architecture, read_architecture
from accelerator_sim.files.data import builtin_names
from accelerator_sim.files.units import (
    BITS,
    BYTES,
    BYTES_PER_SECOND,
    DIMENSIONS,
    HERTZ,
    JOULES,
    Dimension,
    parse_quantity,
)
from accelerator_sim.report.yaml_text import as_yaml, quantity
from accelerator_sim.technology.technology import load_technology


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (200e6, HERTZ, "200 MHz"), (1536, BYTES, "1.5 KiB"), (1920, BYTES, "1920 B"), (24, BITS, "24 b"),
        (3e-13, JOULES, "300 fJ"), (0.0, JOULES, "0 J"), (25.6e9, BYTES_PER_SECOND, "25.6 GB/s"),
        (float("inf"), BYTES_PER_SECOND, "unlimited"), (2e-21, JOULES, "0.002 aJ"), (4096, BITS, "4096 b"),
    ],
)  # fmt: skip
def test_quantity(value: float, dimension: Dimension, text: str) -> None:
    assert quantity(value, dimension) == text


@pytest.mark.parametrize("value", [1, 3, 1000, 1023, 65536, 123456789])
def test_nothing_is_rounded(value: int) -> None:
    for dimension in DIMENSIONS:
        number = value if dimension.whole else value * 1.1e-7
        assert parse_quantity(quantity(number, dimension), dimension) == number


@pytest.mark.parametrize("name", builtin_names("arch_configs"))
def test_architectures_read_back(name: str, tmp_path: Path) -> None:
    architecture = load_architecture(name)
    path = tmp_path / "arch.yaml"
    path.write_text(as_yaml(architecture))
    assert read_architecture(path) == architecture


@pytest.mark.parametrize("name", ["cmos65_8b", "cmos28_8b", "isca16_normalised"])
def test_technologies_read_back(name: str, tmp_path: Path) -> None:
    technology = load_technology(name)
    path = tmp_path / "tech.yaml"
    path.write_text(as_yaml(technology))
    assert load_technology(str(path)) == technology
