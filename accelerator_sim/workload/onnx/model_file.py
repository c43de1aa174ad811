"""The encoded model of an ONNX file, read with bounded memory, in a form that the rest can rely on.

Operator sets are those that the file names.  A file without the standard domain gets the newest set of its IR version,
for onnxruntime and others write such files.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import helper
from onnx.inliner import inline_local_functions

from accelerator_sim.files.errors import did_you_mean
from accelerator_sim.workload.onnx.operators import STANDARD
from accelerator_sim.workload.onnx.order import nodes_at_any_depth
from accelerator_sim.workload.onnx.unreadable import LONGEST, Unreadable, guarded, one_line, problem
from accelerator_sim.workload.onnx.wire import Malformed, Payload, read_stripped

LARGEST_MODEL = 64 << 20
"""Bytes of a model without its large tensors: 50,000 nodes of real networks take 20 MB, and ten times that parsed."""


def read_model(path: Path) -> tuple[onnx.ModelProto, dict[str, Payload]]:
    """Return the model of a file without the data of its large tensors, and where those lie.

    Functions of the file are inlined.  Raises InvalidFile for a file that does not hold a model, is cut short, or comes
    from a newer onnx.
    """
    model, payloads = _parsed(path)
    try:
        _check_text(model)
        _set_operator_sets(model)
        if model.functions:
            model = guarded("functions", lambda: inline_local_functions(model))
    except Unreadable as error:
        raise problem(path, error.where, str(error)) from None
    return model, payloads


def _parsed(path: Path) -> tuple[onnx.ModelProto, dict[str, Payload]]:
    try:
        text, payloads = read_stripped(path, most=LARGEST_MODEL)
    except FileNotFoundError:
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise problem(path, "", f"no such file{did_you_mean(path.name, siblings)}") from None
    except IsADirectoryError:
        raise problem(path, "", "is a folder, not a file") from None
    except (OSError, ValueError) as error:
        if isinstance(error, Malformed):
            raise problem(path, "", f"is not an ONNX model, or is cut short: it {error}") from None
        reason = error.strerror if isinstance(error, OSError) else None
        raise problem(path, "", f"cannot be read: {reason or error}") from None
    try:
        model = onnx.load_model_from_string(text)
    except Exception as error:  # google.protobuf's own, whose class is not public
        raise problem(path, "", f"is not an ONNX model: {one_line(error)}") from None
    if not model.HasField("graph") or not model.graph.node:
        raise problem(path, "", "is not an ONNX model: it has no graph with nodes")
    return model, payloads


def _check_text(model: onnx.ModelProto) -> None:
    """Check that all names are text: protobuf hands out the bytes of a string that is not UTF-8.  Raises Unreadable."""
    graph = model.graph
    names: list[object] = [graph.name, *(tensor.name for tensor in graph.initializer)]
    names += [entry.domain for entry in model.opset_import]
    for value in (*graph.input, *graph.output, *graph.value_info):
        names.append(value.name)
        if value.type.HasField("tensor_type"):
            names += [dim.dim_param for dim in value.type.tensor_type.shape.dim]
    bodies = [*model.functions, graph]
    for node in nodes_at_any_depth(bodies):
        names += [node.name, node.op_type, node.domain, *node.input, *node.output]
        names += [attribute.name for attribute in node.attribute]
        names += [text for entry in node.metadata_props for text in (entry.key, entry.value)]
    for each in names:
        if not isinstance(each, str):
            raise Unreadable("", f"a name that is not text: {each!r}"[:LONGEST])


def opset_of(model: onnx.ModelProto) -> int:
    """Return the operator set of the standard domain, which `read_model` puts into every model."""
    return max(int(entry.version) for entry in model.opset_import if entry.domain in STANDARD)


def _set_operator_sets(model: onnx.ModelProto) -> None:
    """Leave one operator set for the standard domain, under one name.  Raises Unreadable for one that is not known."""
    newest = onnx.defs.onnx_opset_version()
    versions = [entry.version for entry in model.opset_import if entry.domain in STANDARD]
    opset = max(versions) if versions else _opset_of_ir(model.ir_version, newest)
    if opset > newest:
        message = f"operator set {opset} is newer than the installed onnx {onnx.__version__} knows, {newest}"
        raise Unreadable("opset_import", f"{message}; update onnx")
    if opset < 1:
        raise Unreadable("opset_import", f"operator set {opset} does not exist; 1 to {newest} are read")
    others = {entry.domain: entry.version for entry in model.opset_import if entry.domain not in STANDARD}
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", opset))
    model.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in others.items())


def _opset_of_ir(ir_version: int, newest: int) -> int:
    """The newest operator set that belongs to an IR version; 1 before the third, where there were none."""
    if ir_version in (1, 2):
        return 1
    versions = [row[2] for row in helper.VERSION_TABLE if row[1] == ir_version]
    return min(max(versions, default=newest), newest)
