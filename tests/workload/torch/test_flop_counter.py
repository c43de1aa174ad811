"""MACs are half the FLOP that PyTorch's own counter finds as a module runs."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from torch import nn  # noqa: E402
from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

import accelerator_sim as sim  # noqa: E402
from tests.workload.torch.test_both_ways import MODELS  # noqa: E402

pytestmark = pytest.mark.slow


def flop(model: Any, *inputs: Any) -> int:
    """FLOP of a run with attention and recurrences as plain products, which the counter sees."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain = sdpa_kernel(SDPBackend.MATH), torch.backends.mkldnn.flags(enabled=False)
        with FlopCounterMode(display=False) as counter, plain[0], plain[1]:
            model(*inputs)
    return int(counter.get_total_flops())


@pytest.mark.parametrize("name", MODELS)
def test_must_hold_networks_have_half_the_flop(name: str) -> None:
    model, example = MODELS[name]()
    assert 2 * sim.from_torch(model, example, False).macs == flop(model, example) > 0


CONVS = {
    False: (nn.Conv1d, nn.Conv2d, nn.Conv3d),
    True: (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
}


@given(data=st.data())
@settings(max_examples=30)
def test_must_hold_any_convolution_has_half_the_flop(data: st.DataObject) -> None:
    def drawn(least: int, most: int) -> int:
        return data.draw(st.integers(least, most))

    axes, transposed, groups = drawn(1, 3), data.draw(st.booleans()), drawn(1, 2)
    kernel = [drawn(1, 3) for _ in range(axes)]
    stride = [drawn(1, 2) for _ in range(axes)]
    padding = [drawn(0, size - 1) if transposed else drawn(0, 2) for size in kernel]
    dilation = [drawn(1, 2) for _ in range(axes)]
    module = CONVS[transposed][axes - 1](
        groups * drawn(1, 3), groups * drawn(1, 3), kernel, stride, padding, groups=groups, dilation=dilation
    )
    example = torch.randn(drawn(1, 2), module.in_channels, *(drawn(5, 7) for _ in range(axes)))
    assert 2 * sim.from_torch(module, example, False).macs == flop(module, example) > 0
