"""Whole ONNX files: the networks that the package carries, graphs, symbols, unknown operators, weights."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.files.vocabulary import Objective
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.onnx.weights import quantise
from accelerator_sim.workload.pattern import draw
from tests.memory import peak_of
from tests.workload.onnx.conftest import LIGHT, Build, model_of, random, read

LIGHT_MACS = {
    "bvlc_alexnet": 654_560_384, "densenet121": 2_834_161_664, "inception_v1": 1_431_556_352,
    "inception_v2": 2_018_851_840, "resnet50": 4_089_184_256, "shufflenet": 124_664_528, "squeezenet": 349_151_936,
    "vgg19": 19_632_062_464, "zfnet512": 1_481_727_008,
}  # fmt: skip


def light(name: str) -> Network:
    return read(LIGHT / f"light_{name}.onnx")


def messages(path: Path, **more: object) -> str:
    with pytest.raises(InvalidFile) as caught:
        read(path, **more)  # type: ignore[arg-type]
    return "\n".join(str(problem).replace(f"{path}: ", "") for problem in caught.value.problems)


@pytest.mark.parametrize("name", LIGHT_MACS)
def test_must_hold_macs_of_the_light_networks(name: str) -> None:
    network = light(name)
    assert network.macs == LIGHT_MACS[name]
    assert "UNKNOWN" not in network.notes


@pytest.mark.parametrize("name", ["shufflenet", pytest.param("densenet121", marks=pytest.mark.slow)])
def test_the_light_networks_run_to_the_end(name: str) -> None:
    network = light(name)
    result = simulate_network(network, *load_machine("eyeriss_v2"), Options(Objective.LATENCY, fidelity="analytical"))
    assert [layer.error for layer in result.layers if layer.error] == []
    assert result.totals.macs == LIGHT_MACS[name]


def test_the_graph_is_kept() -> None:
    layers = {layer.name: layer for layer in light("resnet50").layers}
    add = next(layer for layer in layers.values() if layer.op == "add")
    assert len(add.reads) == 2
    assert sum(layers[name].oact_total_words for name in add.reads) == add.iact_words
    for layer in layers.values():
        for name in layer.reads:
            assert list(layers).index(name) < list(layers).index(layer.name)


def test_activations_and_normalisation_are_fused_where_nothing_else_reads_what_is_before(written: Build) -> None:
    w, one = random(4, 4, 1, 1), np.ones(4, np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv"),
        helper.make_node("BatchNormalization", ["a", "one", "one", "one", "one"], ["b"], name="bn"),
        helper.make_node("Relu", ["b"], ["c"], name="relu"),
        helper.make_node("Sigmoid", ["c"], ["d"], name="gate"),
        helper.make_node("Mul", ["c", "d"], ["y"], name="scale"),
    ]
    network = read(written(nodes, {"x": [1, 4, 3, 3]}, ["y"], {"w": w, "one": one}))
    assert [(layer.name, layer.op, layer.reads) for layer in network.layers] == [
        ("conv", "conv", ()), ("gate", "activation", ("conv",)), ("scale", "mul", ("conv", "gate")),
    ]  # fmt: skip
    assert "Fused into the layer before or after them and not listed: 1 BatchNormalization, 1 Relu." in network.notes
    assert network.layers[0].density.oact == 0.5


def test_a_relu_that_something_else_passes_by_is_listed(written: Build) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv"), helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Add", ["a", "b"], ["y"], name="add"),
    ]  # fmt: skip
    network = read(written(nodes, {"x": [1, 4, 3, 3]}, ["y"], {"w": random(4, 4, 1, 1)}))
    assert [layer.name for layer in network.layers] == ["conv", "relu", "add"]


def test_densities_are_those_of_what_computes_the_activations(written: Build) -> None:
    w = random(4, 4, 1, 1)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="first"), helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MaxPool", ["b"], ["c"], kernel_shape=[1, 1], name="pool"),
        helper.make_node("Conv", ["c", "w"], ["d"], name="second"), helper.make_node("Clip", ["d", "zero"], ["e"]),
        helper.make_node("Conv", ["e", "w"], ["f"], name="third"), helper.make_node("Tanh", ["f"], ["g"], name="tanh"),
        helper.make_node("Conv", ["g", "w"], ["y"], name="fourth"),
    ]  # fmt: skip
    path = written(nodes, {"x": [1, 4, 3, 3]}, ["y"], {"w": w, "zero": np.array(0, np.float32)})
    found = {layer.name: layer.density for layer in read(path).layers}
    assert [found[name].iact for name in ("first", "second", "third", "fourth")] == [1.0, 0.5, 0.5, 1.0]
    assert found["second"].source.startswith("iacts: a ReLU's, assumed 0.5")
    assert "assumed to have a density of 0.5" in read(path).notes


# --- shapes and symbols ----------------------------------------------------------------------------------------------
def folded(batch: int | str) -> onnx.ModelProto:
    """A flatten as exporters write it: Shape, Gather, Concat, Reshape; and a weight that a chain computes."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv"),
        helper.make_node("Shape", ["a"], ["s"]),
        helper.make_node("Gather", ["s", "first"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "axis"], ["n1"]),
        helper.make_node("Cast", ["minus"], ["m64"], to=TensorProto.INT64),
        helper.make_node("Concat", ["n1", "m64"], ["t"], axis=0),
        helper.make_node("Reshape", ["a", "t"], ["flat"]),
        helper.make_node("Shape", ["flat"], ["fs"]),
        helper.make_node("Slice", ["fs", "one", "two"], ["k"]),
        helper.make_node("Concat", ["k", "ten"], ["ws"], axis=0),
        helper.make_node("ConstantOfShape", ["ws"], ["fill"]),
        helper.make_node("MatMul", ["flat", "fill"], ["y"], name="fc"),
    ]
    constants = {
        "w": random(4, 3, 3, 3), "first": np.array(0), "axis": np.array([0]), "minus": np.array([-1], np.int32),
        "one": np.array([1]), "two": np.array([2]), "ten": np.array([10]),
    }  # fmt: skip
    return model_of(nodes, {"x": [batch, 3, 8, 8]}, ["y"], constants)


def test_shapes_that_constants_compute(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(folded(2).SerializeToString())
    network = read(path)
    assert [(layer.op, layer.macs) for layer in network.layers] == [
        ("conv", 2 * 4 * 27 * 36), ("fc", 2 * 4 * 36 * 10),
    ]  # fmt: skip
    assert network.layers[1].density.weight == 1.0  # a constant fill is no real weight


def test_symbols(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(folded("batch").SerializeToString())
    assert messages(path) == "unbound dimensions: batch (x[0]); bind them, as --bind batch=1"
    assert read(path, {"batch": 3}).layers[0].N == 3
    assert read(path, {"batch": 3}).macs == 3 * (4 * 27 * 36 + 4 * 36 * 10)
    assert messages(path, bind={"batch": 1, "bach": 2}) == (
        "no dimension 'bach' to bind; did you mean 'batch'?; symbols: batch"
    )


def test_dimensions_without_a_name(written: Build) -> None:
    path = written([helper.make_node("Relu", ["x"], ["y"])], {"x": [None, 3]}, ["y"])
    assert messages(path) == "unbound dimensions: x.0 (x[0]); bind them, as --bind x.0=1"
    assert read(path, {"x.0": 4}).layers[0].iact_words == 12


def test_local_functions_are_inlined(tmp_path: Path) -> None:
    body = [helper.make_node("MatMul", ["a", "b"], ["c"])]
    function = helper.make_function("mine", "Product", ["a", "b"], ["c"], body, [helper.make_opsetid("", 17)])
    graph = helper.make_graph(
        [helper.make_node("Product", ["x", "w"], ["y"], domain="mine")], "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 4])],
        [numpy_helper.from_array(random(3, 4), "w")],
    )  # fmt: skip
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    model = helper.make_model(graph, functions=[function], opset_imports=imports, ir_version=9)
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    assert read(tmp_path / "net.onnx").macs == 2 * 3 * 4


# --- what nobody knows -----------------------------------------------------------------------------------------------
def test_an_unknown_operator_is_told_and_refused_when_strict(written: Build) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="conv"),
        helper.make_node("Magic", ["a"], ["y"], name="spell", domain="mine"),
    ]
    path = written(nodes, {"x": [1, 4, 3, 3]}, ["y"], {"w": random(4, 4, 1, 1)}, domains=["mine"])
    network = read(path)
    assert [(layer.name, layer.op) for layer in network.layers] == [("conv", "conv"), ("spell", "other")]
    assert "UNKNOWN operators, counted by the words that they move: spell (mine.Magic)." in network.notes
    assert messages(path, strict=True) == "spell: operator mine.Magic is not known, and --strict is given"


def test_an_operator_that_leaves_a_shape_open_is_named(written: Build) -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["a"], name="places"),
        helper.make_node("Cast", ["a"], ["b"], name="cast", to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["b", "w"], ["y"], name="mm"),
    ]
    path = written(nodes, {"x": [3, 4]}, ["y"], {"w": random(4, 4)})
    assert messages(path) == (
        "mm: the shape of 'b' is not known: operator NonZero of node 'places' leaves the shape of its output 'a' open;"
        " add that to the file's value_info"
    )


def test_a_product_behind_one_that_nobody_counts_fails_with_it(written: Build) -> None:
    nodes = [
        helper.make_node("Magic", ["x", "m"], ["a"], name="spell", domain="mine"),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Conv", ["b", "w"], ["y"], name="conv"),
    ]
    constants = {"w": random(4, 4, 1, 1), "m": random(4, 4)}
    network = read(written(nodes, {"x": [1, 4, 3, 3]}, ["y"], constants, domains=["mine"]))
    assert {layer.name: layer.uncounted for layer in network.uncounted} == {
        "spell": "mine.Magic", "conv": "Conv behind mine.Magic",
    }  # fmt: skip


def test_work_in_a_subgraph_is_refused(written: Build) -> None:
    inner = helper.make_graph(
        [helper.make_node("MatMul", ["x", "x"], ["z"])], "then", [], [helper.make_empty_tensor_value_info("z")]
    )
    node = helper.make_node("If", ["c"], ["y"], name="choice", then_branch=inner, else_branch=inner)
    path = written([node], {"x": [3, 3], "c": []}, ["y"])
    assert messages(path) == (
        "choice: If holds MatMul in a subgraph, and what it does depends on the input; export the network with its"
        " control flow unrolled"
    )


# --- weights ---------------------------------------------------------------------------------------------------------
def pruned_weights() -> np.ndarray:
    w = random(8, 4, 3, 3)
    w[np.random.default_rng(5).random(w.shape) < 0.7] = 0.0
    return w


def test_real_weights_give_the_masks(written: Build) -> None:
    w = pruned_weights()
    path = written([helper.make_node("Conv", ["x", "w"], ["y"], name="conv")], {"x": [1, 4, 6, 6]}, ["y"], {"w": w})
    (layer,) = read(path).layers
    mask = draw(layer, seed=0).weight_mask
    assert mask is not None
    assert np.array_equal(mask[:, :, 0], quantise(w) != 0)
    assert layer.density.weight == pytest.approx(np.count_nonzero(quantise(w)) / w.size)
    assert "Weights of 1 layers are those of the file, quantised to 8 bits with one scale a filter" in read(path).notes
    (dense,) = read(path, weights=False).layers
    assert (dense.density.weight, dense.density.tensor_weight) == (1.0, None)


def test_weights_of_products_lie_with_the_filters_first(written: Build) -> None:
    w = random(6, 5)
    w[1:3, 2] = 0.0
    for op, given in (("MatMul", w), ("Gemm", w)):
        path = written([helper.make_node(op, ["x", "w"], ["y"])], {"x": [3, 6]}, ["y"], {"w": given})
        (layer,) = read(path).layers
        mask = draw(layer, seed=0).weight_mask
        assert mask is not None
        assert np.array_equal(mask.reshape(5, 6), w.T != 0)


def test_large_and_external_weights_are_found(tmp_path: Path) -> None:
    w = random(256, 64, 3, 3)
    w[:, ::2] = 0.0
    model = model_of([helper.make_node("Conv", ["x", "w"], ["y"])], {"x": [1, 64, 4, 4]}, ["y"], {"w": w})
    (tmp_path / "inside.onnx").write_bytes(model.SerializeToString())
    onnx.save(model, str(tmp_path / "outside.onnx"), save_as_external_data=True, location="w.bin")
    for name in ("inside", "outside"):
        assert read(tmp_path / f"{name}.onnx").layers[0].density.weight == pytest.approx(0.5)
    (tmp_path / "w.bin").unlink()
    assert messages(tmp_path / "outside.onnx") == (
        f"w: its values are in 'w.bin', which is missing in {str(tmp_path)!r}; shapes alone are read with --no-weights"
    )
    network = read(tmp_path / "outside.onnx", weights=False)
    assert (network.macs, network.layers[0].density.weight) == (256 * 64 * 9 * 4, 1.0)
    (tmp_path / "w.bin").write_bytes(bytes(1000))
    assert "w: its values end at byte 589824 of 'w.bin', which has only 1000" in messages(tmp_path / "outside.onnx")


def test_weights_outside_the_folder_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    model = model_of([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": [1, 4]}, ["y"], {"w": random(4, 4)})
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "../secret.bin")
    model.graph.initializer[0].ClearField("raw_data")
    (tmp_path / "secret.bin").write_bytes(bytes(64))
    (tmp_path / "sub" / "net.onnx").write_bytes(model.SerializeToString())
    assert "in '../secret.bin', outside the folder of the model" in messages(tmp_path / "sub" / "net.onnx")


def test_equal_weights_never_merge_layers(written: Build) -> None:
    w = np.ones((4, 4, 1, 1), np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="one"),
        helper.make_node("Conv", ["a", "v"], ["b"], name="two"),
        helper.make_node("Conv", ["b", "w"], ["y"], name="three"),
    ]  # fmt: skip
    network = read(written(nodes, {"x": [1, 4, 3, 3]}, ["y"], {"w": w, "v": w.copy()}))
    assert [layer.name for layer in network.layers] == ["one", "two", "three"]
    result = simulate_network(network, *load_machine("eyeriss_v2"), Options(Objective.LATENCY))
    assert (len(result.layers), result.totals.macs) == (3, 3 * 16 * 9)


def test_nodes_without_and_with_equal_names(written: Build) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"], name="r"), helper.make_node("Tanh", ["a"], ["b"], name="r"),
             helper.make_node("Tanh", ["b"], ["y"])]  # fmt: skip
    assert [layer.name for layer in read(written(nodes, {"x": [3]}, ["y"])).layers] == ["r", "r#2", "Tanh_2"]


# --- speed and memory ------------------------------------------------------------------------------------------------
def test_a_thousand_nodes_in_a_second(tmp_path: Path) -> None:
    nodes = []
    for at in range(500):
        nodes.append(helper.make_node("Conv", [f"t{at}", "w"], [f"c{at}"], name=f"conv{at}"))
        nodes.append(helper.make_node("Relu", [f"c{at}"], [f"t{at + 1}"]))
    model = model_of(nodes, {"t0": [1, 64, 8, 8]}, ["t500"], {"w": random(64, 64, 1, 1)})
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    start = time.process_time()
    network = read(tmp_path / "net.onnx", weights=False)
    assert len(network.layers) == 500
    assert time.process_time() - start < 5.0  # a fifth of it, as measured: this only tells a different order of growth


@pytest.mark.slow
def test_three_gigabytes_of_weights_stay_on_disk(tmp_path: Path) -> None:
    """A file with a hole of 3 GB where its weights are: read in a process of its own, whose memory is measured."""

    def varint(value: int) -> bytes:
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        return bytes([*out, value])

    small = model_of([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": [1, 32768]}, ["y"], opset=17)
    rows, columns = 32768, 24576
    size = rows * columns * 4
    tensor = TensorProto(name="w", dims=[rows, columns], data_type=TensorProto.FLOAT).SerializeToString()
    head = tensor + varint(9 << 3 | 2) + varint(size)
    graph = small.graph.SerializeToString()
    entry = varint(5 << 3 | 2) + varint(len(head) + size) + head
    small.ClearField("graph")
    begin = small.SerializeToString() + varint(7 << 3 | 2) + varint(len(graph) + len(entry) + size) + graph + entry
    path = tmp_path / "huge.onnx"
    with path.open("wb") as stream:
        stream.write(begin)
        stream.truncate(len(begin) + size)
    assert path.stat().st_size > 3_000_000_000
    code = (
        "import sys; from pathlib import Path; from accelerator_sim.workload.choices import Choices\n"
        "from accelerator_sim.workload.onnx.reader import read_onnx\n"
        "print(read_onnx(Path(sys.argv[1]), Choices({})).macs)"
    )
    status, peak, found, error = peak_of(["-c", code, str(path)], tmp_path)
    assert status == 0, error
    assert int(found) == rows * columns
    assert peak < 300_000
