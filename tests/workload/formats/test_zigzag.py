"""ZigZag and Stream workloads; one test a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network

DATA = Path(__file__).parent / "data" / "zigzag.yaml"
GEMM = """\
- id: 0
  operator_type: Gemm
  equation: O[b][k]+=I[b][c]*W[c][k]
  loop_dims: [B, C, K]
  loop_sizes: [16, 512, 256]
  operand_source: {I: 0, W: 0}
"""
CONV = """\
- id: 0
  equation: O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]
  dimension_relations: [ix=2*ox+1*fx, iy=2*oy+1*fy]
  loop_dims: [B, K, C, OY, OX, FY, FX]
  loop_sizes: [1, 8, 3, 10, 12, 3, 3]
"""


def read(folder: Path, text: str) -> Network:
    path = folder / "w.yaml"
    path.write_text(text)
    return load_network(str(path))


def problem(folder: Path, text: str) -> str:
    with pytest.raises(InvalidFile) as caught:
        read(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


def test_every_operator() -> None:
    """Multiply-accumulates are the product of the loops; pools and additions move words."""
    network = load_network(str(DATA))
    assert network.source == "ZigZag workload zigzag.yaml"
    assert [(layer.name, layer.op, layer.macs, layer.reads) for layer in network.layers] == [
        ("conv1", "conv", 64 * 3 * 112 * 112 * 49, ()),
        ("Pooling_1", "pool", 0, ("conv1",)),
        ("Conv_2", "conv", 64 * 56 * 56 * 9, ("Pooling_1",)),
        ("Conv_3", "conv", 2 * 16 * 32 * 52 * 52 * 9, ("Conv_2",)),
        ("Add_4", "add", 0, ("Conv_3", "Conv_2")),
        ("Gemm_5", "gemm", 16 * 512 * 256, ("Add_4",)),
        ("MatMul_6", "matmul", 4 * 16 * 8 * 64, ("Gemm_5",)),
        ("MatMul_7", "matmul", 16 * 8 * 64, ("MatMul_6",)),
    ]
    conv, pool, depthwise, grouped, add, gemm, matmul, _ = network.layers
    assert (conv.H, conv.W, conv.padding, conv.stride, conv.P, conv.Q) == (224, 224, (3, 2, 3, 2), (2, 2), 112, 112)
    assert (pool.iact_words, pool.oact_words) == (64 * 113 * 113, 64 * 56 * 56)
    assert (depthwise.G, depthwise.C, depthwise.M, depthwise.H) == (64, 1, 1, 58)
    assert (grouped.G, grouped.C, grouped.M, grouped.dilation, grouped.H) == (2, 32, 16, (2, 2), 56)
    assert (add.iact_words, add.oact_words) == (2 * 32 * 52 * 52, 32 * 52 * 52)
    assert (gemm.W, gemm.C, gemm.M) == (16, 512, 256)
    assert (matmul.G, matmul.W, matmul.C, matmul.M) == (4, 16, 64, 8)


def test_without_padding_the_input_is_what_the_outputs_need(tmp_path: Path) -> None:
    (layer,) = read(tmp_path, CONV).layers
    assert layer == Layer("layer_0", "conv", C=3, M=8, H=21, W=25, R=3, S=3, stride=(2, 2))


@pytest.mark.parametrize(
    "text",
    [
        "layers:\n" + GEMM.replace("\n", "\n  ").replace("- id", "  - id"),
        GEMM.replace("- id: 0", "0:"),
        GEMM.replace("loop_dims: [B, C, K]", "loop_dim_size: {B: 16, C: 512, K: 256}").replace(
            "  loop_sizes: [16, 512, 256]\n", ""
        ),
        GEMM.replace("[B, C, K]", "[b, c, k]"),
        "[{id: 0, operator_type: Gemm, equation: 'O[b][k] += I[b][c] * W[c][k]',"
        " loop_dims: [B, C, K], loop_sizes: [16, 512, 256]}]",
    ],
)
def test_forms(tmp_path: Path, text: str) -> None:
    (layer,) = read(tmp_path, text).layers
    assert (layer.name, layer.op, layer.W, layer.C, layer.M) == ("Gemm_0", "gemm", 16, 512, 256)


def test_names_are_unique(tmp_path: Path) -> None:
    text = GEMM.replace("- id: 0", "- name: a\n  id: 0") + GEMM.replace("- id: 0", "- name: a\n  id: 1")
    text = text.replace("{I: 0, W: 0}", "{I: 0}")
    assert [layer.name for layer in read(tmp_path, text).layers] == ["a", "a_2"]


@pytest.mark.parametrize(
    ("text", "old", "new", "message"),
    [
        (GEMM, "O[b][k]+=I[b][c]*W[c][k]", "O = I W", "w.yaml:3:3: 0.equation: 'O = I W' given; an equation"),
        (GEMM, "[c][k]\n", "[c][z]\n", "0.equation: no size for 'z'; loop_dims has B, C, K"),
        (GEMM, "[16, 512, 256]", "[16, 512]", "0.loop_sizes: 2 sizes for 3 loops"),
        (GEMM, "[16, 512, 256]", "[16, 0, 256]", "0.loop_sizes.1: 0 given; a whole number between 1 and"),
        (GEMM, "[B, C, K]", "[B, C, C]", "0.loop_dims.2: a second loop 'C'"),
        (GEMM, "[B, C, K]", "7", "0.loop_dims: 7 given; a list is required"),
        (GEMM, "W: 0}", "W: 5}", "0.operand_source.W: no layer before this one has the id 5"),
        (GEMM, "W: 0}", "W: x}", "0.operand_source.W: 'x' given; the id of a layer is required"),
        (GEMM, "id: 0", "id: x", "0.id: 'x' given; a whole number is required"),
        (GEMM, "*W[c][k]", "*W[k]", "C of 512 stands in Inputs only; no product has that"),
        (CONV, "ix=2*ox+1*fx", "ix=ox-fx", "0.dimension_relations.0: 'ix=ox-fx' given; a sum such as ix=2*ox+1*fx is"),
        (CONV, "ix=2*ox", "ix=0*ox", "factors of at least 1 are required"),
        (CONV, "iy=2*oy+1*fy", "ix=2*oy+1*fy", "0.dimension_relations.1: a second sum for 'ix'"),
        (CONV, "3, 3]\n", "3, 3]\n  padding: [1]\n", "0.padding: padding is [[before, behind], ...]"),
        (
            CONV.replace("OY, OX", "IY, IX"), "[ix=2*ox+1*fx, iy=2*oy+1*fy]", "[ox=2*ix+1*fx, oy=2*iy+1*fy]",
            "O is indexed by IY x OY:IY + FY x OY:FY; only the inputs of a convolution have a sliding window",
        ),
        (GEMM + GEMM, "id: 7", "id: 7", "1.id: a second layer with the id 0"),
        (GEMM, "[16, 512, 256]", "[2147483648, 2147483648, 2]", "MACs are more than"),
    ],
)  # fmt: skip
def test_messages(tmp_path: Path, text: str, old: str, new: str, message: str) -> None:
    assert message in problem(tmp_path, text.replace(old, new))
