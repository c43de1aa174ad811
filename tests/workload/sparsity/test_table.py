"""Densities from tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelerator_sim.files.errors import InvalidFile, UsageError
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network
from accelerator_sim.workload.sparsity.table import resolve_table, table_names, with_densities

CONV = Layer("conv", "conv", C=4, M=8, H=8, W=8, density=Density(iact=0.7, profile_iact=(0.7,) * 4, source="old"))
POOL = Layer("pool", "pool", iact_words=512, oact_words=128)
NETWORK = Network("n", "s", (CONV, POOL, Layer("fc", "fc", C=128, M=10, effectual_fraction=0.5)), "n.yaml")


def written(folder: Path, text: str) -> Network:
    (folder / "d.csv").write_text(text)
    return with_densities(NETWORK, folder / "d.csv")


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(InvalidFile) as caught:
        written(folder, text)
    return [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]


def test_a_table(tmp_path: Path) -> None:
    network = written(tmp_path, "# source: measured\nlayer,weight,oact\nconv,0.25,\nfc, 0.5 ,0.9\n")
    conv, pool, fc = network.layers
    assert (conv.density.weight, conv.density.oact, conv.density.iact) == (0.25, 1.0, 0.7)
    assert conv.density.profile_iact == CONV.density.profile_iact
    assert conv.density.source == "weight: measured; old"
    assert pool == POOL
    assert (fc.density.weight, fc.density.oact, fc.effectual_fraction) == (0.5, 0.9, None)


def test_iacts_replace_a_profile(tmp_path: Path) -> None:
    conv = written(tmp_path, "layer,iact,effectual\nconv,0.2,0.1\n").layers[0]
    assert (conv.density.iact, conv.density.profile_iact, conv.effectual_fraction) == (0.2, (), 0.1)


@pytest.mark.parametrize("name", table_names())
def test_every_built_in_table_fits_its_network(name: str) -> None:
    plain = load_network(name.split("/")[0])
    pairs = zip(with_densities(plain, resolve_table(name)).layers, plain.layers, strict=True)
    changed = [layer for layer, before in pairs if layer != before]
    assert len(changed) > 4
    assert all("read" in layer.density.source or "derived" in layer.density.source for layer in changed)


def test_han2015() -> None:
    # Han et al., NIPS 2015, Table 4: AlexNet keeps 11% of its weights.
    network = with_densities(load_network("alexnet"), resolve_table("alexnet/han2015"))
    words = sum(layer.weight_words for layer in network.layers)
    assert sum(x.density.weight * x.weight_words for x in network.layers if x.is_mac) / words == pytest.approx(
        0.11, abs=5e-3
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["d.csv:1: is empty; a first line with the columns is required"]),
        (
            "layer,wait\nconv,0.5\n",
            ["d.csv:1: wait: unknown column; did you mean 'weight'?; allowed: weight, iact, oact, effectual"],
        ),
        (
            "name,weight\n",
            ["d.csv:1: the first line names columns: layer, and any of weight, iact, oact, effectual, each once"],
        ),
        ("layer,weight\ncon,0.5\n", ["d.csv:2: layer: no layer 'con'; did you mean 'conv'?"]),
        ("layer,weight\npool,0.5\n", ["d.csv:2: layer: layer 'pool' (pool) has no multiply-accumulates"]),
        ("layer,weight\nconv,0.5\nconv,0.5\n", ["d.csv:3: layer: a second row of layer 'conv'"]),
        ("layer,weight\nconv,0.5,1\n", ["d.csv:2: 3 cells for 2 columns"]),
        (
            "layer,weight,iact\nconv,1.5,x\n",
            ["d.csv:2: conv.weight: 1.5 is not allowed; a density must be between 0 and 1",
             "d.csv:2: conv.iact: 'x' is not a number; a density between 0 and 1 is required"],
        ),
        ("layer,weight\nconv,nan\n", ["d.csv:2: conv.weight: nan is not allowed; a density must be between 0 and 1"]),
    ],
)  # fmt: skip
def test_tables_that_are_none(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert problems(tmp_path, text) == expected


def test_names() -> None:
    with pytest.raises(UsageError, match=r"unknown densities 'alexnet/han'.*; did you mean 'alexnet/han2015'\?"):
        resolve_table("alexnet/han")


def test_a_cell_that_is_too_long(tmp_path: Path) -> None:
    found = problems(tmp_path, "layer,weight\n" + "x" * 200_000 + ",1\n")
    assert found == ["d.csv:2: is not a line of CSV: field larger than field limit (131072)"]


def test_a_name_that_no_file_can_have() -> None:
    with pytest.raises(UsageError, match="unknown densities"):
        resolve_table("n" * 300)
