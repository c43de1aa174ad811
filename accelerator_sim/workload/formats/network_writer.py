"""A network as a network file, from which the same layers are read back."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from accelerator_sim.files.yaml_dump import dump
from accelerator_sim.workload.formats.written import Remarks, Written
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network


def write_network(network: Network) -> Written:
    """Return a network file.  Tensors are named by their full paths.

    Raises ValueError for a layer that only code can make, e.g. a gemm with a stride.
    """
    head: dict[str, Any] = {"name": network.name, "source": network.source or "not stated"}
    if network.batch > 1:
        head["batch"] = network.batch
    if network.notes:
        head["notes"] = network.notes
    remarks, entries, names = Remarks(), [], set[str]()
    for layer in network.layers:
        kept = tuple(name for name in layer.reads if name in names)
        if kept != layer.reads:  # some layers were selected out of a network
            remarks.add(layer, ["what it reads is left out, where that is not written before it"])
        entries.append(_entry(replace(layer, reads=kept)))
        names.add(layer.name)
    return Written((("network.yaml", dump({**head, "layers": entries}, one_line=True)),), remarks.lines())


def _entry(layer: Layer) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": layer.name, "op": layer.op}
    if layer.is_mac:
        entry |= _sizes(layer)
        if layer.density != Density():
            entry["density"] = _density(layer.density)
        if layer.effectual_fraction is not None:
            entry["effectual_fraction"] = layer.effectual_fraction
        if layer.weight_bits is not None:
            entry["weight_bits"] = layer.weight_bits
    else:
        entry |= {"inputs": layer.iact_words, "outputs": layer.oact_words}
        if layer.uncounted:
            entry["uncounted"] = layer.uncounted
    if layer.reads:
        entry["reads"] = list(layer.reads)
    return entry


def _sizes(layer: Layer) -> dict[str, Any]:
    """Return the sizes of a layer, those that are 1 by default left out."""
    entry: dict[str, Any] = {name: getattr(layer, name) for name in ("N", "G") if getattr(layer, name) != 1}
    entry |= {"C": layer.C, "M": layer.M}
    said = {"name", "op", "N", "G", "M", "C", "density", "effectual_fraction", "weight_bits", "reads"}
    if layer.op == "conv":
        entry |= {"H": layer.H, "W": layer.W, "kernel": _same(layer.R, layer.S)}
        top, bottom, left, right = layer.padding
        padding = _same(top, left) if (top, left) == (bottom, right) else list(layer.padding)
        more = {
            "stride": (_same(*layer.stride), 1),
            "padding": (padding, 0),
            "dilation": (_same(*layer.dilation), 1),
            "D": (layer.D, 1),
            "T": (layer.T, 1),
            "stride_d": (layer.stride_d, 1),
            "padding_d": (_same(*layer.padding_d), 0),
            "transposed": (layer.transposed, False),
            "output_padding": (_same(*layer.output_padding), 0),
            "output_padding_d": (layer.output_padding_d, 0),
        }
        return entry | {name: value for name, (value, default) in more.items() if value != default}
    if layer.op == "fc":
        entry |= {name: getattr(layer, name) for name in ("H", "W") if getattr(layer, name) != 1}
        said |= {"H", "W"}
        plain = Layer(layer.name, "fc", H=layer.H, W=layer.W, R=layer.H, S=layer.W)
        said -= {"R", "S"}
    else:
        entry["rows"] = layer.W
        said |= {"W"}
        said -= {"N"} if layer.op == "matmul" else set()
        plain = Layer(layer.name, layer.op, W=layer.W)
    for name in Layer.__dataclass_fields__:
        if name not in said and getattr(layer, name) != getattr(plain, name):
            raise ValueError(f"layer {layer.name}: a network file has no {name} for {layer.op}; make it a conv")
    return entry


def _same(first: int, second: int) -> int | list[int]:
    return first if first == second else [first, second]


def _density(density: Density) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for name, tensor, profile in (
        ("iact", density.tensor_iact, density.profile_iact),
        ("weight", density.tensor_weight, density.profile_weight),
    ):
        if tensor is not None:
            file, key = tensor
            entry[name] = {"file": os.path.abspath(file)} | ({"key": key} if key else {})
        elif profile:
            entry[name] = list(profile)
        elif getattr(density, name) != 1.0:
            entry[name] = getattr(density, name)
    if density.oact != 1.0:
        entry["oact"] = density.oact
    if density.kept_channels is not None:
        entry["kept_channels"] = list(density.kept_channels)
    return entry | {"source": density.source}
