"""SCALE-Sim topologies; one test a message."""

from pathlib import Path

import pytest

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.workload.formats.scalesim import read_topology
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network
from tests.workload.formats.texts import MOBILENET, PRODUCTS, RESNET

HEAD = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"


def read(folder: Path, text: str) -> Network:
    path = folder / "t.csv"
    path.write_text(text)
    return read_topology(path)


def row(folder: Path, text: str, head: str = HEAD) -> Layer:
    (layer,) = read(folder, f"{head}\n{text}\n").layers
    return layer


def problem(folder: Path, text: str) -> str:
    with pytest.raises(InvalidFile) as caught:
        read(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


def test_resnet_rows(tmp_path: Path) -> None:
    network = read(tmp_path, RESNET)
    assert network.layers == (
        Layer("Conv1", "conv", C=3, M=64, H=229, W=229, R=7, S=7, stride=(2, 2)),
        Layer("CB2a_1", "conv", C=64, M=64, H=56, W=56),
        Layer("CB2a_2", "conv", C=64, M=64, H=58, W=58, R=3, S=3),
        Layer("CB3s", "conv", C=256, M=512, H=55, W=55, stride=(2, 2)),
        Layer("FC6", "fc", C=2048, M=1000),
    )
    assert [layer.P for layer in network.layers] == [112, 56, 56, 28, 1]
    assert (network.name, network.source) == ("t", "SCALE-Sim topology t.csv")


def test_depthwise_rows(tmp_path: Path) -> None:
    network = read(tmp_path, MOBILENET)
    assert [(layer.G, layer.C, layer.M) for layer in network.layers] == [
        (1, 3, 32), (32, 1, 1), (1, 32, 64), (64, 1, 1), (128, 1, 1), (128, 1, 1),
    ]  # fmt: skip
    assert "Conv2_dw: depthwise by its name, 32 channels, which the row does not say and Conv3 reads" in network.notes
    assert "Conv4_DP: DP: depthwise, 64 channels with 1 filter(s) each, as SCALE-Sim runs it" in network.notes


@pytest.mark.parametrize(
    ("name", "channels", "filters", "expected"),
    [
        ("a_DP", 8, 4, (8, 1, 4)),
        ("a_dw", 8, 8, (1, 8, 8)),  # an ordinary convolution to SCALE-Sim
        ("a_dw", 1, 1, (1, 1, 1)),
        ("DW2", 8, 1, (8, 1, 1)),
        ("depth_wise", 1, 8, (8, 1, 1)),
        ("sandwich", 8, 1, (1, 8, 1)),
        ("plain", 1, 8, (1, 1, 8)),
    ],
)
def test_names_that_say_depthwise(
    tmp_path: Path, name: str, channels: int, filters: int, expected: tuple[int, int, int]
) -> None:
    layer = row(tmp_path, f"{name}, 9, 9, 3, 3, {channels}, {filters}, 1,")
    assert expected == (layer.G, layer.C, layer.M)
    if name != "a_dw" or channels != 1:
        assert layer.macs == 49 * 9 * channels * filters  # what SCALE-Sim counts


def test_depthwise_between_rows_that_disagree(tmp_path: Path) -> None:
    network = read(tmp_path, f"{HEAD}\na,9,9,1,1,2,4,1,\nb_dw,9,9,3,3,1,1,1,\nc,7,7,1,1,8,2,1,\n")
    assert network.layers[1].G == 1
    assert "as written, since the rows beside it do not state how many" in network.notes


def test_depthwise_at_the_end(tmp_path: Path) -> None:
    assert read(tmp_path, f"{HEAD}\na,9,9,1,1,2,4,1,\nb_dw,9,9,3,3,1,1,1,\n").layers[1].G == 4


def test_products(tmp_path: Path) -> None:
    network = read(tmp_path, PRODUCTS)
    assert network.layers == (
        Layer("qkv", "gemm", M=2304, C=768, W=128),
        Layer("scores", "matmul", G=12, M=128, C=64, W=128),
        Layer(
            "sparse", "gemm", M=3072, C=768, W=128,
            density=Density(weight=0.5, source="SCALE-Sim topology: 2:4 sparsity of the weights"),
        ),
    )  # fmt: skip
    assert "scores: a batch of 12 products, taken as pairs of activations" in network.notes


@pytest.mark.parametrize(
    ("head", "text", "stride", "weight", "images"),
    [
        (HEAD, "a, 9, 9, 3, 3, 2, 4, 2, 1,", (2, 1), 1.0, 1),
        (HEAD, "a, 9, 9, 3, 3, 2, 4, 2, 1:4,", (2, 2), 0.25, 1),
        (HEAD, "a, 9, 9, 3, 3, 2, 4, 2, 1, 1:4", (2, 1), 0.25, 1),
        (HEAD + " Batch Size,", "a, 9, 9, 3, 3, 2, 4, 2, 8,", (2, 2), 1.0, 8),
        (HEAD + " Sparsity,", "a, 9, 9, 3, 3, 2, 4, 2, 2:4,", (2, 2), 0.5, 1),
        (HEAD.replace("Strides", "Stride height, Stride width"), "a, 9, 9, 3, 3, 2, 4, 2, 1,", (2, 1), 1.0, 1),
        (HEAD + ",,Eh,Ew", "a, 9, 9, 3, 3, 2, 4, 2,,,110,110", (2, 2), 1.0, 1),
        (HEAD + ", Target", "a, 9, 9, 3, 3, 2, 4, 2, NPU", (2, 2), 1.0, 1),
        (HEAD.upper(), "\ta ,9,9,3,3,2,4,2\r", (2, 2), 1.0, 1),
    ],
)
def test_columns_after_the_strides(
    tmp_path: Path, head: str, text: str, stride: tuple[int, int], weight: float, images: int
) -> None:
    layer = row(tmp_path, text, head)
    assert (layer.name, layer.stride, layer.density.weight, layer.N) == ("a", stride, weight, images)


def test_what_is_noted(tmp_path: Path) -> None:
    notes = read(tmp_path, f"{HEAD},, Target\na,224,224,7,7,3,64,2,\na,9,9,1,1,2,2,1,\n").notes
    assert "H and W are IFMAP sizes, which include padding" in notes
    assert "columns that are not SCALE-Sim's are not read: Target" in notes
    assert "a: 109 x 109 outputs, of windows that lie inside, where SCALE-Sim rounds up to 110 x 110" in notes
    assert "line 3: a second 'a', called 'a_2'" in notes


def test_names_stay_apart(tmp_path: Path) -> None:
    text = f"{HEAD}\n" + "".join(f"{name},9,9,1,1,2,2,1,\n" for name in ("a", "a_2", "a", "a"))
    assert [layer.name for layer in read(tmp_path, text).layers] == ["a", "a_2", "a_3", "a_4"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t.csv: is empty; a header is required: Layer name, IFMAP Height,"),
        ("\n , ,\n", "t.csv: is empty; a header is required"),
        (f"{HEAD}\n\n", "t.csv:3: no layers under the header; at least 1 is required"),
        ("a, 9, 9, 3, 3, 2, 4, 2,\n", "t.csv:1:1: the first line is a layer; SCALE-Sim takes it for the header"),
        ("foo\n", "t.csv:1:1: header: 'foo' given; column 1 is 'Layer'.  Allowed: Layer name, IFMAP Height"),
        ("Layer, M, K, N,\n", "t.csv:1:11: header: 'K' given; column 3 is 'N'"),
        ("Layer, M, N\n", "t.csv:1: header: missing; column 4 is 'K'"),
        (HEAD.replace("Channels, Num Filter", "Num Filter, Channels"), "'Num Filter' given; column 6 is 'Channels'"),
        (f"{HEAD}\nAlphaGoZero,\n", "t.csv:2:1: AlphaGoZero: 1 column(s); 8 are required: Layer name, IFMAP"),
        (f"{HEAD}\na, 9, 9, 3, 3, 2, 4,\n", "t.csv:2:1: a: 7 column(s); 8 are required"),
        (f"{HEAD}\n,9, 9, 3, 3, 2, 4, 1\n", "t.csv:2:1: Layer name: no name"),
        (f"{HEAD}\na, 9, x, 3, 3, 2, 4, 1,\n", "t.csv:2:7: IFMAP Width: 'x' given; a whole number between 1 and"),
        (f"{HEAD}\na, 9, 9.0, 3, 3, 2, 4, 1,\n", "IFMAP Width: '9.0' given; a whole number between 1 and 2147483648"),
        (f"{HEAD}\na, 9, 9, 3, 3, 0, 4, 1,\n", "t.csv:2:16: Channels: '0' given; a whole number"),
        (f"{HEAD}\na, 9, 9, 3, 3, 2, -4, 1,\n", "t.csv:2:19: Num Filter: '-4' given; a whole number"),
        (f"{HEAD}\na, 9, 9, , 3, 2, 4, 1,\n", "Filter Height: nothing given; a whole number"),
        (f"{HEAD}\na, 9, 9, 3, 3, 2, 4, 99999999999,\n", "Strides: '99999999999' given; a whole number"),
        (f"{HEAD}\na, 9, 9, 3, 3, 2, 4, 1, 0,\n", "Stride Width: '0' given; a whole number"),
        (f"{HEAD}\na, 9, 9, 3, 3, 2, 4, 1, x,\n", "Stride Width: 'x' given; a whole number"),
        (f"{HEAD}\na, 9, 9, 3, 3, 2, 4, 1, 4:2,\n", "Sparsity: '4:2' given; N:M is required"),
        (f"{HEAD}\na, 9, 9, 3, 3, 2, 4, 1, 2, 3,\n", "a: '3' in column 10 is one too many"),
        (f"{HEAD}\na, 9, 9, 3, 3, 2, 4, 1, 2:4, 2:4,\n", "Sparsity: '2:4' given; a second one"),
        (f"{HEAD}\na, 9, 9, 10, 3, 2, 4, 1,\n", "t.csv:2:1: a: the filter spans 10 in filter rows, more than H"),
        ("Layer, M, N, K,\na, 1, 2,\n", "t.csv:2:1: a: 3 column(s); 4 are required: Layer, M, N, K"),
        ("Layer, M, N, K,\na, 1, 2, 3, 0,\n", "Batch: '0' given; a whole number"),
        ("Layer, M, N, K,\na, 1, 2, 3, 2, 3,\n", "a: '3' in column 6 is one too many"),
        ("\0", "is a binary file; CSV text in UTF-8 is required"),
    ],
)
def test_messages(tmp_path: Path, text: str, message: str) -> None:
    assert message in problem(tmp_path, text)


def test_every_fault_is_told(tmp_path: Path) -> None:
    lines = problem(tmp_path, f"{HEAD}\na, 9, 9, 3, 3, 0, x, 1,\n\nb, 9,\nc, 1, 1, 2, 2, 1, 1, 1,\n").splitlines()
    assert [line.split(": ")[0] for line in lines] == ["t.csv:2:16", "t.csv:2:19", "t.csv:4:1", "t.csv:5:1"]


@pytest.mark.parametrize(
    ("head", "note"),
    [
        (HEAD.replace("IFMAP Height", "IFMAP Width"), "column 2 ('IFMAP Width') as IFMAP Height"),
        (HEAD.replace("Channels", "In Ch"), "column 6 ('In Ch') as Channels"),
        (HEAD.replace(" Strides,", ""), "column 8 (without a heading) as Strides"),
        ("Schicht, H, B, R, S, C, M, Schritt", "column 1 ('Schicht') as Layer name; column 2 ('H') as IFMAP Height"),
    ],
)
def test_headings_that_are_not_understood(tmp_path: Path, head: str, note: str) -> None:
    network = read(tmp_path, f"{head}\na, 9, 11, 3, 3, 2, 4, 2,\n")
    assert network.layers == (Layer("a", "conv", C=2, M=4, H=9, W=11, R=3, S=3, stride=(2, 2)),)
    assert "read by their positions, as SCALE-Sim does: " in network.notes
    assert note in network.notes


def test_products_by_position(tmp_path: Path) -> None:
    network = read(tmp_path, "Name, rows, columns, inner\na, 2, 3, 4\n")
    assert network.layers == (Layer("a", "gemm", M=3, C=4, W=2),)
    assert "column 2 ('rows') as M; column 3 ('columns') as N; column 4 ('inner') as K" in network.notes


PLAIN = f"{HEAD}\nconv first,16,16,3,3,4,8,1,\nb,14,14,3,3,8,8,1,\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(", ", "\t").replace(",", "\t"),
        "\n".join(",".join(f'"{cell.strip()}"' for cell in line.split(",")) for line in PLAIN.splitlines()),
        PLAIN.replace("conv first", '"conv\nfirst"'),
        PLAIN.replace("conv first", ' "conv first"'),
        PLAIN.replace("b,14", "# a comment, 3, 4\n\nb,14").replace("8,1,", "8,1,# another"),
    ],
)
def test_tables_as_programs_write_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    assert read_topology(path).layers == read(tmp_path, PLAIN).layers


def test_a_quoted_comma(tmp_path: Path) -> None:
    assert row(tmp_path, '"conv, first","16","16","3","3","4","8","1"').name == "conv, first"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'{HEAD}\n"a, 9, 9, 3, 3, 2, 4, 1,\nb, 9,\n', "t.csv:2:1: cannot be read as CSV: a quote is not closed"),
        (f'{HEAD}\n"a"b, 9, 9, 3, 3, 2, 4, 1,\n', "t.csv:2:1: cannot be read as CSV: ',' expected after '\"'"),
        (f'{HEAD}\n"a", 9, "x", 3, 3, 2, 4, 1,\n', "t.csv:2:10: IFMAP Width: 'x' given; a whole number"),
        (f'{HEAD}\n\n"a\nb", 9, 9, 3, 3, 2, 4, 1,\nc, 9,\n', "t.csv:5:1: c: 2 column(s); 8 are required"),
    ],
)
def test_quotes(tmp_path: Path, text: str, message: str) -> None:
    assert message in problem(tmp_path, text)
