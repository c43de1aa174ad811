"""What `show noc` prints: links by their part, pictures of the mesh, and the graph as JSON."""

from __future__ import annotations

import json

import networkx as nx
import pytest

from accelerator_sim.architecture.architecture import TENSORS
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.noc.link_graph import network_graph
from accelerator_sim.noc.wires import wires_of
from accelerator_sim.report.network_graph import dumps_json, dumps_rows, link_kinds, mesh_picture, render_noc
from tests.oracles.strategies import machine


@pytest.mark.parametrize("name", ["eyeriss_v1", "eyeriss_v2"])
def test_kinds_of_links_are_all_links(name: str) -> None:
    architecture = load_architecture(name)
    kinds = link_kinds(architecture)
    for tensor in TENSORS:
        own = [kind for kind in kinds if kind.tensor == tensor]
        assert sum(kind.links for kind in own) == wires_of(architecture, tensor).links
        assert sum(kind.bit_metres for kind in own) * 1e3 == pytest.approx(wires_of(architecture, tensor).bit_mm)


def test_the_networks_of_eyeriss_v2() -> None:
    text = render_noc(load_architecture("eyeriss_v2"))
    assert text.startswith("eyeriss_v2: hierarchical mesh, 8 x 2 clusters of 3 x 4 PEs\n")
    assert "iact       between GLB and router     48    24       0.289        0.333" in text
    assert "psum: 64 ports, 64 routers, 128 PEs, 440 links, 6.67 bit m of wire" in text
    assert max(map(len, text.splitlines())) <= 80


def test_pictures_of_meshes() -> None:
    small = machine("eyeriss_v2", {"cluster_array": "{rows: 2, columns: 2}"})
    assert mesh_picture(small) == [
        "iact      weight    psum",
        "o---o     o---o     o   o",
        "|   |               v   v",
        "o---o     o---o     o   o",
    ]
    below = [
        "iact",
        "o---o",
        "|   |",
        "o---o",
        "",
        "weight",
        "o---o",
        "",
        "o---o",
        "",
        "psum",
        "o   o",
        "v   v",
        "o   o",
    ]
    assert mesh_picture(small, 24) == below
    large = machine("eyeriss_v2", {"cluster_array": "{rows: 40, columns: 2}"})
    assert mesh_picture(large) == ["40 x 2 clusters are too many to draw; --format json has every link"]


def test_the_json_is_read_by_networkx() -> None:
    architecture = load_architecture("eyeriss_v2")
    data = json.loads(dumps_json(architecture))
    assert data["schema"] == "accelerator-sim/noc/1"
    for tensor in TENSORS:
        read = nx.node_link_graph(data["networks"][tensor], edges="edges")
        graph = network_graph(architecture.network(tensor), architecture.site(tensor))
        assert read.number_of_nodes() == graph.number_of_nodes()
        assert sorted(d["length_m"] for *_, d in read.edges(data=True)) == sorted(
            length for *_, length in graph.edges(data="length")
        )
    assert len(dumps_rows(architecture, "\t").splitlines()) == 1 + len(link_kinds(architecture))
