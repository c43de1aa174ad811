"""Mappings in the letters of the Eyeriss chip (JSSC 2017 Table III): n, m, e, p, q, r, t.

A pass processes n ifmaps, q x r channels and p x t filters on PE sets of R x e PEs; m filters have their psums in the
GLB.  The sets of r channel groups are stacked, so that their psums add up in the array; those of t filter groups lie
side by side, then stacked; a set wider than the array is cut into sets of equal width, one above the other (26 into two
of 13).  In a layer without a sliding window (fully connected) the n ifmaps are n positions.
"""

from __future__ import annotations

from dataclasses import dataclass

from accelerator_sim.mapping.loops import Loops
from accelerator_sim.mapping.mapping import Factors, Mapping, ceil_div
from accelerator_sim.mapping.tiling import Tiling


@dataclass(frozen=True)
class Letters:
    """The seven mapping parameters of JSSC 2017 Table III."""

    n: int
    m: int
    e: int
    p: int
    q: int
    r: int
    t: int


def set_folds(e: int, loops: Loops, rows: int, columns: int) -> int:
    """Return the fewest PE sets of equal width, one above the other, that e output rows lie on; 0 where none fit.

    Where a set holds all rows of the layer, the last of its parts may be narrower, as for CONV2 of AlexNet: 27 is 14
    and 13.
    """
    wanted = min(e, loops.P)
    for folds in range(ceil_div(wanted, columns), rows // loops.R + 1):
        if wanted == loops.P or wanted % folds == 0:
            return folds
    return 0


def mapping_of(letters: Letters, loops: Loops, rows: int, columns: int) -> Mapping:
    """Place the PE sets on an array of rows x columns PEs.

    Raises ValueError where the sets do not fit, where e cannot be cut into sets of equal width, or where m is not a
    whole number of passes of p x t filters.
    """
    a = letters
    filters = min(a.m, loops.M)
    if filters % (a.p * a.t) and filters != loops.M:
        raise ValueError(f"m = {a.m} is not a multiple of p x t = {a.p * a.t}, the filters of a pass")
    e = min(a.e, loops.P)
    folds = set_folds(e, loops, rows, columns) or ceil_div(e, columns)
    width = ceil_div(e, folds)
    beside = min(a.t, columns // width) if folds == 1 else 1
    while beside > 1 and a.t % beside:
        beside -= 1
    stacked = a.t // beside
    high = loops.R * a.r * stacked * folds
    if high > rows:
        raise ValueError(
            f"the PE sets need {high} rows (R {loops.R} x r {a.r} x {stacked} filter groups x {folds} folds) of {rows}"
        )
    if e < loops.P and e % folds:
        raise ValueError(_uneven(e, loops, rows, columns))
    return Mapping(
        pe_rows=Factors(R=loops.R, C=a.r, M=stacked, P=folds),
        pe_columns=Factors(P=width, M=beside),
        M0=a.p,
        C0=a.q,
        N0=min(a.n, loops.N),
        P0=1,
        Q0=min(a.n, loops.Q) if loops.positions else loops.Q,
        M2=ceil_div(filters, a.p * a.t),
    )


def _uneven(e: int, loops: Loops, rows: int, columns: int) -> str:
    """Say that e output rows cannot be cut, with the nearest numbers that can."""
    even = [x for x in range(1, loops.P + 1) if set_folds(x, loops, rows, columns)]
    near = [max((x for x in even if x < e), default=0), min((x for x in even if x > e), default=0)]
    nearest = " or ".join(str(x) for x in near if x)
    return f"e = {e} cannot be cut into PE sets of equal width of at most {columns} columns; nearest: {nearest}"


def letters_of(tiling: Tiling) -> Letters | None:
    """The letters of a mapping, or None for one that they cannot express.

    They know no clusters, no cut rows or filters, and no more than one strip.
    """
    m, loops = tiling.mapping, tiling.loops
    plain = m.cluster_rows.used * m.cluster_columns.used == 1 and m.parts("G") * m.parts("Q") * m.parts("N") == 1
    if not plain or m.parts("R") < loops.R or m.P0 > 1 or m.S0 < loops.S or (m.Q0 < loops.Q and not loops.positions):
        return None
    return Letters(
        n=m.Q0 if loops.positions else m.N0,
        m=min(loops.M, m.M0 * m.parts("M") * m.M2),
        e=min(loops.P, m.parts("P")),
        p=m.M0,
        q=m.C0,
        r=m.parts("C"),
        t=m.parts("M"),
    )
