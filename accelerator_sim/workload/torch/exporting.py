"""From a module of PyTorch to a traced graph, by torch.export, with one line for what it does not take."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch.export import ExportedProgram

from accelerator_sim.files.errors import UsageError
from accelerator_sim.workload.onnx.unreadable import LONGEST, Unreadable
from accelerator_sim.workload.torch.aten_rules import RULES_OF_ATEN
from accelerator_sim.workload.torch.call import operator_name

ModuleInputs = tuple[tuple[Any, ...], dict[str, Any]]
"""Positional arguments of a module, and those by name."""
_TO_TRY = (
    "forward() must not branch on values of tensors: replace such an if by torch.where or a setting of the model, and"
    " .item() by a number; torch.export.draft_export lists all such places"
)


def inputs_of(example: object) -> ModuleInputs:
    """Return the arguments that an example stands for: one, a tuple or list of them, or a mapping by name."""
    if isinstance(example, Mapping):
        return (), {str(name): value for name, value in example.items()}
    if isinstance(example, tuple | list):
        return tuple(example), {}
    return (example,), {}


def export(model: torch.nn.Module, inputs: ModuleInputs) -> ExportedProgram:
    """Trace a module as it is for inference; its mode is what it was afterwards.

    Raises UsageError for an example that the module does not run on, and for a module that cannot be traced.
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with quiet():
            return torch.export.export(model, *inputs)
    except Exception as error:  # those of torch.export, and of the module itself, are of any type
        _require_runs(model, inputs)
        message = f"torch.export cannot trace {type(model).__name__}: {reason(error)}; {_TO_TRY}"
        raise UsageError(message) from error
    finally:
        for module, mode in modes.items():
            module.training = mode


def _require_runs(model: torch.nn.Module, inputs: ModuleInputs) -> None:
    """Raise UsageError where a module does not run on an example."""
    try:
        with torch.no_grad(), quiet():
            model(*inputs[0], **inputs[1])
    except Exception as error:
        shown = ", ".join([*map(_shown, inputs[0]), *(f"{name}: {_shown(each)}" for name, each in inputs[1].items())])
        raise UsageError(
            f"{type(model).__name__} does not run on the example ({shown or 'nothing'}): {reason(error)}; give it what"
            " forward() takes, with its batch: a tensor, a tuple of arguments, or a mapping by name"
        ) from error


def _shown(value: object) -> str:
    if isinstance(value, torch.Tensor):
        return f"{' x '.join(map(str, value.shape)) or 'a number'} of {str(value.dtype).removeprefix('torch.')}"
    return type(value).__name__


def functional(program: ExportedProgram) -> ExportedProgram:
    """Return a program without views that are written to, in operators that there are rules for where there are.

    Raises Unreadable where torch.export cannot make one.
    """
    table = torch.export.default_decompositions()
    for operator in list(table):
        if operator_name(operator) in RULES_OF_ATEN:
            del table[operator]
    try:
        with quiet():
            return program.run_decompositions(table)
    except Exception as error:  # of any type, as those of torch.export
        raise Unreadable("", f"torch.export cannot write it without in-place operators: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """Return the first line that says something of a message of torch, which may be a hundred lines long."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = next((line for line in lines if line and not line.startswith(("def ", "#", "Traceback"))), "")
    return said[:LONGEST].rstrip(".") or type(error).__name__


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what torch logs and warns of while it traces from the terminal: what is wrong is in its exception."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
