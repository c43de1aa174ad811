"""What other programs are given is our own layer: read back by our readers of their files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network_loader import load_network
from benchmarks.peer_environments import Peer
from benchmarks.peer_files import LAYOUT_FACTORS, write_scalesim, write_zigzag
from benchmarks.peers import compared_layer, faster, peer_rows
from benchmarks.timing import ProcessFailed


def shape(layer: Layer) -> tuple[int, ...]:
    return layer.N, layer.M, layer.C, layer.P, layer.Q, layer.R, layer.S, layer.macs


def test_the_topology_is_the_layer(tmp_path: Path) -> None:
    network, layer = compared_layer()
    write_scalesim(network, layer, tmp_path)
    (read,) = load_network(str(tmp_path / "topology.csv")).layers
    assert shape(read) == shape(layer)
    assert (tmp_path / "layout.csv").read_text().splitlines()[1].count(",") == LAYOUT_FACTORS + 1


def test_the_workload_is_the_layer(tmp_path: Path) -> None:
    _, layer = compared_layer()
    for changed in (layer, replace(layer, stride=(2, 2)), replace(layer, M=7, H=20)):
        write_zigzag(changed, tmp_path)
        (read,) = load_network(str(tmp_path / "workload.yaml")).layers
        assert shape(read) == shape(changed)


def test_a_peer_that_does_not_install_has_a_row_that_says_why() -> None:
    class Missing(Peer):
        def install(self) -> None:
            raise ProcessFailed("ERROR: no matching distribution | none")

    rows = peer_rows(Missing("missing", ("missing==1",)), lambda: [("never", "", "", "")])
    assert rows == [("missing==1", "does not install: ERROR: no matching distribution / none", "", "")]


def test_ratios() -> None:
    assert (faster(1.0, 2.0), faster(3.0, 2.0), faster(5000.0, 2.0)) == ("0.5x", "1.5x", "2,500x")
