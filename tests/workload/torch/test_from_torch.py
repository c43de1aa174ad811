"""sim.from_torch: names, MACs by hand, zeros, what is not known, and bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn.utils import prune  # noqa: E402

import accelerator_sim as sim  # noqa: E402
from accelerator_sim.workload.layer import Layer  # noqa: E402
from accelerator_sim.workload.onnx.weights import quantise  # noqa: E402
from accelerator_sim.workload.tensor_values import tensor_of_shape  # noqa: E402

pytestmark = pytest.mark.slow


class Small(nn.Module):
    """A convolution in a block, a linear layer that is called twice, and a product of activations."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU())
        self.shared = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block(x).flatten(2).transpose(1, 2)
        x = self.shared(self.shared(x))
        return x @ x.transpose(1, 2)


def small() -> Small:
    torch.manual_seed(2)
    return Small()


def of(module: nn.Module, *inputs: Any, measure: bool = False) -> list[Layer]:
    return [layer for layer in sim.from_torch(module, inputs, measure).layers if layer.is_mac]


def test_layers_have_the_paths_of_modules() -> None:
    network = sim.from_torch(small(), torch.randn(1, 3, 6, 6))
    assert network.name == "Small"
    assert [layer.name for layer in network.layers if layer.is_mac] == ["block.0", "shared", "shared#2", "matmul"]
    assert network.reused == {"shared#2"}
    assert "1 BatchNormalization, 1 Relu" in network.notes
    assert "traced by torch.export" in network.source


def test_the_mode_of_the_model_stays_what_it_was() -> None:
    model = small()
    model.train()
    model.block[2].eval()
    sim.from_torch(model, torch.randn(1, 3, 6, 6))
    assert (model.training, model.shared.training, model.block[2].training) == (True, True, False)


@pytest.mark.parametrize(
    ("module", "shape", "macs"),
    [
        (nn.Conv1d(4, 6, 3, stride=2), (1, 4, 9), 4 * 6 * 3 * 4),
        (nn.Conv2d(4, 6, (3, 2), groups=2, padding=1, dilation=(2, 1)), (2, 4, 8, 8), 2 * 2 * 6 * 6 * (6 * 9)),
        (nn.Conv2d(4, 6, 3), (4, 8, 8), 4 * 6 * 9 * 36),
        (nn.Conv3d(2, 3, (2, 3, 3)), (1, 2, 4, 5, 5), 2 * 3 * 18 * 27),
        (nn.ConvTranspose1d(4, 6, 3, stride=2), (1, 4, 5), 4 * 6 * 3 * 5),
        (nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), (1, 4, 5, 5), 2 * 6 * 9 * 25),
        (nn.ConvTranspose3d(2, 3, 2, stride=2), (1, 2, 3, 3, 3), 2 * 3 * 8 * 27),
        (nn.Linear(8, 5), (8,), 40),
        (nn.Linear(8, 5), (3, 8), 120),
        (nn.Linear(8, 5), (2, 3, 7, 8), 42 * 40),
        (nn.LSTM(8, 5), (3, 2, 8), 3 * 2 * 4 * 5 * (8 + 5)),
        (nn.LSTM(8, 5, num_layers=2, bidirectional=True), (3, 2, 8), 3 * 2 * 20 * 2 * ((8 + 5) + (10 + 5))),
        (nn.GRU(8, 5, batch_first=True), (2, 3, 8), 3 * 2 * 15 * (8 + 5)),
        (nn.RNN(8, 5), (3, 8), 3 * 5 * (8 + 5)),
        (nn.TransformerEncoderLayer(8, 2, 16), (5, 1, 8), 5 * 8 * (24 + 8 + 16 + 16) + 2 * 5 * 5 * 8),
        (nn.Embedding(10, 4), (0,), 0),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)  # fmt: skip
def test_macs_by_hand(module: nn.Module, shape: tuple[int, ...], macs: int) -> None:
    example = torch.tensor([[1, 2]]) if isinstance(module, nn.Embedding) else torch.randn(*shape)
    assert sim.from_torch(module, example, measure=False).macs == macs


def test_attention_of_shared_keys_by_hand() -> None:
    class Grouped(nn.Module):
        def forward(self, q: Tensor, k: Tensor) -> Tensor:
            return F.scaled_dot_product_attention(q, k, k, enable_gqa=True)

    scores, context = of(Grouped(), torch.randn(1, 4, 5, 8), torch.randn(1, 2, 7, 8))
    assert (scores.G, scores.W, scores.C, scores.M) == (2, 10, 8, 7)
    assert scores.macs == context.macs == 4 * 5 * 7 * 8


def test_densities_are_those_of_the_example_and_of_the_weights() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU(), nn.Conv2d(3, 4, 1))
    with torch.no_grad():
        model[2].weight[:, 1:] = 0
    example = torch.randn(4, 2, 5, 5)
    example[:, 0] = 0
    with torch.no_grad():
        inner = model[1](model[0](example)).numpy()
    first, second = of(model, example, measure=True)
    assert first.density.profile_iact == (0.0, 1.0)
    assert second.density.profile_iact == pytest.approx(np.count_nonzero(inner, axis=(0, 2, 3)) / 100)
    assert second.density.weight == pytest.approx(1 / 3)
    held = second.density.tensor_weight
    assert held is not None
    values = tensor_of_shape(held, (4, 3, 1, 1), 0, 1, "weights")
    assert np.array_equal(values, quantise(model[2].weight.detach().numpy()))
    assert of(model, example)[1].density.iact == 0.5


def test_a_network_runs_with_its_weights() -> None:
    result = sim.simulate(sim.from_torch(small(), torch.randn(2, 3, 6, 6)), layers="block.0", verify=True)
    assert result.complete
    assert result.totals.macs == 2 * 3 * 4 * 9 * 36


def test_a_batch_is_so_many_inferences() -> None:
    one, four = (sim.from_torch(small(), torch.randn(n, 3, 6, 6), measure=False) for n in (1, 4))
    assert (four.batch, four.macs) == (4, 4 * one.macs)
    assert [layer.name for layer in one.layers] == [layer.name for layer in four.layers]


def test_examples_may_be_named() -> None:
    x = torch.randn(1, 3, 6, 6)
    assert sim.from_torch(small(), {"x": x}).macs == sim.from_torch(small(), (x,)).macs


def test_weights_that_are_computed_are_those_of_the_model() -> None:
    """Masks of pruning and normalised weights do not depend on the input: they are applied before."""
    layer = nn.Linear(8, 4)
    prune.l1_unstructured(layer, "weight", amount=0.5)
    assert of(nn.Sequential(layer), torch.randn(1, 8))[0].density.weight == pytest.approx(0.5)


def test_half_precision_and_quantised_values_are_read() -> None:
    for kind in (torch.float16, torch.bfloat16, torch.float64):
        assert of(nn.Linear(8, 4).to(kind), torch.randn(1, 8, dtype=kind), measure=True)[0].density.weight > 0.9


def test_many_weights_are_not_read_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from accelerator_sim.workload.torch import torch_network

    monkeypatch.setattr(torch_network, "MOST_BYTES", 100)
    network = sim.from_torch(small(), torch.randn(1, 3, 6, 6))
    assert "GB of weights were not read and are taken as dense" in network.notes
    assert {layer.density.tensor_weight for layer in network.layers} == {None}
    asked = sim.from_torch(small(), torch.randn(1, 3, 6, 6), choices=sim.Choices(weights=True))
    assert asked.layers[0].density.tensor_weight is not None


# --- lost work -------------------------------------------------------------------------------------------------------
class Unknown(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cdist(x, x) + torch.linalg.inv(x @ x.transpose(0, 1))


@torch.library.custom_op("test_from_torch::mixed", mutates_args=())
def mixed(x: Tensor, y: Tensor) -> Tensor:
    return x @ y


@mixed.register_fake
def _(x: Tensor, y: Tensor) -> Tensor:
    return x.new_empty(x.shape[0], y.shape[1])


@torch.library.custom_op("test_from_torch::doubled", mutates_args=())
def doubled(x: Tensor) -> Tensor:
    return x * 2


@doubled.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


class Own(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return mixed(doubled(x), self.weight)


def test_what_may_multiply_and_is_not_counted_fails_by_name() -> None:
    network = sim.from_torch(Unknown(), torch.randn(4, 4))
    assert {layer.uncounted for layer in network.uncounted} == {"aten._cdist_forward", "aten.linalg_inv_ex"}
    with pytest.warns(sim.AcceleratorSimWarning, match="_cdist_forward"):
        result = sim.simulate(network)
    assert not result.complete


def test_operators_of_others_are_counted_by_what_they_move_or_fail() -> None:
    network = sim.from_torch(Own(), torch.randn(4, 4))
    assert [layer.uncounted for layer in network.layers] == ["", "test_from_torch.mixed"]
    assert "UNKNOWN operators, counted by the words that they move: doubled (test_from_torch.doubled)" in network.notes
    with pytest.raises(sim.UsageError, match=r"Own: doubled: operator test_from_torch\.doubled is not known"):
        sim.from_torch(Own(), torch.randn(4, 4), choices=sim.Choices(strict=True))


# --- bad input -------------------------------------------------------------------------------------------------------
class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if x.sum() > 0 else x


class Looping(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cond(x.sum() > 0, lambda y: y @ y, lambda y: y + 1, (x,))


def refused(model: Any, example: Any, **more: Any) -> str:
    with pytest.raises(sim.UsageError) as caught:
        sim.from_torch(model, example, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_model_that_cannot_be_traced_says_why_and_what_to_try() -> None:
    message = refused(Branching(), torch.ones(2, 2))
    assert message.startswith("torch.export cannot trace Branching: Could not guard on data-dependent expression")
    assert "torch.where" in message
    assert "draft_export" in message


def test_control_flow_that_is_kept_is_refused() -> None:
    assert "what cond does depends on the input" in refused(Looping(), torch.ones(2, 2))


def test_an_example_of_the_wrong_shape_is_shown() -> None:
    message = refused(small(), torch.randn(1, 5, 6, 6))
    assert message.startswith("Small does not run on the example (1 x 5 x 6 x 6 of float32): ")
    assert "3 channels" in message
    assert "does not run on the example (2 of int64)" in refused(nn.Linear(8, 4), torch.tensor([1, 2]))
    assert "does not run on the example (nothing)" in refused(small(), ())
    assert "(y: 1 x 3 x 6 x 6 of float32)" in refused(small(), {"y": torch.randn(1, 3, 6, 6)})


def test_other_values_are_refused() -> None:
    assert refused("model", torch.ones(1)) == "model is a str; a torch.nn.Module is required"
    assert "measure" in refused(small(), torch.ones(1), measure="yes")
    assert "choices.bind is for files" in refused(small(), torch.ones(1), choices=sim.Choices(bind={"n": 1}))
    assert "no node computes or moves anything" in refused(nn.Flatten(), torch.randn(1, 2, 3))
    assert "proj_size" in refused(nn.LSTM(8, 4, proj_size=2), torch.randn(3, 1, 8))


def test_weights_without_values_are_not_run() -> None:
    with torch.device("meta"):
        model, example = small(), torch.zeros(1, 3, 6, 6)
    assert "give measure=False" in refused(model, example)
    assert "have no values" in sim.from_torch(model, example, False).notes
