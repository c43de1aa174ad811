"""Our own last results: a change of any of them shows as a readable difference.

These figures are not references. After a change that is meant to move them, `python -m tests.golden.test_golden` writes
them anew, and the difference belongs into the commit.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import accelerator_sim
from accelerator_sim.files.data import builtin_names

HERE = Path(__file__).parent
FILE = HERE / "totals.csv"
COLUMNS = ("architecture", "workload", "cycles", "effectual_macs", "dram_bytes", "energy", "energy_dram", "unit")
CASES = [
    *((architecture, "mobilenet_v1_0.5_128") for architecture in builtin_names("arch_configs")),
    ("eyeriss_v2", "mobilenet_v1_0.5_128_sparse"),
    ("eyeriss_v2", "alexnet"),
    ("eyeriss_v2", "alexnet_sparse"),
    ("eyeriss_v2", "resnet50"),
    ("eyeriss_v2", "gpt2_decode"),
    ("eyeriss_v2", "gpt3_block_prefill"),
    ("eyeriss_v1", "alexnet"),
    ("eyeriss_v1_192", "alexnet"),
    ("eyeriss_v1_5", "alexnet"),
]


def totals(architecture: str, workload: str) -> dict[str, str]:
    result = accelerator_sim.simulate(workload, architecture)
    assert not result.failed
    sums = result.totals
    energies = f"{sums.energy.chip:.8e}", f"{sums.energy.dram:.8e}"
    figures = (sums.cycles, sums.effectual_macs, sums.dram_bytes, *energies, sums.energy.unit)
    return dict(zip(COLUMNS, map(str, (architecture, workload, *figures)), strict=True))


def recorded() -> dict[tuple[str, str], dict[str, str]]:
    with FILE.open() as file:
        return {(row["architecture"], row["workload"]): row for row in csv.DictReader(file)}


@pytest.mark.filterwarnings("ignore:.* is normalised")
@pytest.mark.parametrize(("architecture", "workload"), CASES)
def test_totals(architecture: str, workload: str) -> None:
    assert totals(architecture, workload) == recorded()[architecture, workload]


def main() -> None:
    with FILE.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(totals(*case) for case in CASES)


if __name__ == "__main__":
    main()
