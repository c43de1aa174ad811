"""One layer, or what stops it."""

from dataclasses import replace

import pytest

from accelerator_sim.files.errors import CheckFailed
from accelerator_sim.mapping.mapping import Encoding, Factors, Mapping
from accelerator_sim.run import layer_run
from accelerator_sim.run.layer_run import run_layer
from accelerator_sim.run.run_setup import RunSetup
from tests.small_network import CONV, POOL, WIDE


def test_a_searched_layer(machine: RunSetup) -> None:
    result = run_layer(CONV, None, machine)
    assert result.status == "ok"
    assert result.outcome is not None
    assert result.outcome.counts.macs == CONV.macs
    assert result.mapping is not None
    assert (result.optimal_over or 0) > 1


def test_a_given_mapping_is_used(machine: RunSetup) -> None:
    result = run_layer(CONV, Mapping(M0=2), machine)
    assert (result.status, result.mapping, result.optimal_over) == ("ok", Mapping(M0=2), None)


def test_a_given_mapping_that_does_not_fit_names_every_limit(machine: RunSetup) -> None:
    result = run_layer(CONV, Mapping(pe_rows=Factors(R=3, C=2), pe_columns=Factors(M=8)), machine)
    assert result.status == "failed"
    assert "layer conv: the given mapping does not fit: pe_rows: C 2 x R 3 = 6 > 3; pe_columns" in str(result.error)


def test_an_encoding_that_the_pe_cannot_read(machine: RunSetup) -> None:
    pe = machine.architecture.pe.model_copy(update={"csc": None})
    raw = replace(machine, architecture=machine.architecture.model_copy(update={"pe": pe}))
    result = run_layer(CONV, Mapping(iact_encoding=Encoding.CSC), raw)
    assert result.status == "failed"
    assert "encoding csc is not possible" in str(result.error)


def test_a_layer_without_macs(machine: RunSetup) -> None:
    result = run_layer(POOL, None, machine)
    assert (result.status, result.dram_bytes, result.mapping) == ("traffic_only", 640, None)
    assert result.energy is not None
    assert result.energy.dram > 0
    assert result.energy.chip == 0


def test_a_layer_that_cannot_be_mapped_says_why(machine: RunSetup) -> None:
    result = run_layer(WIDE, None, machine)
    assert (result.status, result.outcome, result.energy) == ("failed", None, None)
    assert "layer wide cannot be mapped on eyeriss_v2" in str(result.error)
    assert "its dimension Q is 137,438,953,472" in str(result.error)


@pytest.mark.parametrize(
    ("error", "message", "law"),
    [
        (CheckFailed("layer conv: a law"), "layer conv: a law", True),
        (OverflowError(), f"layer conv takes more cycles than are counted, which is {layer_run.MOST_CYCLES:,}", False),
        (MemoryError(), "layer conv: not enough memory", False),
    ],
)
def test_errors_become_results(
    machine: RunSetup, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str, law: bool
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(layer_run, "check", broken)
    result = run_layer(CONV, None, machine)
    assert (result.status, result.error, result.law_broken) == ("failed", message, law)
