"""Networks as kernels: what is fused, what becomes one, what is moved."""

from __future__ import annotations

from accelerator_sim.baseline.gpu_kernels import Kernel, kernels_of
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network


def kernels(*layers: Layer) -> tuple[Kernel, ...]:
    return kernels_of(Network("n", "s", layers, "n.yaml"))


CONV = Layer("conv", "conv", C=8, M=4, H=6, W=6, R=3, S=3, padding=(1, 1, 1, 1))


def test_one_kernel_a_layer() -> None:
    pool = Layer("pool", "pool", iact_words=144, oact_words=36)
    first, second = kernels(CONV, pool)
    assert first == Kernel(("conv",), "conv", 2 * 4 * 8 * 9 * 36, 4 * 8 * 9 + 8 * 36 + 4 * 36)
    assert second == Kernel(("pool",), "memory", 0, 180)


def test_kinds() -> None:
    image = Layer("image", "conv", C=3, M=4, H=6, W=6, R=3, S=3)
    depthwise = Layer("dw", "conv", G=8, H=6, W=6, R=3, S=3)
    pointwise = Layer("pw", "conv", C=3, M=4, H=6, W=6)
    fc, matmul = Layer("fc", "fc", C=4, M=4, H=2, W=2, R=2, S=2), Layer("mm", "matmul", G=2, C=4, M=4, W=3)
    kinds = [kernel.kind for kernel in kernels(image, depthwise, pointwise, fc, matmul)]
    assert kinds == ["first", "depthwise", "pointwise", "pointwise", "pointwise"]


def test_a_residual_costs_one_more_input_and_no_kernel() -> None:
    add = Layer("add", "add", iact_words=2 * 144, oact_words=144)
    (alone,), (fused,) = kernels(CONV), kernels(CONV, add)
    assert fused == Kernel(("conv", "add"), "conv", alone.flop, alone.words + 144)


def test_an_add_of_another_size_is_a_kernel() -> None:
    add = Layer("add", "add", iact_words=2 * 100, oact_words=100)
    assert [kernel.layers for kernel in kernels(CONV, add)] == [("conv",), ("add",)]


def test_an_activation_is_fused_and_a_softmax_is_not() -> None:
    relu = Layer("relu", "activation", iact_words=144, oact_words=144)
    softmax = Layer("softmax", "softmax", iact_words=144, oact_words=144)
    assert [kernel.layers for kernel in kernels(CONV, relu, softmax)] == [("conv", "relu"), ("softmax",)]


def test_pointwise_convolutions_of_one_input_become_one() -> None:
    a, b = (Layer(name, "conv", C=8, M=m, H=6, W=6, reads=("x",)) for name, m in (("a", 4), ("b", 2)))
    other = Layer("c", "conv", C=8, M=2, H=6, W=6, reads=("y",))
    joined, apart = kernels(a, b, other)
    assert joined == Kernel(("a", "b"), "pointwise", 2 * 6 * 8 * 36, 8 * 36 + 6 * 8 + 6 * 36)
    assert apart.layers == ("c",)


def test_an_inception_block_has_four_kernels_and_a_pool() -> None:
    names = [kernel.layers for kernel in kernels_of(load_network("googlenet")) if "inception4c" in kernel.layers[0]]
    assert names == [
        ("inception4c.branch1.conv", "inception4c.branch2.0.conv", "inception4c.branch3.0.conv"),
        ("inception4c.branch2.1.conv",), ("inception4c.branch3.1.conv",), ("inception4c.branch4.0",),
        ("inception4c.branch4.1.conv",),
    ]  # fmt: skip


def test_no_operation_is_lost() -> None:
    for name in ("googlenet", "resnet50", "mobilenet_v2", "bert_base"):
        network = load_network(name).with_batch(3)
        of_kernels = [layer for kernel in kernels_of(network) for layer in kernel.layers]
        assert sorted(of_kernels) == sorted(layer.name for layer in network.layers)
        assert sum(kernel.flop for kernel in kernels_of(network)) == 2 * network.macs
