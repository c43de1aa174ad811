"""YAML as a plain tree of values that remembers where each of them stands.

The reading is that of YAML 1.2 where it differs from YAML 1.1: 1e9 is a number, on/off/yes/no, 12:30 and dates are
text, and only true and false are booleans.  A number with a leading zero (octal in 1.1, decimal in 1.2) is refused.
Keys are always text.  Events are turned into the tree without recursion, with limits on depth and size, so that no
input can exhaust the stack or the memory.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from accelerator_sim.files.errors import InvalidFile, Problem, did_you_mean

MAX_BYTES = 10_000_000
MAX_DEPTH = 64
MAX_VALUES = 1_000_000

YamlPath = tuple[str | int, ...]
Position = tuple[int, int]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_WORDS: Mapping[str, Any] = MappingProxyType(
    dict.fromkeys(("", "~", "null", "Null", "NULL"))
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
    | dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan)
)
_LONGEST_NUMBER = 60
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")


@dataclass(frozen=True)
class Document:
    """A YAML document: its tree and the line and column (from 1) of every key and list item.

    `problems` are those that leave the rest of the file readable (duplicate keys, numbers of doubtful meaning), so
    that they can be reported together with whatever else is wrong.
    """

    file: str
    raw: Any
    positions: Mapping[YamlPath, Position]
    problems: tuple[Problem, ...] = ()

    @property
    def tree(self) -> Any:
        """The values.  Raises InvalidFile when the text has problems."""
        if self.problems:
            raise InvalidFile(self.problems)
        return self.raw

    def position(self, path: YamlPath) -> tuple[int | None, int | None]:
        """Line and column of the longest known beginning of `path`."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.positions:
                return self.positions[path[:length]]
        return None, None


def dotted(path: YamlPath) -> str:
    """Return a path as it is written after --set."""
    return ".".join(str(part) for part in path)


def load_document(path: Path | str) -> Document:
    """Read a YAML file.

    Raises InvalidFile for a file that is missing, a folder, too large, empty, not UTF-8, or not YAML.
    """
    return parse_document(read_text(Path(path)), str(path))


def read_text(path: Path, kind: str = "YAML") -> str:
    """Return the text of a file.  Raises InvalidFile when it is missing, not a file, too large or not UTF-8 text."""
    file = str(path)
    try:
        status = path.stat()
        if path.is_dir():
            raise _invalid(file, "is a folder, not a file")
        if not path.is_file():
            raise _invalid(file, "is not a regular file")
        if status.st_size > MAX_BYTES:
            raise _invalid(file, f"refused by size: {status.st_size} bytes; at most {MAX_BYTES} are read")
        data = path.read_bytes()
    except FileNotFoundError:
        raise _invalid(file, f"no such file{_sibling_hint(path)}") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _invalid(file, f"cannot be read: {reason}") from None
    if b"\0" in data:
        raise _invalid(file, f"is a binary file; {kind} text in UTF-8 is required")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _invalid(file, "is not UTF-8 text", line) from None


def parse_document(text: str, name: str) -> Document:
    """Read YAML text; `name` stands for the file in messages.

    Raises InvalidFile when the text is empty, is not YAML, has no mapping at the top, or breaks a limit.
    """
    document = parse_tree(text, name)
    if not isinstance(document.raw, dict):
        kind = "a list" if isinstance(document.raw, list) else "a single value"
        line, column = document.positions[()]
        raise InvalidFile(
            [*document.problems, Problem(name, line, column, "", f"{kind} at the top; a mapping is required")]
        )
    return document


def parse_tree(text: str, name: str) -> Document:
    """Read YAML text with whatever it has at the top.

    Raises InvalidFile when the text is empty, is not YAML, or breaks a limit.
    """
    builder = _Builder(name)
    tree = builder.build(text)
    if builder.empty or tree is None:
        raise InvalidFile([*builder.problems, Problem(name, None, None, "", "is empty; a mapping is required")])
    return Document(name, tree, builder.positions, tuple(builder.problems))


def parse_value(text: str, name: str) -> Any:
    """Read one value, as after --set, by the rules of the files.  Raises InvalidFile."""
    builder = _Builder(name)
    value = builder.build(text)
    if builder.problems:
        raise InvalidFile(builder.problems)
    return value


def _invalid(file: str, message: str, line: int | None = None, column: int | None = None) -> InvalidFile:
    return InvalidFile([Problem(file, line, column, "", message)])


def _sibling_hint(path: Path) -> str:
    try:
        siblings = [entry.name for _, entry in zip(range(10_000), path.parent.iterdir(), strict=False)]
    except OSError:
        return f"; the folder {path.parent} does not exist"
    return did_you_mean(path.name, siblings)


@dataclass
class _Open:
    """A mapping or list whose end has not been reached."""

    value: dict[str, Any] | list[Any]
    path: YamlPath
    anchor: str | None
    values_before: int
    key: str | None = None
    key_is_merge: bool = False
    skip_value: bool = False
    merges: list[Any] = field(default_factory=list)


class _Builder:
    """Turns the events of one YAML text into a tree."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.positions: dict[YamlPath, Position] = {}
        self.problems: list[Problem] = []
        self.empty = True
        self._root: Any = None
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0

    def build(self, text: str) -> Any:
        documents = 0
        for event in self._events(text):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._fail("a second document begins here; only one is allowed", event)
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self._end()
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
        return self._root

    def _events(self, text: str) -> Iterator[Any]:
        try:
            yield from yaml.parse(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            raise InvalidFile([*self.problems, self._syntax(error, text)]) from None
        except UnicodeError:  # half a surrogate pair, as a badly encoded command line leaves it
            raise InvalidFile([*self.problems, Problem(self.file, None, None, "", "is not UTF-8 text")]) from None
        except yaml.YAMLError as error:
            reason = getattr(error, "reason", None) or str(error)
            message = f"not valid YAML: {reason}"
            raise InvalidFile([*self.problems, Problem(self.file, None, None, "", message)]) from None

    def _syntax(self, error: yaml.MarkedYAMLError, text: str) -> Problem:
        mark, begin = error.problem_mark or error.context_mark, error.context_mark
        if mark is not None and "maximum nesting depth" in str(error.problem):  # libyaml 0.2.6 has a limit of its own
            return Problem(self.file, mark.line + 1, mark.column + 1, "", f"nested more than {MAX_DEPTH} deep")
        message = f"not valid YAML: {error.problem or error.context}"
        if mark is None:
            return Problem(self.file, None, None, "", message)
        lines = text.split("\n")
        here = lines[mark.line] if mark.line < len(lines) else ""
        if "\t" in here[: len(here) - len(here.lstrip())]:
            message = "a tab is used for indentation; use spaces"
        elif error.problem and error.context and begin is not None:
            message += f" ({error.context} that begins in line {begin.line + 1})"
        return Problem(self.file, mark.line + 1, mark.column + 1, "", message)

    def _problem(self, message: str, event: Any, path: YamlPath) -> None:
        mark = event.start_mark
        self.problems.append(Problem(self.file, mark.line + 1, mark.column + 1, dotted(path), message))

    def _fail(self, message: str, event: Any) -> None:
        self._problem(message, event, self._stack[-1].path if self._stack else ())
        raise InvalidFile(self.problems)

    def _count(self, values: int, event: Any) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            self._fail(f"more than {MAX_VALUES} values (aliases counted each time)", event)

    def _place(self, event: Any) -> YamlPath:
        """Return the path of the value that begins here, and note its position."""
        self.empty = False
        if not self._stack:
            path: YamlPath = ()
        else:
            top = self._stack[-1]
            path = (*top.path, len(top.value) if isinstance(top.value, list) else top.key or "")
        self.positions.setdefault(path, (event.start_mark.line + 1, event.start_mark.column + 1))
        return path

    def _add(self, value: Any) -> None:
        if not self._stack:
            self._root = value
            return
        top = self._stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
            return
        assert top.key is not None
        if top.key_is_merge:
            top.merges += value if isinstance(value, list) else [value]
        elif not top.skip_value:
            top.value[top.key] = value
        top.key, top.key_is_merge, top.skip_value = None, False, False

    def _awaits_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].value, dict) and self._stack[-1].key is None

    def _key(self, event: Any) -> None:
        top = self._stack[-1]
        assert isinstance(top.value, dict)
        key = str(event.value)
        if key == "<<" and event.implicit[0]:
            top.key, top.key_is_merge = key, True
            return
        path = (*top.path, key)
        if not key:
            self._problem("empty key", event, top.path)
        elif key in top.value:
            line = self.positions[path][0]
            self._problem(f"duplicate key; first given in line {line}", event, path)
            top.skip_value = True
        self.positions.setdefault(path, (event.start_mark.line + 1, event.start_mark.column + 1))
        top.key = key

    def _scalar(self, event: Any) -> None:
        if self._awaits_key():
            self._key(event)
            return
        self._count(1, event)
        path = self._place(event)
        value = self._resolve(event, path)
        if event.anchor:
            self._anchors[event.anchor] = value, 1
        self._add(value)

    def _resolve(self, event: Any, path: YamlPath) -> Any:
        text: str = event.value
        if not event.implicit[0]:
            if event.tag and not event.implicit[1] and event.tag not in _TEXT_TAGS:
                self._problem(f"tag {event.tag!r} is not supported; write the value without it", event, path)
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _LEADING_ZERO.fullmatch(text):
            plain = text.lstrip("+-").lstrip("0") or "0"
            message = f"{text[:20]} is octal to some readers and decimal to others; write {plain[:20]}, or quote it"
            self._problem(message, event, path)
            return int(plain[:_LONGEST_NUMBER])
        if _INFINITY.fullmatch(text):
            return -math.inf if text.startswith("-") else math.inf
        whole = _INTEGER.fullmatch(text)
        if whole or _HEXADECIMAL.fullmatch(text) or _FLOAT.fullmatch(text):
            number: float = math.inf
            if len(text) <= _LONGEST_NUMBER:
                number = int(text) if whole else int(text, 16) if text.startswith("0x") else float(text)
            if math.isinf(number):
                self._problem(f"{text[:20]} is too large or too long a number", event, path)
                return None
            return number
        return text

    def _begin(self, event: Any) -> None:
        if self._awaits_key():
            self._fail("a mapping or a list cannot be a key", event)
        if len(self._stack) >= MAX_DEPTH:
            self._fail(f"nested more than {MAX_DEPTH} deep", event)
        path = self._place(event)
        if event.tag and not event.implicit:
            self._problem(f"tag {event.tag!r} is not supported; write the value without it", event, path)
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._stack.append(_Open(value, path, event.anchor, self._values))
        self._count(1, event)

    def _end(self) -> None:
        done = self._stack.pop()
        if isinstance(done.value, dict):
            for other in done.merges:
                if isinstance(other, dict):
                    for key, value in other.items():
                        done.value.setdefault(key, value)
                else:
                    line, column = self.positions[done.path]
                    message = "only mappings can be merged with <<"
                    self.problems.append(Problem(self.file, line, column, dotted(done.path), message))
        if done.anchor:
            self._anchors[done.anchor] = done.value, self._values - done.values_before
        self._add(done.value)

    def _alias(self, event: Any) -> None:
        if self._awaits_key():
            self._fail("an alias cannot be a key", event)
        if any(part.anchor == event.anchor for part in self._stack):
            self._fail(f"*{event.anchor} refers to a value that contains it", event)
        if event.anchor not in self._anchors:
            self._fail(f"*{event.anchor} has no anchor{did_you_mean(event.anchor, self._anchors)}", event)
        value, size = self._anchors[event.anchor]
        self._count(size, event)
        self._place(event)
        self._add(value)
