"""Operators of onnxruntime and of the newest sets: multiply-accumulates by hand, and the shapes that they write."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from accelerator_sim.workload.onnx.loading import load_graph
from accelerator_sim.workload.onnx.operators import BLOCKED, CHANNELS_LAST, MACHINE_LEARNING, PREVIEW, RUNTIME
from tests.workload.onnx.conftest import Build, random, read
from tests.workload.onnx.test_reader import messages

F = "float"


def words(*shape: int, kind: Any = np.uint8) -> np.ndarray:
    return np.ones(shape, dtype=kind)


def attended(batch: int, heads: int, rows: int, keys: int, size: int, value_size: int | None = None) -> int:
    """Scores and context."""
    return batch * heads * rows * keys * (size + (size if value_size is None else value_size))


H3 = {"num_heads": 4}
CASES: list[tuple[str, str, dict[str, Any], list[Any], int, list[tuple[int, ...]]]] = [
    # domain, operator, attributes, operands (a shape: an input; an array: a constant; "": left out), MACs, outputs
    (RUNTIME, "FusedMatMul", {"transA": 1}, [(2, 8, 5), (2, 8, 7)], 2 * 5 * 8 * 7, [(2, 5, 7)]),
    (RUNTIME, "FusedMatMul", {"transBatchA": 1, "transBatchB": 1}, [(3, 2, 5), (5, 2, 7)], 2 * 3 * 5 * 7, [(2, 3, 7)]),
    (RUNTIME, "TransposeMatMul", {"transB": 1}, [(4, 8), random(6, 8)], 4 * 8 * 6, [(4, 6)]),
    (RUNTIME, "GemmFastGelu", {}, [(1, 4, 8), random(8, 6), random(6)], 4 * 8 * 6, [(1, 4, 6)]),
    (RUNTIME, "FusedGemm", {"transB": 1, "activation": "Relu"}, [(1, 8), random(6, 8), random(6)], 48, [(1, 6)]),
    (RUNTIME, "MatMulIntegerToFloat", {}, [(1, 4, 8), words(8, 6), random(1), random(1)], 4 * 8 * 6, [(1, 4, 6)]),
    (RUNTIME, "DynamicQuantizeMatMul", {}, [(1, 4, 8), words(8, 6), random(1)], 4 * 8 * 6, [(1, 4, 6)]),
    (RUNTIME, "MatMulNBits", {"K": 40, "N": 6, "bits": 4, "block_size": 32},
     [(1, 4, 40), words(6, 2, 16), random(6, 2)], 4 * 40 * 6, [(1, 4, 6)]),
    (RUNTIME, "MatMulBnb4", {"K": 32, "N": 6, "block_size": 16, "quant_type": 1},
     [(1, 4, 32), words(96), random(12)], 4 * 32 * 6, [(1, 4, 6)]),
    (RUNTIME, "MatMulBlockQuantizedFp4Weight", {}, [(1, 4, 32), words(6, 16), words(6, 2)], 4 * 32 * 6, [(1, 4, 6)]),
    (RUNTIME, "MatMulFpQ4", {}, [(1, 4, 32), words(200), np.array([32, 6])], 4 * 32 * 6, [(1, 4, 6)]),
    (RUNTIME, "MatMulNBitsMlp", {"K": 32, "N": 6, "bits": 4, "block_size": 32},
     [(1, 4, 32), "", random(32), words(6, 1, 16), random(6, 1), "", words(6, 1, 16), random(6, 1)],
     2 * 4 * 32 * 6, [(1, 4, 6)]),
    (RUNTIME, "MatMulNBitsQkv", {"K": 32, "Nq": 8, "Nkv": 4, "bits": 4, "block_size": 32},
     [(1, 4, 32), "", random(32), words(8, 1, 16), random(8, 1), "", words(4, 1, 16), random(4, 1), "", words(4, 1, 16),
      random(4, 1)], 4 * 32 * 16, [(1, 4, 8), (1, 4, 4), (1, 4, 4)]),
    # Attention
    (RUNTIME, "Attention", H3, [(1, 6, 32), random(32, 96), random(96)],
     6 * 32 * 96 + attended(1, 4, 6, 6, 8), [(1, 6, 32)]),
    (RUNTIME, "Attention", {**H3, "qkv_hidden_sizes": [32, 32, 16]}, [(1, 6, 32), random(32, 80), random(80)],
     6 * 32 * 80 + attended(1, 4, 6, 6, 8, 4), [(1, 6, 16)]),
    (RUNTIME, "Attention", {**H3, "unidirectional": 1}, [(1, 2, 32), random(32, 96), random(96), "", (2, 1, 4, 5, 8)],
     2 * 32 * 96 + attended(1, 4, 2, 7, 8), [(1, 2, 32), (2, 1, 4, 7, 8)]),
    (RUNTIME, "MultiHeadAttention", H3, [(1, 6, 32), (1, 9, 32), (1, 9, 16)], attended(1, 4, 6, 9, 8, 4), [(1, 6, 16)]),
    (RUNTIME, "MultiHeadAttention", H3, [(1, 6, 4, 3, 8)], attended(1, 4, 6, 6, 8), [(1, 6, 32)]), (RUNTIME,
    "MultiHeadAttention", H3, [(1, 6, 32), (1, 9, 4, 2, 8)], attended(1, 4, 6, 9, 8), [(1, 6, 32)]), (RUNTIME,
    "MultiHeadAttention", H3, [(1, 6, 32), (1, 4, 9, 8), (1, 4, 9, 8)], attended(1, 4, 6, 9, 8), [(1, 6, 32)]),
    (RUNTIME, "MultiHeadAttention", H3,
     [(1, 1, 32), (1, 1, 32), (1, 1, 32), "", "", "", (1, 4, 10, 8), (1, 4, 10, 8)], attended(1, 4, 1, 11, 8),
     [(1, 1, 32), (1, 4, 11, 8), (1, 4, 11, 8)]),
    (RUNTIME, "DecoderMaskedMultiHeadAttention", H3,
     [(1, 1, 32), (1, 1, 32), (1, 1, 32), "", "", (1, 4, 10, 8), (1, 4, 10, 8)], attended(1, 4, 1, 11, 8), [(1, 1,
     32)]),
    (RUNTIME, "GroupQueryAttention", {"num_heads": 8, "kv_num_heads": 2},
     [(1, 6, 64), (1, 6, 16), (1, 6, 16), "", "", words(1, kind=np.int32), words(1, kind=np.int32) * 6],
     attended(1, 8, 6, 6, 8), [(1, 6, 64), (1, 2, 6, 8)]),
    (RUNTIME, "GroupQueryAttention", {"num_heads": 8, "kv_num_heads": 2},  # packed, with a past
     [(1, 1, 96), "", "", (1, 2, 20, 8), (1, 2, 20, 8), (1, 1)], attended(1, 8, 1, 21, 8), [(1, 1, 64), (1, 2, 21, 8)]),
    (RUNTIME, "PackedAttention", H3,
     [(7, 32), random(32, 96), random(96), words(3, 4, kind=np.int32), np.array([0, 1, 3, 7], np.int32)],
     7 * 32 * 96 + attended(1, 4, 1, 1, 8) + attended(1, 4, 2, 2, 8) + attended(1, 4, 4, 4, 8), [(7, 32)]),
    (RUNTIME, "PackedMultiHeadAttention", H3, [(8, 4, 3, 8), "", "", "", words(2, 4, kind=np.int32), (3,)],
     attended(2, 4, 4, 4, 8), [(8, 32)]),
    (PREVIEW, "FlexAttention", {}, [(1, 4, 6, 8), (1, 2, 9, 8), (1, 2, 9, 5)], attended(1, 4, 6, 9, 8, 5), [(1, 4, 6,
    5)]),
    # Recurrences and states
    (RUNTIME, "DynamicQuantizeLSTM", {"hidden_size": 5, "direction": "bidirectional"},
     [(3, 1, 4), words(2, 4, 20), words(2, 5, 20), "", "", "", "", "", random(2), words(2), random(2), words(2)],
     2 * 3 * (4 * 20 + 5 * 20), [(3, 2, 1, 5), (2, 1, 5), (2, 1, 5)]),
    (RUNTIME, "LinearAttention", {"q_num_heads": 4, "kv_num_heads": 2, "update_rule": "linear"},
     [(1, 3, 32), (1, 3, 16), (1, 3, 10)], 3 * (2 * 8 * 5 + 4 * 8 * 5), [(1, 3, 20), (1, 2, 8, 5)]),
    (RUNTIME, "CausalConvWithState", {}, [(1, 6, 9), random(6, 1, 4)], 6 * 9 * 4, [(1, 6, 9), (1, 6, 3)]),
    (RUNTIME, "CausalConvWithState", {"channels_last": 1, "dilation": 2}, [(1, 9, 6), random(6, 1, 4)], 6 * 9 * 4,
     [(1, 9, 6), (1, 6, 6)]),
    # Convolutions
    (RUNTIME, "FusedConv", {"pads": [1, 1, 1, 1], "activation": "Relu"}, [(1, 3, 8, 8), random(4, 3, 3, 3)],
     4 * 27 * 64, [(1, 4, 8, 8)]),
    (RUNTIME, "NhwcFusedConv", {"strides": [2, 2]}, [(1, 9, 8, 3), random(4, 3, 3, 3)], 4 * 27 * 4 * 3, [(1, 4, 3, 4)]),
    (CHANNELS_LAST, "Conv", {"group": 2}, [(1, 8, 8, 4), random(6, 2, 3, 3)], 6 * 18 * 36, [(1, 6, 6, 6)]),
    (BLOCKED, "Conv", {"pads": [1, 1, 1, 1]}, [(1, 3, 8, 8), random(16, 3, 3, 3)], 16 * 27 * 64, [(1, 16, 8, 8)]),
    ("", "DeformConv", {"kernel_shape": [3, 3]}, [(1, 4, 8, 8), random(6, 4, 3, 3), (1, 18, 6, 6)], 6 * 36 * 36,
     [(1, 6, 6, 6)]),
    # Experts: 6 tokens through 2 of 4 experts each
    (RUNTIME, "MoE", {"k": 2, "activation_type": "gelu"},
     [(6, 8), (6, 4), random(4, 16, 8), "", random(4, 8, 16)], 6 * 2 * 2 * 8 * 16, [(6, 8)]),
    (RUNTIME, "MoE", {"k": 1, "activation_type": "silu"},
     [(1, 3, 8), (3, 4), random(4, 16, 8), "", random(4, 8, 16), "", random(4, 16, 8)], 3 * 3 * 8 * 16, [(1, 3, 8)]),
    (RUNTIME, "QMoE", {"k": 2, "expert_weight_bits": 4, "activation_type": "swiglu", "swiglu_fusion": 1},
     [(5, 8), (5, 4), words(4, 32, 4), random(4, 32), "", words(4, 8, 8), random(4, 8)],
     5 * 2 * (8 * 32 + 16 * 8), [(5, 8)]),
    # Fourier transforms, as products with their matrix
    (RUNTIME, "Rfft", {"signal_ndim": 1, "normalized": 0, "onesided": 1}, [(1, 3, 16)], 3 * 16 * 18, [(1, 3, 9, 2)]),
    ("", "DFT", {}, [(1, 10, 6, 1), "", np.array(1)], 6 * 10 * 20, [(1, 10, 6, 2)]),
    ("", "DFT", {"onesided": 1}, [(1, 10, 6, 1), "", np.array(-3)], 6 * 10 * 12, [(1, 6, 6, 2)]),
    ("", "DFT", {"inverse": 1}, [(1, 10, 6, 2), "", np.array(2)], 10 * 12 * 12, [(1, 10, 6, 2)]),
    ("", "STFT", {"onesided": 1}, [(1, 128, 1), np.array(8), random(16)], 15 * 16 * 18, [(1, 15, 9, 2)]),
    ("", "AffineGrid", {}, [(2, 2, 3), np.array([2, 3, 5, 6])], 2 * 30 * 3 * 2, [(2, 5, 6, 2)]),
    (MACHINE_LEARNING, "LinearRegressor", {"coefficients": [1.0] * 8, "targets": 2}, [(3, 4)], 3 * 4 * 2, [(3, 2)]),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"{case[1]}-{at}" for at, case in enumerate(CASES)])
def test_operators_that_multiply(written: Build, case: tuple[Any, ...]) -> None:
    domain, op, attributes, operands, macs, outputs = case
    reads = ["" if isinstance(each, str) else f"t{at}" for at, each in enumerate(operands)]
    inputs = {name: each for name, each in zip(reads, operands, strict=True) if isinstance(each, tuple)}
    constants = {name: each for name, each in zip(reads, operands, strict=True) if isinstance(each, np.ndarray)}
    outs = [f"y{at}" for at in range(len(outputs))]
    node = helper.make_node(op, reads, outs, name="node", domain=domain, **attributes)
    path = written([node], inputs, outs[:1], constants, opset=23, domains=[domain] if domain else [])
    network = read(path)
    assert (network.macs, network.uncounted) == (macs, ())
    assert "UNKNOWN" not in network.notes
    shapes = load_graph(path, {}).shapes
    assert [shapes.get(out) for out in outs] == outputs


def test_a_fused_operator_is_found_without_its_domain(written: Build) -> None:
    node = helper.make_node("FusedMatMul", ["x", "w"], ["y"], transB=1)
    assert read(written([node], {"x": [1, 4, 8]}, ["y"], {"w": random(6, 8)})).macs == 4 * 8 * 6


SHAPES: list[tuple[str, dict[str, Any], list[Any], tuple[int, ...]]] = [
    ("Gelu", {}, [(2, 3)], (2, 3)), ("QuickGelu", {"alpha": 1.0}, [(2, 3)], (2, 3)), ("BiasSplitGelu", {}, [(1, 4, 8),
    random(8)], (1, 4, 4)), ("SwiGLU", {}, [(2, 8)], (2, 4)), ("RotaryEmbedding", {}, [(1, 4, 8), (1, 4), random(9, 4),
    random(9, 4)], (1, 4, 8)), ("SkipGroupNorm", {"groups": 2}, [(1, 4, 4, 8), random(8), random(8), (1, 4, 4, 8)], (1,
    4, 4, 8)), ("EmbedLayerNormalization", {}, [(1, 5), "", random(9, 8), random(9, 8), "", random(8), random(8)], (1,
    5, 8)), ("QLinearAdd", {}, [(2, 1, 4), random(1), words(1), (3, 1), random(1), words(1), random(1), words(1)], (2,
    3, 4)), ("QLinearConcat", {"axis": 1}, [random(1), words(1), (2, 3), random(1), words(1), (2, 4), random(1),
    words(1)], (2, 7)), ("QLinearAveragePool", {"kernel_shape": [2, 2], "strides": [2, 2], "channels_last": 1},
     [(1, 8, 8, 3), random(1), words(1), random(1), words(1)], (1, 4, 4, 3)),
    ("QLinearGlobalAveragePool", {"channels_last": 0}, [(1, 3, 8, 8), random(1), words(1), random(1), words(1)], (1, 3,
    1, 1)), ("NhwcMaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}, [(1, 8, 8, 3)], (1, 4, 4, 3)), ("Pad", {}, [(2,
    3), np.array([0, 1, 0, 2])], (2, 6)), ("ExpandDims", {}, [(2, 3), np.array(-1)], (2, 3, 1)),
    ("GatherBlockQuantized", {"block_size": 32, "bits": 4}, [words(9, 16), (1, 5), random(9, 1)], (1, 5, 32)),
]  # fmt: skip


@pytest.mark.parametrize("case", SHAPES, ids=[case[0] for case in SHAPES])
def test_operators_that_do_not_multiply_and_what_follows_them(written: Build, case: tuple[Any, ...]) -> None:
    op, attributes, operands, shape = case
    reads = ["" if isinstance(each, str) else f"t{at}" for at, each in enumerate(operands)]
    inputs = {name: each for name, each in zip(reads, operands, strict=True) if isinstance(each, tuple)}
    constants = {name: each for name, each in zip(reads, operands, strict=True) if isinstance(each, np.ndarray)}
    nodes = [
        helper.make_node(op, reads, ["a"], name="node", domain=RUNTIME, **attributes),
        helper.make_node("MatMul", ["a", "w"], ["y"], name="product"),
    ]
    constants["w"] = random(shape[-1], 5)
    path = written(nodes, inputs, ["y"], constants, domains=[RUNTIME], kind=TensorProto.FLOAT)
    assert load_graph(path, {}).shapes["a"] == shape
    assert read(path).macs == int(np.prod(shape)) * 5
    assert read(path).uncounted == ()


def test_weights_in_blocks_of_four_bits_have_their_true_size_off_chip(written: Build) -> None:
    node = helper.make_node(
        "MatMulNBits", ["x", "w", "s", "z"], ["y"], name="fc", domain=RUNTIME, K=64, N=16, bits=4, block_size=32
    )
    constants = {"w": words(16, 2, 16), "s": random(16, 2), "z": words(16, 1)}
    (layer,) = read(written([node], {"x": [1, 64]}, ["y"], constants, domains=[RUNTIME])).layers
    bits = 8 * (16 * 2 * 16 + 16 * 2 * 4 + 16)  # words, scales in 32 bits, zero points
    assert layer.weight_bits == bits / (64 * 16)
    assert layer.macs == 64 * 16


def test_experts_say_how_tokens_are_spread(written: Build) -> None:
    node = helper.make_node("MoE", ["x", "r", "a", "", "b"], ["y"], name="moe", domain=RUNTIME, k=2)
    constants = {"a": random(4, 16, 8), "b": random(4, 8, 16)}
    network = read(written([node], {"x": [5, 8], "r": [5, 4]}, ["y"], constants, domains=[RUNTIME]))
    sizes = [(layer.name, layer.G, layer.W) for layer in network.layers if layer.is_mac]
    assert sizes[:2] == [("moe.fc1", 2, 3), ("moe.fc1.rest", 2, 2)]  # 10 uses of 4 experts
    note = "moe: each token goes through 2 of 4 experts; the 5 tokens are taken to be spread evenly over them"
    assert note in network.notes


@pytest.mark.parametrize(
    ("op", "attributes", "operands", "message"),
    [
        ("MatMulNBits", {"K": 0, "N": 6}, [(4, 40), words(6, 2, 16)], "node: K is 0; at least 1 is required"),
        ("MatMulNBits", {"K": 32, "N": 6}, [(4, 40), words(6, 1, 16)],
         "node: rows of [4, 40]; 32 columns are required"),
        (
            "MatMulNBits", {"K": 64, "N": 6, "bits": 4, "block_size": 32}, [(4, 64), words(6, 1, 16)],
            "node: weights of [6, 1, 16]; [6, 2, 16] are required for K 64, N 6 and blocks of 32 weights of 4 bits",
        ),
        ("Attention", {}, [(1, 6, 32), random(32, 96)], "node: num_heads is 0; at least 1 is required"),
        (
            "Attention", {"num_heads": 4, "qkv_hidden_sizes": [1, 2, 3]}, [(1, 6, 32), random(32, 96)],
            "node: qkv_hidden_sizes [1, 2, 3] do not fit weights of 96 columns",
        ),
        (
            "GroupQueryAttention", {"num_heads": 8, "kv_num_heads": 3}, [(1, 6, 64), (1, 6, 24), (1, 6, 24)],
            "node: 8 heads of queries do not share 3 heads of keys evenly",
        ),
        ("MoE", {"k": 9}, [(5, 8), (5, 4), random(4, 16, 8), "", random(4, 8, 16)],
         "node: k is 9; 1 to 4, the number of experts, is allowed"),
        ("QMoE", {"expert_weight_bits": 5}, [(5, 8), (5, 4), words(4, 32, 4), random(4, 32), "", words(4, 8, 8)],
         "node.fc1: weights of 5 bits; 2, 3, 4 and 8 are read"),
        ("LinearAttention", {"q_num_heads": 1, "kv_num_heads": 1, "update_rule": "delt"}, [(1, 2, 4)] * 3,
         "node: update_rule is 'delt'; allowed: linear, gated, delta, gated_delta"),
        ("CausalConvWithState", {}, [(1, 6, 9), random(5, 1, 4)],
         "node: an input of [1, 6, 9] and weights of [5, 1, 4] are not those of channels by themselves"),
    ],
)  # fmt: skip
def test_operators_that_do_not_fit(
    written: Build, op: str, attributes: dict[str, Any], operands: list[Any], message: str
) -> None:
    reads = ["" if isinstance(each, str) else f"t{at}" for at, each in enumerate(operands)]
    inputs = {name: each for name, each in zip(reads, operands, strict=True) if isinstance(each, tuple)}
    constants = {name: each for name, each in zip(reads, operands, strict=True) if isinstance(each, np.ndarray)}
    node = helper.make_node(op, reads, ["y"], name="node", domain=RUNTIME, **attributes)
    assert messages(written([node], inputs, ["y"], constants, domains=[RUNTIME])) == message


EINSUMS = [
    ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)], 2 * 3 * 4 * 5),
    ("ij,jk", [(3, 4), (4, 5)], 3 * 4 * 5),  # the output follows from the letters that are there once
    ("...ij,...jk", [(2, 1, 3, 4), (5, 4, 6)], 2 * 5 * 3 * 4 * 6),
    ("i,j->ij", [(3,), (5,)], 15),
    ("ii,ij->j", [(4, 4), (4, 5)], 20),  # a diagonal is read, not multiplied
    ("ij,kl->il", [(3, 4), (4, 5)], 15),  # letters of one operand alone are summed before
    ("ABcd,ABde->ABce", [(2, 3, 4, 5), (2, 3, 5, 6)], 2 * 3 * 4 * 5 * 6),
    ("ab,bc,cd->ad", [(2, 50), (50, 3), (3, 40)], 2 * 50 * 3 + 2 * 3 * 40),
    ("a,a,a->", [(7,), (7,), (7,)], 14),
    ("bqhd,bkhd,bkhe->bqhe", [(1, 6, 2, 4), (1, 5, 2, 4), (1, 5, 2, 3)], 2 * 5 * 4 * 3 + 2 * 6 * 4 * 3),
]  # fmt: skip


@pytest.mark.parametrize(("equation", "shapes", "macs"), EINSUMS)
def test_einsum(written: Build, equation: str, shapes: list[tuple[int, ...]], macs: int) -> None:
    reads = [f"t{at}" for at in range(len(shapes))]
    node = helper.make_node("Einsum", reads, ["y"], name="sum", equation=equation)
    assert read(written([node], dict(zip(reads, shapes, strict=True)), ["y"])).macs == macs


@pytest.mark.parametrize(
    ("equation", "message"),
    [
        ("ij,jk,kl->il", "sum: equation 'ij,jk,kl->il' has 3 operands; the node has 2"),
        ("ijk,jk->i", "sum: operand 'ijk' of equation 'ijk,jk->i' does not fit 2 dimensions"),
        ("ij,ij->ij", "sum: letter 'i' of 'ij,ij->ij' is 3 and 4"),
        ("ij,jk->iz", "sum: equation 'ij,jk->iz' keeps 'z', which no operand has"),
    ],
)
def test_equations_that_do_not_fit(written: Build, equation: str, message: str) -> None:
    node = helper.make_node("Einsum", ["a", "b"], ["y"], name="sum", equation=equation)
    assert messages(written([node], {"a": [3, 4], "b": [4, 5]}, ["y"])) == message
