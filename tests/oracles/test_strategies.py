"""What the random cases draw, and what they never draw: a field that no strategy varies is a field that no test
sees."""

from __future__ import annotations

from dataclasses import fields

from hypothesis import given, settings

from accelerator_sim.workload.layer import Density, Layer
from tests.oracles.strategies import layers, spread_layers

NEVER_DRAWN = {
    "name": "what a layer is called changes nothing that is counted",
    "iact_words": "of operators without multiply-accumulates, which no engine runs",
    "oact_words": "of operators without multiply-accumulates, which no engine runs",
    "reads": "the graph around a layer changes nothing that is counted of it",
    "uncounted": "such a layer fails before any engine sees it",
}
"""Fields of a layer that keep their default in every random case, and why that leaves nothing untested."""

NEVER_DRAWN_OF_DENSITY = {
    "source": "a text",
    "profile_iact": "becomes a mask before an engine sees it, and engines get any mask",
    "profile_weight": "becomes a mask, as profile_iact",
    "tensor_iact": "becomes a mask, as profile_iact",
    "tensor_weight": "becomes a mask, as profile_iact",
    "kept_channels": "becomes a mask, as profile_iact",
}


def test_every_field_of_a_layer_is_drawn_or_listed() -> None:
    seen: dict[str, set[object]] = {field.name: set() for field in fields(Layer)}
    of_density: dict[str, set[object]] = {field.name: set() for field in fields(Density)}

    @settings(max_examples=1000)
    @given(layers() | spread_layers())
    def collect(layer: Layer) -> None:
        for name, values in seen.items():
            values.add(getattr(layer, name))
        for name, values in of_density.items():
            values.add(getattr(layer.density, name))

    collect()
    constant = {name for name, values in seen.items() if len(values) == 1}
    assert constant | {"name"} == set(NEVER_DRAWN)  # the name is that of the kind of layer
    assert {name for name, values in of_density.items() if len(values) == 1} | {"source"} == set(NEVER_DRAWN_OF_DENSITY)
    for name in ("padding_d", "padding", "dilation", "stride"):
        assert len(seen[name]) >= 3, name
