"""Pictures of mappings: two that were checked by eye, and every PE of drawn ones against a naive deal."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.mapping.mapping import Factors, Mapping, Stationary
from accelerator_sim.mapping.picture import _cell, array_picture, loop_nest
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.workload.layer import Layer
from tests.oracles.strategies import Case, cases
from tests.oracles.walker import ORDER, Walk

FLAT_NEST = """\
DRAM            for 3 x P                                     # output row, 5 a tile
                  for 2 x M                                   # filter, 12 filters per tile
GLB                 for 2 x C                                 # channel, 4 channels per pass
                      for 3 x M                               # filter, 4 filters per pass
pe rows                 parallel 2 x C                        # channel
                          parallel 3 x R                      # filter row
pe columns                  parallel 5 x P                    # output row
SPad                          for 2 x N                       # image
                                for 11 x Q                    # output column
                                  for 2 x C                   # channel
                                    for 3 x S                 # filter column
                                      for 4 x M               # filter
                                        psum += iact * weight
"""
FLAT_ARRAY = """\
array of 7 x 5 PEs
       +------+------+------+------+------+
row 0  | R0   | R0   | R0   | R0   | R0   |
       | P0   | P1   | P2   | P3   | P4   |
       | M0-3 | M0-3 | M0-3 | M0-3 | M0-3 |
       | C0-1 | C0-1 | C0-1 | C0-1 | C0-1 |
       +------+------+------+------+------+
row 1  | R1   | R1   | R1   | R1   | R1   |
       | P0   | P1   | P2   | P3   | P4   |
       | M0-3 | M0-3 | M0-3 | M0-3 | M0-3 |
       | C0-1 | C0-1 | C0-1 | C0-1 | C0-1 |
       +------+------+------+------+------+
row 2  | R2   | R2   | R2   | R2   | R2   |
       | P0   | P1   | P2   | P3   | P4   |
       | M0-3 | M0-3 | M0-3 | M0-3 | M0-3 |
       | C0-1 | C0-1 | C0-1 | C0-1 | C0-1 |
       +------+------+------+------+------+
row 3  | R0   | R0   | R0   | R0   | R0   |
       | P0   | P1   | P2   | P3   | P4   |
       | M0-3 | M0-3 | M0-3 | M0-3 | M0-3 |
       | C2-3 | C2-3 | C2-3 | C2-3 | C2-3 |
       +------+------+------+------+------+
row 4  | R1   | R1   | R1   | R1   | R1   |
       | P0   | P1   | P2   | P3   | P4   |
       | M0-3 | M0-3 | M0-3 | M0-3 | M0-3 |
       | C2-3 | C2-3 | C2-3 | C2-3 | C2-3 |
       +------+------+------+------+------+
row 5  | R2   | R2   | R2   | R2   | R2   |
       | P0   | P1   | P2   | P3   | P4   |
       | M0-3 | M0-3 | M0-3 | M0-3 | M0-3 |
       | C2-3 | C2-3 | C2-3 | C2-3 | C2-3 |
       +------+------+------+------+------+
row 6  | .    | .    | .    | .    | .    |
       +------+------+------+------+------+
"""
MESH_NEST = """\
DRAM            for 2 x Q                                     # output column, 5 a tile
cluster rows      parallel 4 x M                              # filter
                    parallel 2 x C                            # channel
cluster columns       parallel 2 x P                          # output row
pe rows                 parallel 3 x R                        # filter row
pe columns                parallel 3 x P                      # output row
SPad                        for 2 x P                         # output row
                              for 5 x Q                       # output column
                                for 4 x C                     # channel
                                  for 3 x S                   # filter column
                                    for 10 x M                # filter
                                      psum += iact * weight
"""
MESH_ARRAY = """\
cluster (0, 0) of 8 x 2
       +-----------------+-----------------+-----------------+-----------------+
row 0  | R0 P0 M0-9 C0-3 | R0 P1 M0-9 C0-3 | R0 P2 M0-9 C0-3 | .               |
       +-----------------+-----------------+-----------------+-----------------+
row 1  | R1 P0 M0-9 C0-3 | R1 P1 M0-9 C0-3 | R1 P2 M0-9 C0-3 | .               |
       +-----------------+-----------------+-----------------+-----------------+
row 2  | R2 P0 M0-9 C0-3 | R2 P1 M0-9 C0-3 | R2 P2 M0-9 C0-3 | .               |
       +-----------------+-----------------+-----------------+-----------------+
cluster rows: 4 x filters (M), 2 x channels (C); 8 of 8 used
cluster columns: 2 x output rows (P); 2 of 2 used
"""


def flat() -> Tiling:
    """Two stacks of PE sets of 3 x 5 on an array of 7 x 5."""
    layer = Layer("conv", "conv", N=2, M=20, C=6, H=13, W=13, R=3, S=3)
    architecture = load_architecture("eyeriss_v1", [("pe_cluster", "{rows: 7, columns: 5}")])
    pe_rows, pe_columns = Factors(R=3, C=2), Factors(P=5)
    mapping = Mapping(pe_rows=pe_rows, pe_columns=pe_columns, M0=4, C0=2, N0=2, P0=1, Q0=11, M2=3)
    return Tiling(problem_of(layer, architecture), mapping)


def mesh() -> Tiling:
    """Filters and channels down the clusters of Eyeriss v2, output rows across."""
    layer = Layer("conv", "conv", M=40, C=8, H=10, W=10, R=3, S=3, padding=(1, 1, 1, 1))
    mapping = Mapping(
        cluster_rows=Factors(M=4, C=2),
        cluster_columns=Factors(P=2),
        pe_rows=Factors(R=3),
        pe_columns=Factors(P=3),
        M0=10,
        C0=4,
        P0=2,
        Q0=5,
        stationary=Stationary.PE_WEIGHT,
    )
    return Tiling(problem_of(layer, load_architecture("eyeriss_v2")), mapping)


def test_a_flat_array() -> None:
    assert loop_nest(flat()) + "\n" == FLAT_NEST
    assert array_picture(flat(), width=80) + "\n" == FLAT_ARRAY


def test_a_mesh_of_clusters() -> None:
    assert loop_nest(mesh()) + "\n" == MESH_NEST
    assert array_picture(mesh(), width=80) + "\n" == MESH_ARRAY


def test_filter_columns_in_passes() -> None:
    folded = replace(flat(), mapping=replace(flat().mapping, S0=2))
    assert "for 2 x S                               # filter column, 2 filter columns per pass" in loop_nest(folded)
    assert "| S0-1 |" in array_picture(folded)


def test_a_narrow_terminal_shows_the_first_columns() -> None:
    lines = array_picture(flat(), width=30).splitlines()
    assert lines[0] == "array of 7 x 5 PEs (first 1 of 5 columns)"
    assert all(len(line) <= 30 for line in lines[1:])


@settings(max_examples=200)
@given(cases())
def test_every_pe_shows_what_it_holds_first(case: Case) -> None:
    """In the first pass: its first output row (the others follow in strips), and the range of all else."""
    tiling = Tiling(case.problem, case.mapping)
    columns = list(range(tiling.loops.S))[: case.mapping.S0]
    walk = Walk(tiling.loops, case.mapping, case.problem.architecture)
    first = {d: walk.dealt(d, walk.tiles(d)[0]) for d in ORDER}
    for place in walk.places:
        share = {d: first[d][place.part[d]] for d in ORDER}
        shown = _cell(tiling, *place.cluster, place.row, place.column)
        if not all(share.values()):
            assert shown == "."
            continue
        words = dict.fromkeys(shown.split() if shown != "all" else ())
        for word in words:
            begin, _, end = word[1:].partition("-")
            held = (share | {"S": columns})[word[0]]
            assert int(begin) == held[0]
            assert int(end or begin) == (held[0] if word[0] == "P" else held[-1])
        assert (len(columns) < tiling.loops.S) == any(word[0] == "S" for word in words)
        for dimension, held in share.items():
            several = walk.clusters[dimension] * walk.local[dimension] > 1
            assert not several or any(word[0] == dimension for word in words), f"{shown} says nothing of {dimension}"
            assert len(held) == 1 or dimension not in "MC" or any(word[0] == dimension for word in words)
