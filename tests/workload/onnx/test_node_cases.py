"""onnx's own cases of operators: an operator and what it expands to have equal multiply-accumulates."""

from __future__ import annotations

import importlib
import re
import warnings
from functools import lru_cache
from pathlib import Path

import onnx
import pytest

from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.onnx.reader import read_onnx

MODULES = ("attention", "flexattention", "linear_attention", "causal_conv_with_state")
"""Operators that multiply and are functions of others.  AffineGrid expands to shapes that depend on its input."""


@lru_cache
def cases(module: str) -> dict[str, onnx.ModelProto]:
    """The models of one module of onnx's cases."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy's, of cases with infinities
        importlib.import_module(f"onnx.backend.test.case.node.{module}")
        nodes = importlib.import_module("onnx.backend.test.case.node")
    words = module.replace("_", "")
    found = {case.name: case.model for case in nodes._NodeTestCases if case.model is not None}
    return {name: model for name, model in found.items() if name.replace("_", "").startswith(f"test{words}")}


def network(model: onnx.ModelProto, folder: Path) -> Network:
    path = folder / "case.onnx"
    path.write_bytes(model.SerializeToString())
    return read_onnx(path, Choices({}))


@pytest.mark.parametrize("module", MODULES)
def test_must_hold_an_operator_and_its_expanded_form_have_equal_macs(module: str, tmp_path: Path) -> None:
    models = cases(module)
    pairs = [(re.sub("_expanded.*", "", name), name) for name in models if "_expanded" in name]
    assert len(pairs) >= {"attention": 90, "linear_attention": 12}.get(module, 4)
    for plain, expanded in pairs:
        one, other = network(models[plain], tmp_path), network(models[expanded], tmp_path)
        assert one.macs == other.macs, expanded
        assert one.macs > 0, expanded
