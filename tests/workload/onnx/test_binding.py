"""Numbers for open dimensions: by symbol, by place, by expression; zero where a length may be zero."""

from __future__ import annotations

import onnx
import pytest
from onnx import helper

from tests.workload.onnx.conftest import Build, random, read
from tests.workload.onnx.test_reader import messages

PRODUCT = helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")


def test_dimensions_called_by_a_question_mark_are_bound_one_by_one(written: Build) -> None:
    path = written([PRODUCT], {"x": ["?", "?", 8]}, ["y"], {"w": random(8, 5)})
    assert messages(path) == "unbound dimensions: x.0 (x[0]); x.1 (x[1]); bind them, as --bind x.0=1 --bind x.1=1"
    assert read(path, {"x.0": 1, "x.1": 6}).macs == 6 * 8 * 5


def test_a_question_mark_elsewhere_says_nothing(written: Build) -> None:
    path = written([PRODUCT], {"x": [1, 6, 8]}, ["y"], {"w": random(8, 5)})
    model = onnx.load(path)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["?", "?", "?"]))
    path.write_bytes(model.SerializeToString())
    assert read(path).macs == 6 * 8 * 5


def test_a_symbol_is_bound_by_its_place_too(written: Build) -> None:
    path = written([PRODUCT], {"x": ["batch", "seq", 8]}, ["y"], {"w": random(8, 5)})
    assert read(path, {"x.0": 1, "seq": 6}).macs == 6 * 8 * 5


@pytest.mark.parametrize(
    ("symbol", "bind", "size"),
    [
        ("past + 1", {"past": 5}, 6),
        ("2*s0 - s1 // 3", {"s0": 5, "s1": 9}, 7),
        ("s0 % 4", {"s0": 7}, 3),
        ("past + 1", {"past + 1": 4}, 4),
    ],
)
def test_expressions_follow_from_their_symbols(written: Build, symbol: str, bind: dict[str, int], size: int) -> None:
    path = written([PRODUCT], {"x": [1, symbol, 8]}, ["y"], {"w": random(8, 5)})
    assert read(path, bind).macs == size * 8 * 5


@pytest.mark.parametrize("symbol", ["2**s0", "f(s0)", "s0 + 1.5", "s0 +", "(" * 90, "s0 // 0", "s0 - 9"])
def test_what_is_not_an_expression_is_a_name(written: Build, symbol: str) -> None:
    path = written([PRODUCT], {"x": [1, symbol, 8]}, ["y"], {"w": random(8, 5)})
    assert messages(path, bind={"s0": 3} if "s0" in symbol else None).startswith(f"unbound dimensions: {symbol} (x[1])")
    assert read(path, {symbol: 2}).macs == 2 * 8 * 5


def test_a_name_that_no_dimension_has(written: Build) -> None:
    path = written([PRODUCT], {"x": ["batch", None, 8]}, ["y"], {"w": random(8, 5)})
    bind = {"batch": 1, "x.1": 2, "bacth": 3}
    assert messages(path, bind=bind) == "no dimension 'bacth' to bind; did you mean 'batch'?; symbols: batch, x.1"


def test_an_empty_product_multiplies_nothing(written: Build) -> None:
    nodes = [PRODUCT, helper.make_node("Concat", ["y", "z"], ["c"], axis=1, name="cat"),
             helper.make_node("MatMul", ["c", "v"], ["o"], name="out")]  # fmt: skip
    inputs = {"x": [1, "past", 8], "z": [1, 3, 5]}
    path = written(nodes, inputs, ["o"], {"w": random(8, 5), "v": random(5, 2)})
    assert [(layer.name, layer.macs) for layer in read(path, {"past": 0}).layers] == [("cat", 0), ("out", 30)]
    assert read(path, {"past": 4}).macs == 4 * 8 * 5 + 7 * 5 * 2


def test_a_batch_of_nothing_is_refused(written: Build) -> None:
    path = written([PRODUCT], {"x": ["batch", 8]}, ["y"], {"w": random(8, 5)})
    assert messages(path, bind={"batch": 0}) == "no node computes or moves anything"
