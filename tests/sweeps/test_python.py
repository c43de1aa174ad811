"""Sweeps from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerator_sim import run_sweep
from accelerator_sim.files.errors import AcceleratorSimWarning, NothingRan, UsageError
from tests.sweeps.conftest import NETWORK

SPEC = "architecture: eyeriss_v2\nworkloads: [small.yaml]\nfidelity: analytical\naxes: {noc.weight.routers: [3, 4]}\n"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(NETWORK.format(name="small", m=4))
    (tmp_path / "spec.yaml").write_text(SPEC)
    return tmp_path / "spec.yaml"


def test_a_failed_point_is_a_warning(spec: Path, tmp_path: Path) -> None:
    with pytest.warns(AcceleratorSimWarning, match=r"1 of 2 results failed; 1 results: noc.weight has 4 routers"):
        good, bad = run_sweep(spec, tmp_path / "s.sqlite")
    assert (good["complete"], bad["complete"], bad["latency_s"]) == (1, 0, None)
    assert (good["noc.weight.routers"], bad["noc.weight.routers"]) == (3, 4)


def test_no_result_at_all_is_an_error(spec: Path, tmp_path: Path) -> None:
    spec.write_text(SPEC.replace("[3, 4]", "[4, 5]"))
    with pytest.raises(NothingRan, match=r"no result of the sweep; 2 results: noc.weight has 4 routers for 3 PE rows"):
        run_sweep(spec, tmp_path / "s.sqlite")


def test_too_few_points_are_a_warning(spec: Path, tmp_path: Path) -> None:
    spec.write_text(SPEC + "mode: random\nsamples: 2\n")
    with pytest.warns(AcceleratorSimWarning, match="1 points of 2 samples: no others of 2 combinations"):
        assert len(run_sweep(spec, tmp_path / "s.sqlite")) == 1


def test_jobs_are_checked(spec: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="jobs is 0"):
        run_sweep(spec, tmp_path / "s.sqlite", jobs=0)
