"""Problems, exit codes and near matches."""

import pytest

from accelerator_sim.files.errors import (
    AcceleratorSimError,
    CheckFailed,
    InvalidFile,
    Problem,
    UsageError,
    did_you_mean,
)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("a.yaml", 3, 7, "glb.size", "wrong"), "a.yaml:3:7: glb.size: wrong"),
        (Problem("a.yaml", None, None, "", "wrong"), "a.yaml: wrong"),
        (Problem("--set x=1", None, None, "x", "wrong"), "--set x=1: x: wrong"),
        (Problem("", None, None, "", "wrong"), "wrong"),
    ],
)
def test_a_problem_leaves_out_what_is_not_known(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_an_invalid_file_lists_its_problems() -> None:
    problems = (Problem("a", 1, 1, "", "one"), Problem("a", 2, 1, "", "two"))
    error = InvalidFile(problems)
    assert error.problems == problems
    assert str(error) == "a:1:1: one\na:2:1: two"


def test_exit_codes() -> None:
    kinds = (AcceleratorSimError, UsageError, InvalidFile, CheckFailed)
    assert [kind.exit_code for kind in kinds] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("word", "hint"),
    [("alexnett", "; did you mean 'alexnet'?"), ("VGG16", "; did you mean 'vgg16'?"), ("qqqqq", "")],
)
def test_did_you_mean(word: str, hint: str) -> None:
    assert did_you_mean(word, ["alexnet", "vgg16"]) == hint
