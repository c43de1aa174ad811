"""What is dumped is read back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerator_sim.files.yaml_dump import dump
from accelerator_sim.files.yaml_tree import parse_document

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
PLAIN = st.none() | st.booleans() | st.integers(-(1 << 62), 1 << 62) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    PLAIN | TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, min_size=1), st.booleans())
def test_round_trip(tree: dict[str, Any], one_line: bool) -> None:
    assert parse_document(dump(tree, one_line), "x").tree == tree


@pytest.mark.parametrize("text", ["1e9", "012", "0x1F", "on", "~", "null", "12:30", "1_000", ".5", "-", "\x85", "a: b"])
def test_text_stays_text(text: str) -> None:
    assert parse_document(dump({"a": text}), "x").tree == {"a": text}


def test_one_mapping_a_line() -> None:
    tree = {"name": "n", "layers": [{"name": "a", "padding": [1, 2], "density": {"iact": 0.5}}, {"name": "b"}]}
    assert dump(tree, one_line=True).splitlines() == [
        "name: n",
        "layers:",
        "- {name: a, padding: [1, 2], density: {iact: 0.5}}",
        "- {name: b}",
    ]
