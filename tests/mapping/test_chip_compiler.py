"""The rules of the chip's compiler: they give the published mappings, and only mappings that fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.mapping import chip_compiler
from accelerator_sim.mapping.chip_compiler import compiled, compiles_for
from accelerator_sim.mapping.eyeriss_v1 import Letters, letters_of
from accelerator_sim.mapping.file import load_plan, mapping_file
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.mapping import Mapping
from accelerator_sim.mapping.problem import MappingProblem, problem_of
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network_loader import load_network

CHIP, RESCALED = load_architecture("eyeriss_v1"), load_architecture("eyeriss_v1_192")


def known() -> dict[str, tuple[MappingProblem, Mapping]]:
    """The layers that the chip ran, each with its mapping."""
    found = {}
    for name, batch in (("alexnet", 4), ("vgg16", 3)):
        network = load_network(name).with_batch(batch)
        mappings = load_plan(mapping_file(f"eyeriss_v1_{name}"), CHIP, network).mappings
        layers = (layer for layer in network.layers if layer.name in mappings)
        found |= {layer.name: (problem_of(layer, CHIP), mappings[layer.name]) for layer in layers}
    return found


KNOWN = known()


@pytest.mark.parametrize("layer", KNOWN)
def test_one_set_of_rules_gives_every_known_mapping(layer: str) -> None:
    problem, mapping = KNOWN[layer]
    assert compiled(problem) == mapping


def test_all_layers_of_both_networks_are_known() -> None:
    assert len(KNOWN) == 5 + 13


def test_no_other_number_of_banks_gives_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for free, right in ((0, False), (1, True), (2, False)):
        monkeypatch.setattr(chip_compiler, "FREE_BANKS", free)
        assert all(compiled(problem) == mapping for problem, mapping in KNOWN.values()) is right


def test_zeros_change_nothing() -> None:
    problem, mapping = KNOWN["CONV3"]
    assert problem.layer.density != Density()
    assert compiled(problem_of(replace(problem.layer, density=Density()), CHIP)) == mapping


@pytest.mark.parametrize(
    ("letters", "layer"),
    [
        # fewer filters than 32 are all held, with whole planes of three images; four sets add up 16 channels
        (Letters(n=3, m=20, e=10, p=4, q=4, r=4, t=1), Layer("few", "conv", N=3, M=20, C=64, H=12, W=12, R=3, S=3)),
        # 64 planes of 26 x 26 psums take 84.5 KiB: of one image with 64 filters, not of two with 32
        (Letters(n=1, m=64, e=26, p=16, q=4, r=1, t=2), Layer("one", "conv", N=2, M=64, C=64, H=28, W=28, R=3, S=3)),
    ],
    ids=["few", "one"],
)
def test_choices(letters: Letters, layer: Layer) -> None:
    problem = problem_of(layer, CHIP)
    mapping = compiled(problem)
    assert mapping is not None
    assert letters_of(Tiling(problem, mapping)) == letters


@pytest.mark.parametrize(
    "layer",
    [
        Layer("pw", "conv", M=64, C=64, H=14, W=14, R=1, S=1),
        Layer("fc", "fc", M=64, C=256),
        Layer("dw", "conv", G=64, M=1, C=1, H=14, W=14, R=3, S=3),
        Layer("tall", "conv", M=64, C=4, H=40, W=40, R=13, S=3),  # more rows than the array has
        Layer("wide", "conv", M=64, C=4, H=40, W=40, R=3, S=13),  # more taps than an iact SPad holds
    ],
    ids=lambda layer: layer.name,
)
def test_layers_that_the_rules_say_nothing_about(layer: Layer) -> None:
    assert compiled(problem_of(layer, CHIP)) is None


def test_machines_that_the_rules_are_for() -> None:
    own = (
        "{iact: {banks: 5, size: 4 KiB, port_width: 64 b, ports: 2},"
        " psum: {banks: 20, size: 4 KiB, port_width: 64 b, ports: 2}}"
    )
    assert compiles_for(CHIP)
    assert compiles_for(RESCALED)
    assert not compiles_for(load_architecture("eyeriss_v2"))
    assert not compiles_for(load_architecture("eyeriss_v1", [("glb", own), ("overlap.dram_weight", "false")]))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_what_is_compiled_fits(data: st.DataObject) -> None:
    def whole(least: int, most: int) -> int:
        return data.draw(st.integers(least, most))

    layer = Layer(
        "drawn", "conv", N=whole(1, 4), G=whole(1, 2), M=whole(1, 130), C=whole(1, 40), H=whole(11, 60),
        W=whole(11, 60), R=whole(1, 11), S=whole(1, 11), stride=(whole(1, 4), whole(1, 4)), padding=(1, 1, 1, 1),
    )  # fmt: skip
    problem = problem_of(layer, data.draw(st.sampled_from([CHIP, RESCALED])))
    mapping = compiled(problem)
    if mapping is not None:
        tiling = Tiling(problem, mapping)
        assert broken_limits(tiling) == []
        assert tiling.active_pes <= problem.architecture.pes
