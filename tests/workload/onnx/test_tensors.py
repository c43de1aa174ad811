"""Constants are as large as their shapes say, or reported with what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.workload.onnx.conftest import Build, random, read
from tests.workload.onnx.test_reader import messages


def changed(written: Build, change: Callable[[TensorProto], None]) -> Path:
    """A product whose weights are changed."""
    path = written(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")], {"x": [1, 4]}, ["y"], {"w": random(4, 6)}
    )
    model = onnx.load(path)
    change(model.graph.initializer[0])
    path.write_bytes(model.SerializeToString())
    return path


def cut(tensor: TensorProto) -> None:
    tensor.raw_data = tensor.raw_data[:-4]


def emptied(tensor: TensorProto) -> None:
    tensor.ClearField("raw_data")


def typed(tensor: TensorProto) -> None:
    tensor.ClearField("raw_data")
    tensor.float_data.extend([1.0] * 5)


def claimed(tensor: TensorProto) -> None:
    tensor.dims[0] = 1 << 40


def negative(tensor: TensorProto) -> None:
    tensor.dims[0] = -4


def untyped(tensor: TensorProto) -> None:
    tensor.data_type = 99


def elsewhere(**entries: str) -> Callable[[TensorProto], None]:
    def change(tensor: TensorProto) -> None:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (cut, "w: a constant of [4, 6] takes 96 bytes; the file holds 92"),
        (emptied, "w: a constant of [4, 6] without values; shapes alone are read with --no-weights"),
        (typed, "w: a constant of [4, 6] takes 24 values; the file holds 5"),
        (claimed, "w: a constant of [1099511627776, 6] takes 26388279066624 bytes; the file holds 96"),
        (negative, "w: a constant with a negative dimension: [-4, 6]"),
        (untyped, "w: element type 99 is not known"),
        (elsewhere(), "w: its values are in another file, which is not named"),
        (elsewhere(location="none.bin"), "w: its values are in 'none.bin', which is missing in "),
        (elsewhere(location="/etc/hostname"), "w: its values are in '/etc/hostname', outside the folder of the model"),
        (
            elsewhere(location="net.onnx", offset="-4"),
            "w: the offset of its values is '-4'; a number of bytes is required",
        ),
        (elsewhere(location="net.onnx", length="8"), "w: a constant of [4, 6] takes 96 bytes; its length is 8"),
        (
            elsewhere(location="net.onnx", offset="99999"),
            "w: its values end at byte 100095 of 'net.onnx', which has only",
        ),
        (elsewhere(location="a" * 999), f"w: its values are in '{'a' * 200}...'"),
    ],
)
def test_values_that_are_not_there(written: Build, change: Callable[[TensorProto], None], message: str) -> None:
    assert messages(changed(written, change)).startswith(message)


def test_shapes_alone_need_no_values(written: Build) -> None:
    for change in (emptied, elsewhere(location="none.bin")):
        assert read(changed(written, change), weights=False).macs == 24


def test_two_constants_of_one_name(written: Build) -> None:
    path = changed(written, lambda tensor: None)
    model = onnx.load(path)
    model.graph.initializer.append(model.graph.initializer[0])
    path.write_bytes(model.SerializeToString())
    assert messages(path) == "w: two constants have this name"


def sparse(written: Build, dims: list[int], values: list[float], indices: list[object]) -> Path:
    path = written(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="mm")], {"x": [1, 4]}, ["y"], {"w": random(4, 6)}
    )
    model = onnx.load(path)
    del model.graph.initializer[:]
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(
            numpy_helper.from_array(np.array(values, np.float32), "w"),
            numpy_helper.from_array(np.array(indices, np.int64), "i"),
            dims,
        )
    )
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("indices", [[0, 7, 23], [[0, 0], [1, 1], [3, 5]]])
def test_sparse_constants(written: Build, indices: list[object]) -> None:
    (layer,) = read(sparse(written, [4, 6], [1.0, 2.0, 3.0], indices)).layers
    assert (layer.macs, layer.effectual_macs) == (24, 3)


@pytest.mark.parametrize(
    ("dims", "indices", "message"),
    [
        ([4, 6], [0, 7, 24], "w: a sparse constant whose values do not fit [4, 6]: 3 values at 3 places"),
        ([4, 6], [0, 7], "w: a sparse constant whose values do not fit [4, 6]: 3 values at 2 places"),
        ([1 << 40, 6], [0, 7, 9], "w: a sparse constant of [1099511627776, 6]; 0 to 67108864 elements are read"),
    ],
)
def test_sparse_constants_that_do_not_fit(written: Build, dims: list[int], indices: list[object], message: str) -> None:
    assert messages(sparse(written, dims, [1.0, 2.0, 3.0], indices)) == message


def test_names_that_are_not_text(written: Build) -> None:
    path = changed(written, lambda tensor: None)
    path.write_bytes(path.read_bytes().replace(b"MatMul", b"Mat\xfful"))
    assert messages(path) == "a name that is not text: b'Mat\\xfful'"
