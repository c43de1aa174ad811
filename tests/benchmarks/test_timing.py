"""Processes that are timed, and the parts of a page that tables are put into."""

from __future__ import annotations

import sys

import pytest

from benchmarks.timing import README, ProcessFailed, put_between, run_process

PAGE = "a\n<!-- peers -->\nold\n<!-- /peers -->\nb\n"


def test_a_part_is_put_between_its_markers() -> None:
    assert put_between(PAGE, "peers", "new\nlines") == "a\n<!-- peers -->\nnew\nlines\n<!-- /peers -->\nb\n"


@pytest.mark.parametrize("text", ["", "<!-- peers -->\n", "<!-- /peers -->\n<!-- peers -->\n"])
def test_a_page_without_markers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no markers <!-- peers -->"):
        put_between(text, "peers", "new")


@pytest.mark.parametrize("name", ["measured", "scaling", "peers"])
def test_the_page_has_a_part_for_each_table(name: str) -> None:
    text = README.read_text()
    assert put_between(text, name, "new") != text


def test_a_process_says_what_it_took() -> None:
    run = run_process([sys.executable, "-c", "print(sum(range(10**6)))"])
    assert run.printed == "499999500000\n"
    assert 0 < run.cpu_s <= 10 * run.wall_s
    assert run.memory > 1_000_000


def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(ProcessFailed, match="ValueError: broken"):
        run_process([sys.executable, "-c", "raise ValueError('broken')"])
    with pytest.raises(ProcessFailed, match="exit code 7"):
        run_process([sys.executable, "-c", "raise SystemExit(7)"])
