"""Networks written and read back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerator_sim.files.data import builtin_names
from accelerator_sim.files.errors import UsageError
from accelerator_sim.workload.formats.network_writer import write_network
from accelerator_sim.workload.formats.scalesim import is_depthwise
from accelerator_sim.workload.formats.scalesim_writer import write_topology
from accelerator_sim.workload.formats.timeloop_writer import write_problems
from accelerator_sim.workload.formats.written import Written
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network

PADDED = Layer("c", "conv", C=4, M=8, H=8, W=8, R=3, S=3, padding=(0, 1, 0, 1), stride=(2, 2))


def network(*layers: Layer) -> Network:
    return Network("n", "s", layers, "n.yaml", "notes")


def again(folder: Path, written: Written, name: str) -> Network:
    """Write files, and read them: one file by its name, several as a folder."""
    if name:
        (folder / name).write_text(written.files[0][1])
        return load_network(str(folder / name))
    place = folder / "problems"
    place.mkdir()
    for file, text in written.files:
        (place / file).write_text(text)
    return load_network(str(place))


def macs(layers: Sequence[Layer]) -> list[int]:
    return [layer.macs for layer in layers if layer.is_mac]


@pytest.mark.parametrize("name", builtin_names("workloads"))
def test_builtin_networks(tmp_path: Path, name: str) -> None:
    built = load_network(name)
    ours = again(tmp_path, write_network(built), "n.yaml")
    assert ours.layers == built.layers
    assert (ours.name, ours.source, ours.notes) == (built.name, built.source, built.notes)

    problems = again(tmp_path, write_problems(built), "")
    assert macs(problems.layers) == macs(built.layers)
    for layer, origin in zip(problems.layers, [layer for layer in built.layers if layer.is_mac], strict=True):
        assert (layer.weight_words, layer.oact_total_words) == (origin.weight_words, origin.oact_total_words)
        assert layer.density.weight == origin.density.weight

    topology = again(tmp_path, write_topology(built), "n.csv")
    rows = iter(topology.layers)
    for layer in built.layers:
        if layer.is_mac:
            split = layer.G > 1 and (layer.C > 1 or layer.op in ("gemm", "matmul"))
            assert sum(next(rows).macs for _ in range(layer.G if split else 1)) == layer.macs
    assert next(rows, None) is None


@st.composite
def layers(draw: st.DrawFn, ops: Sequence[str] = ("conv", "fc", "gemm", "matmul")) -> Layer:
    def size(most: int = 6) -> int:
        return draw(st.integers(1, most))

    op = draw(st.sampled_from(ops))
    name = draw(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8))
    density = Density()
    if draw(st.booleans()):
        values = [draw(st.sampled_from([0.0, 0.25, 1 / 3, 0.123, 1.0])) for _ in range(3)]
        density = Density(*values, source=draw(st.text(max_size=5)))
    fields: dict[str, Any] = {"G": size(3), "M": size(), "C": size(), "density": density}
    if op == "conv":
        r, s, dilation = size(3), size(3), (size(2), size(2))
        fields |= {
            "N": size(2), "R": r, "S": s, "dilation": dilation, "stride": (size(3), size(3)),
            "H": (r - 1) * dilation[0] + size(), "W": (s - 1) * dilation[1] + size(),
            "padding": tuple(draw(st.integers(0, 2)) for _ in range(4)),
        }  # fmt: skip
        if draw(st.booleans()):
            t = size(3)
            fields |= {"T": t, "D": t + size(3), "stride_d": size(2), "padding_d": (0, 1)}
    elif op == "fc":
        h, w = size(), size()
        fields |= {"N": size(2), "H": h, "W": w, "R": h, "S": w}
    else:
        fields |= {"W": size(), "N": size(2) if op == "gemm" else 1}
    return Layer(name, op, **fields)


@given(layers(), st.integers(0, 10), st.integers(1, 10))
def test_our_file_says_everything(
    tmp_path_factory: pytest.TempPathFactory, layer: Layer, read: int, wrote: int
) -> None:
    built = network(Layer("1e9", "pool", iact_words=read, oact_words=wrote), layer)
    if layer.name == "1e9":
        return
    folder = tmp_path_factory.mktemp("w")
    back = again(folder, write_network(built), "n.yaml")
    assert back.layers == built.layers
    assert (back.name, back.source, back.notes) == (built.name, built.source, built.notes)


@given(layers())
def test_problems_say_what_is_computed(tmp_path_factory: pytest.TempPathFactory, layer: Layer) -> None:
    (back,) = again(tmp_path_factory.mktemp("w"), write_problems(network(layer)), "p.yaml").layers
    assert back.macs == layer.macs
    assert back.weight_words == layer.weight_words
    assert back.oact_total_words == layer.oact_total_words
    density = (back.density.iact, back.density.weight, back.density.oact)
    assert density == (layer.density.iact, layer.density.weight, layer.density.oact)


@given(layers())
def test_topologies_say_what_is_computed_or_refuse(tmp_path_factory: pytest.TempPathFactory, layer: Layer) -> None:
    hard = layer.T > 1 or layer.depth_out > 1 or layer.dilation != (1, 1) or layer.N > 1
    try:
        written = write_topology(network(layer))
    except UsageError:
        if layer.op != "conv" or not hard:
            raise
        return
    back = again(tmp_path_factory.mktemp("w"), written, "t.csv")
    assert back.macs == layer.macs
    assert "SCALE-Sim rounds up" not in back.notes  # it counts the same


def test_tensors_and_profiles(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([0, 1, 2, 3]))
    np.savez(tmp_path / "y.npz", w=np.zeros((3, 4)), v=np.ones(3))
    density = Density(
        0.75, 0.0, 0.5, "here", tensor_iact=(str(tmp_path / "x.npy"), ""), tensor_weight=(str(tmp_path / "y.npz"), "w")
    )
    profile = Density(0.5, 0.75, source="", profile_iact=(0.25, 0.75), profile_weight=(0.5, 1.0))
    built = network(
        Layer("t", "fc", C=4, M=3, density=density), Layer("p", "fc", C=2, M=3, density=profile, reads=("t",)),
        Layer("e", "fc", C=2, M=3, effectual_fraction=0.125, reads=("t", "p")),
    )  # fmt: skip
    assert again(tmp_path, write_network(built), "n.yaml").layers == built.layers
    assert write_problems(built).remarks == (
        "the mean density stands for the tensor: t",
        "the mean density stands for that of each channel: p",
        "what it reads is left out: p, e",
        "effectual_fraction is left out: e",
    )


def test_what_only_code_can_make_is_refused() -> None:
    with pytest.raises(ValueError, match="layer g: a network file has no stride for gemm; make it a conv"):
        write_network(network(Layer("g", "gemm", C=2, M=3, W=4, stride=(1, 2))))
    with pytest.raises(ValueError, match="has no N for matmul"):
        write_network(network(Layer("g", "matmul", C=2, M=3, W=4, N=2)))
    with pytest.raises(ValueError, match="has no R for fc"):
        write_network(network(Layer("g", "fc", C=2, M=3, H=1, W=1, R=3, S=1, padding=(1, 1, 0, 0))))


def test_a_problem_file(tmp_path: Path) -> None:
    written = write_problems(network(Layer("p", "pool", iact_words=8, oact_words=2), PADDED))
    ((name, text),) = written.files
    assert name == "2_c.yaml"
    assert "# the padding is counted as part of the input\n" in text
    assert "        projection: [[[N]], [[C]], [[R, Wdilation], [P, Wstride]], [[S, Hdilation], [Q, Hstride]]]" in text
    assert written.remarks == (
        "left out, having no multiply-accumulates: p",
        "the padding is counted as part of the input: c",
    )


def test_a_topology_file() -> None:
    written = write_topology(
        network(
            PADDED,
            Layer("dw, 2", "conv", G=8, H=5, W=5, R=3, S=3),
            Layer("g", "conv", G=2, C=3, M=4, H=5, W=5, R=3, S=3, stride=(1, 2)),
            Layer("fc", "fc", C=128, M=10, density=Density(weight=0.5)),
            Layer("x_dw", "gemm", W=7, C=3, M=2, density=Density(iact=0.5)),
        )
    )
    assert written.files[0][1].splitlines()[1:] == [
        "c, 9, 9, 3, 3, 4, 8, 2, 2, 1:1,",
        "dw_2_DP, 5, 5, 3, 3, 8, 1, 1, 1, 1:1,",
        "g_g0, 5, 5, 3, 3, 3, 4, 1, 2, 1:1,",
        "g_g1, 5, 5, 3, 3, 3, 4, 1, 2, 1:1,",
        "fc, 1, 1, 1, 1, 128, 10, 1, 1, 1:2,",
        "x_d_w, 1, 7, 1, 1, 3, 2, 1, 1, 1:1,",
    ]
    assert written.remarks == (
        "the padding is counted as part of the input: c",
        "every group is a row of its own: g",
        "the density of the weights is said as structured sparsity: fc",
        "the densities of activations are left out: x_dw",
        "renamed, so as not to be taken for depthwise: x_dw",
    )
    assert not is_depthwise("x_d_w")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dilation": (1, 2), "H": 9, "W": 9, "R": 3, "S": 3}, "c: a dilation of 1 x 2"),
        ({"D": 4, "T": 3}, "c: a 3-D convolution, 3 depth taps and 2 output planes"),
        ({"G": 200_000, "C": 2}, "c: its 200000 groups take more than 100000 rows"),
        ({"N": 1 << 20, "H": 1 << 10, "W": 1 << 10}, "c: a size of 1099511627776, more than 2147483648"),
    ],
)
def test_what_a_topology_cannot_say(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match="a SCALE-Sim topology cannot say all of n") as caught:
        write_topology(network(Layer("c", "conv", **fields)))
    assert message in str(caught.value)


def test_nothing_to_write() -> None:
    with pytest.raises(UsageError, match="n has no layer with multiply-accumulates to write"):
        write_topology(network(Layer("p", "pool", iact_words=8, oact_words=2)))
