"""The commands and programs in the pages: what they are, and what they print.

A page's fenced blocks are run in their order, in one folder, as a reader would:

- `sh`: a command a line, which has to end well; `#` begins a comment;
- `console`: commands after `$ `, and under each of them what it prints, where `...` stands for lines that are left out;
- `python`: a program, in one namespace per page;
- `yaml` that begins with `# NAME.yaml`: a file of that name.

The word `slow` after the language keeps a block out of the quick tests; `unchecked` marks one that cannot be run.

`python docs/examples.py [NAME.md...]` runs all pages, or some, and writes what the commands print now into the
`console` blocks.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from click.testing import CliRunner  # noqa: E402

from accelerator_sim.cli import output  # noqa: E402
from accelerator_sim.cli.main import cli  # noqa: E402

PROGRAM = "accelerator-sim"
GAP = "..."
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[a-z]+(?: [a-z]+)*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
CODES = {"validate": 4}
"""Exit codes of commands that end with another one than 0: published figures that are missed."""
TERMINAL = {"NO_COLOR": "1", "COLUMNS": "80"}
LIKE = 0.6
"""Likeness from which a line of a page is taken for one of the output that changed: figures in it may all differ."""


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    language: str
    marks: frozenset[str]
    text: str
    start: int
    """Place of the text in the page."""


@dataclass(frozen=True)
class Command:
    """A command, and the lines under it, none where the page shows no output."""

    text: str
    shown: tuple[str, ...] = ()


def pages() -> list[Path]:
    """Return all pages with commands."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page that have a language."""
    for match in FENCE.finditer(text):
        language, *marks = match["info"].split()
        yield Block(language, frozenset(marks), match["text"], match.start("text"))


def commands(block: Block) -> list[Command]:
    """Return the commands of an `sh` or `console` block."""
    lines = block.text.splitlines()
    if block.language == "sh":
        joined = block.text.replace("\\\n", " ").splitlines()
        return [Command(line.strip()) for line in joined if line.strip() and not line.lstrip().startswith("#")]
    found: list[Command] = []
    for line in lines:
        if line.startswith("$ "):
            found.append(Command(line[2:]))
        elif found:
            found[-1] = Command(found[-1].text, (*found[-1].shown, line))
    return found


def run(command: str) -> str:
    """Run a command of the program in this process, as on a terminal, and return what it prints.

    Output may go to a file by `> FILE`.  Raises AssertionError for another exit code than the documented one.
    """
    words = shlex.split(command, comments=True)
    assert words[0] == PROGRAM, f"{command}: only {PROGRAM} is run"
    place = Path(words[-1]) if len(words) > 2 and words[-2] == ">" else None
    words = words[1:-2] if place else words[1:]
    terminal = mock.patch.object(output, "on_terminal", return_value=place is None)
    with terminal, mock.patch.dict(os.environ, TERMINAL):
        result = CliRunner().invoke(cli, words, prog_name=PROGRAM)
    assert result.exit_code == CODES.get(words[0], 0), f"{command}: exit code {result.exit_code}\n{result.output}"
    if place:
        place.write_text(result.stdout)
    return result.stdout


def pieces(shown: tuple[str, ...]) -> list[list[str]]:
    """Return the lines of a page between the gaps."""
    found: list[list[str]] = [[]]
    for line in shown:
        if line.strip() == GAP:
            found.append([])
        else:
            found[-1].append(line)
    return found


def holds(shown: tuple[str, ...], printed: str) -> bool:
    """Whether a page shows what a command prints, except for gaps and the ends of lines."""
    pattern = r"(?:.*\n)*?".join("".join(re.escape(line.rstrip()) + r"\n" for line in piece) for piece in pieces(shown))
    text = "".join(line.rstrip() + "\n" for line in printed.splitlines())
    return re.fullmatch(pattern, text) is not None


def renewed(shown: tuple[str, ...], printed: str) -> list[str]:
    """Return the lines of a page as the command prints them now: each piece where it is most alike."""
    lines, at, out = [line.rstrip() for line in printed.splitlines()], 0, []
    parts = pieces(shown)
    for number, piece in enumerate(parts):
        last = number == len(parts) - 1
        places = [0] if number == 0 else [len(lines) - len(piece)] if last else range(at, len(lines) - len(piece) + 1)
        best = max(places, key=lambda place: _likeness(piece, lines[place : place + len(piece)]))
        if _likeness(piece, lines[best : best + len(piece)]) < LIKE:
            raise ValueError(f"no place in the output is like: {piece}")
        end = len(lines) if len(parts) == 1 else best + len(piece)
        out += ([GAP] if number else []) + lines[best:end]
        at = end
    return out


def _likeness(some: list[str], others: list[str]) -> float:
    if not some:
        return 1.0
    return difflib.SequenceMatcher(None, "\n".join(some), "\n".join(others), autojunk=False).ratio()


@contextlib.contextmanager
def reader(folder: Path) -> Iterator[None]:
    """Work in a folder that has what pages take for granted: models with an open and a fixed batch, and `docs/`."""
    from tests.docs.model import write_model

    before = Path.cwd()
    os.chdir(folder)
    try:
        write_model(folder / "model.onnx", "batch")
        write_model(folder / "exported.onnx", 1)
        (folder / "docs").mkdir()
        for path in (ROOT / "docs").glob("*.yaml"):
            (folder / "docs" / path.name).write_bytes(path.read_bytes())
        yield
    finally:
        os.chdir(before)


def run_page(text: str, slow: bool) -> Iterator[tuple[Block, Command, str]]:
    """Run the blocks of a page in the present folder; yield each command with what it prints.

    slow: also run the blocks marked slow.
    """
    names: dict[str, object] = {}
    for block in blocks(text):
        if "unchecked" in block.marks or ("slow" in block.marks and not slow):
            continue
        if block.language == "yaml":
            match = re.match(r"# (\w+\.yaml)\n", block.text)
            if match:
                Path(match[1]).write_text(block.text)
        elif block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block.text, "<page>", "exec"), names)
        elif block.language in ("sh", "console"):
            for command in commands(block):
                yield block, command, run(command.text)


def main() -> None:
    """Write what the commands print now into the pages."""
    chosen = sys.argv[1:]
    for page in [page for page in pages() if page.name in chosen or not chosen]:
        text = page.read_text()
        new = text
        with tempfile.TemporaryDirectory() as folder, reader(Path(folder)):
            for block, command, printed in run_page(text, slow=True):
                if command.shown and not holds(command.shown, printed):
                    old = "\n".join((f"$ {command.text}", *command.shown))
                    assert block.text.count(old) == 1
                    new = new.replace(old, "\n".join((f"$ {command.text}", *renewed(command.shown, printed))))
                    print(f"{page.name}: {command.text}")
        if new != text:
            page.write_text(new)


if __name__ == "__main__":
    main()
