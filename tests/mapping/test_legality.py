"""What makes a mapping illegal: each limit with its numbers."""

from __future__ import annotations

from typing import Any

import pytest

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.mapping.legality import allowed_dimensions, broken_limits
from accelerator_sim.mapping.mapping import Encoding, Factors, Mapping, Stationary
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.workload.layer import Density, Layer

LAYER = Layer("conv", "conv", N=4, M=64, C=64, H=30, W=30, R=3, S=3, density=Density(0.5, 0.25, 0.5))


def limits(mapping: Mapping, name: str = "eyeriss_v2", layer: Layer = LAYER, **overrides: str) -> list[str]:
    """The limits that a mapping breaks."""
    changes = [(path.replace("__", "."), value) for path, value in overrides.items()]
    problem = problem_of(layer, load_architecture(name, changes), mapping.iact_encoding, mapping.weight_encoding)
    return broken_limits(Tiling(problem, mapping))


def test_the_least_mapping_is_legal() -> None:
    assert limits(Mapping()) == []
    assert limits(Mapping(), "eyeriss_v1") == []


SHAPES: list[tuple[Mapping, str]] = [
    (Mapping(cluster_rows=Factors(M=3, P=3)), "cluster_rows: M 3 x P 3 = 9 > 8"),
    (Mapping(cluster_columns=Factors(G=3)), "cluster_columns: G 3 = 3 > 2"),
    (Mapping(pe_rows=Factors(R=3, C=2)), "pe_rows: C 2 x R 3 = 6 > 3"),
    (Mapping(pe_columns=Factors(P=5)), "pe_columns: P 5 = 5 > 4"),
    (Mapping(pe_columns=Factors(C=2)), "pe_columns cannot carry C; allowed: G, N, M, P, Q"),
    (Mapping(cluster_columns=Factors(C=2)), "cluster_columns cannot carry C; allowed: G, N, M, P, Q"),
    (Mapping(cluster_rows=Factors(R=2)), "cluster_rows cannot carry R; allowed: G, N, M, P, Q, C"),
    (Mapping(pe_rows=Factors(P=2)), "pe_rows cannot carry P; allowed: R, C"),
    (Mapping(M0=0), "M0 = 0; at least 1"),
    (Mapping(S0=0), "S0 = 0; at least 1"),
    (Mapping(M2=-1), "M2 = -1; at least 1"),
]


@pytest.mark.parametrize(("mapping", "message"), SHAPES)
def test_shapes(mapping: Mapping, message: str) -> None:
    assert limits(mapping) == [message]


def test_a_flat_array_stacks_what_a_cluster_cannot() -> None:
    assert allowed_dimensions("pe_rows", flat=True) == "RCGNMPQ"
    assert limits(Mapping(pe_rows=Factors(P=2)), "eyeriss_v1") == []


CSC: dict[str, Any] = {"iact_encoding": Encoding.CSC, "weight_encoding": Encoding.CSC}
SPADS: list[tuple[Mapping, dict[str, str], str]] = [
    (Mapping(C0=6), {}, "the iact SPad: C0 x S0 = 6 x 3 = 18 > 16 values"),
    (Mapping(M0=33), {}, "the psum SPad: M0 = 33 > 32 psums"),
    (Mapping(M0=16, C0=5), {}, "the weight SPad: M0 x C0 x S0 = 240 > 192 weights"),
    (
        Mapping(C0=2, **CSC),
        {"pe__spad__iact_address__depth": "3"},
        "the iact address SPad: 3 segments + 1 > 3 entries",
    ),
    (
        Mapping(C0=5, **CSC),
        {"pe__spad__weight_address__depth": "14"},
        "the weight address SPad: 15 columns > 14 entries",
    ),
    (
        Mapping(M0=32, C0=5, **CSC),
        {"pe__spad__weight__depth": "70"},
        # 15 columns of 4.25 slots, and 3 sigma of 480 weights at density 1/4, two at a time
        "the weight SPad: about 78 words of non-zero weights > 70 words",
    ),
]


@pytest.mark.parametrize(("mapping", "overrides", "message"), SPADS)
def test_spads(mapping: Mapping, overrides: dict[str, str], message: str) -> None:
    assert limits(mapping, **overrides) == [message]


def test_a_shared_spad_counts_bits() -> None:
    # 6 iacts of 12 b, 48 weights of 24 b and 8 psums of 20 b are 1,384 b = 173 B
    assert limits(Mapping(M0=8, C0=2), pe__spad__shared="173 B") == []
    message = "the shared SPad: 6 iacts + 48 weights + 8 psums > 172 B"
    assert limits(Mapping(M0=8, C0=2), pe__spad__shared="172 B") == [message]


def test_a_fully_sparse_spad_is_full_at_most() -> None:
    """Never more words than all weights need, whatever the spread: 15 columns of 12 weights, two a word."""
    dense = Layer("conv", "conv", M=64, C=64, H=30, W=30, R=3, S=3, density=Density(0.5, 0.99, 0.5))
    assert limits(Mapping(M0=12, C0=5, **CSC), layer=dense, pe__spad__weight__depth="90") == []


def test_chains_of_clusters() -> None:
    chain = Mapping(cluster_rows=Factors(C=8), pe_rows=Factors(R=3), C0=4)
    assert limits(chain) == [
        "a psum chain over 8 clusters needs one accumulation pass, not 2: psum links lead south only, so sums cannot"
        " return to the start of the chain"
    ]
    both = "{kind: hierarchical_mesh, routers: 4, port_width: 40 b, directions: [north, south]}"
    assert limits(chain, noc__psum=both) == []
    none = "{kind: hierarchical_mesh, routers: 4, port_width: 40 b}"
    small = Layer("conv", "conv", M=4, C=16, H=8, W=8, R=3, S=3)
    whole = Mapping(cluster_rows=Factors(C=8), pe_rows=Factors(R=3), C0=2)
    assert limits(whole, layer=small) == []
    assert limits(whole, layer=small, noc__psum=none) == ["noc.psum has no vertical links; cluster_rows cannot carry C"]


def test_stationary_tensors() -> None:
    assert limits(Mapping(C0=4, stationary=Stationary.PE_WEIGHT)) == [
        "stationary pe_weight needs one pass for a psum (has 48) and M2 = 1 (is 1)"
    ]
    point = Layer("point", "conv", M=8, C=4, H=4, W=4)
    assert limits(Mapping(M0=2, C0=4, M2=2, stationary=Stationary.PE_WEIGHT), layer=point) == [
        "stationary pe_weight needs one pass for a psum (has 1) and M2 = 1 (is 2)"
    ]
    assert limits(Mapping(stationary=Stationary.WEIGHT), layer=point) == [
        "stationary weight needs weights in glb.shared, which this architecture does not have",
        "the weight GLB of a cluster: 0.00390625 KiB > 0 KiB",
    ]


def test_glb_of_a_cluster() -> None:
    # 5 channels x 30 x 30 iacts of 8 b, for one image or two; 784 psums of 20 b in each of 4 columns
    one = Mapping(C0=5, P0=28, Q0=28)
    assert limits(one) == ["the psum GLB of a cluster: 7.65625 KiB > 7.5 KiB"]
    assert limits(one, glb__psum__size="2 KiB") == []
    two = Mapping(C0=5, N0=2, P0=28, Q0=28)
    assert limits(two, glb__psum__size="4 KiB") == ["the iact GLB of a cluster: 8.78906 KiB > 4.5 KiB"]


def test_clusters_with_other_filters_share_a_tile_of_iacts() -> None:
    tall = Mapping(C0=5, P0=14, Q0=28)
    alone = limits(tall, glb__iact__size="512 B")
    assert alone[0] == "the iact GLB of a cluster: 2.34375 KiB > 1.5 KiB"
    shared = limits(Mapping(cluster_rows=Factors(M=2), C0=5, P0=14, Q0=28), glb__iact__size="512 B")
    assert shared == []


def test_shared_banks_are_handed_out_whole() -> None:
    # iacts: 4 x 30 x 30 of 16 b = 7.03 KiB, 2 banks; psums: 16 x 784 of 16 b = 24.5 KiB, 7 banks
    mapping = Mapping(M0=16, C0=4, P0=28, Q0=28)
    assert limits(mapping, "eyeriss_v1", glb__shared__banks="9") == []
    assert limits(mapping, "eyeriss_v1", glb__shared__banks="8") == [
        "the shared GLB: 9 banks of 4096 B > 8 banks (iact 7.03125, psum 24.5, weight 0.375 KiB)"
    ]


def test_weights_pass_through_banks_of_their_own() -> None:
    # 16 filters x 4 channels x 3 taps of 16 b
    assert limits(Mapping(M0=16, C0=4), "eyeriss_v1", glb__weight="{banks: 1, size: 256 B, port_width: 64 b}") == [
        "the weight GLB of a cluster: 0.375 KiB > 0.25 KiB"
    ]


def test_every_limit_is_told() -> None:
    found = limits(Mapping(cluster_rows=Factors(M=9), pe_rows=Factors(R=4), P0=0))
    assert found == ["cluster_rows: M 9 = 9 > 8", "pe_rows: R 4 = 4 > 3", "P0 = 0; at least 1"]
