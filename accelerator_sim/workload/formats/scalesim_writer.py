"""A network as one SCALE-Sim topology of convolutions.

Matrix products are 1 x 1 convolutions of an input of one row, which SCALE-Sim runs as the same product.  An IFMAP is
as large as the outputs need it, so that SCALE-Sim, which rounds up, counts as many as this program, which rounds down.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from accelerator_sim.files.errors import UsageError
from accelerator_sim.version import __version__
from accelerator_sim.workload.formats.scalesim import CONVOLUTION, is_depthwise
from accelerator_sim.workload.formats.written import LEFT_OUT, Remarks, Written, one_line, unsaid
from accelerator_sim.workload.layer import LARGEST_SIZE, Layer
from accelerator_sim.workload.network import Network

MOST_ROWS = 100_000
_FINEST = 16
"""The largest M of a sparsity N:M; a density that is none of those was not made by structured pruning."""


@dataclass(frozen=True)
class _WrittenRow:
    name: str
    sizes: tuple[int, ...]
    strides: tuple[int, int]
    sparsity: Fraction
    images: int = 1


def write_topology(network: Network) -> Written:
    """Return a topology of the layers that have multiply-accumulates; groups of several channels become rows.

    Raises UsageError with every layer that a topology cannot express, and why.
    """
    remarks, rows, refused = Remarks(), list[_WrittenRow](), list[str]()
    for layer in network.layers:
        if not layer.is_mac:
            remarks.add(layer, [LEFT_OUT])
            continue
        why = _impossible(layer)
        if not why and len(rows) + (layer.G if _copies(layer) else 1) > MOST_ROWS:
            why = f"its {layer.G} groups take more than {MOST_ROWS} rows"
        if why:
            refused.append(f"{one_line(layer.name)}: {why}")
            continue
        said = unsaid(layer)
        rows += _rows(layer, said)
        remarks.add(layer, said)
    if refused:
        raise UsageError(
            f"a SCALE-Sim topology cannot say all of {network.name} (--layer chooses layers)\n  " + "\n  ".join(refused)
        )
    if not rows:
        raise UsageError(f"{network.name} has no layer with multiply-accumulates to write")
    return Written((("topology.csv", _text(network.name, _renamed(rows), remarks)),), remarks.lines())


def _copies(layer: Layer) -> bool:
    """Whether every group is a row of its own."""
    return layer.G > 1 and (_is_product(layer) or layer.C > 1)


def _is_product(layer: Layer) -> bool:
    """Whether a layer is written as a product of matrices; fc is one of as many rows as images."""
    return layer.op in ("gemm", "matmul") or (layer.op == "fc" and layer.N > 1)


def _in_one_row(layer: Layer) -> bool:
    """Whether the images of a convolution stand side by side, which makes no difference to one of 1 x 1."""
    return layer.N > 1 and (layer.R, layer.S) == (1, 1)


def _impossible(layer: Layer) -> str:
    """Return the part of a layer that a topology cannot express; "" if it can express all."""
    if layer.T > 1 or layer.depth_out > 1:
        return f"a 3-D convolution, {layer.T} depth taps and {layer.depth_out} output planes"
    if layer.transposed:
        return "a transposed convolution"
    if any(dilation > 1 < taps for dilation, taps in zip(layer.dilation, (layer.R, layer.S), strict=True)):
        return f"a dilation of {layer.dilation[0]} x {layer.dilation[1]}"
    largest = max(*_sizes(layer), _channels(layer))
    return f"a size of {largest}, more than {LARGEST_SIZE}" if largest > LARGEST_SIZE else ""


def _sizes(layer: Layer) -> tuple[int, int, int, int]:
    """Return IFMAP height and width, and filter height and width."""
    if _is_product(layer) or _in_one_row(layer):
        return 1, layer.N * layer.P * layer.Q, 1, 1
    rows, columns = layer.stride
    return (layer.P - 1) * rows + layer.R, (layer.Q - 1) * columns + layer.S, layer.R, layer.S


def _channels(layer: Layer) -> int:
    """Return the channels of a group; all words of an image in a product."""
    return layer.C * layer.R * layer.S if _is_product(layer) else layer.C


def _rows(layer: Layer, said: list[str]) -> list[_WrittenRow]:
    height, width, r, s = _sizes(layer)
    strides = layer.stride
    if _is_product(layer) or _in_one_row(layer) or (layer.P, layer.Q) == (1, 1):
        strides = 1, 1
    elif layer.P == 1 or layer.Q == 1:
        strides = (strides[1],) * 2 if layer.P == 1 else (strides[0],) * 2
    images = 1 if _is_product(layer) or _in_one_row(layer) else layer.N
    if layer.N > 1 and layer.op == "conv":
        how = (
            "the images stand side by side in one row"
            if images == 1
            else "its images are a column Batch, which SCALE-Sim itself does not read"
        )
        said.append(how)
    if layer.density.iact != 1.0 or layer.density.oact != 1.0:
        said.append("the densities of activations are left out")
    sparsity = Fraction(layer.density.weight).limit_denominator(_FINEST)
    if abs(float(sparsity) - layer.density.weight) > 1e-9 or sparsity == 0:
        said.append("the density of the weights is left out, being no N:M")
        sparsity = Fraction(1)
    elif sparsity != 1:
        said.append("the density of the weights is said as structured sparsity")
    if layer.G > 1 and not _copies(layer):
        name = layer.name if "DP" in layer.name else f"{layer.name}_DP"
        return [_WrittenRow(name, (height, width, r, s, layer.G, layer.M), strides, sparsity, images)]
    if is_depthwise(layer.name):
        said.append("renamed, so as not to be taken for depthwise")
    plain = re.sub("DP", "D_P", layer.name)
    plain = re.sub(r"(d)(w|epth-?_?wise)", r"\1_\2", plain, flags=re.IGNORECASE) if is_depthwise(plain) else plain
    names = [f"{plain}_g{group}" for group in range(layer.G)] if layer.G > 1 else [plain]
    if layer.G > 1:
        said.append("every group is a row of its own")
    return [
        _WrittenRow(name, (height, width, r, s, _channels(layer), layer.M), strides, sparsity, images) for name in names
    ]


def _renamed(rows: list[_WrittenRow]) -> list[_WrittenRow]:
    """Return the rows with names that a cell can hold, no two the same."""
    seen: set[str] = set()
    unique_rows = []
    for row in rows:
        name = re.sub(r"[,\"#\s\x00-\x1f]+", "_", one_line(row.name)).strip("_") or "layer"
        while name in seen:
            name += "_"
        seen.add(name)
        unique_rows.append(replace(row, name=name))
    return unique_rows


def _text(network: str, rows: list[_WrittenRow], remarks: Remarks) -> str:
    two = any(row.strides[0] != row.strides[1] for row in rows)
    sparse = any(row.sparsity != 1 for row in rows)
    heading = [*CONVOLUTION[:-1], *(("Stride Height", "Stride Width") if two else ("Strides",))]
    batch = any(row.images != 1 for row in rows)
    heading += ["Sparsity"] * sparse + ["Batch"] * batch
    title = re.sub(r"[,#\"]", " ", one_line(network))
    lines = [f"{', '.join(heading)},# {title} written by accelerator-sim {__version__}"]
    for row in rows:
        cells = [row.name, *map(str, row.sizes), *map(str, row.strides if two else row.strides[:1])]
        cells += [f"{row.sparsity.numerator}:{row.sparsity.denominator}"] * sparse + [str(row.images)] * batch
        lines.append(f"{', '.join(cells)},")
    return "\n".join(lines) + "\n"
