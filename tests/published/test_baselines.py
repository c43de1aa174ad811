"""Published figures of devices that nothing was fitted to."""

from __future__ import annotations

import pytest

from accelerator_sim.baseline.device import load_device
from accelerator_sim.baseline.roofline import run_baseline
from accelerator_sim.workload.network_loader import load_network


def test_xavier_nx_resnet50_int8() -> None:
    # MLPerf inference, single stream: 3.07 ms.  No INT8 point was fitted; the stack is that of AGX Xavier.
    result = run_baseline(load_network("resnet50"), load_device("jetson_xavier_nx"))
    assert result.latency_s == pytest.approx(3.07e-3, rel=0.1)
