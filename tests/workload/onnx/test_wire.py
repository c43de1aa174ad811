"""The walk through the encoding, against the library's own parser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from accelerator_sim.workload.onnx.wire import Malformed, read_stripped
from tests.workload.onnx.conftest import LIGHT, model_of, random


@pytest.mark.parametrize("path", sorted(LIGHT.glob("*.onnx")), ids=lambda path: path.stem)
def test_a_file_without_large_tensors_is_copied(path: Path) -> None:
    text, payloads = read_stripped(path)
    assert onnx.load_model_from_string(text) == onnx.load_model_from_string(path.read_bytes())
    assert payloads == {}


def test_large_tensors_are_left_out_and_found(tmp_path: Path) -> None:
    w = random(50, 40)
    model = model_of([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": [1, 50]}, ["y"], {"w": w, "b": random(3)})
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    text, payloads = read_stripped(path, small=100)
    assert list(payloads) == ["w"]
    held = np.fromfile(path, np.float32, w.size, offset=payloads["w"].begin)
    assert np.array_equal(held.reshape(w.shape), w)
    tensor = next(each for each in onnx.load_model_from_string(text).graph.initializer if each.name == "w")
    assert (list(tensor.dims), tensor.data_location) == ([50, 40], onnx.TensorProto.EXTERNAL)
    assert len(text) < 400


@pytest.mark.parametrize(
    "data", [b"", b"\x0f\x00", b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x80" * 12, b"\x3a\x05ab"]
)
def test_bytes_that_are_no_message(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.onnx").write_bytes(data)
    with pytest.raises(Malformed):
        read_stripped(tmp_path / "x.onnx")
