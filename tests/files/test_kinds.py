"""Files that are given in the place of others are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.files.data import resolve
from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.files.kinds import FileKind, foreign_kind, own_kind
from accelerator_sim.sweeps.spec import load_sweep
from accelerator_sim.workload.network_loader import load_network

FOREIGN = {
    "a Timeloop architecture": "architecture: {version: 0.4, nodes: []}\n",
    "a Timeloop constraints file": "constraints: {version: 0.4, targets: []}\n",
    "a Timeloop mapper file": "mapper: {version: 0.4, algorithm: random-pruned}\n",
    "a Timeloop mapping": "mapping: [{target: DRAM, type: temporal}]\n",
    "a Timeloop energy reference table": "ERT: {version: 0.4, tables: []}\n",
    "an Accelergy components file": "compound_components: {version: 0.4, classes: []}\n",
    "a ZigZag accelerator": "name: a\noperational_array: {unit_energy: 0.04}\nmemories: {}\n",
    "a Stream accelerator": "name: a\ncores: {0: core.yaml}\ngraph: {type: bus}\n",
    "a ZigZag or Stream mapping": "- {name: default, spatial_mapping: {D1: [K, 16]}}\n",
}
BUILT_IN = {
    FileKind.ARCHITECTURE: ("arch_configs", "eyeriss_v2", "architecture", ""),
    FileKind.NETWORK: ("workloads", "alexnet", "workload", ""),
    FileKind.TECHNOLOGY: ("arch_configs", "cmos65_8b", "technology", "technologies"),
    FileKind.BASELINE: ("arch_configs", "jetson_nano_5w", "baseline", "baselines"),
}
SWEEP = "architecture: eyeriss_v2\nworkloads: [alexnet]\naxes: {clock: [1 MHz]}\n"


def message(read: Callable[[str], object], path: Path | str) -> str:
    with pytest.raises(InvalidFile) as caught:
        read(str(path))
    (problem,) = caught.value.problems
    return problem.message


@pytest.mark.parametrize("what", FOREIGN)
def test_files_of_others(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(FOREIGN[what])
    assert message(load_network, path).startswith(f"this is {what}; a workload is required: network files")
    assert message(load_architecture, path) == f"this is {what}; an architecture is required"
    assert message(lambda name: load_sweep(Path(name)), path) == f"this is {what}; a sweep is required"


def test_workloads_of_others_as_architecture() -> None:
    data = Path(__file__).parents[1] / "workload" / "formats" / "data"
    for name, what in (
        ("zigzag.yaml", "a ZigZag or Stream workload"),
        ("library/t04_base.yaml", "the base of Timeloop problems, which include it"),
    ):
        assert message(load_architecture, data / name) == f"this is {what}; an architecture is required"


def test_our_own_in_the_wrong_place(tmp_path: Path) -> None:
    files = {kind: resolve(*place) for kind, place in BUILT_IN.items()}
    files[FileKind.SWEEP] = tmp_path / "sweep.yaml"
    files[FileKind.SWEEP].write_text(SWEEP)
    for kind, path in files.items():
        if kind is not FileKind.NETWORK:
            assert f"{kind} file of this program (" in message(load_network, path)
        if kind is not FileKind.ARCHITECTURE:
            assert f"{kind} file of this program (" in message(load_architecture, path)
        if kind is not FileKind.SWEEP:
            assert f"{kind} file of this program (" in message(lambda name: load_sweep(Path(name)), path)
    assert "give it as --arch); a workload is required" in message(load_network, files[FileKind.ARCHITECTURE])


def test_a_file_of_the_right_kind_keeps_its_own_errors(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("name: n\nlayers: []\nmemories: 3\nmode: x\n")
    with pytest.raises(InvalidFile, match="layers: 0 item"):
        load_network(str(path))
    path.write_text("name: n\nlayrs: []\n")
    with pytest.raises(InvalidFile, match="layrs: unknown key"):
        load_network(str(path))


@pytest.mark.parametrize(("suffix", "what"), [(".cfg", "SCALE-Sim"), (".py", "ZigZag and Stream"), (".tflite", "ONNX")])
def test_suffixes(tmp_path: Path, suffix: str, what: str) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_text("[general]\n")
    text = message(load_network, path)
    assert text.startswith("this is a ")
    assert what in text
    assert f"no workload is read from files with the suffix '{suffix}'" in text


def test_nothing_known() -> None:
    for tree in (3, [], [1], {}, {"a": 1}, None):
        assert foreign_kind(tree) is None
    assert own_kind({"a": 1}) is None
    assert own_kind({"format": "x"}) is FileKind.MAPPING
