"""Which reader a path is for, and folders."""

from pathlib import Path

import pytest

from accelerator_sim.files.errors import InvalidFile, UsageError
from accelerator_sim.workload.formats.folder import natural_order
from accelerator_sim.workload.formats.readers import is_foreign
from accelerator_sim.workload.network_loader import load_network
from tests.workload.formats.texts import CONV, FLAT, GEMM, MOBILENET, PRODUCTS, RESNET

OURS = "name: n\nsource: no problem\nlayers: [{name: a, op: fc, C: 2, M: 3}]\n"


def write(folder: Path, **files: str) -> str:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(text)
    return str(folder)


def problem(path: str) -> str:
    with pytest.raises(InvalidFile) as caught:
        load_network(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("file", "text", "source", "foreign"),
    [
        ("a_yaml", OURS, "no problem", False),
        ("a_json", '{"name": "n", "source": "s", "layers": [{"name": "a", "op": "fc", "C": 2, "M": 3}]}', "s", False),
        ("a_yml", CONV, "Timeloop problem a.yml", True),
        ("a_yaml", "{" + FLAT.replace("problem:\n", "problem: {").replace("\n", ",") + "}}", "Timeloop", True),
        ("a_yaml", "'problem'" + FLAT.removeprefix("problem"), "Timeloop problem a.yaml", True),
        ("a_csv", RESNET, "SCALE-Sim topology a.csv", True),
        ("a_CSV", PRODUCTS, "SCALE-Sim topology a.CSV", True),
    ],
)
def test_files(tmp_path: Path, file: str, text: str, source: str, foreign: bool) -> None:
    write(tmp_path, **{file: text})
    path = tmp_path / file.replace("_", ".")
    assert load_network(str(path)).source.startswith(source)
    assert is_foreign(path) == foreign


def test_files_without_a_known_suffix(tmp_path: Path) -> None:
    (tmp_path / "net").write_text(OURS)
    (tmp_path / "net_0.5").write_text(OURS)
    (tmp_path / "net.txt").write_text(OURS)
    assert load_network(str(tmp_path / "net")).name == "n"
    assert load_network(str(tmp_path / "net_0.5")).name == "n"
    text = problem(str(tmp_path / "net.txt"))
    assert "no workload is read from files with the suffix '.txt'; allowed: network files (.yaml), ONNX" in text


def test_a_template_is_told_as_one(tmp_path: Path) -> None:
    write(tmp_path, a_yaml="{{include('b')}}\nproblem:\n  <<<: *b\n")
    assert "a jinja template is not supported" in problem(str(tmp_path / "a.yaml"))


def test_nothing(tmp_path: Path) -> None:
    assert "no such file" in problem(str(tmp_path / "none.csv"))
    with pytest.raises(UsageError):
        load_network("")


def test_natural_order() -> None:
    names = ["layer10.yaml", "layer2.yaml", "a.yaml", "layer02.yaml", "10.yaml", "9.yaml"]
    ordered = [path.name for path in sorted(map(Path, names), key=natural_order)]
    assert ordered == ["9.yaml", "10.yaml", "a.yaml", "layer02.yaml", "layer2.yaml", "layer10.yaml"]


def test_a_folder_of_problems(tmp_path: Path) -> None:
    folder = write(tmp_path / "net", layer10_yaml=CONV, layer2_yml=FLAT, layer1_yaml=GEMM, README_md="x")
    network = load_network(folder)
    assert [layer.name for layer in network.layers] == ["layer1", "layer2", "layer10"]
    assert (network.name, network.source) == ("net", "3 Timeloop problems in net")
    assert network.notes.count("H and W are") == 1
    assert network.notes.endswith("not read: README.md")


def test_numbers_that_only_order_are_dropped(tmp_path: Path) -> None:
    folder = write(tmp_path / "net", **{"01_b_yaml": CONV, "02_a_yaml": FLAT})
    assert [layer.name for layer in load_network(folder).layers] == ["b", "a"]
    write(tmp_path / "net", **{"03_a_yaml": FLAT})
    assert [layer.name for layer in load_network(folder).layers] == ["01_b", "02_a", "03_a"]


def test_a_folder_of_topologies(tmp_path: Path) -> None:
    folder = write(tmp_path / "net", b_csv=PRODUCTS, a_csv=MOBILENET)
    assert [layer.name for layer in load_network(folder).layers][-4:] == ["a.Conv6_dw", "b.qkv", "b.scores", "b.sparse"]
    (tmp_path / "net" / "b.csv").unlink()
    assert load_network(folder).layers[0].name == "Conv1"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "net: is a folder without Timeloop problems (.yaml) or SCALE-Sim topologies (.csv)"),
        ({"a_txt": ""}, "net: is a folder without Timeloop problems"),
        ({"a_csv": RESNET, "b_yaml": CONV}, "holds SCALE-Sim topologies (a.csv) and YAML files (b.yaml); one kind is"),
        ({"a_yaml": OURS}, "net/a.yaml: is not a Timeloop problem, and a folder is read as those only; give the file"),
        ({"a_yaml": CONV.replace("C: 3", "C: 0")}, "net/a.yaml:32:12: problem.instance.C: 0 given"),
        ({"a_yaml": CONV, "b_yaml": CONV.replace("  shape", "  name: a\n  shape")}, "a second layer 'a'; the first is"),
    ],
)
def test_folders_that_are_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    assert message in problem(write(tmp_path / "net", **files))
