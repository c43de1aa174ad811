"""Small and complete files of every kind that the program reads, and what it does with each of them."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import accelerator_sim
from accelerator_sim.baseline.roofline import run_baseline
from accelerator_sim.files.data import resolve
from accelerator_sim.files.vocabulary import Fidelity
from accelerator_sim.mapping.file import load_plan
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network
from tests.mutants import mutate_bytes, mutate_file

TINY = Network(
    "tiny",
    "made up",
    (
        Layer("conv", "conv", C=2, M=4, H=6, W=6, R=3, S=3, padding=(1, 1, 1, 1), density=Density(0.5, 0.5, 0.5)),
        Layer("pool", "pool", iact_words=144, oact_words=36),
    ),
    "tiny.yaml",
)
"""What is run on machines: the mapping search is most of the time."""

NETWORK = """\
name: net
source: made up
density_source: made up
layers:
  - {name: conv, op: conv, C: 3, H: 8, W: 8, M: 4, kernel: 3, stride: 2, padding: 1, density: {iact: 0.5, weight: 0.25}}
  - {name: dw, op: conv, G: 4, C: 1, H: 4, W: 4, M: 1, R: 3, S: 3, padding: same, dilation: [1, 1], repeat: 2}
  - {name: video, op: conv, C: 2, D: 4, T: 3, H: 4, W: 4, M: 2, kernel: [1, 3], padding_d: [1, 1], stride_d: 1}
  - {name: pool, op: pool, inputs: 64, outputs: 16, reads: [dw.1]}
  - {name: fc, op: fc, C: 4, H: 2, W: 2, M: 5, density: {iact: [0.5, 1.0, 0.25, 0.25], kept_channels: [2, 4]}}
  - {name: gemm, op: gemm, rows: 4, C: 8, M: 8, weight_bits: 4.5, effectual_fraction: 0.5}
  - {name: heads, op: matmul, G: 2, rows: 4, C: 8, M: 4}
"""

MAPPING = """\
format: accelerator-sim/mapping/1
constraints:
  {filters_per_pe: [1, 2, 4], channels_per_pe: [1, 2], filter_columns_per_pe: [3, 1], whole_filters: true,
   stationary: [none, iact, weight]}
layers:
  conv:
    cluster_rows: {P: 2}
    cluster_columns: {M: 2}
    pe_rows: {R: 3}
    pe_columns: {P: 2, M: 2}
    M0: 1
    C0: 2
    Q0: 6
    stationary: iact
    encoding: {iact: csc, weight: raw}
"""

LETTERS = """\
format: accelerator-sim/mapping/1
layers:
  conv: {eyeriss_v1: {n: 1, m: 4, e: 6, p: 4, q: 2, r: 1, t: 1}}
"""

DENSITIES = """\
# source: made up
layer,weight,iact,oact,effectual
conv,0.84,1.0,0.88,0.84
fc,0.5,,0.25,
"""

WITH_TENSOR = """\
name: net
layers:
  - {{name: conv, op: conv, C: 2, H: 6, W: 6, M: 4, kernel: 3, density: {{weight: {{file: {file}{key}}}}}}}
"""


@dataclass(frozen=True)
class KindOfFile:
    """Files of one kind: their name, seeds for mutants, what else lies in the folder, and what is done with them.

    use: reads the file and computes something with it; command: the same in words of the command line.
    """

    file: str
    seeds: tuple[str, ...] | bytes
    use: Callable[[Path], object]
    command: tuple[str, ...]
    beside: tuple[tuple[str, str], ...] = ()

    def prepare(self, folder: Path) -> Path:
        """Write what lies beside the file; return where the file goes."""
        for name, text in self.beside:
            (folder / name).write_text(text)
        return folder / self.file

    def mutant(self, number: int, rng: np.random.Generator) -> bytes:
        """Return the mutant of that number."""
        if isinstance(self.seeds, bytes):
            return mutate_bytes(self.seeds, rng)
        return mutate_file(self.seeds[number % len(self.seeds)], number // len(self.seeds), rng)


def builtin(kind: str, name: str, folder: str = "") -> str:
    """Return a built-in file without what its comments and sources say, so that mutants meet its values."""
    lines = resolve("arch_configs", name, kind, folder).read_text().split("\n")
    return "\n".join(line.split("  #")[0].rstrip() for line in lines if line and not line.startswith("#")) + "\n"


def sound(result: NetworkResult) -> NetworkResult:
    """Make sure that no law is broken and every number is finite."""
    assert not any(layer.law_broken for layer in result.layers), [layer.error for layer in result.layers]
    json.dumps(result.to_dict(), allow_nan=False)
    return result


def use_architecture(path: Path) -> None:
    sound(simulate_network(TINY, *load_machine(str(path))))


def use_technology(path: Path) -> None:
    sound(simulate_network(TINY, *load_machine("eyeriss_v2", [("technology", str(path))])))


def use_baseline(path: Path) -> None:
    device = accelerator_sim.load_baseline(str(path))
    for stack in device.family.stacks:
        result = run_baseline(TINY, device, 3, stack=stack)
        assert math.isfinite(result.energy_j * result.latency_s)


def use_software(path: Path) -> None:
    use_baseline(path.with_name("device.yaml"))


def use_network(path: Path) -> None:
    network = load_network(str(path))
    assert all(layer.effectual_macs >= 0 for layer in network.layers)
    sound(simulate_network(network, *load_machine("eyeriss_v2"), Options(fidelity=Fidelity.ANALYTICAL)))
    run_baseline(network, accelerator_sim.load_baseline("jetson_tx1"))


def use_mapping(path: Path) -> None:
    machine = load_machine("eyeriss_v1" if b"eyeriss_v1" in path.read_bytes() else "eyeriss_v2")
    sound(simulate_network(TINY, *machine, Options(plan=load_plan(path, machine[0], TINY))))


def use_densities(path: Path) -> None:
    network = load_network(str(path.with_name("net.yaml")), Choices(densities=str(path)))
    few = network.select(["conv", "fc"])  # those that the file has
    sound(simulate_network(few, *load_machine("eyeriss_v2"), Options(fidelity=Fidelity.ANALYTICAL)))


def use_tensor(path: Path) -> None:
    network = load_network(str(path.with_name("net.yaml")))
    sound(simulate_network(network, *load_machine("eyeriss_v2")))


def _tensors() -> tuple[bytes, bytes, bytes]:
    rng = np.random.default_rng(0)
    values = rng.integers(-3, 4, (4, 2, 3, 3)).astype(np.float32)
    plain, archive, packed = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(plain, values)
    np.savez(archive, w=values, other=values[:1])
    np.savez_compressed(packed, w=values)
    return plain.getvalue(), archive.getvalue(), packed.getvalue()


_PLAIN, _ARCHIVE, _PACKED = _tensors()
_DEVICE = builtin("baseline", "jetson_tx2_maxn", "baselines")
_TINY_FILE = """\
name: tiny
layers: [{name: conv, op: conv, C: 2, M: 4, H: 6, W: 6, kernel: 3, padding: 1}, {name: fc, op: fc, C: 8, M: 4}]
"""
_ANALYTICAL = ("--fidelity", "analytical")


def _with_tensor(file: str, key: str = "") -> tuple[tuple[str, str], ...]:
    return (("net.yaml", WITH_TENSOR.format(file=file, key=key)),)


KINDS = {
    "architecture": KindOfFile(
        "arch.yaml",
        (builtin("architecture", "eyeriss_v2"), builtin("architecture", "eyeriss_v1")),
        use_architecture,
        ("simulate", "tiny.yaml", "--arch", "arch.yaml"),
        (("tiny.yaml", _TINY_FILE),),
    ),
    "technology": KindOfFile(
        "technology.yaml",
        (builtin("technology", "cmos65_8b", "technologies"), builtin("technology", "cmos28_8b", "technologies")),
        use_technology,
        ("simulate", "tiny.yaml", "--set", "technology=./technology.yaml"),
        (("tiny.yaml", _TINY_FILE),),
    ),
    "network": KindOfFile("net.yaml", (NETWORK,), use_network, ("simulate", "net.yaml", *_ANALYTICAL)),
    "baseline": KindOfFile(
        "device.yaml",
        (_DEVICE,),
        use_baseline,
        ("compare", "tiny.yaml", "--baseline", "device.yaml"),
        (("tiny.yaml", _TINY_FILE),),
    ),
    "software": KindOfFile(
        "software.yaml",
        (builtin("software", "tegra_pascal", "baselines/software"),),
        use_software,
        ("compare", "tiny.yaml", "--baseline", "device.yaml"),
        (
            ("tiny.yaml", _TINY_FILE),
            ("device.yaml", _DEVICE.replace("software: tegra_pascal", "software: ./software.yaml")),
        ),
    ),
    "mapping": KindOfFile(
        "mapping.yaml",
        (MAPPING, LETTERS),
        use_mapping,
        ("simulate", "tiny.yaml", "--arch", "eyeriss_v1", "--mapping", "mapping.yaml"),
        (("tiny.yaml", _TINY_FILE),),
    ),
    "densities": KindOfFile(
        "densities.csv",
        (DENSITIES,),
        use_densities,
        ("simulate", "net.yaml", "--densities", "densities.csv", *_ANALYTICAL),
        (("net.yaml", NETWORK),),
    ),
    "npy": KindOfFile("w.npy", _PLAIN, use_tensor, ("simulate", "net.yaml"), _with_tensor("w.npy")),
    "npz": KindOfFile("w.npz", _ARCHIVE, use_tensor, ("simulate", "net.yaml"), _with_tensor("w.npz", ", key: w")),
    "npz, compressed": KindOfFile("w.npz", _PACKED, use_tensor, ("simulate", "net.yaml"), _with_tensor("w.npz")),
}
