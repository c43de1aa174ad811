"""Shapes of the operands of a layer, and how a tensor in a file stands for one."""

from __future__ import annotations

from accelerator_sim.workload.layer import Layer


def iact_shape(layer: Layer) -> tuple[int, ...]:
    """Shape of the input activations, without padding."""
    return layer.N, layer.G * layer.C, layer.D, layer.H, layer.W


def weight_shape(layer: Layer) -> tuple[int, ...]:
    """Shape of the weights; of a matmul, of the second operand."""
    return layer.G * layer.M, layer.C, layer.T, layer.R, layer.S


def tensor_layout(layer: Layer, name: str) -> tuple[tuple[int, ...], int, int]:
    """Return the shape of an operand or of the outputs, the axis along which a tensor in a file may repeat, and its
    block.

    A batch repeats the images, or the pairs of a matmul.  name: "iact", "weight" or "oact".
    """
    matmul = layer.op == "matmul"
    if name == "iact":
        return iact_shape(layer), *((1, layer.C) if matmul else (0, 1))
    if name == "weight":
        return weight_shape(layer), 0, layer.M if matmul else layer.G * layer.M
    return (layer.N, layer.G * layer.M, layer.depth_out, layer.P, layer.Q), *((1, layer.M) if matmul else (0, 1))
