"""The YAML form of a network; one test a message."""

import json
from pathlib import Path
from typing import Any

import pytest

from accelerator_sim.files.data import data_dir
from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.workload import network_file
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_file import read_network, schema

CONV = "name: a, op: conv, C: 3, M: 4, H: 9, W: 8"


def read(folder: Path, *entries: str, head: str = "") -> Network:
    path = folder / "net.yaml"
    path.write_text("\n".join([f"name: n\nsource: s{head}\nlayers:", *(f"  - {{{entry}}}" for entry in entries)]))
    return read_network(path)


def problems(folder: Path, *entries: str) -> list[str]:
    with pytest.raises(InvalidFile) as caught:
        read(folder, *entries)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("kernel: 3", {"R": 3, "S": 3}),
        ("kernel: [3, 5]", {"R": 3, "S": 5}),
        ("R: 3, S: 5, N: 2, G: 2", {"R": 3, "S": 5, "N": 2, "G": 2}),
        ("kernel: 3, stride: 2", {"R": 3, "S": 3, "stride": (2, 2)}),
        ("kernel: 3, stride: [2, 1], dilation: [1, 2]", {"R": 3, "S": 3, "stride": (2, 1), "dilation": (1, 2)}),
        ("kernel: 3, padding: 1", {"R": 3, "S": 3, "padding": (1, 1, 1, 1)}),
        ("kernel: 3, padding: [1, 2]", {"R": 3, "S": 3, "padding": (1, 1, 2, 2)}),
        ("kernel: 3, padding: [0, 1, 2, 3]", {"R": 3, "S": 3, "padding": (0, 1, 2, 3)}),
        ("kernel: 3, padding: same", {"R": 3, "S": 3, "padding": (1, 1, 1, 1)}),
        ("kernel: 3, padding: same, stride: 2", {"R": 3, "S": 3, "stride": (2, 2), "padding": (1, 1, 0, 1)}),
        ("kernel: 1, padding: same, stride: 2", {"stride": (2, 2), "padding": (0, 0, 0, 0)}),
        (
            "kernel: 1, D: 8, T: 3, stride_d: 2, padding_d: [0, 1]",
            {"D": 8, "T": 3, "stride_d": 2, "padding_d": (0, 1)},
        ),
        (
            "kernel: 1, density: {weight: 0.5, source: here}, effectual_fraction: 0.25",
            {"density": Density(weight=0.5, source="here"), "effectual_fraction": 0.25},
        ),
    ],
)
def test_conv(tmp_path: Path, text: str, fields: dict[str, Any]) -> None:
    assert read(tmp_path, f"{CONV}, {text}").layers == (Layer("a", "conv", C=3, M=4, H=9, W=8, **fields),)


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        ("op: fc, C: 5, M: 7", Layer("a", "fc", C=5, M=7)),
        ("op: fc, C: 5, M: 7, H: 2, W: 3, N: 2", Layer("a", "fc", N=2, C=5, M=7, H=2, W=3, R=2, S=3)),
        ("op: gemm, C: 5, M: 7, rows: 9", Layer("a", "gemm", C=5, M=7, W=9)),
        ("op: matmul, G: 12, C: 5, M: 7, rows: 9", Layer("a", "matmul", G=12, C=5, M=7, W=9)),
        ("op: pool, inputs: 8, outputs: 2", Layer("a", "pool", iact_words=8, oact_words=2)),
        ("op: other, inputs: 0, outputs: 2", Layer("a", "other", oact_words=2)),
    ],
)
def test_other_operators(tmp_path: Path, text: str, layer: Layer) -> None:
    assert read(tmp_path, f"name: a, {text}").layers == (layer,)


def test_head(tmp_path: Path) -> None:
    network = read(tmp_path, f"{CONV}, kernel: 1, density: {{iact: 0.5}}", head="\nnotes: t\ndensity_source: d")
    assert (network.name, network.source, network.notes) == ("n", "s", "t")
    assert network.file == str(tmp_path / "net.yaml")
    assert network.layers[0].density.source == "d"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (CONV, "net.yaml:4:5: layers.0: no filter size; give kernel, or R and S"),
        (f"{CONV}, R: 3", "net.yaml:4:5: layers.0: no filter size; give kernel, or R and S"),
        (
            f"{CONV}, R: 3, kernel: 3",
            "net.yaml:4:5: layers.0: kernel and R or S are given; give either kernel, or R and S",
        ),
        (
            f"{CONV}, kernel: 10",
            "net.yaml:4:5: layers.0: the filter spans 10 in filter rows, more than H with padding, which is 9",
        ),
        (
            f"{CONV}, kernel: 1, density: {{iact: [1]}}",
            "net.yaml:4:5: layers.0: the density profile of iact has 1 entries for 3 input channels",
        ),
        (
            f"{CONV}, kernel: [1, 2, 3]",
            "net.yaml:4:49: layers.0.kernel: a whole number or [rows, columns] is required,"
            " each between 1 and 2147483648",
        ),
        (
            f"{CONV}, kernel: 1, padding: smae",
            "net.yaml:4:60: layers.0.padding: a whole number, [rows, columns], [top, bottom, left, right] or"
            ' "same" is required, each between 0 and 2147483648',
        ),
        (
            f"{CONV}, kernel: 1, padding_d: -1",
            "net.yaml:4:60: layers.0.padding_d: a whole number or [front, back] is required,"
            " each between 0 and 2147483648",
        ),
        (f"{CONV}, kernel: 1, rows: 3", "net.yaml:4:60: layers.0.rows: unknown key; allowed: "),
        ("name: a, op: fc, C: 0, M: 2", "net.yaml:4:23: layers.0.C: 0 is not allowed; it must be at least 1"),
        ("name: a, op: fc, C: 1, M: 2147483649", "net.yaml:4:29: layers.0.M: 2147483649 is not allowed; it must be at"),
        ("name: a, op: gemm, C: 1, M: 2", "net.yaml:4:5: layers.0.rows: missing; a whole number (rows of the activ"),
        ("name: a, op: covn", "net.yaml:4:15: layers.0.op: 'covn' is not allowed; allowed: 'conv', 'fc', "),
        ("name: a", "net.yaml:4:5: layers.0.op: missing; one of 'conv', 'fc', 'gemm', 'matmul', 'pool', "),
        (
            "name: a, op: pool, inputs: 0, outputs: 0",
            "net.yaml:4:5: layers.0: pool reads and writes nothing; give the words that it moves",
        ),
    ],
)
def test_messages(tmp_path: Path, entry: str, message: str) -> None:
    (problem,) = problems(tmp_path, entry)
    assert problem.startswith(message)


def test_duplicate_names(tmp_path: Path) -> None:
    entry = "name: a, op: fc, C: 1, M: 1"
    assert problems(tmp_path, entry, entry) == [
        "net.yaml:5:6: layers.1.name: a second layer 'a'; the first is in line 4"
    ]


def test_what_a_layer_reads(tmp_path: Path) -> None:
    text = "name: n\nsource: s\nlayers:\n"
    first, second = (
        "  - {name: a, op: fc, C: 1, M: 1}\n",
        "  - {name: b, op: pool, inputs: 1, outputs: 1, reads: [%s]}\n",
    )
    (tmp_path / "net.yaml").write_text(text + first + second % "a")
    assert [layer.reads for layer in read_network(tmp_path / "net.yaml").layers] == [(), ("a",)]
    (tmp_path / "net.yaml").write_text(text + first + second % "aa")
    with pytest.raises(InvalidFile, match=r"net\.yaml:5:\d+: layers\.1\.reads\.0: no layer 'aa' before this one"):
        read_network(tmp_path / "net.yaml")


FC = "op: fc, C: 2, M: 3"


def part(folder: Path, name: str, *entries: str) -> None:
    lines = [f"name: {name}", "source: s", "layers:", *(f"  - {{{entry}}}" for entry in entries)]
    (folder / f"{name}.yaml").write_text("\n".join(lines))


def test_repeated_layers(tmp_path: Path) -> None:
    network = read(
        tmp_path,
        f"name: x, {FC}",
        f"name: h, {FC}, repeat: 3, reads: [x]",
        "name: g, op: activation, inputs: 4, outputs: 2, repeat: 1, reads: [h.2]",
    )
    assert [layer.name for layer in network.layers] == ["x", "h.0", "h.1", "h.2", "g.0"]
    assert [layer.reads for layer in network.layers] == [(), ("x",), ("x",), ("x",), ("h.2",)]
    assert network.macs == 4 * 6
    assert network.reused == {"h.1", "h.2"}


def test_repeated_layers_with_weights_of_their_own(tmp_path: Path) -> None:
    shared, own = read(tmp_path, f"name: h, {FC}, repeat: 3"), read(tmp_path, f"name: h, {FC}, repeat: 3, weights: own")
    assert (shared.weight_words, own.weight_words) == (6, 18)
    assert shared.layers == own.layers


def test_a_network_as_part_of_another(tmp_path: Path) -> None:
    part(tmp_path, "inner", f"name: a, {FC}, density: {{iact: 0.5}}", f"name: b, {FC}, repeat: 2, reads: [a]")
    network = read(tmp_path, "name: p, op: network, of: ./inner.yaml", f"name: c, {FC}, reads: [p.b.1]")
    assert [(layer.name, layer.reads) for layer in network.layers] == [
        ("p.a", ()), ("p.b.0", ("p.a",)), ("p.b.1", ("p.a",)), ("c", ("p.b.1",)),
    ]  # fmt: skip
    assert network.layers[0].density == Density(iact=0.5, source="given without a source")
    assert network.parts == (str(tmp_path / "inner.yaml"),)
    assert network.reused == {"p.b.1"}


def test_a_network_many_times(tmp_path: Path) -> None:
    part(tmp_path, "inner", f"name: a, {FC}", f"name: b, {FC}, reads: [a]")
    part(tmp_path, "middle", "name: m, op: network, of: inner.yaml, repeat: 2")
    network = read(tmp_path, "name: p, op: network, of: middle.yaml, repeat: 2, weights: own")
    assert [layer.name for layer in network.layers][:5] == [
        "p.0.m.0.a",
        "p.0.m.0.b",
        "p.0.m.1.a",
        "p.0.m.1.b",
        "p.1.m.0.a",
    ]
    assert network.layers[7].reads == ("p.1.m.1.a",)
    assert network.reused == {"p.0.m.1.a", "p.0.m.1.b", "p.1.m.1.a", "p.1.m.1.b"}
    assert network.parts == (str(tmp_path / "middle.yaml"), str(tmp_path / "inner.yaml"))


def test_numbers_in_the_names_of_a_part_are_counted_on(tmp_path: Path) -> None:
    part(tmp_path, "inner", f"name: blk.0.a, {FC}", f"name: blk.0.b, {FC}, reads: [blk.0.a]")
    network = read(tmp_path, "name: blk, op: network, of: inner.yaml, repeat: 2")
    assert [layer.name for layer in network.layers] == ["blk.0.a", "blk.0.b", "blk.1.a", "blk.1.b"]
    assert network.layers[3].reads == ("blk.1.a",)
    once = read(tmp_path, "name: blk, op: network, of: inner.yaml")
    assert [layer.name for layer in once.layers] == ["blk.blk.0.a", "blk.blk.0.b"]


def test_a_part_can_be_built_in(tmp_path: Path) -> None:
    network = read(tmp_path, "name: p, op: network, of: alexnet, repeat: 2", f"name: c, {FC}")
    assert network.macs == 2 * 724_406_816 + 6
    assert network.layers[0].name == "p.0.CONV1"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            [f"name: a, {FC}, repeat: 0"],
            "net.yaml:4:35: layers.0.repeat: 0 is not allowed; it must be at least 1",
        ),
        (
            [f"name: a, {FC}, weights: own"],
            "net.yaml:4:5: layers.0: weights is for repetitions; also give repeat",
        ),
        (
            ["name: a, op: pool, inputs: 1, outputs: 1, repeat: 2, weights: own"],
            "net.yaml:4:59: layers.0.weights: unknown key; allowed: ",
        ),
        (
            [f"name: a, {FC}, repeat: 2", f"name: a.1, {FC}"],
            "net.yaml:5:6: layers.1.name: a second layer 'a.1'; the first is in line 4",
        ),
        (
            [f"name: a, {FC}, repeat: 2", f"name: b, {FC}, reads: [a]"],
            "net.yaml:5:43: layers.1.reads.0: no layer 'a' before this one",
        ),
        (
            [f"name: a, {FC}", f"name: b, {FC}, repeat: 100000"],
            "net.yaml:5:35: layers.1.repeat: 100,001 layers with this one; at most 100,000 are allowed",
        ),
        (
            ["name: a, op: network, of: alexnet, repeat: 9000"],
            "net.yaml:4:41: layers.0.repeat: 108,000 layers with this one; at most 100,000 are allowed",
        ),
        (
            ["name: a, op: network, of: alexnet, reads: [b]"],
            "net.yaml:4:41: layers.0.reads: unknown key; allowed: ",
        ),
        (["name: a, op: network"], "net.yaml:4:5: layers.0.of: missing; text (name of a built-in network, or a file"),
        (
            ["name: a, op: network, of: alexnot"],
            "net.yaml:4:28: layers.0.of: unknown network 'alexnot'; did you mean 'alexnet'?; allowed: a built-in name"
            " (`accelerator-sim list workloads` shows them) or a file, e.g. ./mine.yaml",
        ),
        (
            ["name: a, op: network, of: ./none.yaml"],
            "net.yaml:4:28: layers.0.of: './none.yaml': there is no file ",
        ),
        (
            ["name: a, op: network, of: net.yaml"],
            "net.yaml:4:28: layers.0.of: a network cannot be part of itself: net.yaml in net.yaml",
        ),
        (
            ["name: a, op: network, of: around.yaml"],
            "around.yaml:4:29: layers.0.of: a network cannot be part of itself: net.yaml in around.yaml in net.yaml",
        ),
        (["name: a, op: network, of: bad.yaml"], "bad.yaml:4:23: layers.0.C: 0 is not allowed; it must be at least 1"),
    ],
)
def test_messages_about_repetitions_and_parts(tmp_path: Path, entries: list[str], message: str) -> None:
    part(tmp_path, "around", "name: ab, op: network, of: net.yaml")
    part(tmp_path, "bad", "name: a, op: fc, C: 0, M: 1")
    (problem,) = problems(tmp_path, *entries)
    assert problem.startswith(message)


def test_a_bad_part_is_reported_once(tmp_path: Path) -> None:
    part(tmp_path, "bad", "name: a, op: fc, C: 0, M: 1")
    bad = "op: network, of: bad.yaml"
    lines = problems(tmp_path, f"name: a, {bad}", f"name: b, {bad}", "name: c, op: network, of: x")
    assert [line.split(": ")[0] for line in lines] == ["bad.yaml:4:23", "net.yaml:6:28"]


def test_networks_in_one_another_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_file, "DEEPEST", 2)
    part(tmp_path, "inner", f"name: a, {FC}")
    part(tmp_path, "middle", "name: m, op: network, of: inner.yaml")
    assert len(read(tmp_path, "name: p, op: network, of: inner.yaml").layers) == 1
    assert problems(tmp_path, "name: p, op: network, of: middle.yaml") == [
        "middle.yaml:4:28: layers.0.of: more than 2 networks in one another"
    ]


def test_family(tmp_path: Path) -> None:
    assert read(tmp_path, f"name: a, {FC}").family == ""
    assert read(tmp_path, f"name: a, {FC}", head="\nfamily: cnn-1d").family == "cnn-1d"
    with pytest.raises(InvalidFile, match=r"net\.yaml:3:1: family: 'cnm' is not allowed; allowed: 'cnn', 'cnn-1d', "):
        read(tmp_path, f"name: a, {FC}", head="\nfamily: cnm")


def test_all_layers_are_reported(tmp_path: Path) -> None:
    lines = problems(tmp_path, f"{CONV}, kernel: 10", "name: b, op: fc", "name: c, op: fc, C: 1, M: 1, X: 1")
    assert [line.split(": ")[0] for line in lines] == ["net.yaml:4:5", "net.yaml:5:5", "net.yaml:5:5", "net.yaml:6:35"]


def test_no_layers(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("name: n\nsource: s\nlayers: []")
    with pytest.raises(InvalidFile, match=r"net\.yaml:3:1: layers: 0 item\(s\) given; at least 1 required"):
        read_network(tmp_path / "net.yaml")


def test_the_schema_beside_the_workloads_is_up_to_date() -> None:
    path = data_dir("workloads") / "schemas" / "network.schema.json"
    assert json.loads(path.read_text(encoding="utf-8")) == schema()


@pytest.mark.parametrize(("whole", "code"), [("", 1), ("batch: 4\n", 4)])
def test_a_part_is_of_as_many_inferences_as_the_whole(tmp_path: Path, whole: str, code: int) -> None:
    (tmp_path / "part.yaml").write_text("name: p\nbatch: 4\nlayers: [{name: a, op: fc, N: 4, C: 2, M: 3}]\n")
    (tmp_path / "whole.yaml").write_text(f"name: w\n{whole}layers: [{{name: b, op: network, of: ./part.yaml}}]\n")
    if code == 4:
        network = read_network(tmp_path / "whole.yaml")
        assert (network.batch, network.macs) == (4, 24)
        return
    with pytest.raises(InvalidFile, match=r"'\./part\.yaml' is of 4 inference\(s\), and this network of 1"):
        read_network(tmp_path / "whole.yaml")
