"""What describes the package in several files agrees: the version, the versions of Python, what is distributed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

import accelerator_sim

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def load(name: str) -> Any:
    """A YAML file."""
    return yaml.safe_load((ROOT / name).read_text())


def test_the_version_has_one_place() -> None:
    assert "version" not in PROJECT["project"]
    assert PROJECT["project"]["dynamic"] == ["version"]
    place = ROOT / PROJECT["tool"]["hatch"]["version"]["path"]
    found = re.search(r'^__version__ = "(.+)"$', place.read_text(), re.MULTILINE)
    assert found is not None
    assert found[1] == accelerator_sim.__version__
    assert "version" not in load("CITATION.cff")


def test_the_workflow_tries_the_versions_of_python_that_are_promised() -> None:
    prefix = "Programming Language :: Python :: 3."
    classifiers = PROJECT["project"]["classifiers"]
    promised = [f"3.{text.removeprefix(prefix)}" for text in classifiers if text.startswith(prefix)]
    assert load(".github/workflows/test.yml")["jobs"]["test"]["strategy"]["matrix"]["python"] == promised
    assert PROJECT["project"]["requires-python"] == f">={promised[0]}"


def test_everything_that_is_distributed_exists() -> None:
    for name in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]:
        assert (ROOT / name.lstrip("/")).exists(), name
    assert load("CITATION.cff")["license"] == PROJECT["project"]["license"]


def test_hooks_and_workflow_run_what_make_runs() -> None:
    make = (ROOT / "Makefile").read_text()
    for hook in load(".pre-commit-config.yaml")["repos"][0]["hooks"]:
        tool = re.search(r"-m (ruff \w+(?: --check)?|mypy)", hook["entry"])
        assert tool is not None
        assert f"$(PY) -m {tool[1]}" in make
    jobs = load(".github/workflows/test.yml")["jobs"].values()
    targets = [step["run"].removeprefix("make ") for job in jobs for step in job["steps"] if "run" in step]
    assert targets == ["test", "demo", "docs"]
    assert [target for target in targets if f"\n{target}:" not in make] == []
