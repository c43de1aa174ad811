"""Densities of activations from a run on real inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.onnx.reader import read_onnx
from tests.oracles import loops
from tests.workload.onnx.conftest import Build, random

W, V = random(4, 3, 1, 1), random(10, 4 * 25, seed=4)


@pytest.fixture
def path(written: Build) -> Path:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv"), helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "u"], ["c"], name="next"), helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["e"]), helper.make_node("Gemm", ["e", "v"], ["y"], name="fc", transB=1),
    ]  # fmt: skip
    return written(nodes, {"x": [1, 3, 5, 5]}, ["y"], {"w": W, "u": random(4, 4, 1, 1, seed=2), "v": V})


def layers(path: Path, inputs: Path) -> list[Layer]:
    return list(read_onnx(path, Choices(inputs=inputs)).layers)


def test_the_channels_have_the_densities_of_the_run(path: Path, tmp_path: Path) -> None:
    x = random(3, 3, 5, 5, seed=9)
    x[:, 1] = 0.0
    np.savez(tmp_path / "in.npz", x=x)
    conv, following, fc = layers(path, tmp_path / "in.npz")
    assert conv.density.profile_iact == (1.0, 0.0, 1.0)
    out, _ = loops.conv(x, W, [1, 1], [(0, 0)] * 2, [1, 1], 1)
    assert following.density.profile_iact == pytest.approx((out > 0).mean(axis=(0, 2, 3)))
    assert len(fc.density.profile_iact) in (0, fc.C)
    assert following.density.iact == pytest.approx((out > 0).mean())
    assert "as run on in.npz" in following.density.source
    assert "Densities of iacts are those of the network run on in.npz." in read_onnx(
        path, Choices(inputs=tmp_path / "in.npz")
    ).notes  # fmt: skip


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"x": random(1, 3, 4, 4)},
            "x: holds 1 x 3 x 4 x 4; input 'x' is 1 x 3 x 5 x 5, or multiples of its first size",
        ),
        ({"x": random(1, 3, 5, 5), "z": random(2)}, "x: 'in.npz' holds 2 tensors; give key: one of x, z"),
    ],
)
def test_inputs_that_do_not_fit(path: Path, tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "in.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(InvalidFile) as caught:
        layers(path, tmp_path / "in.npz")
    assert str(caught.value).endswith(message)


def test_a_missing_file(path: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"x: no such tensor file 'in\.npz'"):
        layers(path, tmp_path / "in.npz")
