"""What a user can get wrong: each with its message and exit code, none with a traceback."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL, Run

NO_ROOM = ("--set", "glb.iact.size=1 B", "--set", "cluster_array={rows: 1, columns: 1}")
"""A GLB that holds three iacts."""


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["resnet5"], 2, "unknown workload 'resnet5': neither a built-in name nor a file; did you mean 'resnet50'"),
        (["small.yaml", "--arch", "eyeris_v2"], 2, "unknown architecture 'eyeris_v2'"),
        (["small.yaml", "--arch", "eyeris_v2"], 2, "did you mean 'eyeriss_v2'"),
        (["nowhere.yaml"], 3, "nowhere.yaml: no such file"),
        (["smal.yaml"], 3, "smal.yaml: no such file; did you mean 'small.yaml'"),
        (["small.yaml", "--layer", "conf"], 2, "no layer of small matches 'conf'; did you mean 'conv'"),
        (["small.yaml", "--set", "clock"], 2, "'clock' is not PATH=VALUE"),
        (["small.yaml", "--set", "=3"], 2, "'=3' is not PATH=VALUE"),
        (["small.yaml", "--set", "pe_clutser.rows=3"], 3, "pe_clutser: unknown key; did you mean 'pe_cluster'"),
        (["small.yaml", "--set", "clock=200 Mhz"], 3, "clock: unknown unit 'Mhz' for a frequency; did you mean 'MHz'"),
        (["small.yaml", "--set", "clock=200"], 3, "clock: 200 has no unit"),
        (["small.yaml", "--set", "clock=3 KiB"], 3, "clock: '3 KiB' is a size; a frequency"),
        (["small.yaml", "--set", "pe_cluster.rows=-1"], 3, "pe_cluster.rows: -1 is not allowed; it must be at least 1"),
        (["small.yaml", "--set", "pe_cluster.rows=0"], 3, "pe_cluster.rows: 0 is not allowed"),
        (["small.yaml", "--set", "pe_cluster.rows=many"], 3, "'many' given; a whole number is required"),
        (["small.yaml", *NO_ROOM], 5, "the iact GLB of a cluster"),
        (["small.yaml", "--batch", "0"], 2, "0 is not in the range 1<=x<=2147483648"),
        (["small.yaml", "--batch", str(1 << 40)], 2, "is not in the range 1<=x<=2147483648"),
        (["small.yaml", "--jobs", "0"], 2, "0 is not in the range"),
        (["small.yaml", "--objective", "speed"], 2, "objective is 'speed'; allowed: energy, latency, edp, dram"),
        (["small.yaml", "--frmat", "json"], 2, "No such option"),
        (["small.yaml", "-o", "no/where.json"], 2, "the folder no does not exist"),
        (["small.yaml", "-o", "."], 2, "it is a folder"),
        (["small.yaml", "-o", "small.yaml"], 2, "cannot write small.yaml: it is an input"),
        (["small.yaml", "-o", "x", "--save-mappings", "x"], 2, "cannot write x twice"),
        (["small.yaml", "--mapping", "none.yaml"], 3, "none.yaml: no such file"),
        (["."], 3, "small.yaml: is not a Timeloop problem, and a folder is read as those only"),
        (["small.txt"], 2, "unknown workload 'small.txt'"),
        (["./small.txt"], 3, "no workload is read from files with the suffix '.txt'; allowed: network files (.yaml)"),
        ([], 2, "Missing argument 'WORKLOAD'"),
    ],
)
def test_simulate(run: Run, small: str, args: list[str], code: int, message: str) -> None:
    result = run("simulate", *args)
    assert message in " ".join(result.stderr.split())
    assert result.exit_code == code
    assert "Traceback" not in result.stderr


def test_every_error_of_both_files_at_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("name: x\nlayrs: []\n")
    result = run("simulate", "net.yaml", "--set", "clock=fast", "--set", "glb.psum.banks=-2")
    assert result.exit_code == 3
    errors = result.stderr.splitlines()
    assert any(line.startswith("net.yaml:2:1: layrs: unknown key; did you mean 'layers'?") for line in errors)
    assert any("layers: missing" in line for line in errors)
    assert any(line.startswith("--set clock=fast: clock: ") for line in errors)
    assert any(line.startswith("--set glb.psum.banks=-2: glb.psum.banks: ") for line in errors)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "x.yaml: is empty; a mapping is required"),
        (b"# nothing\n", "x.yaml: is empty"),
        (b"\x7fELF\0\0\1\2", "x.yaml: is a binary file"),
        (b"\xff\xfe\xfd", "x.yaml:1: is not UTF-8 text"),
        (b"- a\n- b\n", "a list at the top; a mapping is required"),
        (b"name: [1\n", "not valid YAML"),
        (SMALL.replace("H: 8", "H: -8").encode(), "x.yaml:4:"),
        (SMALL.replace("op: fc", "op: fcc").encode(), "'fcc' is not allowed; allowed:"),
        (SMALL.replace("op: fc", "op: fcc").encode(), "did you mean 'fc'"),
    ],
)
@pytest.mark.parametrize("command", ["simulate", "check"])
def test_files(run: Run, tmp_path: Path, content: bytes, message: str, command: str) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    result = run(command, "x.yaml")
    assert message in result.stderr
    assert result.exit_code == 3


def test_a_huge_file_is_refused_by_its_size(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "huge.yaml").open("wb") as stream:
        stream.truncate(100_000_000)
    result = run("simulate", "huge.yaml")
    assert result.exit_code == 3
    assert "huge.yaml: refused by size: 100000000 bytes; at most 10000000 are read" in result.stderr


def test_no_network_fits_a_glb_without_room(run: Run, small: str) -> None:
    result = run("map", small, "--layer", "conv", *NO_ROOM)
    assert result.exit_code == 5
    assert "Error: layer conv cannot be mapped on eyeriss_v2: the iact GLB of a cluster" in result.stderr
    assert " KiB > " in result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["map", "small.yaml"], "Missing option '--layer'"),
        (["map", "small.yaml", "--layer", "cov"], "small has no layer 'cov'; did you mean 'conv'"),
        (["map", "small.yaml", "--layer", "zzz"], "it has conv, fc"),
        (["map", "small.yaml", "--layer", "pool"], "layer pool (pool) has no multiply-accumulates"),
        (["list", "things"], "'things' is not one of"),
        (["show", "architecture", "eyeriss"], "unknown architecture 'eyeriss'"),
        (
            ["show", "workload", "alexnet", "--set", "clock=1 Hz"],
            "--set is for architectures and their networks",
        ),
        (
            ["show", "technology", "cmos65_8b", "--format", "table"],
            "has no --format table; allowed: yaml",
        ),
        (["check"], "Missing argument 'FILE...'"),
    ],
)
def test_usage_of_other_commands(run: Run, small: str, args: list[str], message: str) -> None:
    result = run(*args)
    assert message in result.stderr
    assert result.exit_code == 2


@pytest.mark.parametrize(
    "args",
    [
        ["simulate", "PLACE"],
        ["simulate", "small.yaml", "--arch", "PLACE"],
        ["simulate", "small.yaml", "--mapping", "PLACE"],
        ["simulate", "small.yaml", "--densities", "PLACE"],
        ["simulate", "small.yaml", "--set", "technology=PLACE"],
        ["simulate", "small.yaml", "--fidelity", "analytical", "-o", "PLACE"],
        ["compare", "small.yaml", "--baseline", "PLACE"],
        ["check", "PLACE"],
        ["explain", "PLACE", "--layer", "conv"],
        ["sweep", "PLACE", "--store", "s.sqlite"],
        ["sweep", "spec.yaml", "--store", "PLACE"],
    ],
)
@pytest.mark.parametrize(
    "place", ["loop.yaml", "pipe.yaml", "/dev/zero", "folder.yaml", "n" * 300, "n/" * 3000 + "x.yaml"]
)
def test_places_that_hold_no_file(run: Run, small: str, tmp_path: Path, args: list[str], place: str) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "spec.yaml").write_text("architecture: eyeriss_v2\nworkloads: [small.yaml]\naxes: {clock: [1 GHz]}\n")
    os.mkfifo(tmp_path / "pipe.yaml")
    if "-o" in args and place in ("pipe.yaml", "/dev/zero"):
        return  # devices and pipes are written to, as `tee` does
    result = run(*[word.replace("PLACE", place) for word in args])
    assert result.exit_code in (1, 2, 3)
    assert "defect" not in result.stderr
    assert result.stderr.strip()
