"""What other programs read, written from our own layers."""

from __future__ import annotations

from pathlib import Path

from accelerator_sim.workload.formats.scalesim_writer import write_topology
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

SCALESIM_CONFIGURATION = """\
[general]
run_name = peer
[architecture_presets]
ArrayHeight: 12
ArrayWidth: 14
IfmapSramSzkB: 64
FilterSramSzkB: 64
OfmapSramSzkB: 64
IfmapOffset: 0
FilterOffset: 10000000
OfmapOffset: 20000000
Dataflow: os
Bandwidth: 10
ReadRequestBuffer: 64
WriteRequestBuffer: 64
[layout]
IfmapCustomLayout: False
FilterCustomLayout: False
IfmapSRAMBankBandwidth: 10
IfmapSRAMBankNum: 10
IfmapSRAMBankPort: 2
FilterSRAMBankBandwidth: 10
FilterSRAMBankNum: 10
FilterSRAMBankPort: 2
[sparsity]
SparsitySupport: false
SparseRep: ellpack_block
OptimizedMapping: false
BlockSize: 8
RandomNumberGeneratorSeed: 40
[run_presets]
InterfaceBandwidth: CALC
UseRamulatorTrace: False
"""
"""An array of 12 x 14, as Eyeriss v1, output stationary; the program requires every key."""
LAYOUT_FACTORS = 18
"""Numbers that a row of SCALE-Sim's layout has; the file is required, though no custom layout is asked for."""

ZIGZAG_MAPPING = """\
- name: default
  spatial_mapping: {D1: ["K, 14"], D2: ["C, 12"]}
  memory_operand_links: {O: O, W: I2, I: I1}
"""


def write_scalesim(network: Network, layer: Layer, folder: Path) -> None:
    """Write configuration.cfg, topology.csv and layout.csv of one layer of a network into a folder."""
    topology = write_topology(Network(network.name, network.source, (layer,), ""))
    (folder / "configuration.cfg").write_text(SCALESIM_CONFIGURATION)
    (folder / "topology.csv").write_text(topology.files[0][1])
    head = ",".join(["Layer name", *(f"factor {number}" for number in range(LAYOUT_FACTORS))])
    (folder / "layout.csv").write_text(f"{head},\n{layer.name}{',1' * LAYOUT_FACTORS},\n")


def zigzag_workload(layer: Layer) -> str:
    """A dense convolution as a workload of ZigZag, padding left out: loops are those of the outputs."""
    rows, columns = layer.stride
    return f"""\
- id: 0
  name: {layer.name}
  operator_type: Conv
  equation: O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]
  dimension_relations: [ix={columns}*ox+1*fx, iy={rows}*oy+1*fy]
  loop_dims: [B, K, C, OY, OX, FY, FX]
  loop_sizes: [{layer.N}, {layer.M}, {layer.C}, {layer.P}, {layer.Q}, {layer.R}, {layer.S}]
  operand_precision: {{O: 16, O_final: 8, W: 8, I: 8}}
  operand_source: {{I: 0, W: 0}}
"""


def write_zigzag(layer: Layer, folder: Path) -> None:
    """Write workload.yaml and mapping.yaml of one layer into a folder."""
    (folder / "workload.yaml").write_text(zigzag_workload(layer))
    (folder / "mapping.yaml").write_text(ZIGZAG_MAPPING)
