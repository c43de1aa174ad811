"""Random layers, machines and legal mappings, small enough to be walked one multiply-accumulate at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

import hypothesis.strategies as st
from hypothesis import assume

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.files.data import data_dir
from accelerator_sim.files.model import load_model
from accelerator_sim.files.yaml_tree import Document, load_document
from accelerator_sim.mapping.legality import allowed_dimensions, broken_limits
from accelerator_sim.mapping.mapping import AXES, Encoding, Factors, Mapping, Stationary
from accelerator_sim.mapping.problem import MappingProblem, problem_of
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.phases import is_dense

Draw = st.DrawFn
Overrides = dict[str, str]


# --- layers ----------------------------------------------------------------------------------------------------------
KINDS = ("conv", "conv", "grouped", "depthwise", "pointwise", "line", "volume", "fc", "gemm", "matmul")


@st.composite
def densities(draw: Draw) -> Density:
    """Dense, or anything from no to all non-zeros."""
    if draw(st.booleans()):
        return Density()
    share = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.8, 0.97, 1.0])
    return Density(draw(share), draw(share), draw(share), "drawn")


@st.composite
def layers(draw: Draw, most_macs: int = 2500, largest: int = 7, images: int = 3) -> Layer:
    """A dense layer of any operator with multiply-accumulates; largest: most filters, channels, rows and columns.

    Those that are dilated or transposed are drawn by `spread_layers`.
    """
    small = st.integers(1, 3)
    size = st.integers(1, largest)
    kind = draw(st.sampled_from(KINDS))
    density = draw(densities())
    most = min(density.iact, density.weight)  # as published: any share of the MACs that the zeros leave possible
    fraction = draw(st.sampled_from([None, None, most, 0.5 * most]))
    bits = draw(st.sampled_from([None, None, None, 2.25, 4.5]))  # off-chip, as block quantisation leaves them
    common: dict[str, Any] = {"name": kind, "density": density, "effectual_fraction": fraction, "weight_bits": bits}
    n, m, c = draw(st.integers(1, images)), draw(size), draw(size)
    if kind in ("gemm", "matmul"):
        groups = draw(small) if kind == "matmul" else 1
        layer = Layer(op=kind, N=n, G=groups, W=draw(st.integers(1, 9)), C=c, M=m, **common)
    elif kind == "fc":
        h, w = draw(small), draw(small)
        layer = Layer(op="fc", N=n, C=c, M=m, H=h, W=w, R=h, S=w, **common)
    else:
        layer = _conv(draw, kind, n, m, c, size, common)
    assume(layer.macs <= most_macs)
    return layer


def _conv(draw: Draw, kind: str, n: int, m: int, c: int, size: st.SearchStrategy[int], common: dict[str, Any]) -> Layer:
    small = st.integers(1, 3)
    g = draw(small)
    if kind == "depthwise":
        m = c = 1
    elif kind != "grouped":
        g = 1
    r = s = 1
    stride, padding = (1, 1), (0, 0, 0, 0)
    if kind != "pointwise" or draw(st.booleans()):
        stride = (draw(small), draw(small))
    if kind != "pointwise":
        r, s = draw(st.integers(1, 4)), draw(st.sampled_from([1, 2, 3, 4, 4, 7, 11]))
        if draw(st.booleans()):
            pad = st.integers(0, 3)
            padding = (draw(pad), draw(pad), draw(pad), draw(pad))
    h, w = draw(size), draw(size)
    if kind == "line":
        h = r = 1
        padding = (0, 0, *padding[2:])
    top, bottom, left, right = padding
    assume(r <= h + top + bottom)
    assume(s <= w + left + right)
    deep: dict[str, Any] = {}
    if kind == "volume":
        t = draw(st.integers(1, 2))
        ends = (draw(st.integers(0, 2)), draw(st.integers(0, 1))) if draw(st.booleans()) else (0, 0)
        least = max(1, t - sum(ends))
        deep = {"D": draw(st.integers(least, 3)), "T": t, "stride_d": draw(st.integers(1, 2)), "padding_d": ends}
    return Layer(
        op="conv", N=n, G=g, M=m, C=c, H=h, W=w, R=r, S=s, stride=stride, padding=padding, **deep, **common
    )  # fmt: skip


@st.composite
def spread_layers(draw: Draw, most_macs: int = 2500) -> Layer:
    """A dilated or transposed convolution, of one to three dimensions."""
    small, size = st.integers(1, 3), st.integers(1, 6)
    transposed, deep = draw(st.booleans()), draw(st.booleans()) and draw(st.booleans())
    pad = st.integers(0, 3)
    fields: dict[str, Any] = {
        "N": draw(st.integers(1, 2)), "G": draw(st.integers(1, 2)), "M": draw(small), "C": draw(small),
        "H": draw(size), "W": draw(size), "R": draw(st.integers(1, 4)), "S": draw(st.integers(1, 5)),
        "stride": (draw(small), draw(st.integers(1, 4))), "dilation": (draw(st.integers(1, 4)), draw(small)),
        "padding": (draw(pad), draw(pad), draw(pad), draw(pad)), "transposed": transposed,
    }  # fmt: skip
    if transposed:
        fields["output_padding"] = (draw(st.integers(0, 2)), draw(st.integers(0, 1)))
    if deep:
        fields |= {"D": draw(small), "T": draw(st.integers(1, 2)), "stride_d": draw(st.integers(1, 2))}
        fields |= {"padding_d": (draw(st.integers(0, 1)), 0)}
        fields |= {"output_padding_d": draw(st.integers(0, 1))} if transposed else {}
    try:
        layer = Layer("spread", "conv", density=draw(densities()), **fields)
    except ValueError:  # the filter spans more than there is, or all outputs are cut off
        assume(False)
        raise
    assume(layer.macs <= most_macs and not is_dense(layer))
    return layer


# --- machines --------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=4)
def _document(name: str) -> Document:
    return load_document(data_dir("arch_configs") / f"{name}.yaml")


def machine(name: str, overrides: Overrides) -> Architecture:
    """A built-in machine with changes."""
    return load_model(Architecture, _document(name), list(overrides.items()))


def machines(roomy: bool = True, largest: int = 4) -> st.SearchStrategy[Architecture]:
    """A machine of either kind of network.

    roomy: memories that seldom limit a mapping; else tight ones, so that the search has something to avoid; largest:
    sides of the cluster array and of a cluster.  A machine is one draw (its number), so that drawing stays cheap.
    """
    return st.integers(0, 1 << 16).map(lambda number: drawn_machine(number, roomy, largest))


FLAT_KINDS = ("multicast_bus", "multicast_bus", "broadcast", "unicast", "unicast")


@lru_cache(maxsize=1024)
def drawn_machine(number: int, roomy: bool = True, largest: int = 4) -> Architecture:
    """The machine of a number."""
    name, change = _drawn(number, roomy, largest)
    return machine(name, change | _control(number, change))


def controlled_machine(number: int, names: Sequence[str]) -> tuple[Architecture, Architecture]:
    """The machine of a number with some options of control, and without them (but with what they need)."""
    name, change = _drawn(number, True, 4)
    values = control_of(change, names, Random(f"values of {number}"))
    without = {path: text for path, text in values.items() if path not in names}
    return machine(name, change | values), machine(name, change | without)


def _drawn(number: int, roomy: bool, largest: int) -> tuple[str, Overrides]:
    """A built-in machine and the changes that make the machine of a number of it, without options of control."""
    dice = Random(number)
    flat = dice.random() < 0.5
    rows, columns = (dice.randint(1, largest + 2 * flat) for _ in range(2))
    change: Overrides = {"pe_cluster": f"{{rows: {rows}, columns: {columns}}}"}
    if flat:
        other = Random(f"kind of {number}")  # dice of their own, so that the machine is else what it was
        kind = other.choice(FLAT_KINDS)
        ports = Random(f"ports of {number}").choice([0, 0, 0, 1, 2, 3, 5])  # dice of their own again
        for tensor in ("iact", "weight", "psum"):
            words = dice.choice([1, 1, 2, 4])
            if kind == "unicast":  # links narrower than a word, and wider ones
                words *= other.choice([1, -(-rows * columns // 3), rows * columns])
            change[f"noc.{tensor}"] = f"{{kind: {kind}, words_per_cycle: {words}}}"
            if ports and kind != "unicast":
                change[f"noc.{tensor}"] = f"{{kind: all_to_all, ports: {ports}, words_per_cycle: {words}}}"
    else:
        change |= _mesh(dice, rows, columns, largest)
    change |= _pe(dice, roomy)
    change |= _glb(dice, roomy)
    for name in ("weight_fill", "iact_fill", "psum_drain", "dram_iact", "dram_oact"):
        change[f"overlap.{name}"] = _flag(dice)
    banks = any(f"weight: {{banks: {n}," in change["glb"] for n in (1, 2))
    change["overlap.dram_weight"] = _flag(dice) if banks else "false"
    bandwidth = dice.choice(["unlimited", "100 MB/s", "1 GB/s", "25 GB/s"])
    latency = Random(f"latency of {number}").choice([0, 20, 100])
    compressed = dice.choice(["", "iact", "iact, oact", "iact, weight, oact"])
    change["dram"] = (
        f"{{bandwidth: {bandwidth}, latency: {latency} ns, duplex: {_flag(dice)},"
        f" compression: {dice.choice(['none', 'rlc', 'csc'])}, rlc_run: 5 b, rlc_word: 64 b,"
        f" compressed: [{compressed}], padding: {dice.choice(['stored', 'skipped'])}}}"
    )
    change["configuration.cycles"] = str(dice.choice([0, 17, 300]))
    more = Random(f"later entries of {number}")  # dice of their own, so that the machine is else what it was
    change["overlap.weight_stream"] = more.choice(["raw", "all"])
    if more.random() < 0.2:
        change["pe.packed"] = f"{{width: {more.choice([4, 16])} b, macs: {more.choice([2, 3])}}}"
    access = more.choice(["alternate", "burst"])
    two_ports = "ports: 2" in change["glb"].partition("psum: {")[2].partition("}")[0]
    change["glb.psum.access"] = "alternate" if two_ports else access  # bursts share a port
    change["glb.psum.port_width"] = more.choice(["40 b", "40 b", "20 b"])  # flits of one psum are more flits
    return "eyeriss_v1" if flat else "eyeriss_v2", change


CONTROL: dict[str, tuple[str, ...]] = {
    "pe.lock_step": ("chain", "array"),
    "pe.start_latency": ("2", "3"),
    "pe.iact_buffer": ("single",),
    "pe.iact_window": ("reload",),
    "pe.weights_stay": ("false",),
    "pe.psum_service.start": ("1", "6"),
    "pe.psum_service.latency": ("2", "3"),
    "noc.hop_cycles": ("0",),
    "noc.iact.words_per_cycle": ("1",),
    "pe.csc.iact_stream": ("words", "filled"),
    "pe.csc.weight_addresses_per_cycle": ("1", "2"),
    "pe.csc.more_weight_addresses": ("1", "2"),
    "overlap.iact_start": ("1", "2"),
    "overlap.glb_fill": ("true",),
    "configuration.per": ("pass",),
}
"""Options of control, and values of each one beside the one that it has where it is left out."""
NEEDS = {
    "pe.start_latency": "pe.lock_step",
    "pe.csc.more_weight_addresses": "pe.csc.weight_addresses_per_cycle",
}
"""Options that go with another one only."""


def _control(number: int, change: Overrides) -> Overrides:
    """Options of control of the machine of a number: none, some or many of them."""
    dice = Random(f"control of {number}")  # dice of their own, so that the machine is else what it was
    share = dice.choice([0.0, 0.0, 0.15, 0.5])
    return control_of(change, [name for name in CONTROL if dice.random() < share], dice)


def control_of(change: Overrides, names: Sequence[str], dice: Random) -> Overrides:
    """Values of some options of control, of those that a machine may have, with what goes along with them."""
    wanted = dict.fromkeys([*names, *(NEEDS[name] for name in names if name in NEEDS)])
    if change.get("pe.csc") == "null":
        wanted = {name: None for name in wanted if "csc" not in name}
    if "cluster_array" not in change:
        wanted.pop("noc.iact.words_per_cycle", None)
    values = {name: dice.choice(CONTROL[name]) for name in wanted}
    if "pe.iact_buffer" in values:
        values["overlap.iact_fill"] = "false"
    return values


def _flag(dice: Random) -> str:
    return dice.choice(["true", "false"])


def _mesh(dice: Random, rows: int, columns: int, largest: int) -> Overrides:
    psum, torus = dice.choice(["", "south", "north, south"]), f"torus: {_flag(dice)}"
    tall = "true" in torus and dice.random() < 0.2  # room for interleaved trees with two arms: 3 filters, 2 channels
    array = (6, 1) if tall else (dice.randint(1, largest), dice.randint(1, largest))
    return {
        "cluster_array": f"{{rows: {array[0]}, columns: {array[1]}}}",
        "noc.iact": f"{{kind: hierarchical_mesh, routers: {dice.randint(1, 3)}, port_width: 24 b,"
        f" directions: [north, south, horizontal], {torus}}}",
        "noc.weight": f"{{kind: hierarchical_mesh, routers: {rows}, port_width: 24 b, directions: [horizontal],"
        f" {torus}}}",
        "noc.psum": f"{{kind: hierarchical_mesh, routers: {columns}, port_width: 40 b, directions: [{psum}]}}",
    }


def _pe(dice: Random, roomy: bool) -> Overrides:
    simd, csc = dice.randint(1, 3), dice.random() < 0.5
    change = {
        "pe.macs_per_cycle": str(simd),
        "pe.csc": "{count: 4 b}" if csc else "null",
        "pe.zero_iact": "skip" if csc else dice.choice(["skip", "gate", "none"]),
        "pe.fifo_depth": f"{{iact: {dice.randint(1, 5)}, weight: 4, psum: {dice.randint(1, 5)}}}",
        "pe.iact_read": dice.choice(["per_mac", "per_iact"]),
        "pe.pipeline_stages": str(dice.choice([1, 3, 7])),
        "pe.min_cycles_per_iact": str(dice.choice([1, 1, 1, 2, 3])),
        "pe.psum_service": f"{{cycles_per_psum: {dice.choice(['0', '0.5', '1'])}, overlaps_macs: {_flag(dice)}}}",
    }
    if dice.random() < 0.2:
        size = 4096 if roomy else dice.choice([32, 64, 256])
        spads = "iact: {width: 12 b}, weight: {width: 24 b, values_per_word: 2}, psum: {width: 20 b}"
        spads += f", shared: {size} B"
    else:
        iacts, weights, psums = (512, 512, 64) if roomy else [dice.choice(d) for d in TIGHT_SPADS]
        spads = (
            f"iact: {{depth: {iacts}, width: 12 b}}, weight: {{depth: {weights}, width: {12 * simd} b,"
            f" values_per_word: {simd}}}, psum: {{depth: {psums}, width: 20 b}}"
        )
        if csc and dice.random() < 0.5:
            spads += ", iact_address: {depth: 16, width: 4 b}, weight_address: {depth: 64, width: 7 b}"
    return change | {"pe.spad": "{" + spads + "}"}


TIGHT_SPADS = ([4, 12, 30], [6, 24, 96], [1, 3, 16])
"""Depths of tight iact, weight and psum SPads."""


def _glb(dice: Random, roomy: bool) -> Overrides:
    def size() -> str:
        return "64 KiB" if roomy else dice.choice(["64 B", "256 B", "1 KiB"])

    shared = dice.choice(["", "", "iact", "psum", "iact, psum", "iact, psum, weight"])
    parts = []
    for tensor, width in (("iact", 24), ("psum", 40)):
        own = "" if tensor in shared else f"banks: {dice.randint(1, 3)}, size: {size()}, "
        bypass = f", bypass: {_flag(dice)}" if tensor == "iact" else ""
        parts.append(f"{tensor}: {{{own}port_width: {width} b, ports: {dice.randint(1, 2)}{bypass}}}")
    if "weight" not in shared and dice.random() < 0.5:
        parts.append(f"weight: {{banks: {dice.randint(0, 2)}, size: {size()}, port_width: 64 b}}")
    if shared:
        banks, bank = (64, "16 KiB") if roomy else (dice.randint(2, 12), dice.choice(["32 B", "128 B"]))
        parts.append(f"shared: {{banks: {banks}, size: {bank}, tensors: [{shared}]}}")
    parts.append(f"psum_read_first: {_flag(dice)}, psum_final_to_dram: {_flag(dice)}")
    return {"glb": "{" + ", ".join(parts) + "}"}


# --- mappings --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Case:
    """A layer on a machine with a mapping of it."""

    problem: MappingProblem
    mapping: Mapping


@st.composite
def factors(draw: Draw, places: int, allowed: str, problem: MappingProblem) -> Factors:
    """Parts of the dimensions that an axis may carry, in any order of preference."""
    sizes, parts, left = problem.loops.sizes, {}, places
    for dimension in draw(st.permutations(allowed)):
        parts[dimension] = draw(st.integers(1, max(1, min(left, sizes[dimension]))))
        left //= parts[dimension]
    return Factors(**parts)


@st.composite
def mappings(draw: Draw, problem: MappingProblem) -> Mapping:
    """A legal mapping of a problem."""
    architecture, loops = problem.architecture, problem.loops
    sizes = {
        "cluster_rows": architecture.cluster_array.rows,
        "cluster_columns": architecture.cluster_array.columns,
        "pe_rows": architecture.pe_cluster.rows,
        "pe_columns": architecture.pe_cluster.columns,
    }
    axes = {}
    for axis in AXES:
        allowed = allowed_dimensions(axis, architecture.flat)
        if axis == "cluster_rows" and not problem.psums_chain:
            allowed = allowed.replace("C", "")
        axes[axis] = draw(factors(sizes[axis], allowed, problem))
    tiles = {f"{d}0": draw(st.integers(1, loops.sizes[d])) for d in "MCNPQ"}
    tiles["S0"] = draw(st.sampled_from([loops.S, draw(st.integers(1, loops.S))]))
    kept = [Stationary.NONE, Stationary.IACT, Stationary.PE_WEIGHT]
    if problem.weight_may_stay:
        kept.append(Stationary.WEIGHT)
    mapping = Mapping(
        **axes,
        **tiles,
        M2=draw(st.integers(1, 4)),
        stationary=draw(st.sampled_from(kept)),
        iact_encoding=problem.iact_encoding,
        weight_encoding=problem.weight_encoding,
    ).clipped(loops)
    assume(not broken_limits(Tiling(problem, mapping)))
    return mapping


@st.composite
def problems(draw: Draw, roomy: bool = True, **limits: int) -> MappingProblem:
    """A layer (within the limits of `layers`) on a machine."""
    architecture = draw(machines(roomy=roomy))
    layer = draw(layers(**limits))
    encodings = [Encoding.RAW] if architecture.pe.csc is None else [Encoding.RAW, Encoding.CSC]
    return problem_of(layer, architecture, draw(st.sampled_from(encodings)), draw(st.sampled_from(encodings)))


@st.composite
def cases(draw: Draw, roomy: bool = True, **limits: int) -> Case:
    """A layer (within the limits of `layers`), a machine and a legal mapping."""
    problem = draw(problems(roomy=roomy, **limits))
    return Case(problem, draw(mappings(problem)))


@st.composite
def controlled(draw: Draw, names: Sequence[str], **limits: int) -> tuple[Case, Case]:
    """A case on a machine with some options of control, and the same without any."""
    both = controlled_machine(draw(st.integers(0, 1 << 16)), names)
    layer = draw(layers(**limits))
    encodings = [Encoding.RAW] if both[0].pe.csc is None else [Encoding.RAW, Encoding.CSC]
    coded = draw(st.sampled_from(encodings)), draw(st.sampled_from(encodings))
    mapping = draw(mappings(problem_of(layer, both[0], *coded)))
    with_them, without = (Case(problem_of(layer, one, *coded), mapping) for one in both)
    return with_them, without


@st.composite
def bursts(draw: Draw, **limits: int) -> Case:
    """A case on a machine whose psum banks have one port and work in bursts, most often in every pass.

    Flits are of one psum, and PEs move one per cycle, so that a window has several and the port binds.
    """
    architecture = draw(machines().filter(lambda machine: not machine.flat))
    store = architecture.glb.psum.model_copy(update={"access": "burst", "ports": 1, "port_width": 20})
    ends = {"psum_read_first": draw(st.sampled_from([True, True, False]))}
    ends["psum_final_to_dram"] = draw(st.sampled_from([False, False, True]))
    service = architecture.pe.psum_service.model_copy(update={"cycles_per_psum": 0.5})
    quick = {"psum_service": service, "pipeline_stages": draw(st.sampled_from([1, architecture.pe.pipeline_stages]))}
    architecture = architecture.model_copy(
        update={
            "glb": architecture.glb.model_copy(update={"psum": store, **ends}),
            "pe": architecture.pe.model_copy(update=quick),
        }
    )
    layer = draw(layers(**limits))
    encodings = [Encoding.RAW] if architecture.pe.csc is None else [Encoding.RAW, Encoding.CSC]
    problem = problem_of(layer, architecture, draw(st.sampled_from(encodings)), draw(st.sampled_from(encodings)))
    return Case(problem, draw(mappings(problem)))
