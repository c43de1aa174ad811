"""The commands and programs of README, CONTRIBUTING and the pages run, and print what the pages show."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from docs import examples

PAGES = {path.name: path for path in examples.pages()}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("slow", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["quick", "all"])
def test_a_page(name: str, slow: bool, tmp_path: Path) -> None:
    with examples.reader(tmp_path):
        for _, command, printed in examples.run_page(PAGES[name].read_text(), slow):
            if command.shown:
                told = f"{name}: {command.text} prints something else; `python docs/examples.py` renews the pages"
                assert examples.holds(command.shown, printed), f"{told}\n{printed}"


def test_pages_have_commands_of_each_kind() -> None:
    kinds = [block.language for path in PAGES.values() for block in examples.blocks(path.read_text())]
    assert min(map(kinds.count, ("sh", "console", "python", "yaml"))) >= 3


SHOWN = ("one 1", "two 2", "...", "four 4")


def test_what_a_page_shows_is_compared_line_by_line() -> None:
    assert examples.holds(SHOWN, "one 1\ntwo 2\nthree 3\nfour 4  \n")
    assert examples.holds(SHOWN, "one 1\ntwo 2\nfour 4\n")
    assert not examples.holds(SHOWN, "one 1\ntwo 3\nthree 3\nfour 4\n")
    assert not examples.holds(SHOWN, "one 1\ntwo 2\nthree 3\nfour 4\nfive 5\n")
    assert examples.renewed(SHOWN, "one 1\ntwo 3\nthree 3\nfour 5\n") == ["one 1", "two 3", "...", "four 5"]


def test_a_command_that_fails_is_noticed() -> None:
    with pytest.raises(AssertionError, match="exit code 2"):
        examples.run("accelerator-sim simulate no_such_network")


def test_commands_of_a_block() -> None:
    text = "```console slow\n$ accelerator-sim list workloads > a.txt\n$ accelerator-sim --version\nx\n...\n```\n"
    (block,) = examples.blocks(text)
    assert (block.language, block.marks) == ("console", {"slow"})
    first, second = examples.commands(block)
    assert first == examples.Command("accelerator-sim list workloads > a.txt")
    assert second == examples.Command("accelerator-sim --version", ("x", "..."))
    (block,) = examples.blocks("```sh\n# a comment\naccelerator-sim a \\\n  b  # why\n```\n")
    assert examples.commands(block) == [examples.Command("accelerator-sim a    b  # why")]


def test_the_folder_of_a_page_is_left(tmp_path: Path) -> None:
    before = os.getcwd()
    with pytest.raises(ZeroDivisionError), examples.reader(tmp_path):
        raise ZeroDivisionError
    assert os.getcwd() == before
