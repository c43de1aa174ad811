"""One signature per kernel, compiled when it is first called, and no cache where none can be written."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.kernels import cache
from accelerator_sim.kernels import compile as compiling
from accelerator_sim.kernels.enumeration import search
from accelerator_sim.kernels.survey import survey
from accelerator_sim.mapping.search import find_mapping
from accelerator_sim.technology.actions import resolve_actions
from accelerator_sim.technology.technology import load_technology
from accelerator_sim.workload.layer import Density, Layer

compiled = pytest.mark.skipif(not hasattr(search.dispatcher, "signatures"), reason="the JIT is switched off")

LAYERS = [
    Layer("conv", "conv", M=6, C=4, H=6, W=6, R=3, S=3, padding=(1, 1, 1, 1)),
    Layer("sparse", "conv", M=6, C=4, H=6, W=6, R=3, S=3, density=Density(0.5, 0.5, 0.5)),
    Layer("fc", "fc", M=10, C=12),
    Layer("dw", "conv", G=4, H=5, W=5, R=3, S=3, stride=(2, 2)),
]


@compiled
def test_every_problem_calls_the_same_machine_code() -> None:
    for name in ("eyeriss_v2", "eyeriss_v1", "isca16_256"):
        architecture = load_architecture(name)
        actions = resolve_actions(load_technology(architecture.technology), architecture)
        for layer in LAYERS:
            for objective in Objective:
                find_mapping(layer, architecture, actions, objective, exhaustive=layer.name == "fc" and name[-1] == "2")
    assert len(search.dispatcher.signatures) == 1
    assert len(survey.dispatcher.signatures) == 1
    assert {search, survey} <= set(compiling.KERNELS)


@compiled
def test_the_cache_of_every_kernel_has_the_stamp() -> None:
    for kernel in compiling.KERNELS:
        stamp = kernel.dispatcher._cache._impl.locator.get_source_stamp()
        assert stamp == cache.stamp(kernel.module)


def test_the_stamp_changes_with_the_compiler_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache.stamp("survey")
    monkeypatch.setattr(numba.config, "BOUNDSCHECK", 1)
    assert cache.stamp("survey") != before


def test_numba_is_imported_by_the_first_call() -> None:
    program = (
        "import sys\n"
        "from accelerator_sim.kernels.deal import cdiv\n"
        "before = 'numba' in sys.modules\n"
        "print(before, cdiv(7, 2), 'numba' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert ran.stdout.split() == ["False", "4", "True"]


PROGRAM = """
from accelerator_sim.kernels import cache
from accelerator_sim.kernels.deal import cdiv
print(cdiv(7, 2), cache.uncached)
"""


def run_with_cache(folder: str) -> str:
    """Run a kernel in a fresh process whose caches can only be in one folder."""
    places = {"NUMBA_CACHE_DIR": folder, "HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null"}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | places,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert ran.stderr == ""
    return ran.stdout.strip()


@compiled
def test_without_a_place_for_the_cache_kernels_run_uncached(tmp_path: Path) -> None:
    assert run_with_cache("/dev/null/none") == "4 True"
    assert run_with_cache(str(tmp_path)) == "4 False"
    assert list(tmp_path.rglob("*.nbi")), "and with one they are cached"


@compiled
def test_a_stale_cache_that_names_what_is_gone_is_made_anew(tmp_path: Path) -> None:
    assert run_with_cache(str(tmp_path)) == "4 False"
    indices = list(tmp_path.rglob("*.nbi"))
    for index in indices:
        index.write_bytes(pickle.dumps(numba.__version__) + b"caccelerator_sim.kernels.gone\nGone\n.")
    assert run_with_cache(str(tmp_path)) == "4 False"
    assert all(b"gone" not in index.read_bytes() for index in indices)
