"""Every operator of onnx is classified, or refused by name."""

from __future__ import annotations

import onnx

from accelerator_sim.workload.onnx.makers import MAKERS, WITH_WEIGHTS
from accelerator_sim.workload.onnx.operators import FREE, OPS, UNCOUNTED

CLASSES = {"made of products": set(MAKERS), "free": set(FREE), "moving words": set(OPS), "uncounted": set(UNCOUNTED)}


def test_every_operator_of_the_standard_is_in_one_class() -> None:
    schemas = {(schema.domain, schema.name) for schema in onnx.defs.get_all_schemas_with_history()}
    assert len(schemas) > 220
    for key in sorted(schemas):
        assert [name for name, members in CLASSES.items() if key in members] != [], key


def test_no_operator_is_in_two_classes() -> None:
    members = [key for each in CLASSES.values() for key in each]
    assert len(members) == len(set(members))
    assert set(OPS) >= set(WITH_WEIGHTS)
