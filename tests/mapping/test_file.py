"""Mapping files: there and back, and one message for each thing that can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.files.data import builtin_names
from accelerator_sim.files.errors import InvalidFile
from accelerator_sim.mapping.chip_compiler import compiled
from accelerator_sim.mapping.constraints import Constraints
from accelerator_sim.mapping.file import dump_mappings, letters_entry, load_plan, mapping_file, read_mappings
from accelerator_sim.mapping.mapping import Encoding, Factors, Mapping, Stationary
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.mapping.tiling import Tiling
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from tests.oracles.strategies import Case, cases

V1, V2 = load_architecture("eyeriss_v1"), load_architecture("eyeriss_v2")
CONV = Layer("conv1", "conv", N=2, M=32, C=8, H=12, W=12, R=3, S=3)
WIDE = Layer("wide", "conv", N=2, M=8, C=8, H=42, W=42, R=3, S=3)
POOL = Layer("pool1", "pool", iact_words=10, oact_words=5)
NETWORK = Network(name="net", source="drawn", file="", layers=(CONV, WIDE, POOL))
HEAD = "format: accelerator-sim/mapping/1\n"


def plan(tmp_path: Path, text: str, v1: bool = False) -> dict[str, Mapping]:
    path = tmp_path / "m.yaml"
    path.write_text(HEAD + text)
    return load_plan(path, V1 if v1 else V2, NETWORK).mappings


def refused(tmp_path: Path, text: str, v1: bool = False) -> str:
    with pytest.raises(InvalidFile) as caught:
        plan(tmp_path, text, v1)
    return str(caught.value).replace(str(tmp_path), "")


def test_a_mapping_in_full(tmp_path: Path) -> None:
    text = """\
layers:
  conv1:
    cluster_rows: {M: 4, C: 2}
    cluster_columns: {P: 2}
    pe_rows: {R: 3}
    pe_columns: {P: 2, N: 2}
    M0: 8
    C0: 4
    P0: 3
    Q0: 10
    stationary: pe_weight
    encoding: {iact: csc, weight: csc}
"""
    assert plan(tmp_path, text) == {
        "conv1": Mapping(
            cluster_rows=Factors(M=4, C=2),
            cluster_columns=Factors(P=2),
            pe_rows=Factors(R=3),
            pe_columns=Factors(P=2, N=2),
            M0=8,
            C0=4,
            S0=3,
            P0=3,
            Q0=10,
            stationary=Stationary.PE_WEIGHT,
            iact_encoding=Encoding.CSC,
            weight_encoding=Encoding.CSC,
        )
    }


def test_what_is_left_out_is_one_or_all_columns_and_what_is_too_long_is_clipped(tmp_path: Path) -> None:
    assert plan(tmp_path, "layers: {conv1: {}}") == {"conv1": Mapping(S0=3)}
    assert plan(tmp_path, "layers: {conv1: {M0: 100, pe_columns: {M: 4}, M2: 9}}") == {
        "conv1": Mapping(pe_columns=Factors(M=4), M0=8, S0=3, M2=1)
    }
    assert plan(tmp_path, "layers: {conv1: {S0: 2}}") == {"conv1": Mapping(S0=2)}
    assert plan(tmp_path, "layers: {conv1: {S0: 4}}") == {"conv1": Mapping(S0=3)}
    assert plan(tmp_path, "") == {}


def test_letters(tmp_path: Path) -> None:
    letters = "layers: {conv1: {eyeriss_v1: {n: 1, m: 32, e: 10, p: 16, q: 2, r: 1, t: 2}}}"
    assert plan(tmp_path, letters, v1=True) == {
        "conv1": Mapping(pe_rows=Factors(R=3, M=2), pe_columns=Factors(P=10), M0=16, C0=2, S0=3, N0=1, Q0=10)
    }


@pytest.mark.parametrize("name", builtin_names("arch_configs", "mappings"))
def test_every_built_in_mapping_says_where_it_comes_from(name: str) -> None:
    assert len(read_mappings(mapping_file(name))[1].source) > 10


def test_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        HEAD + "constraints: {filters_per_pe: [4, 8], channels_per_pe: [1], filter_columns_per_pe: [3, 2], "
        "whole_rows: true, stationary: [none, iact]}"
    )
    assert load_plan(path, V2, NETWORK).constraints == Constraints(
        filters_per_pe=(4, 8),
        channels_per_pe=(1,),
        filter_columns_per_pe=(3, 2),
        whole_rows=True,
        stationary=(Stationary.NONE, Stationary.IACT),
    )


def test_the_compiler_of_the_chip_maps_what_is_not_given(tmp_path: Path) -> None:
    conv = compiled(problem_of(CONV, V1))
    assert plan(tmp_path, "compiler: eyeriss_v1", v1=True) == {"conv1": conv, "wide": compiled(problem_of(WIDE, V1))}
    assert plan(tmp_path, "compiler: eyeriss_v1\nlayers: {wide: {}}", v1=True) == {
        "conv1": conv,
        "wide": Mapping(S0=WIDE.S),
    }


LETTERS = "{n: 1, m: 32, e: 10, p: 16, q: 2, r: 1, t: 2}"
WRONG = [
    ("layers: {conv: {}}", False, "net has no such layer; did you mean 'conv1'?"),
    ("layers: {pool1: {}}", False, "net has no such layer"),
    (f"layers: {{conv1: {{eyeriss_v1: {LETTERS}}}}}", False, "eyeriss_v1 letters describe one flat array, which eyeri"),
    (f"layers: {{conv1: {{M0: 2, eyeriss_v1: {LETTERS}}}}}", True, "eyeriss_v1 stands alone; M0 cannot be given besid"),
    ("layers: {conv1: {eyeriss_v1: {n: 1}}}", True, "layers.conv1.eyeriss_v1.m"),
    (f"layers: {{conv1: {{eyeriss_v1: {LETTERS.replace('r: 1', 'r: 4')}}}}}", True, "the PE sets need 24 rows"),
    (
        f"layers: {{conv1: {{eyeriss_v1: {LETTERS.replace('m: 32', 'm: 20')}}}}}",
        True,
        "m = 20 is not a multiple of p x",
    ),
    (
        "layers: {wide: {eyeriss_v1: {n: 1, m: 8, e: 29, p: 8, q: 1, r: 1, t: 1}}}",
        True,
        "layers.wide: e = 29 cannot be cut into PE sets of equal width of at most 14 columns; nearest: 28 or 30",
    ),
    ("layers: {conv1: {M0: 0}}", False, "layers.conv1.M0"),
    ("layers: {conv1: {M0: 1.5}}", False, "layers.conv1.M0"),
    ("layers: {conv1: {M1: 2}}", False, "layers.conv1.M1"),
    ("layers: {conv1: {pe_rows: {S: 2}}}", False, "layers.conv1.pe_rows.S"),
    ("layers: {conv1: {stationary: psum}}", False, "layers.conv1.stationary"),
    ("layers: {conv1: {encoding: {iact: rlc}}}", False, "layers.conv1.encoding.iact"),
    ("constraints: {filters_per_pe: []}", False, "constraints.filters_per_pe"),
    ("constraints: {stationary: [psum]}", False, "constraints.stationary"),
    ("constraint: {}", False, "did you mean"),
    ("compiler: eyeriss_v1", False, "compiler: is for one flat array with shared GLB banks, which eyeriss_v2 is not"),
    ("compiler: eyeris_v1", True, "compiler: 'eyeris_v1' is not allowed"),
]


@pytest.mark.parametrize(("text", "v1", "message"), WRONG)
def test_each_error_has_its_place_and_message(tmp_path: Path, text: str, v1: bool, message: str) -> None:
    found = refused(tmp_path, text, v1)
    assert message in found
    assert "/m.yaml:2:" in found


def test_all_errors_are_told_in_order(tmp_path: Path) -> None:
    found = refused(tmp_path, "layers:\n  conv2: {}\n  pool1: {}\n").splitlines()
    assert [line.split(":")[1] for line in found if "no such layer" in line] == ["3", "4"]


def test_a_file_of_another_format(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("format: accelerator-sim/mapping/2\nlayers: {}\n")
    with pytest.raises(InvalidFile, match="accelerator-sim/mapping/1"):
        load_plan(path, V2, NETWORK)


@settings(max_examples=150)
@given(case=cases())
def test_every_mapping_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, case: Case) -> None:
    layer, architecture = case.problem.layer, case.problem.architecture
    path = tmp_path_factory.mktemp("mapping") / "m.yaml"
    path.write_text(dump_mappings([(layer.name, Tiling(case.problem, case.mapping))]))
    again = load_plan(path, architecture, Network(name="net", source="drawn", file="", layers=(layer,))).mappings
    assert again == {layer.name: case.mapping}


def test_letters_are_written_only_where_they_say_all() -> None:
    problem = problem_of(CONV, V1)
    plain = Mapping(pe_rows=Factors(R=3, M=2), pe_columns=Factors(P=10), M0=16, C0=2, S0=3, N0=1, Q0=10)
    letters = {"n": 1, "m": 32, "e": 10, "p": 16, "q": 2, "r": 1, "t": 2}
    assert letters_entry(Tiling(problem, plain)) == {"eyeriss_v1": letters}
    kept = Mapping(pe_rows=Factors(R=3), pe_columns=Factors(P=10), Q0=10, stationary=Stationary.IACT)
    assert letters_entry(Tiling(problem, kept)) is None
    turned = Mapping(pe_rows=Factors(R=3, P=2), pe_columns=Factors(P=5), Q0=10)
    assert letters_entry(Tiling(problem, turned)) is None
    assert letters_entry(Tiling(problem_of(CONV, V2), Mapping(pe_rows=Factors(R=3), Q0=10))) is None
