"""The source distribution holds what the repository holds, and its tests run where it is unpacked; the wheel installs
the package and its data, and nothing beside them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = (".ci/", ".gitignore", ".gitattributes")
"""Files of the repository that only its own machinery uses; .gitignore is in, hatchling adds it."""
TESTS = (
    "tests/docs", "tests/files", "tests/published/test_calibration.py", "tests/cli/test_other_commands.py",
)  # fmt: skip
"""Tests that read files outside the package: pages, built-in files, calibration, schemas."""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an unpacked source distribution."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    place = tmp_path_factory.mktemp("sdist")
    build = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(place), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (archive,) = place.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(place, filter="data")
    (folder,) = (path for path in place.iterdir() if path.is_dir())
    return folder


@pytest.mark.slow
def test_every_file_of_the_repository_is_in_it(unpacked: Path) -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not in a checkout: there is nothing to compare with")
    listed = subprocess.run([git, "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    wanted = {name for name in listed if name and not name.startswith(LEFT_OUT)}
    held = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert len(wanted) > 500
    assert wanted <= held
    assert held - wanted <= {"PKG-INFO", ".gitignore"}


@pytest.mark.slow
def test_its_tests_run(unpacked: Path) -> None:
    words = [sys.executable, "-m", "pytest", "-m", "not slow", "-p", "no:cacheprovider", *TESTS]
    where = {**os.environ, "PYTHONPATH": str(unpacked), "NUMBA_CACHE_DIR": str(unpacked.parent / "cache")}
    told = "import accelerator_sim; print(accelerator_sim.__file__)"
    used = subprocess.run(
        [sys.executable, "-c", told], cwd=unpacked, env=where, capture_output=True, text=True, check=True
    )
    assert Path(used.stdout.strip()).is_relative_to(unpacked)
    ran = subprocess.run(words, cwd=unpacked, env=where, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout


@pytest.mark.slow
def test_the_wheel_installs_the_package_and_nothing_else(unpacked: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(unpacked)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"accelerator_sim"}
    assert "accelerator_sim/_data/workloads/alexnet.yaml" in names
    assert "accelerator_sim/_data/arch_configs/eyeriss_v2.yaml" in names
