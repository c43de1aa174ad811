"""What tests of several rooms share: a small result, and a machine with round numbers for accounts made by hand.

Drawn cases are the same in every run of the same tests: the seed of each test is its code.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, settings

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.data import resolve
from accelerator_sim.files.model import load_model
from accelerator_sim.files.yaml_tree import load_document
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

settings.register_profile("seeded", derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("seeded")

LONGEST = ("published/test_scorecard.py", "test_everything_maps.py", "cli/test_faults.py")
"""Files whose tests begin first, so that no process is left with a long one in the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first."""
    items.sort(key=lambda item: not str(item.path).endswith(LONGEST))


Hide = Callable[[str], None]


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch) -> Hide:
    """Return a function after whose call modules whose name begins so cannot be imported, as if not installed."""
    real = builtins.__import__

    def call(beginning: str) -> None:
        def missing(name: str, *args: Any, **more: Any) -> Any:
            if name.startswith(beginning):
                raise ImportError(f"No module named {name!r}")
            return real(name, *args, **more)

        monkeypatch.setattr(builtins, "__import__", missing)

    return call


# Everything that the expected values below depend on is set here, so that tuning a built-in file cannot move them.
_ROUND = {
    "name": "round",
    "clock": "100 MHz",
    "precision": "{iact: 8 b, weight: 8 b, psum: 20 b, oact: 8 b}",
    "cluster_array": "{rows: 2, columns: 1}",
    "pe_cluster": "{rows: 3, columns: 4}",
    "pe.spad": (
        "{iact: {depth: 16, width: 12 b}, weight: {depth: 96, width: 24 b, values_per_word: 2},"
        " psum: {depth: 32, width: 20 b}, iact_address: {depth: 8, width: 4 b}}"
    ),
    "glb.iact.banks": "3",
    "glb.iact.size": "1536 B",
    "glb.psum.banks": "4",
    "glb.psum.size": "6 KiB",
    "noc.hop_length": "2 mm",
}


@pytest.fixture(scope="session")
def architecture() -> Architecture:
    """Two clusters of 12 PEs, 100 MHz, 8-bit operands."""
    document = load_document(resolve("arch_configs", "eyeriss_v2", "architecture"))
    return load_model(Architecture, document, list(_ROUND.items()))


def _action(energy: str, **more: str) -> dict[str, str]:
    return {"energy": energy, "source": "assumed: a round number", **more}


def _memory(read: str, write: str, **more: str) -> dict[str, Any]:
    return {"read": _action(read, **more), "write": _action(write, **more)}


@pytest.fixture
def table() -> dict[str, Any]:
    """A complete technology table, to be changed by a test."""
    return {
        "name": "round",
        "source": "round numbers",
        "node": "65 nm",
        "voltage": "1.0 V",
        "word_bits": "8 b",
        "mac": {"issued": _action("1 pJ"), "gated": _action("0.1 pJ"), "control": _action("0.5 pJ")},
        "spad": {
            "iact": _memory("2 pJ", "3 pJ", width="12 b"),
            "weight": _memory("4 pJ", "5 pJ", width="24 b", size="72 B"),
            "psum": _memory("6 pJ", "7 pJ", width="20 b"),
        },
        "glb": {
            "iact": _memory("8 pJ", "9 pJ", width="8 b"),
            "weight": _memory("10 pJ", "11 pJ", width="8 b"),
            "psum": _memory("12 pJ", "13 pJ", width="20 b", size="1536 B"),
        },
        "noc": {
            "hop": {"router": _action("0.5 pJ"), "wire": _action("0.25 pJ")},
            "deliver": {
                "iact": _action("14 pJ", width="8 b"),
                "weight": _action("15 pJ"),
                "psum": _action("1 pJ", width="1 b"),
            },
            "local": _action("17 pJ", width="20 b"),
        },
        "dram": {"read": _action("16 pJ", width="16 b"), "write": _action("2 pJ", width="1 b")},
        "clock": {"active": _action("5 pJ"), "idle": _action("0.5 pJ")},
        "leakage": {
            "pe": {"power": "1 mW", "source": "assumed: a round number"},
            "sram": {"power": "1 mW", "source": "assumed: a round number"},
        },
    }


@pytest.fixture(scope="session")
def result() -> NetworkResult:
    """The result of a small network with one layer that fails."""
    layers = (
        Layer("conv", "conv", C=4, M=8, H=8, W=8, R=3, S=3, padding=(1, 1, 1, 1)),
        Layer("pool", "pool", iact_words=512, oact_words=128),
        Layer("wide", "gemm", N=64, W=1 << 31),  # it has more positions than a search has tiles for
        Layer("fc", "fc", C=128, M=10),
    )
    return simulate_network(Network("small", "made up", layers, "small.yaml"), *load_machine("eyeriss_v2"))


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    """Return a function that writes a table and returns its path."""

    def write(table: dict[str, Any], name: str = "table.yaml") -> str:
        path = tmp_path / name
        path.write_text(yaml.safe_dump(table, sort_keys=False))
        return str(path)

    return write
