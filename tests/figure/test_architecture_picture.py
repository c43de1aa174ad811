"""The picture of a machine: every part that the file has is drawn, as often as it has it, and says its size."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from matplotlib.text import Annotation

import accelerator_sim
from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.architecture.grid import Grid
from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.architecture.wire_links import NodeKind
from accelerator_sim.figure.canvas import LIGHT
from accelerator_sim.figure.cluster_picture import BANK_COLORS, TENSOR_COLORS, ClusterView, bank_stacks, size_text
from accelerator_sim.files.errors import UsageError
from accelerator_sim.noc.link_graph import cluster_graph
from tests.figure.test_figure_kinds import check_legible, texts
from tests.oracles.strategies import machines

MACHINES = sorted(path.stem for path in (Path(__file__).resolve().parents[2] / "arch_configs").glob("*.yaml"))
FLAT = {
    "broadcast": {"words_per_cycle": 2},
    "unicast": {"words_per_cycle": 12},
    "all_to_all": {"ports": 9, "words_per_cycle": 1},
}


def boxes(axes: Any, color: str) -> int:
    """Boxes of one colour."""
    found = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    return sum(to_hex(patch.get_facecolor()) == color for patch in found)


def arrows(axes: Any) -> Counter[tuple[str, str]]:
    """Arrows by colour and form."""
    found = [text for text in axes.texts if isinstance(text, Annotation)]
    return Counter((text.arrowprops["color"], text.arrowprops["arrowstyle"]) for text in found)


@pytest.mark.parametrize("name", MACHINES)
def test_every_built_in_machine(name: str) -> None:
    machine = accelerator_sim.load_architecture(name)
    figure = accelerator_sim.draw_architecture(machine)
    check_legible(figure)
    flat = machine.cluster_array.count == 1
    assert len(figure.axes) == 3 - flat
    assert f"{name}: {machine.size_text}" in texts(figure)
    drawn = ClusterView(machine).pes
    assert texts(figure).count("PE") == drawn.count
    whole = drawn == machine.pe_cluster
    assert any("of" in text and text.startswith("the first") and "PEs" in text for text in texts(figure)) != whole


def test_the_networks_of_eyeriss_v2() -> None:
    """JETCAS 2019 Fig. 4 and Table II: iacts go to all sides, weights across, psums south."""
    array, cluster, pe = accelerator_sim.draw_architecture("eyeriss_v2").axes
    iact, weight, psum = (TENSOR_COLORS[tensor] for tensor in TENSORS)
    assert arrows(array) == {(iact, "<->"): 7 * 2 + 8, (weight, "<->"): 8, (psum, "->"): 7 * 2}
    assert boxes(array, LIGHT) == 192
    assert boxes(cluster, LIGHT) == 12
    assert [boxes(cluster, BANK_COLORS[tensor]) for tensor in TENSORS] == [3, 0, 4]
    assert [boxes(cluster, TENSOR_COLORS[tensor]) for tensor in TENSORS] == [3, 3, 4]  # routers
    assert arrows(cluster)[psum, "->"] == 2 * 4  # from each PE to the one above
    written = {text.get_text() for text in pe.texts}
    assert {"iact SPad\n16 x 12 b", "weight SPad\n96 x 24 b", "psum SPad\n32 x 20 b", "2 MACs\nper cycle"} <= written
    assert {"addresses\n9 x 4 b", "addresses\n16 x 7 b"} <= written


def test_the_chip_has_buses_and_shared_banks() -> None:
    cluster, pe = accelerator_sim.draw_architecture("eyeriss_v1").axes
    assert [boxes(cluster, BANK_COLORS[use]) for use in ("shared", "weight", "iact", "psum")] == [25, 2, 0, 0]
    assert not any(boxes(cluster, TENSOR_COLORS[tensor]) for tensor in TENSORS)  # no routers
    assert len({line.get_color() for line in cluster.lines}) == 3
    assert not any(text.get_text().startswith("addresses") for text in pe.texts)


def test_one_register_file_for_all_types() -> None:
    _, pe = accelerator_sim.draw_architecture("isca16_256").axes
    assert "SPad for\nall types\n512 B" in {text.get_text() for text in pe.texts}


def test_sizes_are_those_of_the_file() -> None:
    machine = load_architecture("eyeriss_v2", (("glb.psum.size", "3 KiB"), ("dram.bandwidth", "1.6 GB/s")))
    written = texts(accelerator_sim.draw_architecture(machine))
    assert "GLB: 4 psum banks of 3 KiB" in written
    assert any("1.60 GB/s" in text for text in written)


@pytest.mark.parametrize("kind", FLAT)
def test_other_flat_networks(kind: str) -> None:
    settings = ", ".join(f"{name}: {value}" for name, value in FLAT[kind].items())
    changes = tuple((f"noc.{tensor}", f"{{kind: {kind}, {settings}}}") for tensor in TENSORS)
    machine = load_architecture("eyeriss_v1", (*changes, ("pe_cluster.rows", "4"), ("pe_cluster.columns", "5")))
    figure = accelerator_sim.draw_architecture(machine)
    assert any(text.startswith(f"iacts: {kind.replace('_', ' ')}, ") for text in texts(figure))
    view = ClusterView(machine)
    for tensor in TENSORS:
        reached = {link.end for link in view.links(tensor) if link.end.kind is NodeKind.PE}
        assert len(reached) == machine.pes


@pytest.mark.parametrize("name", ["eyeriss_v1", "eyeriss_v2", "eyeriss_v2_256"])
@pytest.mark.parametrize("tensor", TENSORS)
def test_wires_are_those_of_the_network(name: str, tensor: str) -> None:
    """Each wire inside a cluster once, whichever way it goes, and upright or level."""
    machine = load_architecture(name)
    view = ClusterView(machine)
    one = {link for link in machine.network(tensor).links(machine.site(tensor)) if link.start.cluster == (0, 0)}
    inside = {frozenset((link.start, link.end, link.source)) for link in one if not link.part.between_clusters}
    assert {frozenset((link.start, link.end, link.source)) for link in view.links(tensor)} == inside
    assert len(list(view.links(tensor))) == len(inside)
    cluster = accelerator_sim.draw_architecture(machine).axes[-2]
    for line in cluster.lines:
        xs, ys = line.get_data()
        assert all(xs[at] == xs[at + 1] or ys[at] == ys[at + 1] for at in (0, 1))


@settings(max_examples=10)
@given(machines())
def test_any_machine_is_drawn_whole(machine: Architecture) -> None:
    """Each PE, the links between clusters (rings as a stub at either end), and the wires of each data type."""
    figure = accelerator_sim.draw_architecture(machine)
    view = ClusterView(machine)
    assert texts(figure).count("PE") == view.pes.count == machine.pe_cluster.count
    for tensor in TENSORS:
        graph = cluster_graph(machine.network(tensor), machine.site(tensor))
        pairs = {frozenset(edge) for edge in graph.edges}
        apart = [max(abs(a - b) for a, b in zip(*pair, strict=True)) for pair in pairs]
        drawn = arrows(figure.axes[0]) if len(figure.axes) == 3 else Counter()
        color = TENSOR_COLORS[tensor]
        assert sum(count for (of, _), count in drawn.items() if of == color) == sum(1 + (far > 1) for far in apart)
        wires = {line for line in figure.axes[-2].lines if line.get_color() == color}
        assert len(wires) == len(list(view.links(tensor))) > 0


def test_a_torus_has_links_round_its_ends() -> None:
    changes = (("noc.iact.torus", "true"), ("cluster_array.rows", "4"), ("cluster_array.columns", "1"))
    plain, torus = (load_architecture("eyeriss_v2", changes[first:]) for first in (1, 0))
    blue = TENSOR_COLORS["iact"]
    counts = [arrows(accelerator_sim.draw_architecture(each).axes[0])[blue, "<->"] for each in (plain, torus)]
    assert counts == [3, 5]


def test_large_machines_say_what_is_left_out() -> None:
    written = texts(accelerator_sim.draw_architecture("eyeriss_v2_16384"))
    assert "the first 8 x 8 of 32 x 32 clusters" in written


def test_words_past_the_glb() -> None:
    def uses(machine: Architecture) -> list[tuple[str, int]]:
        return [(stack.use, stack.banks) for stack in bank_stacks(machine)]

    assert uses(load_architecture("eyeriss_v2")) == [("iact", 3), ("weight", 0), ("psum", 4)]
    assert uses(load_architecture("eyeriss_v1")) == [("shared", 25), ("weight", 2)]
    assert "weights go past the GLB" in texts(accelerator_sim.draw_architecture("eyeriss_v2"))


def test_sizes_in_words() -> None:
    assert [size_text(size) for size in (2, 1024, 1920, 13.5 * 2**20)] == ["2 B", "1 KiB", "1.875 KiB", "13.5 MiB"]


def test_a_name_that_is_unknown() -> None:
    with pytest.raises(UsageError, match="did you mean 'eyeriss_v2'"):
        accelerator_sim.draw_architecture("eyeriss_v3")
    assert ClusterView(load_architecture("eyeriss_v1_1024")).pes == Grid(rows=16, columns=16)
