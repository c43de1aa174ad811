"""The library form of Timeloop files: the text of another file put in, and mappings merged into others.

    {{include_text('../problem_base.yaml')}}             # a line by itself: the text of that file stands here
    problem:
      <<<: *problem_base                                 # deep: mappings are merged into mappings, own values win
      instance: {C: 3, M: 64, P: 112, Q: 112}

The front end of Timeloop (timeloopfe) makes these with jinja2 and a YAML loader of its own; nothing else of jinja is
read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accelerator_sim.files.errors import InvalidFile, Problem
from accelerator_sim.files.paths import is_file, real
from accelerator_sim.files.yaml_tree import MAX_BYTES, Document, parse_document, read_text

MERGE = "<<<"
DEEPEST = 8
"""Files that may be included in one another."""
_SUFFIXES = (".yaml", ".yml", ".j2", ".jinja2")
_INCLUDE = re.compile(r"""\s*\{\{-?\s*include_text\(\s*(['"])([^'"]+)\1\s*\)\s*-?\}\}\s*(?:#.*)?""")
_TEMPLATES = (
    (re.compile(r"\{\{|\{%"), "a jinja template"),
    (re.compile(r"(?:^|[\s:\[,])!include\b"), "!include"),
)


@dataclass(frozen=True)
class Expanded:
    """A text with everything that it includes, and for each of its lines the file and line that it comes from."""

    text: str
    origins: tuple[tuple[str, int], ...]
    file: str

    @property
    def document(self) -> Document:
        """The values, without the merges.  Raises InvalidFile with the places of the files that were read."""
        try:
            return parse_document(self.text, self.file)
        except InvalidFile as error:
            raise self.placed(error) from None

    def placed(self, error: InvalidFile) -> InvalidFile:
        """Return an error with the places where its lines come from."""
        return InvalidFile([self._placed(problem) for problem in error.problems])

    def _placed(self, problem: Problem) -> Problem:
        if problem.line is None or problem.file != self.file or not 1 <= problem.line <= len(self.origins):
            return problem
        file, line = self.origins[problem.line - 1]
        return replace(problem, file=file, line=line)

    def included(self, line: int | None) -> bool:
        """Whether a line comes from another file."""
        return line is not None and self.origins[line - 1][0] != self.file


def expand(path: Path | str) -> Expanded:
    """Read a file and the files that it includes.

    Raises InvalidFile, naming file and line, for files that cannot be read or include one another, and for templates.
    """
    file = str(path)
    lines: list[str] = []
    origins: list[tuple[str, int]] = []
    size = 0
    for text, origin in _lines(Path(path), file, ()):
        size += len(text) + 1
        if size > MAX_BYTES:
            raise _refused(*origin, f"with what it includes more than {MAX_BYTES} characters")
        lines.append(text)
        origins.append(origin)
    return Expanded("\n".join(lines), tuple(origins), file)


def _lines(path: Path, file: str, above: tuple[Path, ...]) -> Iterator[tuple[str, tuple[str, int]]]:
    here = (*above, real(path))
    problems = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        match = _INCLUDE.fullmatch(line)
        if match:
            other = _included(path, match[2], file, number, here)
            yield from _lines(other, str(other), here)
            continue
        problem = _template(line, file, number)
        if problem:
            problems.append(problem)
        yield line, (file, number)
    if problems:
        raise InvalidFile(problems)


def _included(path: Path, name: str, file: str, line: int, above: tuple[Path, ...]) -> Path:
    """Return the file that a line names.  Raises InvalidFile where it may not be read."""
    shown = f"include_text({name!r})"
    if Path(name).is_absolute() or name.startswith("~") or "\\" in name:
        raise _refused(file, line, f"{shown}: a path from this file's folder is required, as '../problem_base.yaml'")
    other = path.parent / name
    if other.suffix.lower() not in _SUFFIXES:
        raise _refused(file, line, f"{shown}: only {', '.join(_SUFFIXES)} files are included")
    if not is_file(other):
        raise _refused(file, line, f"{shown}: there is no file {other}")
    if real(other) in above:
        raise _refused(file, line, f"{shown}: a file cannot include itself, by way of others either")
    if len(above) >= DEEPEST:
        raise _refused(file, line, f"{shown}: more than {DEEPEST} files included in one another")
    return other


def _template(line: str, file: str, number: int) -> Problem | None:
    plain = line.split(" #")[0] if not line.lstrip().startswith("#") else ""
    for pattern, feature in _TEMPLATES:
        match = pattern.search(plain)
        if match:
            message = (
                f"{feature} is not supported; give the problem as Timeloop sees it, with everything in one file, or in"
                " files that stand on lines by themselves as {{include_text('FILE')}}"
            )
            return Problem(file, number, match.start() + 1, "", message)
    return None


def merged(value: Any) -> Any:
    """Return a tree in which each mapping under <<< is merged into the one that has it.

    Raises ValueError for anything but mappings under <<<.
    """
    if isinstance(value, list):
        return [merged(item) for item in value]
    if not isinstance(value, dict):
        return value
    own = {key: merged(part) for key, part in value.items() if key != MERGE}
    given = value.get(MERGE, [])
    for base in given if isinstance(given, list) else [given]:
        if not isinstance(base, dict):
            raise ValueError(f"only mappings can be merged with {MERGE}")
        own = _under(merged(base), own)
    return own


def _under(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping over another one: mappings are merged, of other values its own counts."""
    out = dict(base)
    for key, value in own.items():
        below = out.get(key)
        out[key] = _under(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return out


def _refused(file: str, line: int, message: str) -> InvalidFile:
    return InvalidFile([Problem(file, line, 1, "", message)])
