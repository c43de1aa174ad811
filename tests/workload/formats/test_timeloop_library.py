"""Timeloop problems in their library form: texts that are included, and mappings that are merged."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.workload.formats.timeloop_library import DEEPEST, merged
from accelerator_sim.workload.network_loader import load_network

DATA = Path(__file__).parent / "data" / "library"
BASE = (DATA / "t04_base.yaml").read_text()
PROBLEM = (DATA / "t04_include_base.yaml").read_text()


def problem(folder: Path, text: str, **others: str) -> str:
    for name, other in {"t04_base": BASE, **others}.items():
        (folder / f"{name}.yaml").write_text(other)
    (folder / "p.yaml").write_text(text)
    with pytest.raises(InvalidFile) as caught:
        load_network(str(folder / "p.yaml"))
    return str(caught.value).replace(f"{folder}/", "")


def test_the_base_is_merged_into_the_problem() -> None:
    network = load_network(str(DATA / "t04_include_base.yaml"))
    (layer,) = network.layers
    assert network.macs == 118_013_952
    assert (layer.C, layer.M, layer.R, layer.stride, layer.P, layer.Q) == (3, 64, 7, (2, 2), 112, 112)
    assert "keys of the instance that the shape does not use: H, W, Hpad, Wpad" in network.notes


def test_a_folder_of_layers_beside_their_base() -> None:
    network = load_network(str(DATA / "alexnet"))
    assert [(layer.name, layer.macs) for layer in network.layers] == [
        ("000", 3 * 64 * 55 * 55 * 121), ("001", 64 * 192 * 27 * 27 * 25)
    ]  # fmt: skip
    assert network.layers[0].stride == (4, 4)
    for note in (
        "HStride is taken as Hstride",
        "N is the variable BATCH_SIZE, which the file does not set: taken as 1",
        "X is the variable ENCODED_INPUT_BITS",
        "dnn_name, histograms of the problem: not read",
    ):
        assert note in network.notes


def test_bases_among_the_files_of_a_folder_are_no_layers(tmp_path: Path) -> None:
    (tmp_path / "t04_base.yaml").write_text(BASE)
    (tmp_path / "a.yaml").write_text(PROBLEM)
    network = load_network(str(tmp_path))
    assert [layer.macs for layer in network.layers] == [118_013_952]
    assert "not read: t04_base.yaml" in network.notes


def test_variables_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "t04_base.yaml").write_text(BASE)
    text = (
        PROBLEM.replace("N: 1", "N: BATCH_SIZE").replace("C: 3", "C: DEPTH") + "variables: {BATCH_SIZE: 4, DEPTH: 5}\n"
    )
    (tmp_path / "p.yaml").write_text(text)
    (layer,) = load_network(str(tmp_path / "p.yaml")).layers
    assert (layer.N, layer.C) == (4, 5)


INCLUDE = "{{include_text('t04_base.yaml')}}"


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ("{{include_text('none.yaml')}}", "p.yaml:1:1: include_text('none.yaml'): there is no file none.yaml"),
        (
            "{{include_text('/etc/passwd')}}",
            "p.yaml:1:1: include_text('/etc/passwd'): a path from this file's folder is",
        ),
        ("{{include_text('../../../../../../etc/passwd')}}", "only .yaml, .yml, .j2, .jinja2 files are included"),
        ("{{include_text('p.yaml')}}", "p.yaml:1:1: include_text('p.yaml'): a file cannot include itself"),
        (
            "{{include_text('loop.yaml')}}",
            "loop.yaml:2:1: include_text('p.yaml'): a file cannot include itself, by way",
        ),
        ("{{include_text('bad.yaml')}}", "bad.yaml:3:3: not valid YAML: "),
        ("{{include_text('template.yaml')}}", "template.yaml:1:6: a jinja template is not supported"),
        ("{{include('t04_base.yaml', 'a')}}", "p.yaml:1:1: a jinja template is not supported; give the problem as"),
        ("{{include_text('t04_base.yaml')}} x", "p.yaml:1:1: a jinja template is not supported"),
        ("{% if x %}", "p.yaml:1:1: a jinja template is not supported"),
    ],
)
def test_includes_that_are_refused(tmp_path: Path, new: str, message: str) -> None:
    others = {
        "loop": "# first\n{{include_text('p.yaml')}}\n", "bad": "a:\n  b: 1\n  - c\n", "template": "a:   {{ b }}\n"
    }  # fmt: skip
    assert message in problem(tmp_path, PROBLEM.replace(INCLUDE, new), **others)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "*problem_base",
            "*problem_bas",
            "p.yaml:3:8: problem: *problem_bas has no anchor; did you mean 'problem_base'?",
        ),
        ("*problem_base", "7", "t04_base.yaml:1:1: only mappings can be merged with <<<"),
        ("M: 64", "M: 0", "p.yaml:4:48: problem.instance.M: 0 given; a whole number"),
        ("M: 64", "M: FILTERS", "problem.instance.M: 'FILTERS' given; a whole number"),
        ("Hstride: 2", "Hstrid: 2", "p.yaml:4:61: problem.instance.Hstrid: unknown key; did you mean 'Hstride'?"),
        ("problem:", "arhc: {}\nproblem:", "p.yaml:2:1: arhc: unknown key; did you mean 'arch'?"),
    ],
)
def test_places_are_those_of_the_files(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert message in problem(tmp_path, PROBLEM.replace(old, new))


def test_a_place_in_the_base(tmp_path: Path) -> None:
    text = BASE.replace("read_write: true", "read_write: maybe")
    assert "read_write: 'maybe' given; true or false is required" in problem(tmp_path, PROBLEM, t04_base=text)


def test_includes_have_a_depth(tmp_path: Path) -> None:
    chain = {f"f{at}": f"{{{{include_text('f{at + 1}.yaml')}}}}\n" for at in range(DEEPEST + 2)}
    text = PROBLEM.replace(INCLUDE, "{{include_text('f0.yaml')}}")
    assert f"more than {DEEPEST} files included in one another" in problem(tmp_path, text, **chain)


def test_includes_have_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accelerator_sim.workload.formats.timeloop_library.MAX_BYTES", 500)
    assert "t04_base.yaml:16:1: with what it includes more than 500 characters" in problem(tmp_path, PROBLEM)


def test_merges() -> None:
    base = {"a": 1, "b": {"c": 2, "d": [1]}}
    assert merged({"<<<": base, "b": {"d": [2, 3]}, "e": 4}) == {"a": 1, "b": {"c": 2, "d": [2, 3]}, "e": 4}
    assert merged({"<<<": [base, {"a": 9, "f": 5}]}) == {"a": 1, "b": {"c": 2, "d": [1]}, "f": 5}
    assert merged([{"x": {"<<<": {"<<<": base}}}]) == [{"x": base}]
    with pytest.raises(ValueError, match="only mappings can be merged"):
        merged({"<<<": 3})
