"""Reading the published tables."""

from __future__ import annotations

import csv
from pathlib import Path

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.file import load_plan, mapping_file
from accelerator_sim.validation.publications import load_publications
from accelerator_sim.workload.network_loader import load_network


def read(name: str) -> list[dict[str, str]]:
    """Rows of a table of this folder; lines that begin with # say where it comes from."""
    lines = (Path(__file__).parent / name).read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def compiler() -> Constraints:
    """Rules under which the search returns the chip's mappings (JSSC 2017 Table III)."""
    return load_plan(
        mapping_file("eyeriss_v1_compiler"), load_architecture("eyeriss_v1"), load_network("alexnet")
    ).constraints


CHANNELS = {"CONV1": 1, "CONV2": 7, "CONV3": 7, "CONV4": 8, "CONV5": 8, "FC6": 12, "FC7": 16, "FC8": 15}
"""Channels per PE that the RF part of ISCA 2016 Fig. 10 implies: RF per MAC = 4 - 2 / (q S)."""

_PARTS = {"alu": "mac_energy", "dram": "dram_energy", "glb": "glb_energy", "array": "noc_energy", "rf": "spad_energy"}


def fig10() -> list[dict[str, str]]:
    """ISCA 2016 Fig. 10, a row a layer: the parts that are carried for both kinds of layers, the total, and q."""
    figures = load_publications(["isca16"])["isca16"].figures
    of = {quantity: {k: v for f in figures if f.quantity == quantity for k, v in (f.values or {}).items()}
          for quantity in (*_PARTS.values(), "total_energy")}  # fmt: skip
    rows = []
    for layer, q in CHANNELS.items():
        row = {"layer": layer, "q": str(q), "total": str(of["total_energy"][layer])}
        rows.append(row | {part: str(of[name][layer]) for part, name in _PARTS.items() if layer in of[name]})
    return rows
