"""What pydantic found wrong, in the words of the file: the YAML path, what stands there, and what is allowed."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pydantic
from pydantic.fields import FieldInfo

from accelerator_sim.files.errors import did_you_mean
from accelerator_sim.files.yaml_tree import YamlPath

_REQUIRED = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    list: "a list",
    tuple: "a list",
    dict: "a mapping",
}
_WANTED = {
    "int_type": "a whole number is required",
    "int_from_float": "a whole number is required",
    "int_parsing": "a whole number is required",
    "float_type": "a number is required",
    "float_parsing": "a number is required",
    "finite_number": "a finite number is required",
    "bool_type": "true or false is required",
    "string_type": "text is required (quote a number to make it text)",
    "list_type": "a list is required",
    "tuple_type": "a list is required",
    "dict_type": "a mapping is required",
    "model_type": "a mapping is required",
    "model_attributes_type": "a mapping is required",
}
_LIMITS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
    "multiple_of": ("multiple_of", "a multiple of"),
}


def explain(model_cls: type[pydantic.BaseModel], details: Mapping[str, Any]) -> tuple[YamlPath, str]:
    """Return the YAML path and the message of one entry of `ValidationError.errors()`."""
    path, owner, annotation = _walk(model_cls, details["loc"])
    kind, context, value = details["type"], details.get("ctx", {}), details.get("input")
    if kind == "extra_forbidden":
        return path, f"unknown key{_choices(str(path[-1]), owner.model_fields if owner else ())}"
    if kind == "missing":
        return path, f"missing; {_description(owner, path, annotation)} is required"
    if kind in ("literal_error", "enum"):
        if "[key]" in details["loc"]:
            return path, f"unknown key; allowed: {context['expected']}{_near(value, context['expected'])}"
        return path, f"{shown(value)} is not allowed; allowed: {context['expected']}{_near(value, context['expected'])}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _explain_tag(kind, path, context, annotation)
    if kind in ("value_error", "assertion_error"):
        return path, str(context["error"])
    return path, _explain_value(kind, context, value, details["msg"])


def _explain_value(kind: str, context: Mapping[str, Any], value: Any, fallback: str) -> str:
    if kind in _WANTED:
        return f"{shown(value)} given; {_WANTED[kind]}"
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return f"{shown(value)} is not allowed; it must be {words} {context[name]}"
    if kind == "string_too_short":
        return f"{shown(value)} is too short; at least {context['min_length']} character(s) are required"
    if kind == "too_short":
        return f"{context['actual_length']} item(s) given; at least {context['min_length']} required"
    if kind == "too_long":
        return f"{context['actual_length']} item(s) given; at most {context['max_length']} allowed"
    return f"{shown(value)} is not allowed: {fallback}"


def _explain_tag(kind: str, path: YamlPath, context: Mapping[str, Any], annotation: Any) -> tuple[YamlPath, str]:
    key = context["discriminator"].strip("'")
    path = (*path, key)
    if kind == "union_tag_invalid":
        allowed = context["expected_tags"]
        return path, f"{context['tag']!r} is not allowed; allowed: {allowed}{_near(context['tag'], allowed)}"
    tags: list[str] = []
    for model in _models(annotation):
        if key in model.model_fields:
            tags += [str(tag) for tag in get_args(model.model_fields[key].annotation)]
    return path, f"missing; one of {', '.join(map(repr, tags))} is required"


def shown(value: Any) -> str:
    """Return a value as a user would recognise it in the file."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _near(value: Any, expected: str) -> str:
    return did_you_mean(str(value), re.findall(r"'([^']*)'", expected)) if isinstance(value, str) else ""


def _choices(word: str, choices: Iterable[str]) -> str:
    known = list(choices)
    hint = did_you_mean(word, known)
    return hint or (f"; allowed: {', '.join(known)}" if known else "")


def _description(owner: type[pydantic.BaseModel] | None, path: YamlPath, annotation: Any) -> str:
    """Return what belongs in a field, e.g. 'a whole number (number of rows)'."""
    field = owner.model_fields.get(str(path[-1])) if owner else None
    text = _kind(annotation, field.metadata if field else [])
    return f"{text} ({field.description})" if field and field.description else text


def _kind(annotation: Any, metadata: Iterable[Any]) -> str:
    for entry in metadata:
        if isinstance(entry, pydantic.WithJsonSchema) and entry.json_schema:
            return str(entry.json_schema.get("description", "a value"))
    for option, notes in _options(annotation):
        if notes:
            return _kind(option, notes)
        if get_origin(option) is Literal:
            return f"one of {', '.join(map(repr, get_args(option)))}"
        base = get_origin(option) or option
        if inspect.isclass(base) and issubclass(base, pydantic.BaseModel):
            return "a mapping"
        if base in _REQUIRED:
            return _REQUIRED[base]
    return "a value"


def _options(annotation: Any, notes: tuple[Any, ...] = ()) -> list[tuple[Any, tuple[Any, ...]]]:
    """Return the members of a union (one, if it is none) without None, each with the metadata of its Annotated."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *rest = get_args(annotation)
        schemas = tuple(entry for entry in rest if isinstance(entry, pydantic.WithJsonSchema))
        return _options(inner, notes + schemas)
    if origin in (Union, types.UnionType):
        return [option for member in get_args(annotation) for option in _options(member, notes)]
    return [] if annotation is type(None) else [(annotation, notes)]


def _models(annotation: Any) -> list[type[pydantic.BaseModel]]:
    return [a for a, _ in _options(annotation) if inspect.isclass(a) and issubclass(a, pydantic.BaseModel)]


def _has_tag(model: type[pydantic.BaseModel], tag: Any) -> bool:
    fields: Iterable[FieldInfo] = model.model_fields.values()
    return any(get_origin(f.annotation) is Literal and tag in get_args(f.annotation) for f in fields)


def _walk(
    model_cls: type[pydantic.BaseModel], loc: tuple[str | int, ...]
) -> tuple[YamlPath, type[pydantic.BaseModel] | None, Any]:
    """Return the YAML path of a location, the model that the last key belongs to, and the type that is wanted there.

    Pydantic puts the tags of discriminated unions, and names of union members, into its locations; the file has no
    such level, so they are dropped.
    """
    path: list[str | int] = []
    owner: type[pydantic.BaseModel] | None = None
    here: Any = model_cls
    for i, part in enumerate(loc):
        models = _models(here)
        tagged = [model for model in models if _has_tag(model, part)] if len(models) > 1 else []
        if tagged:
            here = Union[tuple(tagged)]  # noqa: UP007  (built from a list)
            continue
        model = next((m for m in models if part in m.model_fields), None)
        if model is not None:
            owner, here = model, _field_type(model.model_fields[str(part)])
            path.append(part)
            continue
        if models and i == len(loc) - 1:
            owner, here = models[0], Any
            path.append(part)
            continue
        inner = _item_type(here, part)
        if inner is not None:
            owner, here = None, inner
            path.append(part)
    return tuple(path), owner, here


def _field_type(field: FieldInfo) -> Any:
    schemas = [entry for entry in field.metadata if isinstance(entry, pydantic.WithJsonSchema)]
    return Annotated[field.annotation, schemas[0]] if schemas else field.annotation


def _item_type(annotation: Any, part: str | int) -> Any:
    """Return the type of the item `part` of a list, tuple or dict, or None when `part` cannot be one."""
    for option, _ in _options(annotation):
        origin, args = get_origin(option) or option, get_args(option)
        if origin in (list, tuple) and isinstance(part, int):
            return args[part] if part < len(args) and args[part] is not Ellipsis else args[0] if args else Any
        if origin is dict and part != "[key]":
            return args[1] if args else Any
    return None
