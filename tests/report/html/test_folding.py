"""Equal blocks of layers that follow one another are shown once."""

from __future__ import annotations

from dataclasses import replace

import accelerator_sim
from accelerator_sim.report.html.folding import LEAST_SAVED, folded
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.status import Status
from accelerator_sim.workload.layer import Layer


def results(kinds: str) -> list[LayerResult]:
    """A layer for each letter; equal letters are equal layers of other names."""
    return [
        LayerResult(Layer(f"{kind}{at}", "gemm", M=ord(kind)), Status.FAILED, error="x")
        for at, kind in enumerate(kinds)
    ]


def shown(kinds: str) -> list[tuple[str, int]]:
    return [(fold.layer.layer.name, fold.times) for fold in folded(results(kinds))]


def test_a_block_is_shown_once() -> None:
    assert shown("xabcabcabcy") == [("x0", 1), ("a1", 3), ("b2", 3), ("c3", 3), ("y10", 1)]


def test_equal_layers_are_shown_once() -> None:
    assert shown("aaaaab") == [("a0", 5), ("b5", 1)]


def test_few_are_shown_one_by_one() -> None:
    few = "a" * LEAST_SAVED
    assert shown(few) == [(f"a{at}", 1) for at in range(len(few))]


def test_all_layers_are_counted() -> None:
    for kinds in ("abababababcabababab", "aaaaaaaaabbbbbbbb", "abcdefgabcdefgabcdefgh", "a", ""):
        layers = results(kinds)
        folds = folded(layers)
        assert sum(fold.times for fold in folds) == len(layers)
        assert [fold.layer for fold in folds] == [layers[fold.index] for fold in folds]


def test_the_largest_fold_wins() -> None:
    """Six times ab, and not a block of abab three times, nor what begins with b."""
    assert shown("ab" * 6) == [("a0", 6), ("b1", 6)]


def test_results_that_differ_are_not_equal() -> None:
    layers = results("aaaaaaaa")
    layers[3] = replace(layers[3], status=Status.INTERRUPTED)
    assert [fold.times for fold in folded(layers)] == [1] * 8


def test_a_page_of_a_transformer_is_short() -> None:
    run = accelerator_sim.simulate("bert_base", fidelity="analytical")
    folds = folded(run.layers)
    assert len(folds) <= 20
    assert {fold.times for fold in folds} == {1, 12}
    assert next(fold.label for fold in folds if fold.times > 1).endswith(" ×12")
