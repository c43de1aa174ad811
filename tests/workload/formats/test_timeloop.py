"""Timeloop problems; one test a message."""

from pathlib import Path

import pytest

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.workload.formats.timeloop import read_problem
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network
from tests.workload.formats.texts import ATTENTION, CONV, CONV_SPACES, FLAT, GEMM, GROUPED, KEBAB


def read(folder: Path, text: str) -> Network:
    path = folder / "p.yaml"
    path.write_text(text)
    return read_problem(path)


def problem(folder: Path, text: str) -> str:
    with pytest.raises(InvalidFile) as caught:
        read(folder, text)
    return str(caught.value).replace(f"{folder}/", "")


def _without_images_of_the_output(text: str) -> str:
    head, tail = text.split("name: Outputs")
    return head + "name: Outputs" + tail.replace("          - [ [N] ]\n", "")


@pytest.mark.parametrize(
    ("text", "layer"),
    [
        (CONV, Layer("p", "conv", C=3, M=64, H=229, W=229, R=7, S=7, stride=(2, 2))),
        (FLAT, Layer("p", "conv", C=64, M=128, H=30, W=30, R=3, S=3)),
        (FLAT.replace("K:", "M:").replace("cnn-", "conv-"), Layer("p", "conv", C=64, M=128, H=30, W=30, R=3, S=3)),
        (FLAT.replace("  shape: cnn-layer\n", ""), Layer("p", "conv", C=64, M=128, H=30, W=30, R=3, S=3)),
        (KEBAB, Layer("p", "conv", G=64, H=113, W=113, R=3, S=3, stride=(2, 2))),
        (GROUPED, Layer("p", "conv", N=4, G=2, C=48, M=128, H=31, W=31, R=5, S=5)),
        (ATTENTION, Layer("p", "matmul", G=24, M=128, C=64, W=128)),
        (
            GEMM,
            Layer(
                "p", "gemm", M=3072, C=768, W=128,
                density=Density(iact=0.5, weight=0.25, source="Timeloop problem: A fixed-structured 0.5, B 0.25"),
            ),
        ),
        (  # strides and dilations by the coefficients, whatever they are called
            CONV.replace("Wstride", "a").replace("Hstride", "b").replace("Wdilation", "c").replace("Hdilation", "d")
            .replace("a: 2, b: 2", "a: 2, b: 3, c: 4, d: 5").replace("P: 112, Q: 112", "P: 10, Q: 12"),
            Layer(
                "p", "conv", C=3, M=64, R=7, S=7, stride=(2, 3), dilation=(4, 5),
                H=9 * 2 + 6 * 4 + 1, W=11 * 3 + 6 * 5 + 1,
            ),
        ),
        (  # letters mean nothing
            CONV.replace("[M]", "[X]").replace(" M,", " X,").replace("M: 64", "X: 64").replace("Weights", "T"),
            Layer("p", "conv", C=3, M=64, H=229, W=229, R=7, S=7, stride=(2, 2)),
        ),
        (
            CONV.replace("P: 112, Q: 112", "P: 1, Q: 1"),
            Layer("p", "fc", C=3, M=64, H=7, W=7, R=7, S=7),
        ),
        (  # one dimension
            "problem:\n  shape:\n    dimensions: [P, R]\n    data-spaces:\n"
            "      - {name: Inputs, projection: [[[P], [R]]]}\n      - {name: Weights, projection: [[[R]]]}\n"
            "      - {name: Outputs, projection: [[[P]]], read-write: true}\n  P: 16\n  R: 3\n",
            Layer("p", "conv", H=1, W=18, R=1, S=3),
        ),
    ],
)  # fmt: skip
def test_layers(tmp_path: Path, text: str, layer: Layer) -> None:
    network = read(tmp_path, text)
    assert network.layers == (layer,)
    assert (network.name, network.source) == ("p", "Timeloop problem p.yaml")
    assert "H and W are what the outputs need, padding included" in network.notes


def test_weights_by_name_where_no_window_tells(tmp_path: Path) -> None:
    # The first operand is called the weights, so the second is the input.
    text = GEMM.replace("name: A", "name: Weights").replace("A: {", "Weights: {")
    (layer,) = read(tmp_path, text).layers
    assert (layer.op, layer.W, layer.M, layer.C) == ("gemm", 3072, 128, 768)
    assert (layer.density.iact, layer.density.weight) == (0.25, 0.5)


def test_a_common_density(tmp_path: Path) -> None:
    (layer,) = read(tmp_path, FLAT + "  commonDensity: 0.5\n").layers
    assert (layer.density.iact, layer.density.weight, layer.density.oact) == (0.5, 0.5, 0.5)


def test_what_is_noted(tmp_path: Path) -> None:
    assert "p: B, H are groups, counted as one dimension" in read(tmp_path, ATTENTION).notes
    assert "no shape is given: cnn-layer" in read(tmp_path, FLAT.replace("  shape: cnn-layer\n", "")).notes
    assert "mapper of the file: not read" in read(tmp_path, FLAT + "mapper: {}\n").notes


def test_a_dimension_of_one_is_harmless(tmp_path: Path) -> None:
    text = CONV.replace("[ C, M,", "[ L, C, M,").replace("N: 1, C", "L: 1, N: 1, C")
    assert read(tmp_path, text).macs == read(tmp_path, CONV).macs


INSTANCE = "N: 1, C: 3, M: 64, P: 112, Q: 112, R: 7, S: 7, Wstride: 2, Hstride: 2"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.4", "0.5", "p.yaml:2:3: problem.version: 0.5 is not supported; allowed: 0.2, 0.3, 0.4"),
        ("problem:", "problm:", "p.yaml:1:1: problm: unknown key; did you mean 'problem'?"),
        ("version", "verison", "problem.verison: unknown key; did you mean 'version'?"),
        (", C: 3", "", "problem.instance: no size for dimension 'C'; a whole number is required"),
        ("C: 3", "C: 0", "problem.instance.C: 0 given; a whole number between 1 and 2147483648 is required"),
        ("C: 3", "C: INPUTS", "problem.instance.C: 'INPUTS' given; a whole number between 1 and"),
        ("Wstride: 2", "Wstride: 2, WStride: 3", "instance.WStride: 3 given, and Wstride is 2; give one of them"),
        ("Wstride: 2", "Wstrid: 2", "problem.instance.Wstrid: unknown key; did you mean 'Wstride'?"),
        ("Wstride: 2", "Wstride: 2.5", "problem.instance.Wstride: 2.5 given; a whole number between 1 and"),
        (f"{{{INSTANCE}}}", "[1]", "problem.instance: a list given; a mapping is required: the size of every"),
        ("N: 1, C: 3", "N: 2147483648, C: 2147483648", "MACs are more than"),
        ("P: 112", "P: 2147483648", "problem.instance: H is 4294967301; it must be between 1 and 2147483648"),
        ("[ C, M, R", "[ C, M, M, R", "problem.shape.dimensions.2: a second dimension 'M'"),
        ("[ C, M, R, S, N, P, Q ]", "7", "problem.shape.dimensions: 7 given; a list is required: the names"),
        ("[ C, M, R, S, N, P, Q ]", "[]", "problem.shape.dimensions: an empty list given; a list is required"),
        ("[ C, M, R", "[ 3, M, R", "problem.shape.dimensions.0: 3 given; the name of a dimension is required"),
        ("name: Wstride, d", "name: C, d", "problem.shape.coefficients: 'C' is also the name of a dimension"),
        ("Wstride, default: 1", "Wstride, default: x", "coefficients.0.default: 'x' given; a whole number"),
        ("Wdilation, default: 1", "Wdilation", "no value for coefficient 'Wdilation', which has no default"),
        ("{name: Hstride", "{name: Wstride", "problem.shape.coefficients.1: a second coefficient 'Wstride'"),
        ("[ [M] ]\n          - [ [R]", "[ [Z] ]\n          - [ [R]", "'Z' is not a dimension of the shape; those are:"),
        ("[P, Wstride]", "[P, Wstrid]", "'Wstrid' is not a coefficient of the shape; did you mean 'Wstride'?"),
        ("[P, Wstride]", "[P, Wstride, 2]", "a term is [DIMENSION] or [DIMENSION, COEFFICIENT], and a rank a list"),
        ("[ [R] ]", "[R, S]", "a term is [DIMENSION] or [DIMENSION, COEFFICIENT], and a rank a list of terms"),
        ("- [ [S] ]", "- []", "problem.shape.data_spaces.0.projection.3: an empty rank"),
        ("- [ [S] ]", "- [ [R] ]", "dimension 'R' occurs in it twice; that is not a convolution or matrix product"),
        ("- [ [Q] ]", "- [ [Q], [S] ]", "Outputs is indexed by Q + S; only the inputs of a convolution have a"),
        ("read_write: True", "read_write: maybe", "read_write: 'maybe' given; true or false is required"),
        ("        read_write: True\n", "", "3 data spaces (Weights, Inputs, Outputs), 0 of them read_write"),
        ("name: Inputs", "name: Weights", "problem.shape.data_spaces.1: a second data space 'Weights'"),
        ("name: Inputs", "name:", "data_spaces.1.name: nothing given; the name of a data space is required"),
        ("data_spaces:", "dataspaces:", "problem.shape.dataspaces: unknown key; did you mean 'data_spaces'?"),
        (CONV_SPACES, "", "problem.shape: the shape has no data_spaces; a list is required"),
        ("name: conv2d", "flatten: []", "'flatten' is not supported; write the dimensions without it"),
        ("[S, Hdilation], [Q", "[S, Hdilation], [C], [Q", "dimension 'C' occurs in it twice"),
        ("2}", "2, densities: {Input: 0.5}}", "densities.Input: unknown key; did you mean 'Inputs'?"),
        ("2}", "2, densities: {Inputs: 1.5}}", "densities.Inputs: 1.5 given; a density between 0 and 1"),
        ("2}", "2, densities: {Inputs: {density: x, distribution: fixed}}}", "Inputs.density: 'x' given; a density"),
        ("2}", "2, densities: {Inputs: {distribution: fixed}}}", "Inputs: no density; a number between 0 and 1"),
        (
            "2}", "2, densities: {Inputs: {distribution: banded, density: 0.5, band_width: 3}}}",
            "distribution: the distribution 'banded' is not supported; allowed: fixed, fixed-structured, hypergeom",
        ),
        ("2}", "2, densities: 0.5}", "problem.instance.densities: 0.5 given; a mapping is required: a density for"),
        ("2}", "2, densities: {}, commonDensity: 0.5}", "commonDensity: densities is also given; give one"),
        ("problem:", "{{include('x')}}\nproblem:", "p.yaml:1:1: a jinja template is not supported; give the"),
        ("instance:", "instance: !include x.yaml", "!include is not supported; give the problem as Timeloop sees"),
        ("  version", "  <<<: *base\n  version", "problem: *base has no anchor"),
    ],
)  # fmt: skip
def test_messages(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in CONV
    text = CONV.replace(old, new, 1)
    assert message in problem(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("problem: 3\n", "p.yaml:1:1: problem: 3 given; a mapping is required: shape and instance"),
        ("problem: {shape: pool}\n", "problem.shape: 'pool' is not a known shape; allowed: cnn-layer, conv-"),
        ("problem: {shape: [1]}\n", "problem.shape: a list given; a mapping, or one of cnn-layer"),
        ("problem: {shape: gemm, M: 2, N: 3, K: 0}\n", "problem.K: 0 given; a whole number between 1"),
        (FLAT.replace("Wstride", "Wstrid"), "problem.Wstrid: unknown key; did you mean 'Wstride'?"),
        (FLAT + "  shape: cnn-layer\n", "duplicate key; first given in line 13"),
        (GEMM.replace("[ [N] ]", "[ [N], [K] ]", 1),
         "dimension 'K' occurs in it twice"),
        (GROUPED.replace("[[R], [P]]", "[[P], [Q]]").replace("[[S], [Q]]]", "[[R]]]"),
         "Inputs is indexed by P + Q; a sliding window adds one dimension of the output and one of the weights"),
        (GROUPED.replace("[G, C, M, R, S]}", "[[[G]], [[C]], [[M], [R]], [[S]]]}"),
         "problem.shape.data_spaces.1: Weights and Inputs both have a sliding window; a convolution has one"),
        (_without_images_of_the_output(CONV).replace("N: 1", "N: 8"),
         "problem.instance.N: 8 given, and N stands in Inputs only; no convolution or matrix product has that"),
    ],
)  # fmt: skip
def test_other_messages(tmp_path: Path, text: str, message: str) -> None:
    assert message in problem(tmp_path, text)


def test_every_fault_is_told(tmp_path: Path) -> None:
    text = problem(tmp_path, CONV.replace("C: 3", "C: 0").replace("M: 64", "M: x").replace("0.4", "9"))
    assert [line.split(": ")[1] for line in text.splitlines()] == [
        "problem.version",
        "problem.instance.C",
        "problem.instance.M",
    ]
