"""A network as Timeloop problems (version 0.4), one file per layer."""

from __future__ import annotations

import re
from typing import Any

from accelerator_sim.version import __version__
from accelerator_sim.workload.formats.timeloop_shape import convolution, product
from accelerator_sim.workload.formats.written import LEFT_OUT, Remarks, Written, one_line, unsaid
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.phases import dense_phases


def write_problems(network: Network) -> Written:
    """Return the problems of the layers that have multiply-accumulates, numbered in their order."""
    remarks = Remarks()
    layers = [part for layer in network.layers for part in _problems(layer, remarks)]
    digits = len(str(len(layers)))
    files = []
    for number, layer in enumerate(layers, start=1):
        if not layer.is_mac:
            remarks.add(layer, [LEFT_OUT])
            continue
        said = unsaid(layer)
        name = re.sub(r"[^A-Za-z0-9._+^-]", "_", layer.name)[:100]
        if name != layer.name:
            remarks.add(layer, ["the name of the file differs from that of the layer"])
        remarks.add(layer, said)
        files.append((f"{number:0{digits}}_{name}.yaml", _text(layer, network.name, said)))
    return Written(tuple(files), remarks.lines())


def _problems(layer: Layer, remarks: Remarks) -> tuple[Layer, ...]:
    """The layers that a layer is written as: a transposed convolution as its dense phases."""
    if not layer.transposed:
        return (layer,)
    phases = dense_phases(layer)
    remarks.add(layer, [f"a transposed convolution, written as its {len(phases)} dense phases"])
    return phases


def _text(layer: Layer, network: str, said: list[str]) -> str:
    shape, instance = _problem(layer)
    head = [f"layer {layer.name} of {network}, written by accelerator-sim {__version__}", *said]
    density = layer.density
    if (density.iact, density.weight, density.oact) != (1.0, 1.0, 1.0):
        head.append(f"densities: {density.source}")
    lines = [f"# {one_line(text)}" for text in head]
    lines += ["problem:", "  version: 0.4", "  shape:", f"    name: {shape['name']}"]
    lines.append(f"    dimensions: {_flow(shape['dimensions'])}")
    if "coefficients" in shape:
        lines += ["    coefficients:", *(f"      - {_flow(entry)}" for entry in shape["coefficients"])]
    lines.append("    data_spaces:")
    for space in shape["data_spaces"]:
        lines += [f"      - name: {space['name']}", f"        projection: {_flow(space['projection'])}"]
        lines += ["        read_write: true"] * ("read_write" in space)
    lines += ["  instance:", *(f"    {name}: {_flow(value)}" for name, value in instance.items())]
    return "\n".join(lines) + "\n"


def _problem(layer: Layer) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return shape and instance of a layer."""
    group = "G" if layer.G > 1 else None
    instance: dict[str, Any] = {"G": layer.G} if group else {}
    if layer.op in ("gemm", "matmul"):
        rows, channels = layer.N * layer.depth_out * layer.P * layer.Q, layer.C * layer.T
        if layer.op == "gemm":
            shape = product(("Inputs", "Weights", "Outputs"), rows="N", filters="M", channels="C", group=group)
            instance |= {"N": rows, "M": layer.M, "C": channels}
        else:
            shape = product(("A", "B", "Z"), rows="M", filters="N", channels="K", group=group)
            instance |= {"M": rows, "N": layer.M, "K": channels}
    else:
        depth = layer.T > 1 or layer.depth_out > 1
        shape = convolution(group=group, depth=depth)
        instance |= {"N": layer.N, "M": layer.M, "C": layer.C}
        if depth:
            instance |= {"T": layer.T, "O": layer.depth_out, "Dstride": layer.stride_d}
        instance |= {"R": layer.R, "S": layer.S, "P": layer.P, "Q": layer.Q}
        instance |= {"Wstride": layer.stride[0], "Hstride": layer.stride[1]}
        instance |= {"Wdilation": layer.dilation[0], "Hdilation": layer.dilation[1]}
    density = layer.density
    values = (density.iact, density.weight, density.oact)
    if values != (1.0, 1.0, 1.0):
        spaces = {space["name"]: space for space in shape["data_spaces"]}
        weights, inputs, outputs = spaces if layer.op not in ("gemm", "matmul") else _swapped(list(spaces))
        instance["densities"] = {
            name: {"distribution": "hypergeometric", "density": value}
            for name, value in zip((inputs, weights, outputs), values, strict=True)
        }
    return shape, instance


def _swapped(names: list[str]) -> tuple[str, str, str]:
    inputs, weights, outputs = names
    return weights, inputs, outputs


def _flow(value: Any) -> str:
    """Return lists, mappings and numbers as YAML on one line; all text in them is made of letters."""
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(entry)}" for name, entry in value.items()) + "}"
    return str(value)
