"""Rows for programs."""

import csv
import io
from dataclasses import replace

from accelerator_sim.results.layer_rows import COLUMNS
from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.results.tabular import rows_text


def dumps(result: NetworkResult, delimiter: str = "\t") -> str:
    return rows_text(result.rows(), delimiter, result.columns)


def rows(text: str, delimiter: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def test_every_number_in_full(result: NetworkResult) -> None:
    for delimiter in "\t,":
        table = rows(dumps(result, delimiter), delimiter)
        assert [row["name"] for row in table] == ["conv", "pool", "wide", "fc"]
        conv, outcome, energy = table[0], result.layers[0].outcome, result.layers[0].energy
        assert outcome is not None
        assert energy is not None
        assert int(conv["cycles"]) == outcome.timing.cycles
        assert float(conv["energy_spad_j"]) == energy.spad
        assert int(conv["spad_weight_reads"]) == outcome.counts.access("spad", "weight").reads
        assert (conv["N"], conv["padding_left"], conv["status"]) == ("1", "1", "ok")


def test_a_failed_layer_has_its_error_and_no_numbers(result: NetworkResult) -> None:
    wide = rows(dumps(result), "\t")[2]
    assert (wide["status"], wide["cycles"], wide["energy_mac_j"]) == ("failed", "", "")
    assert "cannot be mapped" in wide["error"]


def test_columns_are_unique_and_rows_complete(result: NetworkResult) -> None:
    assert len(set(COLUMNS)) == len(COLUMNS)
    lines = dumps(result).splitlines()
    assert {line.count("\t") for line in lines} == {len(COLUMNS) - 1}


def test_tabs_and_newlines_in_names(result: NetworkResult) -> None:
    odd = replace(result.layers[0], layer=replace(result.layers[0].layer, name='a\tb\n"c"'))
    text = dumps(replace(result, layers=(odd,)))
    assert len(text.splitlines()) == 2
    assert rows(text, "\t")[0]["name"] == 'a b "c"'
    assert rows(dumps(replace(result, layers=(odd,)), ","), ",")[0]["name"] == 'a\tb\n"c"'
