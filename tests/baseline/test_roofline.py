"""Time and energy of a network on a device, worked out by hand."""

from __future__ import annotations

import pytest

from accelerator_sim.baseline.device import Device, load_device
from accelerator_sim.baseline.roofline import run_baseline
from accelerator_sim.files.errors import UsageError
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network

ROUND = Device.model_validate(
    {
        "name": "round", "title": "round numbers", "kind": "mobile_gpu", "source": "made up", "evidence": "weak",
        "node": "16 nm", "clock": "1 GHz", "peak": {"fp16": "1 TFLOP/s", "fp32": "0.5 TFLOP/s"}, "dram": "10 GB/s",
        "boundary": "board", "power": {"static": "5 W", "idle": "2 W"},
        "energy": {"fp16": "10 pJ", "fp32": "20 pJ", "dram": "100 pJ"},
        "software": {
            "name": "round",
            "stacks": {
                "a": {
                    "description": "d", "source": "s", "evidence": "measured",
                    "efficiency": {
                        p: {"conv": 0.5, "pointwise": 0.25, "first": 0.1, "depthwise": 0.01} for p in ("fp16", "fp32")
                    },
                    "bandwidth": 0.8, "launch_cycles": 1000, "batch_gain": 0.2,
                }
            },
        },
        "sources": dict.fromkeys(("clock", "peak", "dram", "power", "energy"), "made up"),
    }
)  # fmt: skip
BUSY = Layer("busy", "conv", C=100, M=100, H=102, W=102, R=3, S=3)
FC = Layer("fc", "fc", C=1000, M=1000)
NETWORK = Network("two", "made up", (BUSY, FC), "two.yaml")


def test_by_hand() -> None:
    result = run_baseline(NETWORK, ROUND)
    busy, fc = result.kernels
    flop = 2 * 100 * 100 * 9 * 100 * 100
    assert (busy.flop, busy.bound_by, busy.latency_s) == (flop, "arithmetic", pytest.approx(flop / 0.5e12 + 1e-6))
    words = 1000 * 1000 + 2000
    assert (fc.dram_bytes, fc.bound_by, fc.latency_s) == (2 * words, "memory", pytest.approx(2 * words / 8e9 + 1e-6))
    bytes_ = 2 * (words + 100 * 100 * 9 + 100 * 102 * 102 + 100 * 100 * 100)
    assert result.dram_bytes == bytes_
    parts = {"static": 5 * result.latency_s, "arithmetic": 10e-12 * (flop + 2e6), "dram": 100e-12 * bytes_}
    assert result.energy_parts == pytest.approx(parts)
    assert result.energy_j == pytest.approx(sum(parts.values()))
    assert result.energy_net_j == pytest.approx(sum(parts.values()) - 2 * result.latency_s)
    assert result.weak


def test_a_batch_reads_weights_once_and_is_more_efficient() -> None:
    one, four = run_baseline(NETWORK, ROUND), run_baseline(NETWORK, ROUND, batch=4)
    assert four.kernels[0].latency_s - 1e-6 == pytest.approx(4 * (one.kernels[0].latency_s - 1e-6) / (1 + 0.2 * 0.75))
    assert four.kernels[1].dram_bytes == 2 * (1_000_000 + 4 * 2000)


def test_a_small_kernel_is_bound_by_its_launch() -> None:
    small = Network("small", "made up", (Layer("fc", "fc", C=8, M=8),), "small.yaml")
    (kernel,) = run_baseline(small, ROUND).kernels
    assert kernel.bound_by == "launch"


def test_other_formats() -> None:
    half, full = run_baseline(NETWORK, ROUND), run_baseline(NETWORK, ROUND, precision="fp32")
    assert (half.precision, full.precision) == ("fp16", "fp32")
    assert full.dram_bytes == 2 * half.dram_bytes
    with pytest.raises(UsageError, match="round has no int8 data with stack 'a'; it has: fp16, fp32"):
        run_baseline(NETWORK, ROUND, precision="int8")


def test_no_idle_power_no_net_energy() -> None:
    assert run_baseline(NETWORK, load_device("jetson_nano_10w")).energy_net_j is None


def test_every_network_runs_on_every_kind_of_device() -> None:
    for network in ("bert_base", "efficientnet_b0", "gpt2_decode", "mobilenet_v1_0.5_128_sparse"):
        for device in ("jetson_tx2_maxn", "jetson_xavier_nx", "nvidia_p40", "raspberry_pi_4"):
            result = run_baseline(load_network(network), load_device(device), batch=2)
            assert result.energy_j > 0
            assert result.flop == 2 * load_network(network).with_batch(2).macs
