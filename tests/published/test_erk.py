"""Pruning by the Erdos-Renyi-Kernel rule, against the tables that RigL's own program gives."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from accelerator_sim.workload.network_loader import load_network
from accelerator_sim.workload.sparsity.prune import erk, prunable


def tables() -> dict[tuple[str, float], list[float]]:
    found: dict[tuple[str, float], list[float]] = {}
    with (Path(__file__).parent / "erk.csv").open(newline="") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            found.setdefault((row["network"], float(row["sparsity"])), []).append(float(row["density"]))
    return found


TABLES = tables()


@pytest.mark.parametrize(("name", "sparsity"), TABLES)
def test_densities(name: str, sparsity: float) -> None:
    layers = [layer for layer in load_network(name).layers if prunable(layer)]
    assert erk(layers, sparsity) == pytest.approx(TABLES[name, sparsity], abs=1e-5)
