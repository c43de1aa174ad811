"""Layers that only move words."""

import pytest

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.run.traffic import traffic_outcome
from accelerator_sim.technology.machine_file import load_machine
from tests.small_network import POOL


def with_dram(*overrides: tuple[str, str]) -> Architecture:
    return load_machine("eyeriss_v2", overrides)[0]


def test_bytes_at_the_precision_of_iacts_and_oacts() -> None:
    outcome = traffic_outcome(POOL, with_dram(("precision.iact", "4 b"), ("precision.oact", "16 b")))
    assert outcome.counts.dram_bytes == {"iact": 256, "weight": 0, "psum": 256}
    assert (outcome.counts.access("dram", "iact").reads, outcome.counts.access("dram", "psum").writes) == (512, 128)


def test_no_time_passes_without_a_limit_on_the_channel() -> None:
    outcome = traffic_outcome(POOL, with_dram())
    assert (outcome.timing.cycles, outcome.pe_cycles_idle, outcome.timing.resource_cycles) == (0, 0, {})


@pytest.mark.parametrize(("duplex", "cycles"), [("false", 640), ("true", 512)])
def test_cycles_of_a_limited_channel(duplex: str, cycles: int) -> None:
    # 200 MB/s at 200 MHz: one byte a cycle.
    architecture = with_dram(("dram.bandwidth", "200 MB/s"), ("dram.duplex", duplex))
    outcome = traffic_outcome(POOL, architecture)
    assert outcome.timing.cycles == cycles
    assert outcome.pe_cycles_idle == cycles * architecture.pes
