"""The network type, and the built-in networks held against counts made apart from this program."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from accelerator_sim.files.data import builtin_names
from accelerator_sim.files.errors import InvalidFile, UsageError
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network

NETWORKS = [
    ("alexnet", 8, 724_406_816),
    ("alexnet_sparse", 8, 724_406_816),
    ("vgg16", 16, 15_470_264_320),
    ("vgg19", 19, 19_632_062_464),
    ("googlenet", 58, 1_582_671_872),
    ("resnet18", 21, 1_814_073_344),
    ("resnet50", 54, 4_089_184_256),
    ("resnet50_v1", 54, 3_857_973_248),
    ("resnet101_v1", 105, 7_570_194_432),
    ("resnet152_v1", 156, 11_282_415_616),
    ("mobilenet_v1", 28, 568_740_352),
    ("mobilenet_v1_0.5_128", 28, 49_160_192),
    ("mobilenet_v1_0.5_128_sparse", 28, 49_160_192),
    ("mobilenet_v2", 53, 300_774_272),
    ("mobilenet_v3_small", 54, 56_510_400),
    ("efficientnet_b0", 82, 385_814_752),
    ("squeezenet", 26, 818_924_576),
    ("bert_base", 97, 11_174_215_680),
    ("vit_b16", 98, 17_563_828_224),
    ("gpt2_prefill", 73, 16_114_089_984),
    ("gpt2_decode", 73, 125_891_328),
    ("gpt3_block_prefill", 6, 3_813_930_958_848),
    ("gpt3_block_decode", 6, 1_862_270_976),
    ("gpt3_block_decode_b32", 6, 59_592_671_232),
    ("densenet121", 121, 2_834_161_664),
    ("shufflenet_v2", 57, 144_907_992),
    ("squeezenet1_1", 26, 349_151_936),
    ("resnet34_168", 37, 2_244_951_040),
    ("resnet18_112", 21, 485_359_616),
    ("resnet50_168", 54, 2_503_027_712),
    ("resnet50_112", 54, 1_077_899_264),
    ("resnet50_84", 54, 684_342_016),
    ("mobilenet_v2_84", 53, 51_636_992),
    ("wav2vec2_frontend", 7, 2_450_123_776),
    ("lstm_gnmt", 132, 1_024_000_000),
    ("lstm_arnet", 18, 58_777_600),
    ("eie_fc", 9, 192_870_216),
    ("openeye_192_layers", 19, 3_920_832),
    ("openeye_48_layers", 22, 2_085_120),
    ("spvcnn", 993, 144_326_657_568),
    ("spvcnn_0.5", 993, 36_147_090_192),
    ("resnet8", 10, 12_501_632),
    ("ds_cnn", 10, 2_656_768),
    ("mobilenet_v1_0.25_96", 28, 7_489_664),
    ("autoencoder", 10, 264_192),
]
COMPOSED = [
    ("gpt3_prefill", {"blk": ("gpt3_block_prefill", 96)}, {"lm_head(tied)": 2048 * 12_288 * 50_257}),
    ("gpt3_decode", {"blk": ("gpt3_block_decode", 96)}, {"lm_head(tied)": 12_288 * 50_257}),
    (
        "arnet_video",
        {
            "policy": ("mobilenet_v2_84", 16),
            "policy.lstm": ("lstm_arnet", None),
            "frame224": ("resnet50", 6),
            "frame168": ("resnet34_168", 3),
            "frame112": ("resnet18_112", 3),
        },
        {},
    ),
]
"""Networks made of others: those others and how often, by the beginning of the names, and their own layers."""


def layer_macs() -> dict[str, dict[str, int]]:
    path = Path(__file__).parent / "data" / "layer_macs.csv"
    with path.open(newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        table: dict[str, dict[str, int]] = {}
        for row in rows:
            table.setdefault(row["network"], {})[row["layer"]] = int(row["macs"])
    return table


LAYER_MACS = layer_macs()


def test_every_builtin_is_in_the_table() -> None:
    assert builtin_names("workloads") == sorted(name for name, *_ in (*NETWORKS, *COMPOSED))


def test_every_builtin_says_what_family_it_is_of() -> None:
    assert all(load_network(name).family for name in builtin_names("workloads"))


@pytest.mark.parametrize(("name", "parts", "own"), COMPOSED)
def test_macs_of_networks_made_of_others(
    name: str, parts: dict[str, tuple[str, int | None]], own: dict[str, int]
) -> None:
    expected = dict(own)
    for start, (part, times) in parts.items():
        for i in range(times or 1):
            number = "" if times is None else f".{i}"
            for layer, macs in LAYER_MACS[part].items():
                expected[f"{start}{number}.{layer.removeprefix('blk.0.')}"] = macs
    network = load_network(name)
    assert {layer.name: layer.macs for layer in network.layers if layer.is_mac} == expected
    assert network.source
    assert network.notes


@pytest.mark.parametrize(("name", "layers", "macs"), NETWORKS)
def test_macs(name: str, layers: int, macs: int) -> None:
    network = load_network(name)
    found = {layer.name: layer.macs for layer in network.layers if layer.is_mac}
    assert found == LAYER_MACS[name]
    assert (network.name, len(found), network.macs) == (name, layers, macs)
    assert network.source
    assert network.notes


@pytest.mark.parametrize(("name", "layers", "macs"), NETWORKS)
def test_batch(name: str, layers: int, macs: int) -> None:
    network = load_network(name).with_batch(4)
    assert network.macs == 4 * macs
    assert all(layer.iact_total_words % 4 == 0 for layer in network.layers)


def test_resnet50_weights() -> None:
    # torchvision's ResNet-50 has 25,557,032 parameters: 53,120 of batch normalisation and 1000 biases besides these.
    network = load_network("resnet50")
    assert network.weight_words == 25_557_032 - 53_120 - 1000


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("densenet121", 7_978_856 - 83_648 - 1000),  # torchvision's parameters, without normalisation and biases
        ("shufflenet_v2", 2_278_604 - 16_180 - 1000),
        ("lstm_gnmt", 4 * 8_000_000),  # once for all steps
        ("gpt3_decode", 96 * 12 * 12_288**2 + 50_257 * 12_288),  # each block its own: the published 174.6 G
        ("gpt3_block_decode", 12 * 12_288**2),
        ("arnet_video", 3_469_760 + 3_673_600 + 25_502_912 + 21_779_648 + 11_678_912),  # once for all frames
    ],
)
def test_weights(name: str, weights: int) -> None:
    assert load_network(name).weight_words == weights


@pytest.mark.parametrize(
    ("name", "op", "count"),
    [
        ("resnet18", "add", 8),
        ("resnet50", "add", 16),
        ("resnet152_v1", "add", 50),
        ("mobilenet_v2", "add", 10),
        ("mobilenet_v3_small", "add", 6),
        ("mobilenet_v3_small", "mul", 9),
        ("efficientnet_b0", "add", 9),
        ("efficientnet_b0", "mul", 16),
        ("googlenet", "pool", 14),
        ("squeezenet", "pool", 4),
        ("alexnet", "pool", 3),
        ("vgg16", "pool", 5),
        ("bert_base", "softmax", 12),
        ("bert_base", "norm", 25),
        ("vit_b16", "norm", 25),
        ("gpt2_prefill", "norm", 25),
        ("gpt2_decode", "activation", 12),
        ("gpt3_block_decode", "add", 2),
        ("gpt3_prefill", "softmax", 96),
        ("densenet121", "norm", 62),
        ("densenet121", "pool", 5),
        ("shufflenet_v2", "other", 16),
        ("squeezenet1_1", "pool", 4),
        ("resnet34_168", "add", 16),
        ("resnet50_84", "add", 16),
        ("mobilenet_v2_84", "add", 10),
        ("wav2vec2_frontend", "activation", 7),
        ("lstm_gnmt", "activation", 4 * 32),
        ("lstm_arnet", "activation", 16),
        ("spvcnn", "other", 2 * 42 + 4 + 4),
        ("spvcnn", "add", 16 + 3),
    ],
)
def test_traffic_only_operators(name: str, op: str, count: int) -> None:
    assert sum(layer.op == op for layer in load_network(name).layers) == count


def test_every_layer_of_googlenet_reads_what_exists_in_the_right_size() -> None:
    layers = {layer.name: layer for layer in load_network("googlenet").layers}
    for layer in list(layers.values())[1:]:
        read = sum(layers[name].oact_total_words for name in layer.reads)
        assert (read, bool(layer.reads)) == (layer.iact_total_words, True), layer.name


def test_an_add_reads_twice_what_it_writes() -> None:
    for name in builtin_names("workloads"):
        for layer in load_network(name).layers:
            if layer.op == "add":
                assert layer.iact_words == 2 * layer.oact_words


def test_sparse_mobilenet_has_the_published_effectual_macs() -> None:
    # Ground truth of the Sparseloop artifact (MICRO 2022), single PE, all 28 layers.
    layers = [layer for layer in load_network("mobilenet_v1_0.5_128_sparse").layers if layer.is_mac]
    assert sum(layer.effectual_macs for layer in layers) == 23_781_667
    assert [layer.effectual_macs for layer in layers[:4]] == [1_769_472, 544_768, 461_302, 278_528]
    assert all(layer.effectual_fraction is not None for layer in layers)


def test_alexnet_has_the_published_zeros() -> None:
    # JSSC 52(1) 2017, Table V: 57.53 % zeros over the five layers would weigh by size; here each layer's own.
    layers = {layer.name: layer for layer in load_network("alexnet").layers}
    convs = [layers[f"CONV{i}"] for i in range(1, 6)]
    padded = [(each.H + 2 * each.padding[0]) ** 2 for each in convs]  # the published zeros count the padding
    zeros = [100 * (1 - each.density.iact * each.H**2 / size) for each, size in zip(convs, padded, strict=True)]
    assert zeros == pytest.approx([0.01, 38.7, 72.5, 79.3, 77.6], abs=0.05)
    assert "Han et al., NIPS 2015" in layers["FC6"].density.source


def test_sparse_alexnet_agrees_with_what_is_published() -> None:
    layers = load_network("alexnet_sparse").layers
    weights = sum(layer.weight_words * layer.density.weight for layer in layers)
    assert weights == pytest.approx(5.73e6, rel=0.03)
    assert sum(layer.effectual_macs for layer in layers) == pytest.approx(56e6, rel=0.03)
    assert all(layer.density.source.startswith("assumed") for layer in layers if layer.is_mac)


def small() -> Network:
    names = ("conv1", "conv2", "fc[1]")
    return Network("n", "s", tuple(Layer(name, "fc", M=2, C=3) for name in names), "f")


@pytest.mark.parametrize(
    ("globs", "names"),
    [
        ([], ["conv1", "conv2", "fc[1]"]),
        (["conv*"], ["conv1", "conv2"]),
        (["fc[1]", "conv1"], ["conv1", "fc[1]"]),
        (["*2", "conv?"], ["conv1", "conv2"]),
    ],
)
def test_select(globs: list[str], names: list[str]) -> None:
    assert [layer.name for layer in small().select(globs).layers] == names


@pytest.mark.parametrize(
    ("glob", "message"),
    [
        ("CONV1", "no layer of n matches 'CONV1'; did you mean 'conv1'?"),
        ("zzz*", "no layer of n matches 'zzz*'; its layers: conv1, conv2, fc[1]"),
    ],
)
def test_select_nothing(glob: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        small().select(["conv1", glob])
    assert str(caught.value) == message


def test_unknown_name() -> None:
    with pytest.raises(UsageError, match=r"unknown workload 'resnet51'.*did you mean 'resnet50'"):
        load_network("resnet51")


def test_missing_file() -> None:
    with pytest.raises(InvalidFile, match=r"nothing\.yaml: no such file"):
        load_network("nothing.yaml")


def test_light_import() -> None:
    modules = "accelerator_sim.files.data, accelerator_sim.files.errors, accelerator_sim.workload.network"
    code = f"import sys, {modules}; print(*sorted({{'numpy', 'pydantic', 'yaml', 'numba'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
