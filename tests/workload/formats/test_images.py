"""A batch in the files of other tools is as many inferences, as in ONNX files."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerator_sim.workload.formats.images import batch_of
from accelerator_sim.workload.formats.network_writer import write_network
from accelerator_sim.workload.formats.readers import read_workload
from accelerator_sim.workload.formats.scalesim_writer import write_topology
from accelerator_sim.workload.formats.timeloop_writer import write_problems
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

CONV = Layer("conv", "conv", C=3, M=8, H=8, W=8, R=3, S=3, padding=(1, 1, 1, 1))
LAYERS = (CONV, Layer("point", "conv", C=8, M=4, H=8, W=8), Layer("fc", "fc", C=4, M=5, H=8, W=8, R=8, S=8))
FOUR = Network("n", "s", LAYERS, "n.yaml").with_batch(4)

PROBLEM = "problem: {shape: cnn-layer, instance: {C: 3, K: 8, R: 3, S: 3, N: 4, P: 6, Q: 6}}\n"
WORKLOAD = """\
- {id: 0, operator_type: Conv, equation: "O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]",
   dimension_relations: [ix=1*ox+1*fx, iy=1*oy+1*fy],
   loop_dims: [B, K, C, OY, OX, FY, FX], loop_sizes: [4, 8, 3, 6, 6, 3, 3]}
- {id: 1, operator_type: Gemm, equation: "O[b][k]+=W[k][c]*I[b][c]", loop_dims: [B, K, C], loop_sizes: [4, 5, 288]}
"""
TOPOLOGY = """\
Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides,Batch
c,8,8,3,3,3,8,1,4
"""


@pytest.mark.parametrize(
    ("name", "text", "macs"),
    [
        ("p.yaml", PROBLEM, 8 * 27 * 36),
        ("z.yaml", WORKLOAD, 8 * 27 * 36 + 5 * 288),
        ("t.csv", TOPOLOGY, 8 * 27 * 36),
    ],
)
def test_images_are_inferences(tmp_path: Path, name: str, text: str, macs: int) -> None:
    (tmp_path / name).write_text(text)
    network = read_workload(tmp_path / name)
    assert (network.macs, network.batch) == (4 * macs, 4)
    assert network.macs_text == f"{macs:,} MACs per inference, batch 4"


@pytest.mark.parametrize(
    ("layers", "batch"),
    [
        ([], 1),
        ([Layer("g", "gemm", C=3, M=4, W=8)], 1),  # tokens of one sequence, or images: rows alone do not say
        ([CONV.with_batch(4), CONV.with_batch(2)], 1),
        ([CONV.with_batch(4), Layer("g", "gemm", C=3, M=4, W=8)], 4),
        ([CONV.with_batch(4), Layer("g", "gemm", C=3, M=4, W=7)], 1),
        ([CONV.with_batch(4), Layer("g", "matmul", G=12, C=3, M=4, W=7)], 4),
        ([CONV.with_batch(4), Layer("p", "pool", iact_words=7, oact_words=3)], 4),
    ],
)
def test_when_images_are_a_batch(layers: list[Layer], batch: int) -> None:
    assert batch_of(layers) == batch


def test_what_is_written_keeps_the_batch(tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text(write_network(FOUR).files[0][1])
    (tmp_path / "t").mkdir()
    for name, text in write_problems(FOUR).files:
        (tmp_path / "t" / name).write_text(text)
    again = [read_workload(tmp_path / name) for name in ("n.yaml", "t")]
    assert [(network.macs, network.batch) for network in again] == [(FOUR.macs, 4)] * 2


def test_a_topology_keeps_the_images_of_its_layers(tmp_path: Path) -> None:
    written = write_topology(FOUR)
    assert "its images are a column Batch, which SCALE-Sim itself does not read: conv" in written.remarks
    (tmp_path / "t.csv").write_text(written.files[0][1])
    again = read_workload(tmp_path / "t.csv")
    assert [(layer.N, layer.macs) for layer in again.layers] == [
        (4, 4 * CONV.macs),
        (1, 4 * 8 * 4 * 64),
        (1, 4 * 4 * 64 * 5),
    ]
