"""Routers and banks that are left out follow the PEs of a cluster."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.architecture.following import FOLLOWING, followed, with_following
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.architecture.networks import HierarchicalMesh
from accelerator_sim.files.data import resolve
from accelerator_sim.files.errors import InvalidFile


def found(architecture: Architecture) -> dict[str, int]:
    """The values that may follow, by path."""
    return {".".join(path): getattr(getattr(getattr(architecture, path[0]), path[1]), path[2]) for path in FOLLOWING}


def test_the_chip_has_the_published_numbers() -> None:
    """JETCAS 2019 Table II."""
    numbers = {"noc.iact.routers": 3, "noc.weight.routers": 3, "noc.psum.routers": 4}
    assert found(load_architecture("eyeriss_v2")) == numbers | {"glb.iact.banks": 3, "glb.psum.banks": 4}


@pytest.mark.parametrize(("rows", "columns", "clusters"), list(product((2, 5, 6), (2, 7), (2, 8))))
def test_other_sizes_are_machines(rows: int, columns: int, clusters: int) -> None:
    sizes = {"pe_cluster.rows": rows, "pe_cluster.columns": columns, "cluster_array.rows": clusters}
    machine = load_architecture("eyeriss_v2", [(path, str(value)) for path, value in sizes.items()])
    assert machine.pes == 2 * rows * columns * clusters
    assert found(machine) == {".".join(path): rows if side == "rows" else columns for path, side in FOLLOWING.items()}


def test_what_is_given_stays() -> None:
    machine = load_architecture("eyeriss_v2", [("noc.iact.routers", "2"), ("glb.psum.banks", "8")])
    assert isinstance(machine.noc.iact, HierarchicalMesh)
    assert (machine.noc.iact.routers, machine.glb.psum.banks) == (2, 8)


def test_a_flat_network_has_no_routers_and_a_bank_without_size_is_not_there() -> None:
    tree = {
        "pe_cluster": {"rows": 3, "columns": 4},
        "noc": {"iact": {"kind": "multicast_bus"}, "weight": None},
        "glb": {"iact": {"port_width": "8 b"}, "psum": {"size": "1 KiB"}},
    }
    assert followed(tree) == {"glb.psum.banks": 4}
    assert with_following(tree)["glb"]["psum"] == {"size": "1 KiB", "banks": 4}
    assert tree["glb"]["psum"] == {"size": "1 KiB"}
    assert with_following("text") == "text"


@pytest.mark.parametrize("rows", ["-1", "true", "[]", "null"])
def test_what_they_follow_is_to_blame(rows: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        load_architecture("eyeriss_v2", [("pe_cluster.rows", rows)])
    assert [problem.path for problem in caught.value.problems] == ["pe_cluster.rows"]


def test_a_source_may_be_left_out(tmp_path: Path) -> None:
    lines = resolve("arch_configs", "eyeriss_v2", "architecture").read_text().splitlines(keepends=True)
    (tmp_path / "own.yaml").write_text("".join(line for line in lines if not line.startswith("source:")))
    assert load_architecture(str(tmp_path / "own.yaml")).source == "not stated"
