"""`map`, `list`, `show`, `check` and `warmup`."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from accelerator_sim.architecture.load import load_architecture, read_architecture
from accelerator_sim.baseline.device import load_device, read_device
from accelerator_sim.cli import compiled_kernels, output
from accelerator_sim.files.data import builtin_names, data_dir
from tests.cli.conftest import Run


def test_map(run: Run, small: str) -> None:
    result = run("map", small, "--layer", "conv", "--batch", "2")
    assert result.exit_code == 0
    assert "conv (conv) on eyeriss_v2: N2 " in result.stdout
    assert "psum += iact * weight" in result.stdout


def test_map_as_json(run: Run, small: str) -> None:
    result = run("map", small, "--layer", "fc", "--format", "json", "--objective", "dram")
    assert json.loads(result.stdout)["objective"] == "dram"


@pytest.mark.parametrize(
    ("kind", "folder", "sub"),
    [("architectures", "arch_configs", ""), ("workloads", "workloads", ""),
     ("technologies", "arch_configs", "technologies"), ("baselines", "arch_configs", "baselines"),
     ("mappings", "arch_configs", "mappings")],
)  # fmt: skip
def test_list(run: Run, kind: str, folder: str, sub: str) -> None:
    assert run("list", kind).stdout.splitlines() == builtin_names(folder, sub)


def test_list_workloads_as_a_table(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    lines = run("list", "workloads", "--format", "table").stdout.splitlines()
    assert lines[0].split() == ["name", "family", "layers", "MACs", "weights", "source"]
    assert [line.split()[0] for line in lines[2:]] == builtin_names("workloads")
    row = next(line for line in lines if line.startswith("gpt3_decode"))
    assert row.startswith(
        "gpt3_decode                  transformer   1,155   179 G    175 G  Brown et al., arXiv:2005."
    )
    assert row.endswith("…")
    assert max(map(len, lines[2:])) == 160


@pytest.mark.parametrize(
    ("columns", "headings"),
    [(80, ["name", "family", "layers", "MACs", "weights"]), (40, ["name", "MACs", "weights"])],
)
def test_list_workloads_on_narrow_terminals(
    run: Run, monkeypatch: pytest.MonkeyPatch, columns: int, headings: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = run("list", "workloads", "--format", "table").stdout.splitlines()
    assert lines[0].split() == headings
    assert max(map(len, lines)) <= columns


def test_list_on_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    assert run("list", "workloads").stdout.startswith("name ")
    assert run("list", "workloads", "--format", "names").stdout.splitlines() == builtin_names("workloads")
    assert run("list", "architectures", "--format", "names").stdout.splitlines() == builtin_names("arch_configs")


def test_list_workloads_for_programs(run: Run) -> None:
    data = json.loads(run("list", "workloads", "--format", "json").stdout)
    assert data["schema"] == "accelerator-sim/workloads/1"
    assert [row["name"] for row in data["workloads"]] == builtin_names("workloads")
    lstm = next(row for row in data["workloads"] if row["name"] == "lstm_gnmt")
    assert (lstm["family"], lstm["macs"], lstm["weights"]) == ("recurrent", 1_024_000_000, 32_000_000)
    rows = run("list", "workloads", "--format", "tsv").stdout.splitlines()
    assert rows[0] == "name\tfamily\tlayers\tmacs\tweights\tsource\tnotes"
    assert rows[1].startswith("alexnet\tcnn\t12\t724406816\t60954656\tKrizhevsky")


@pytest.mark.parametrize("kind", ["architectures", "technologies", "baselines", "mappings", "densities", "grids"])
def test_list_says_what_each_is(run: Run, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("list", kind, "--format", "names").stdout.splitlines()
    assert names
    assert run("list", kind).stdout.splitlines() == names
    data = json.loads(run("list", kind, "--format", "json").stdout)
    assert (data["schema"], data["kind"]) == ("accelerator-sim/list/1", kind)
    assert [row["name"] for row in data["names"]] == names
    assert all(row["description"] not in ("", "not stated") for row in data["names"])
    assert run("list", kind, "--format", "tsv").stdout.splitlines()[0] == "name\tdescription"
    monkeypatch.setattr(output, "on_terminal", lambda: True)
    monkeypatch.setattr(output, "width", lambda: 70)
    lines = run("list", kind).stdout.splitlines()
    assert [re.sub(r"\x1b\[[0-9;]*m", "", line).split()[0] for line in lines[2:] if line] == names
    assert all(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) <= 70 for line in lines)


def test_devices_are_the_baselines(run: Run) -> None:
    assert run("list", "devices").stdout == run("list", "baselines").stdout


def test_quiet_and_verbose(run: Run, small: str) -> None:
    said = run("simulate", small, "-o", "out.json").stderr
    assert said == "wrote out.json\n"
    for word in ("-q", "--quiet"):
        assert run("simulate", small, "-o", "out.json", word).stderr == ""
        assert run(word, "simulate", small, "-o", "out.json").stderr == ""
    more = run("simulate", small, "-o", "out.json", "-v").stderr
    assert more.endswith(said)
    assert "one MAC is two operations" in more
    both = run("simulate", small, "-q", "-v")
    assert (both.exit_code, "give either" in both.stderr) == (2, True)
    assert "did you mean" in run("simulate", "alexnt", "-q").stderr


def test_a_shown_architecture_can_be_used(run: Run, tmp_path: Path) -> None:
    result = run("show", "architecture", "eyeriss_v2")
    assert "# 192 PEs in 16 cluster(s), 384 MACs per cycle, peak 76.8 GMAC/s" in result.stdout
    assert "# GLB 192 KiB" in result.stdout
    assert re.search(r"^# area [0-9.]+ mm2 at 65 nm, [0-9.]+ Mgates, 246\.0 KiB SRAM \(estimate", result.stdout, re.M)
    assert re.search(r"^#   SPads +[0-9.]+%  ", result.stdout, re.M)
    assert "# JETCAS" in result.stdout  # the sources
    (tmp_path / "mine.yaml").write_text(result.stdout)
    assert read_architecture(tmp_path / "mine.yaml") == load_architecture("eyeriss_v2")


def test_a_shown_architecture_with_overrides(run: Run, tmp_path: Path) -> None:
    result = run("show", "architecture", "eyeriss_v2", "--set", "cluster_array.rows=4")
    assert "# 96 PEs" in result.stdout
    (tmp_path / "mine.yaml").write_text(result.stdout)
    assert read_architecture(tmp_path / "mine.yaml") == load_architecture("eyeriss_v2", [("cluster_array.rows", "4")])


def test_show_workload(run: Run) -> None:
    rows = run("show", "workload", "alexnet").stdout.splitlines()
    assert rows[0].startswith("name\top\tN\tG")
    assert rows[1].split("\t")[:2] == ["CONV1", "conv"]
    assert "724,406,816 MACs" in run("show", "workload", "alexnet", "--format", "table").stdout
    assert (
        run("show", "workload", "alexnet", "--format", "yaml").stdout
        == (data_dir("workloads") / "alexnet.yaml").read_text()
    )


def test_show_technology(run: Run) -> None:
    shown = run("show", "technology", "cmos28_8b").stdout
    assert "Stillmaker and Baas" in shown
    assert "energy: " in shown


def test_check_tells_files_apart(run: Run, small: str) -> None:
    folder = data_dir("arch_configs")
    run("simulate", small, "--save-mappings", "m.yaml")
    files = [folder / "eyeriss_v1.yaml", folder / "technologies" / "cmos28_8b.yaml", Path(small), Path("m.yaml")]
    result = run("check", *map(str, files))
    assert (result.exit_code, result.stderr) == (0, "")
    kinds = [line.split(": OK (")[1].split()[0] for line in result.stdout.splitlines()]
    assert kinds == ["architecture", "technology", "network", "mapping"]


def test_check_reports_every_file(run: Run, small: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("pe_cluster: {rows: 3}\nclok: 1 MHz\n")
    (tmp_path / "odd.yaml").write_text("colour: blue\n")
    result = run("check", "bad.yaml", small, "odd.yaml")
    assert result.exit_code == 3
    assert result.stdout.startswith(f"{small}: OK (network small, 3 layers")
    assert "bad.yaml:2:1: clok: unknown key; did you mean 'clock'?" in result.stderr
    assert "odd.yaml:1:1: cannot tell the kind of this file from its keys (colour)" in result.stderr


def test_check_of_mappings_against_a_network(run: Run, small: str, tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("format: accelerator-sim/mapping/1\nlayers:\n  conv: {pe_columns: {M: 5}}\n")
    assert run("check", "m.yaml").exit_code == 0
    result = run("check", "m.yaml", "--workload", small)
    assert result.exit_code == 3
    assert "m.yaml:3:3: layers.conv: pe_columns: M 5 = 5 > 4" in result.stderr
    (tmp_path / "m.yaml").write_text("format: accelerator-sim/mapping/1\nlayers:\n  conv: {M0: 2}\n")
    assert "mapping of 1 layer(s) of small" in run("check", "m.yaml", "--workload", small).stdout


def test_warmup(run: Run) -> None:
    result = run("warmup")
    assert result.exit_code == 0
    assert "kernels are in" in result.stdout or "switched off" in result.stdout


def test_warmup_leaves_no_kernel_cold() -> None:
    """In a process of its own, where nothing else has called a kernel."""
    code = (
        "from accelerator_sim.cli.compiled_kernels import compile_all, load_kernels\n"
        "compile_all()\n"
        "print([kernel.__name__ for kernel in load_kernels() if not kernel.dispatcher.signatures])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_cold_kernels_are_announced(run: Run, small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_kernels, "load_kernels", lambda fidelity: [len])
    monkeypatch.setattr(compiled_kernels, "is_cold", lambda kernel: True)
    assert "compiling 1 kernels (len), once per machine..." in run("simulate", small).stderr


def test_a_shown_baseline_can_be_used(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(run("show", "baseline", "jetson_tx2_maxq").stdout)
    assert read_device(tmp_path / "mine.yaml") == load_device("jetson_tx2_maxq")


def test_check_baselines_and_software(run: Run) -> None:
    folder = data_dir("arch_configs") / "baselines"
    result = run("check", str(folder / "jetson_tk1.yaml"), str(folder / "software" / "tegra_volta.yaml"))
    assert result.exit_code == 0
    assert "OK (baseline jetson_tk1, fp32, stacks tuned)" in result.stdout
    assert "OK (software tegra_volta, stacks tuned, tensorrt3)" in result.stdout


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.yaml",
            "architecture: {version: 0.4, nodes: []}\n",
            "a.yaml:1:1: this is a Timeloop architecture;",
        ),
        ("w.py", "workload = {0: {'equation': 1}}\n", "w.py: this is a Python program, as ZigZag and Stream have it"),
    ],
)
def test_check_names_files_that_are_not_read(run: Run, tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    result = run("check", name)
    assert result.exit_code == 3
    assert result.stderr.startswith(message)


def test_a_batch_in_a_file_is_stated(run: Run, tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text("name: n\nbatch: 4\nlayers: [{name: a, op: fc, N: 4, C: 2, M: 3}]\n")
    assert "1 layers, 6 MACs per inference, batch 4" in run("check", "n.yaml").stdout
    shown = run("show", "workload", "n.yaml", "--format", "table").stdout
    assert "1 layers of 4 inferences (6 MACs per inference, batch 4), 24 MACs" in " ".join(shown.split())


def test_show_noc(run: Run) -> None:
    table = run("show", "noc", "eyeriss_v2", "--set", "cluster_array.rows=2", "--format", "table").stdout
    assert "2 x 2 clusters of 3 x 4 PEs" in table
    assert run("show", "noc", "eyeriss_v1").stdout.startswith("tensor\tpart\tlinks\t")
    assert run("show", "noc", "eyeriss_v1", "--format", "json").stdout.startswith("{")
    refused = run("show", "noc", "eyeriss_v1", "--format", "yaml")
    assert refused.exit_code == 2
    assert "show noc has no --format yaml; allowed: table, tsv, json" in refused.stderr
