"""Small models after what users report, with right values by hand arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.onnx.reader import read_onnx
from tests.workload.onnx.conftest import read
from tests.workload.onnx.mutants import DATA

TRIALS = DATA / "trials"

RIGHT = [
    # Products of onnxruntime, and of Einsum
    ("c13_ms_mha", {}, 8_388_608, 2),
    ("c12_ms_gqa", {}, 33_554_432, 1),
    ("c69_ms_matmulinttofloat", {}, 2_097_152, 1),
    ("c15_ms_fusedmatmul", {}, 12_582_912, 12),
    ("c17_ms_dynqmatmul", {}, 1_048_576, 1),
    ("c67_ms_qattention", {}, 3_932_160, 1),
    ("c68_ms_dynqlstm", {}, 301_056, 1),
    ("c21_einsum_ellipsis", {}, 2 * 8 * 32 * 64 * 16, 2),
    ("c22_einsum_3op", {}, 64 * 16 * 8 + 32 * 64 * 8, 1),
    ("c23_einsum_upper", {}, 15_360, 2),
    # Shapes
    ("c87_ms_biasgelu_then_matmul", {}, 524_288, 1),
    ("c88_ms_skiplayernorm_then_matmul", {}, 32_768, 1),
    ("c89_simplified_layernorm", {}, 32_768, 1),
    ("c90_custom_op_then_conv", {}, 6_912, 1),
    ("c43_if_const_cond", {}, 10_800, 1),
    ("c63_loop_preproc_then_conv", {"B": 2}, 442_368, 1),
    ("c64_scan_rnn", {}, 38_400, 1),
    ("c49_neg_dim_batch", {"x.0": 1}, 3_888, 1),
    ("c49_neg_dim_batch", {"x.0": 4}, 4 * 3_888, 4),
    ("c51_expr_symbol", {"batch": 2, "past_len + 1": 7}, 1_792, 2),
    ("c51_expr_symbol", {"batch": 2, "past_len": 6}, 1_792, 2),
    ("c52_zero_past", {"past": 0}, 4_096, 1),
    ("c52_zero_past", {"past": 8}, 2 * 4_096, 1),
    ("c52b_empty_second_input", {}, 512, 4),
    ("c48_sparse_initializer", {}, 64, 2),
    # Batches
    ("c83_conv_batch1", {}, 42_336, 1),
    ("c83_conv_batch4", {}, 4 * 42_336, 4),
    # These were right before
    ("c05_lstm_t100", {}, 3_276_800, 1),
    ("c06_gru_t100", {}, 2_457_600, 1),
    ("c08_linear_4d", {}, 1_200_000, 5),
    ("c09_gqa_attn23", {}, 33_554_432, 2),
    ("c25_gemm_tAtB", {}, 20_480, 1),
    ("c31_conv_asym_pad", {}, 12_960, 1),
    ("c32_conv_stride_gt_kernel", {}, 524_288, 1),
    ("c35_conv1d_group_mult", {}, 4_608, 2),
    ("c37_conv_ceil_pool", {}, 629_856, 1),
    ("c40_qlinearconv", {}, 56_448, 1),
    ("c41_conv_opset7", {}, 6_912, 1),
    ("c41_conv_opset16", {}, 6_912, 1),
    ("c41_conv_opset25", {}, 6_912, 1),
    ("c42_nested_functions", {}, 115_200, 1),
    ("c54_gemm_2p40", {}, 65_536 * 16_384 * 65_536, 1),
    ("c56_dup_node_names", {}, 16_128, 1),
    ("c57_unicode_names", {}, 3_888, 1),
    ("c58_fp16", {}, 512, 4),
    ("c70_qdq_int4", {}, 8_192, 4),
    ("c73_init_also_input", {}, 3_888, 1),
    ("c74_weight_transposed_nhwc", {}, 5_529_600, 1),
    ("c75_upsample9", {}, 778_752, 1),
    ("c76_resize_to_other", {"B": 1, "W": 26}, 86_528, 1),
]


@pytest.mark.parametrize(("name", "bind", "macs", "batch"), RIGHT)
def test_must_hold_right_values(name: str, bind: dict[str, int], macs: int, batch: int) -> None:
    network = read(TRIALS / f"{name}.onnx", bind)
    assert (network.macs, network.batch, network.uncounted) == (macs, batch, ())
    assert network.name in (name, "sp")


def test_every_trial_has_a_right_value_or_a_refusal() -> None:
    refused = {"c45_nested_if_hides_conv", "c55_gemm_2p66"}
    assert {path.stem for path in TRIALS.glob("*.onnx")} == {name for name, *_ in RIGHT} | refused


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("c45_nested_if_hides_conv", "If_0: If holds Conv in a subgraph, and what it does depends on the input"),
        ("c55_gemm_2p66", "73786976294838206464 MACs are more than the 4611686018427387904 that are counted"),
        ("c51_expr_symbol", "bind them, as --bind batch=1 --bind 'past_len + 1=1'"),
        ("c49_neg_dim_batch", "unbound dimensions: x.0 (x[0]); bind them, as --bind x.0=1"),
    ],
)
def test_refusals(name: str, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        read(TRIALS / f"{name}.onnx")
    assert message in str(caught.value)


def test_notes_say_what_is_not_known_and_in_which_order_an_einsum_is_counted() -> None:
    assert (
        "UNKNOWN operators, counted by the words that they move: MyAct_0 (vendor.x.MyAct)"
        in read(TRIALS / "c90_custom_op_then_conv.onnx").notes
    )
    assert "in the order that costs least: jk,kl->jl, ij,jl->il" in read(TRIALS / "c22_einsum_3op.onnx").notes


def test_a_sparse_constant_keeps_its_zeros() -> None:
    (layer,) = read(TRIALS / "c48_sparse_initializer.onnx").layers
    assert (layer.macs, layer.effectual_macs) == (64, 6)


@pytest.mark.parametrize("path", sorted((DATA / "broken").glob("*.onnx")), ids=lambda path: path.stem)
def test_broken_files_are_refused(path: Path) -> None:
    with pytest.raises(InvalidFile) as caught:
        read_onnx(path, Choices({"N": 1}))
    assert str(caught.value).startswith(f"{path}: ")
    assert caught.value.__cause__ is None  # found by a check of ours, not by catching whatever comes
