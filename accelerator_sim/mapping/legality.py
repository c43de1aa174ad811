"""Whether a mapping fits the machine, and if not, which limit it breaks and by how much."""

from __future__ import annotations

import math

from accelerator_sim.mapping.mapping import AXES, TILES, Stationary, ceil_div
from accelerator_sim.mapping.tiling import Tiling

_DIMENSIONS = {
    "cluster_rows": "GNMPQC",
    "cluster_columns": "GNMPQ",
    "pe_rows": "RC",
    "pe_columns": "GNMPQ",
}
_FLAT_DIMENSIONS = _DIMENSIONS | {"pe_rows": "RCGNMPQ"}


def broken_limits(tiling: Tiling) -> list[str]:
    """Every limit of the architecture that a mapping breaks, in words; empty for a legal mapping."""
    return _shape_limits(tiling) or [*_order_limits(tiling), *_glb_limits(tiling)]


def allowed_dimensions(axis: str, flat: bool) -> str:
    """Dimensions that an axis may carry: psums add up along PE rows (and down cluster rows), never across columns."""
    return (_FLAT_DIMENSIONS if flat else _DIMENSIONS)[axis]


def _shape_limits(tiling: Tiling) -> list[str]:
    problem, mapping = tiling.problem, tiling.mapping
    architecture = problem.architecture
    broken: list[str] = []
    places = {
        "cluster_rows": architecture.cluster_array.rows,
        "cluster_columns": architecture.cluster_array.columns,
        "pe_rows": architecture.pe_cluster.rows,
        "pe_columns": architecture.pe_cluster.columns,
    }
    for axis in AXES:
        factors = getattr(mapping, axis)
        if factors.used > places[axis]:
            parts = " x ".join(f"{d} {n}" for d, n in factors.as_dict().items())
            broken.append(f"{axis}: {parts} = {factors.used} > {places[axis]}")
        for dimension in factors.as_dict():
            if dimension not in allowed_dimensions(axis, architecture.flat):
                allowed = ", ".join(allowed_dimensions(axis, architecture.flat))
                broken.append(f"{axis} cannot carry {dimension}; allowed: {allowed}")
    for name in TILES:
        if getattr(mapping, name) < 1:
            broken.append(f"{name} = {getattr(mapping, name)}; at least 1")
    if not broken:
        limit = problem.spad_limit(mapping.M0, mapping.C0, tiling.taps)
        if limit:
            broken.append(limit)
    return broken


def _order_limits(tiling: Tiling) -> list[str]:
    mapping, broken = tiling.mapping, []
    if mapping.cluster_rows.C > 1 and tiling.accumulations > 1 and not tiling.problem.psums_return:
        broken.append(
            f"a psum chain over {mapping.cluster_rows.C} clusters needs one accumulation pass, not"
            f" {tiling.accumulations}: psum links lead south only, so sums cannot return to the start of the chain"
        )
    if mapping.cluster_rows.C > 1 and not tiling.problem.psums_chain:
        broken.append("noc.psum has no vertical links; cluster_rows cannot carry C")
    if tiling.loops.held and (mapping.stationary is not Stationary.IACT or tiling.tiles > 1):
        broken.append(
            f"iacts that lie in the GLB need stationary iact and one tile of positions (is {mapping.stationary.value},"
            f" has {tiling.tiles})"
        )
    if mapping.stationary is Stationary.PE_WEIGHT and (tiling.accumulations > 1 or mapping.M2 > 1):
        broken.append(
            f"stationary pe_weight needs one pass for a psum (has {tiling.accumulations}) and M2 = 1 (is {mapping.M2})"
        )
    if mapping.stationary is Stationary.WEIGHT and not tiling.problem.weight_may_stay:
        broken.append("stationary weight needs weights in glb.shared, which this architecture does not have")
    return broken


def _glb_limits(tiling: Tiling) -> list[str]:
    architecture, broken = tiling.problem.architecture, []
    iact_bits, psum_bits, weight_bits = glb_use(tiling)
    shared = architecture.glb.shared
    banks = 0
    for tensor, bits in (("iact", iact_bits), ("psum", psum_bits), ("weight", weight_bits)):
        if shared is not None and architecture.glb.shares(tensor):
            banks += ceil_div(bits, shared.size * 8)
        elif bits > (room := architecture.glb.own_bits(tensor)) and (bits or tensor != "weight"):
            broken.append(f"the {tensor} GLB of a cluster: {bits / 8192:.6g} KiB > {room / 8192:.6g} KiB")
    if shared is not None and banks > shared.banks:
        broken.append(
            f"the shared GLB: {banks} banks of {shared.size} B > {shared.banks} banks"
            f" (iact {iact_bits / 8192:.6g}, psum {psum_bits / 8192:.6g}, weight {weight_bits / 8192:.6g} KiB)"
        )
    return broken


def glb_use(tiling: Tiling) -> tuple[int, int, int]:
    """Bits of one cluster's GLB that iacts, psums and weights take (on a mesh, of the fullest cluster)."""
    problem, mapping = tiling.problem, tiling.mapping
    flat = problem.architecture.flat
    iact = 0
    if not tiling.iact_bypasses_glb:
        words = tiling.iact_tile if flat else ceil_div(tiling.iact_cluster_tile, mapping.array_parts("M"))
        iact = math.ceil(words * tiling.iact_pairs) * problem.iact_bits
    psum = 0
    if not tiling.psum_bypasses_glb:
        columns = problem.architecture.pe_cluster.columns
        words = tiling.psum_tile if flat else tiling.psum_column_tile * columns
        psum = words * problem.architecture.precision.psum
    weight = 0
    if mapping.stationary is Stationary.WEIGHT:
        weight = math.ceil(tiling.weight_tile * tiling.weight_pairs) * problem.weight_bits
    elif problem.weight_through_glb:
        weight = math.ceil(tiling.weight_pass * tiling.weight_pairs) * problem.weight_bits
    return iact, psum, weight
