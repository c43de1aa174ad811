"""From a YAML document to a frozen pydantic model, with every problem reported at its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import pydantic

from accelerator_sim.files.errors import InvalidFile, Problem
from accelerator_sim.files.messages import explain
from accelerator_sim.files.yaml_tree import Document, YamlPath, dotted, parse_value


class FileModel(pydantic.BaseModel):
    """Base of everything that is read from a file: frozen, no unknown keys, no silent conversions.

    Validation is strict: true is not 1, 3.0 is not a whole number, "3" is not a number.  A whole number may stand for
    a float.  Lists come as `list`, not `tuple`.
    """

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=(), defer_build=True
    )


Model = TypeVar("Model", bound=pydantic.BaseModel)
Kind = TypeVar("Kind", bound=StrEnum)
Chosen = Annotated[Kind, pydantic.Strict(False)]
"""A word of a closed set, `Chosen[Fidelity]`: in the file it is text, in the model the member of the enum."""


def load_model(
    model_cls: type[Model],
    document: Document,
    overrides: Sequence[tuple[str, str]] = (),
    context: Mapping[str, Any] | None = None,
) -> Model:
    """Return the document as a model, after `overrides` (pairs of dotted path and YAML value) are put in.

    `context` reaches validators that ask for it.  Raises InvalidFile with all problems of the file and of the
    overrides, sorted by line.
    """
    tree = document.raw
    problems = list(document.problems)
    origins: dict[YamlPath, str] = {}
    for path, text in overrides:
        name = f"--set {path}={text}"
        try:
            tree, origin = _override(tree, path, parse_value(text, name), name)
            origins[origin] = name
        except InvalidFile as error:
            problems += [Problem(name, None, None, problem.path, problem.message) for problem in error.problems]
    try:
        model = model_cls.model_validate(tree, context=dict(context or {}))
    except pydantic.ValidationError as error:
        problems += _problems(model_cls, error, document, origins)
    if problems:
        raise InvalidFile(sorted(problems, key=lambda problem: problem.order))
    return model


def _override(tree: Any, path: str, value: Any, name: str) -> tuple[Any, YamlPath]:
    """Return a tree with `value` at `path`, and the path of the part that is new.  `tree` itself stays as it is."""
    parts: list[str | int] = [part.strip() for part in path.split(".")]
    if not all(parts):
        raise InvalidFile([Problem(name, None, None, "", "the path has an empty part; write e.g. glb.psum.banks")])
    root: dict[str | int, Any] = {"": tree}
    holder: Any = root
    key: str | int = ""
    for i, part in enumerate(parts):
        here = holder[key]
        if isinstance(here, dict):
            here = holder[key] = dict(here)
        elif isinstance(here, list):
            here = holder[key] = list(here)
            if not (str(part).isascii() and str(part).isdigit() and int(part) < len(here)):
                message = f"{part!r} is not an item of the list {dotted(tuple(parts[:i]))!r}"
                allowed = f"0 to {len(here) - 1}" if here else "none, it is empty"
                raise InvalidFile([Problem(name, None, None, "", f"{message}; allowed: {allowed}")])
            part = parts[i] = int(part)
        else:
            message = f"{dotted(tuple(parts[:i]))!r} is a single value; it has no {part!r}"
            raise InvalidFile([Problem(name, None, None, "", message)])
        holder, key = here, part
        if isinstance(here, dict) and here.get(str(part)) is None:
            for missing in reversed(parts[i + 1 :]):
                value = {missing: value}
            here[part] = value
            return root[""], tuple(parts[: i + 1])
    holder[key] = value
    return root[""], tuple(parts)


def _problems(
    model_cls: type[pydantic.BaseModel],
    error: pydantic.ValidationError,
    document: Document,
    origins: Mapping[YamlPath, str],
) -> list[Problem]:
    messages_by_path: dict[YamlPath, list[str]] = {}
    for details in error.errors(include_url=False):
        path, message = explain(model_cls, details)
        messages = messages_by_path.setdefault(path, [])
        if message not in messages:
            messages.append(message)
    problems = []
    for path, messages in messages_by_path.items():
        text = " or: ".join(messages)
        owner = next((origins[path[:n]] for n in range(len(path), 0, -1) if path[:n] in origins), None)
        if owner is not None:
            problems.append(Problem(owner, None, None, dotted(path), text))
        else:
            line, column = document.position(path)
            problems.append(Problem(document.file, line, column, dotted(path), text))
    return problems
