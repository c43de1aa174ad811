"""What the schema of a file knows about a path: whether it exists, which values may stand there, and in which unit."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import pydantic
from pydantic.fields import FieldInfo

from accelerator_sim.files.errors import did_you_mean
from accelerator_sim.files.messages import explain
from accelerator_sim.files.model import FileModel
from accelerator_sim.files.units import Dimension
from accelerator_sim.files.yaml_tree import dotted


def fields_at(model: type[pydantic.BaseModel], path: str) -> list[FieldInfo]:
    """Return the fields that a dotted path may stand for, one for each kind of the parts that it leads through.

    Raises ValueError, with the nearest key or those that are allowed, for a path that no file of the model can have.
    """
    parts = [part.strip() for part in path.split(".")]
    here = [FieldInfo(annotation=model)]
    for at, part in enumerate(parts):
        fields = [field for each in here for field in _inside(each.annotation, part)]
        if not fields:
            known = list(dict.fromkeys(key for each in here for key in _keys(each.annotation)))
            above = dotted(tuple(parts[:at]))
            if not known:
                raise ValueError(f"{above!r} is a single value; it has no {part!r}")
            hint = did_you_mean(part, known) or f"; allowed: {', '.join(known)}"
            raise ValueError(f"unknown key {part!r}{f' in {above!r}' if above else ''}{hint}")
        here = fields
    return here


def check_value(fields: Sequence[FieldInfo], value: Any) -> None:
    """Raise ValueError, with what is allowed, for a value that none of the fields takes."""
    messages: list[str] = []
    for field in fields:
        model: type[pydantic.BaseModel] = pydantic.create_model(
            "Value", __base__=FileModel, value=cast(Any, (field.annotation, field))
        )
        try:
            model.model_validate({"value": value})
        except pydantic.ValidationError as error:
            for details in error.errors(include_url=False):
                path, message = explain(model, details)
                inner_path = dotted(path[1:])
                messages.append(f"{inner_path}: {message}" if inner_path else message)
        else:
            return
    head, allowed, _ = messages[0].partition("allowed: ")
    if allowed and all(message.startswith(head + allowed) for message in messages):
        words = dict.fromkeys(message.removeprefix(head + allowed) for message in messages)
        raise ValueError(head + allowed + ", ".join(words))
    raise ValueError("; ".join(dict.fromkeys(messages)))


def dimension_of(fields: Sequence[FieldInfo]) -> Dimension | None:
    """Return the kind of quantity that the fields hold, None for anything else."""
    for field in fields:
        for note in [*field.metadata, *_notes(field.annotation)]:
            if isinstance(note, Dimension):
                return note
    return None


def _options(annotation: Any) -> Iterator[Any]:
    """The members of a union, or the type itself, without the metadata of Annotated."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _options(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _options(member)
    elif annotation is not type(None):
        yield annotation


def _notes(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *notes = get_args(annotation)
        yield from notes
        yield from _notes(inner)
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _notes(member)


def _models(annotation: Any) -> list[type[pydantic.BaseModel]]:
    return [each for each in _options(annotation) if inspect.isclass(each) and issubclass(each, pydantic.BaseModel)]


def _literals(annotation: Any) -> list[str]:
    return [str(word) for each in _options(annotation) if get_origin(each) is Literal for word in get_args(each)]


def _keys(annotation: Any) -> list[str]:
    """What may follow a value of this type in a path."""
    keys = [key for model in _models(annotation) for key in model.model_fields]
    for each in _options(annotation):
        if get_origin(each) is dict:
            keys += _literals(get_args(each)[0])
        elif get_origin(each) is list:
            keys.append("0")
    return keys


def _inside(annotation: Any, part: str) -> Iterator[FieldInfo]:
    """The fields that a part of a path may stand for in a value of this type."""
    for model in _models(annotation):
        fields: Mapping[str, FieldInfo] = model.model_fields
        if part in fields:
            yield fields[part]
    for each in _options(annotation):
        origin, args = get_origin(each), get_args(each)
        in_dict = origin is dict and (part in _literals(args[0]) or not _literals(args[0]))
        if in_dict or (origin is list and part.isascii() and part.isdecimal()):
            yield FieldInfo.from_annotation(args[-1])
