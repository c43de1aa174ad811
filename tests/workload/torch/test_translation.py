"""The graph that a module is translated to computes what the module computes, by onnx's reference evaluator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils._pytree import tree_leaves  # noqa: E402

from accelerator_sim.workload.onnx.makers import is_known  # noqa: E402
from accelerator_sim.workload.onnx.operators import PYTORCH  # noqa: E402
from accelerator_sim.workload.torch.aten_rules import FILLS, RULES_OF_ATEN  # noqa: E402
from accelerator_sim.workload.torch.exporting import export, functional  # noqa: E402
from accelerator_sim.workload.torch.saved_export import sizes_of  # noqa: E402
from accelerator_sim.workload.torch.translation import translate  # noqa: E402
from tests.workload.torch.test_both_ways import MODELS  # noqa: E402

pytestmark = pytest.mark.slow


class Made(nn.Module):
    """A module of one function."""

    def __init__(self, function: Callable[..., Any], *modules: nn.Module) -> None:
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(modules)

    def forward(self, *inputs: Any) -> Any:
        return self.function(*self.parts, *inputs)


def drawn(*shape: int) -> Any:
    torch.manual_seed(3)
    return torch.randn(*shape)


def agree(model: nn.Module, *inputs: Any) -> None:
    """Check that both compute the same."""
    program = functional(export(model, (inputs, {})))
    translated = translate(program, "m", True, sizes_of(program, {}))
    feeds = {name: value.numpy() for name, value in zip(translated.inputs, inputs, strict=True)}
    results = ReferenceEvaluator(str(translated.file)).run(None, feeds)
    with torch.no_grad():
        expected = model.eval()(*inputs)
    for ours, theirs in zip(results, tree_leaves(expected), strict=True):
        assert np.allclose(ours, theirs.numpy(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_must_hold_networks_compute_the_same(name: str) -> None:
    model, example = MODELS[name]()
    agree(model, example)


FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[int, ...]]] = {
    "numbers": (lambda x: (2 - x) * 3 + x / 2 - x**2, (2, 3)),
    "alpha": (lambda x: torch.add(x, x, alpha=2), (2, 3)),
    "addcmul": (lambda x: torch.addcmul(x, x, x, value=0.5), (2, 3)),
    "clamp": (lambda x: x.clamp(-0.5, 0.5) + x.clamp(min=0) + x.clamp(max=0.1), (2, 3)),
    "clamp by tensors": (lambda x: x.clamp(x - 1, x * 0), (2, 3)),
    "where": (lambda x: torch.where(x > 0, x, 0.5), (2, 3)),
    "masked_fill": (lambda x: x.masked_fill(x > 0, -1.0), (2, 3)),
    "silu": (F.silu, (2, 3)),
    "gelu": (lambda x: F.gelu(x) + F.gelu(x, approximate="tanh"), (2, 3)),
    "hard": (lambda x: F.hardswish(x) + F.hardsigmoid(x) + F.relu6(x) + F.leaky_relu(x, 0.2), (2, 3)),
    "rsqrt": (lambda x: torch.rsqrt(x * x + 1), (2, 3)),
    "in place": (lambda x: x.clone().add_(1).mul_(2).relu_(), (2, 3)),
    "permute": (lambda x: x.permute(2, 0, 1) + 1, (2, 3, 4)),
    "transpose": (lambda x: x.transpose(0, -1) + 1, (2, 3, 4)),
    "movedim": (lambda x: x.movedim(0, 2) + 1, (2, 3, 4)),
    "select": (lambda x: x[:, 1] + x[:, -1], (2, 3, 4)),
    "slice": (lambda x: x[:, 1:, ::2] + 1, (2, 3, 4)),
    "chunk": (lambda x: x.chunk(2, 2)[1] * 2, (2, 3, 4)),
    "unbind": (lambda x: sum(x.unbind(1)), (2, 3, 4)),
    "cat": (lambda x: torch.cat([x, x + 1], -1), (2, 3, 4)),
    "stack": (lambda x: torch.stack([x, x + 1], 1), (2, 3, 4)),
    "expand": (lambda x: x[:1].expand(5, 3, 4) + 1, (2, 3, 4)),
    "repeat": (lambda x: x.repeat(2, 1, 1, 3), (2, 3, 4)),
    "pad": (lambda x: F.pad(x, (1, 2)) + 1, (2, 3, 4)),
    "reflect": (lambda x: F.pad(x, (1, 2), mode="reflect"), (2, 3, 4)),
    "replicate": (lambda x: F.pad(x, (1, 2), mode="replicate"), (2, 3, 4)),
    "index": (lambda x: x[:, torch.tensor([0, 2])], (2, 3, 4)),
    "gather": (lambda x: x.gather(1, torch.zeros(2, 3, 4, dtype=torch.long)), (2, 3, 4)),
    "roll": (lambda x: x.roll((1, -1), (0, 2)) + x.roll(5), (2, 3, 4)),
    "flip": (lambda x: x.flip(1) + 1, (2, 3, 4)),
    "triangle": (lambda x: x.tril() + x.triu(1), (2, 3, 4)),
    "topk": (lambda x: x.topk(2)[0], (2, 3, 4)),
    "largest": (lambda x: x.max(1)[0] + x.min(1)[0], (2, 3, 4)),
    "arguments": (lambda x: x.argmax(-1) + x.argmin(1, keepdim=True)[:, 0, :3], (2, 3, 4)),
    "sums": (lambda x: x.sum((0, 2)) + x.mean() + x.amax(0)[:, 0], (2, 3, 4)),
    "products": (lambda x: x.prod(1) + x.cumsum(1)[:, 0], (2, 3, 4)),
    "norm": (lambda x: F.normalize(x, dim=1), (2, 3, 4)),
    "softmax": (lambda x: x.softmax(1) + x.log_softmax(-1), (2, 3, 4)),
    "nearest": (lambda x: F.interpolate(x, scale_factor=2), (1, 2, 3, 4)),
    "shuffles": (lambda x: F.pixel_shuffle(F.pixel_unshuffle(x, 2), 2) + 1, (1, 4, 4, 4)),
    "pools": (lambda x: F.max_pool2d(x, 3, 2, 1) + F.avg_pool2d(x, 3, 2, 1), (1, 2, 8, 8)),
    "pools of three": (lambda x: F.max_pool3d(x, 2) + F.avg_pool3d(x, 2), (1, 2, 4, 4, 4)),
    "one image": (lambda x: F.max_pool2d(x, 2), (2, 8, 8)),
    "to a size": (lambda x: F.adaptive_avg_pool2d(x, 2), (1, 2, 8, 8)),
    "einsum": (lambda x: torch.einsum("bij,bkj->bik", x, x), (2, 3, 4)),
    "matmul": (lambda x: x @ x.mT, (2, 3, 4)),
    "baddbmm": (lambda x: torch.baddbmm(torch.ones(2, 3, 3), x, x.mT, alpha=0.5, beta=2), (2, 3, 4)),
    "addmm": (lambda x: torch.addmm(torch.ones(3), x, x.t(), beta=0.5), (3, 4)),
    "attention": (lambda x: F.scaled_dot_product_attention(x, x + 1, x, is_causal=True), (1, 2, 3, 4)),
    "attention of one head": (lambda x: F.scaled_dot_product_attention(x, x + 1, x, scale=0.3), (2, 3, 4)),
    "root mean square": (lambda x: F.rms_norm(x, (4,)), (2, 3, 4)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_must_hold_functions_compute_the_same(name: str) -> None:
    function, shape = FUNCTIONS[name]
    agree(Made(function), drawn(*shape))


MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "Conv1d": (lambda: nn.Conv1d(4, 6, 3, 2, 1, 1, 2), (2, 4, 9)),
    "Conv1d, same": (lambda: nn.Conv1d(4, 6, 4, padding="same", dilation=2), (2, 4, 9)),
    "Conv2d": (lambda: nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 2)), (2, 4, 9, 8)),
    "Conv2d, one image": (lambda: nn.Conv2d(4, 6, 3), (4, 9, 8)),
    "Conv2d, around": (lambda: nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"), (2, 4, 9, 8)),
    "Conv3d": (lambda: nn.Conv3d(2, 3, (1, 3, 3), padding=1), (1, 2, 4, 5, 6)),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(4, 6, 3, 2, 1, 1), (2, 4, 5)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, dilation=2), (2, 4, 5, 6)),
    "Linear of a row": (lambda: nn.Linear(4, 6), (4,)),
    "Linear of a matrix": (lambda: nn.Linear(4, 6, bias=False), (3, 4)),
    "Linear of four": (lambda: nn.Linear(4, 6), (2, 3, 5, 4)),
    "LSTM": (lambda: nn.LSTM(4, 3), (5, 2, 4)),
    "LSTM, two layers": (lambda: nn.LSTM(4, 3, 2, bidirectional=True, batch_first=True), (2, 5, 4)),
    "LSTM, one sequence": (lambda: nn.LSTM(4, 3), (5, 4)),
    "GRU": (lambda: nn.GRU(4, 3, 2, batch_first=True), (2, 5, 4)),
    "RNN": (lambda: nn.RNN(4, 3, bias=False), (5, 2, 4)),
    "LSTMCell": (lambda: nn.LSTMCell(4, 3), (2, 4)),
    "BatchNorm": (lambda: nn.BatchNorm2d(4), (2, 4, 3, 3)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (2, 4, 3, 3)),
    "InstanceNorm": (lambda: nn.InstanceNorm2d(4, affine=True), (2, 4, 3, 3)),
    "LayerNorm": (lambda: nn.LayerNorm([3, 4], elementwise_affine=False), (2, 3, 4)),
    "PReLU": (lambda: nn.PReLU(4), (2, 4, 3)),
    "weight_norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 3, 3)), (2, 4, 5)),
    "TransformerEncoderLayer": (lambda: nn.TransformerEncoderLayer(8, 2, 16), (3, 2, 8)),
}


@pytest.mark.parametrize("name", MODULES)
def test_must_hold_modules_compute_the_same(name: str) -> None:
    make, shape = MODULES[name]
    torch.manual_seed(5)
    agree(Made(lambda part, x: part(x), make()), drawn(*shape))


def test_every_core_operator_is_classified() -> None:
    """What torch.export decomposes to has a rule, or is known to move words or to multiply uncounted."""
    names = set()
    for name in dir(torch.ops.aten):
        packet = getattr(torch.ops.aten, name)
        overloads = packet.overloads() if hasattr(packet, "overloads") else []
        if any(torch.Tag.core in getattr(packet, overload).tags for overload in overloads):
            names.add(name)
    assert len(names) > 100
    known = {n for n in names if f"aten::{n}" in RULES_OF_ATEN or f"aten::{n}" in FILLS or is_known((PYTORCH, n))}
    constant = {"arange", "empty", "empty_strided", "full", "scalar_tensor", "_local_scalar_dense"}
    kept_whole = {"native_dropout", "native_group_norm"}  # dropout and group_norm have rules
    sizes = {name for name in names if name.startswith("sym_")}
    training = {name for name in names if name.endswith("_backward")}
    assert names - known - constant - kept_whole - sizes - training <= {"col2im"}
