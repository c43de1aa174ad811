"""The letters of JSSC 2017 Table III, there and back."""

from __future__ import annotations

import pytest

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.mapping.eyeriss_v1 import Letters, letters_of, mapping_of
from accelerator_sim.mapping.legality import broken_limits
from accelerator_sim.mapping.mapping import Factors, Mapping
from accelerator_sim.mapping.problem import MappingProblem, problem_of
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network_loader import load_network

CHIP = load_architecture("eyeriss_v1")
ALEXNET = {layer.name: layer for layer in load_network("alexnet").with_batch(4).layers}


def factors(**parts: int) -> Factors:
    return Factors(**parts)


# Letters n, m, e, p, q, r, t; PE rows; PE columns; filter passes of a tile; KiB of ifmaps and psums in the GLB.
TABLE_III = {
    "CONV1": ((1, 96, 7, 16, 1, 1, 2), factors(R=11), factors(P=7, M=2), 3, 15.5, 72.2),
    "CONV2": ((1, 64, 27, 16, 2, 1, 1), factors(R=5, P=2), factors(P=14), 4, 3.8, 91.1),
    "CONV3": ((4, 64, 13, 16, 4, 1, 4), factors(R=3, M=4), factors(P=13), 1, 7.0, 84.5),
    "CONV4": ((4, 64, 13, 16, 3, 2, 2), factors(R=3, C=2, M=2), factors(P=13), 2, 10.5, 84.5),
    "CONV5": ((4, 64, 13, 16, 3, 2, 2), factors(R=3, C=2, M=2), factors(P=13), 2, 10.5, 84.5),
}


def problem(name: str) -> MappingProblem:
    return problem_of(ALEXNET[name], CHIP)


@pytest.mark.parametrize("name", TABLE_III)
def test_table_iii(name: str) -> None:
    values, pe_rows, pe_columns, passes, ifmap, psum = TABLE_III[name]
    letters, given = Letters(*values), problem(name)
    mapping = mapping_of(letters, given.loops, 12, 14).clipped(given.loops)
    assert (mapping.pe_rows, mapping.pe_columns, mapping.M2) == (pe_rows, pe_columns, passes)
    assert (letters.p, letters.q, letters.n, 1) == (mapping.M0, mapping.C0, mapping.N0, mapping.P0)
    tiling = Tiling(given, mapping)
    assert letters_of(tiling) == letters
    assert broken_limits(tiling) == []
    # 16 b words; the table rounds to 0.1 KiB, and prints 3.75 as 3.8.
    assert tiling.iact_tile * 2 / 1024 == pytest.approx(ifmap, abs=0.0501)
    assert tiling.psum_tile * 2 / 1024 == pytest.approx(psum, abs=0.0501)


def test_sets_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"need 24 rows \(R 3 x r 2 x 4 filter groups x 1 folds\) of 12"):
        mapping_of(Letters(4, 64, 13, 16, 3, 2, 4), problem("CONV4").loops, 12, 14)
    with pytest.raises(ValueError, match=r"need 20 rows \(R 5 x r 2 x 1 filter groups x 2 folds\) of 12"):
        mapping_of(Letters(1, 64, 27, 16, 1, 2, 1), problem("CONV2").loops, 12, 14)


WIDE = Layer("wide", "conv", M=32, C=8, H=58, W=58, R=3, S=3)
"""56 output rows, of which a strip is less."""


@pytest.mark.parametrize(
    ("e", "sets", "width"), [(13, 1, 13), (26, 2, 13), (22, 2, 11), (15, 3, 5), (27, 3, 9), (28, 2, 14), (56, 4, 14)]
)
def test_a_set_wider_than_the_array_is_cut_into_equal_sets(e: int, sets: int, width: int) -> None:
    given = problem_of(WIDE, CHIP)
    letters = Letters(1, 8, e, 8, 1, 1, 1)
    mapping = mapping_of(letters, given.loops, 12, 14).clipped(given.loops)
    assert (mapping.parts("P"), mapping.pe_rows.P, mapping.pe_columns.P) == (e, sets, width)
    tiling = Tiling(given, mapping)
    assert (letters_of(tiling), broken_limits(tiling)) == (letters, [])
    assert tiling.active_pes == 3 * e
    assert tiling.psum_tile == 8 * e * 56


def test_sets_of_more_rows_than_the_layer_has_hold_its_rows() -> None:
    few = problem_of(Layer("few", "conv", M=16, C=3, H=20, W=20, R=3, S=3), CHIP).loops
    assert mapping_of(Letters(1, 16, 50, 16, 1, 1, 1), few, 12, 14) == mapping_of(
        Letters(1, 16, 18, 16, 1, 1, 1), few, 12, 14
    )


@pytest.mark.parametrize(("e", "near"), [(29, "28 or 30"), (31, "30 or 32"), (55, "52 or 56")])
def test_rows_that_no_equal_sets_hold(e: int, near: str) -> None:
    message = rf"e = {e} cannot be cut into PE sets of equal width of at most 14 columns; nearest: {near}"
    with pytest.raises(ValueError, match=message):
        mapping_of(Letters(1, 8, e, 8, 1, 1, 1), problem_of(WIDE, CHIP).loops, 12, 14)


def test_filters_that_are_no_whole_number_of_passes() -> None:
    with pytest.raises(ValueError, match=r"m = 40 is not a multiple of p x t = 32, the filters of a pass"):
        mapping_of(Letters(4, 40, 13, 16, 3, 2, 2), problem("CONV4").loops, 12, 14)


def test_more_filters_than_the_layer_has_are_all_of_them() -> None:
    loops = problem_of(Layer("few", "conv", M=20, C=3, H=9, W=9, R=3, S=3), CHIP).loops
    mapping = mapping_of(Letters(1, 64, 7, 16, 1, 1, 1), loops, 12, 14)
    assert (mapping.M0, mapping.M2) == (16, 2)


@pytest.mark.parametrize(
    "mapping",
    [
        Mapping(pe_rows=Factors(R=1), Q0=27),  # cut filter rows
        Mapping(pe_rows=Factors(R=5), P0=2, Q0=27),  # two strips
        Mapping(pe_rows=Factors(R=5), Q0=9),  # cut output rows
        Mapping(pe_rows=Factors(R=5), pe_columns=Factors(G=2), Q0=27),  # groups side by side
        Mapping(cluster_rows=Factors(M=2), pe_rows=Factors(R=5), Q0=27),  # clusters
    ],
)
def test_mappings_that_the_letters_cannot_express(mapping: Mapping) -> None:
    assert letters_of(Tiling(problem("CONV2"), mapping)) is None
