"""What a schema knows about a path."""

from __future__ import annotations

import re
from typing import Any

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.fields import check_value, dimension_of, fields_at
from accelerator_sim.files.units import BITS, BYTES, BYTES_PER_SECOND, HERTZ


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("clok", "unknown key 'clok'; did you mean 'clock'?"),
        ("pe_cluster.rowz", "unknown key 'rowz' in 'pe_cluster'; did you mean 'rows'?"),
        ("pe.fifo_depth.x", "unknown key 'x' in 'pe.fifo_depth'; allowed: iact, weight, psum"),
        ("clock.x", "'clock' is a single value; it has no 'x'"),
        ("dram.compressed.x", "unknown key 'x' in 'dram.compressed'; allowed: 0"),
    ],
)
def test_paths_that_are_not_there(path: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fields_at(Architecture, path)


def test_dimensions() -> None:
    found = {
        path: dimension_of(fields_at(Architecture, path))
        for path in (
            "clock",
            "dram.bandwidth",
            "glb.weight.size",
            "pe.csc.count",
            "dram.rlc_run",
            "pe_cluster.rows",
            "noc",
        )
    }
    assert list(found.values()) == [HERTZ, BYTES_PER_SECOND, BYTES, BITS, BITS, None, None]


@pytest.mark.parametrize(
    ("path", "good", "bad", "message"),
    [
        ("clock", "1 MHz", "1 GB", "'1 GB' is a size; a frequency such as"),
        ("pe_cluster.rows", 3, 0, "0 is not allowed; it must be at least 1"),
        ("pe_cluster.rows", 3, True, "true given; a whole number is required"),
        ("noc.iact.kind", "unicast", "ring", "'ring' is not allowed; allowed: 'hierarchical_mesh', 'multicast_bus'"),
        ("pe.csc", None, 3, "3 given; a mapping is required"),
        ("pe.csc", {"count": "4 b"}, {"cont": "4 b"}, "cont: unknown key; did you mean 'count'?"),
        ("dram.compressed.0", "iact", "x", "'x' is not allowed; allowed: 'iact', 'weight' or 'oact'"),
        ("pe.fifo_depth.iact", 4, "4", "'4' given; a whole number is required"),
    ],
)
def test_values(path: str, good: Any, bad: Any, message: str) -> None:
    fields = fields_at(Architecture, path)
    check_value(fields, good)
    with pytest.raises(ValueError, match=re.escape(message)):
        check_value(fields, bad)
