"""From a module of PyTorch, or a file of torch.export.save, to a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.export import ExportedProgram
from torch.utils import _pytree as pytree

from accelerator_sim.files.errors import AcceleratorSimError, InvalidFile, UsageError
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.onnx.activations import ChannelCount, channel_densities
from accelerator_sim.workload.onnx.loading import load_graph
from accelerator_sim.workload.onnx.reader import GraphOrigin, network_of
from accelerator_sim.workload.onnx.unreadable import Unreadable, one_line, problem
from accelerator_sim.workload.onnx.weights import MOST_BYTES
from accelerator_sim.workload.torch.exporting import ModuleInputs, export, functional, inputs_of, reason
from accelerator_sim.workload.torch.measuring import Runner
from accelerator_sim.workload.torch.saved_export import load_program, sizes_of, translated_export
from accelerator_sim.workload.torch.translation import translate


def network_of_module(model: object, example: object, measure: bool, choices: Choices) -> Network:
    """Return the network of a module.

    model: a torch.nn.Module; example: what it is called with; measure: whether to run it on the example for the
    densities of its activations; choices: of those for ONNX files, `strict` and `weights`.  Raises UsageError for
    values of another type, an example that the module does not run on, a module that cannot be traced, and what is in
    it that cannot be understood.
    """
    if not isinstance(model, torch.nn.Module):
        raise UsageError(f"model is a {type(model).__name__}; a torch.nn.Module is required")
    name, inputs = type(model).__name__, inputs_of(example)
    traced = export(model, inputs)
    try:
        program = functional(traced)
        held = _HeldWeights.of(program, choices)
        if measure and held.without_values:
            raise Unreadable("", "weights on the device meta have no values to run it with; give measure=False")
        translated = translate(program, name, held.read, sizes_of(program, {}))
        graph = load_graph(translated.file, {}, weights=held.read)
        origin = GraphOrigin(name, _source(name), "model", note=held.note)
        if measure:
            runner = Runner(program, translated, graph)
            origin = replace(origin, measuring=partial(_of_example, runner, inputs), inputs="the example")
        return network_of(graph, replace(choices, weights=held.read), origin)
    except Unreadable as error:
        raise UsageError(": ".join(filter(None, (name, error.where, str(error))))) from None
    except InvalidFile as error:
        said = (": ".join(filter(None, (name, each.path, each.message))) for each in error.problems)
        raise UsageError("\n".join(said)) from None
    except AcceleratorSimError:
        raise
    except Exception as error:  # torch has operators of all kinds, and not all combinations were tried
        raise UsageError(f"{name}: cannot be read: {type(error).__name__}: {one_line(error)}") from error


def network_of_export(path: Path, choices: Choices) -> Network:
    """Return the network of a file that torch.export.save wrote, by the choices for such files.

    Raises InvalidFile with what is wrong with it.
    """
    try:
        program = load_program(path)
        held = _HeldWeights.of(program, choices)
        translated = translated_export(path, choices.bind, held.read)
        graph = load_graph(translated.file, {}, weights=held.read)
        origin = GraphOrigin(path.stem, _source(path.name), "file", note=held.note)
        if choices.inputs is not None:
            measuring = partial(_of_file, Runner(program, translated, graph), choices.inputs)
            origin = replace(origin, measuring=measuring, inputs=choices.inputs.name)
        network = network_of(graph, replace(choices, weights=held.read), origin)
    except Unreadable as error:
        raise problem(path, error.where, str(error)) from None
    except InvalidFile as error:
        ours = (
            replace(each, file=str(path)) if Path(each.file).name == f"{path.stem}.onnx" else each
            for each in error.problems
        )
        raise InvalidFile(ours) from None
    except AcceleratorSimError:
        raise
    except Exception as error:  # a damaged file can make torch stumble in any way
        raise problem(path, "", f"cannot be read: {type(error).__name__}: {one_line(error)}") from error
    return replace(network, file=str(path), layers=tuple(_held_in(path, layer) for layer in network.layers))


@dataclass(frozen=True)
class _HeldWeights:
    """Whether the weights of a program are read, and what a reader should know of that."""

    read: bool
    without_values: bool
    note: str

    @staticmethod
    def of(program: ExportedProgram, choices: Choices) -> _HeldWeights:
        """As was asked for, or where there are few enough.  Raises Unreadable where they have no values."""
        tensors = list(program.state_dict.values())
        if any(value.device.type == "meta" for value in tensors):
            if choices.weights:
                raise Unreadable("", "weights on the device meta have no values to read")
            return _HeldWeights(False, True, "The model's weights have no values (device meta) and are taken as dense.")
        total = sum(value.numel() * value.element_size() for value in tensors)
        if choices.weights is None and total > MOST_BYTES:
            note = (
                f"Its {total / 1e9:.1f} GB of weights were not read and are taken as dense; ask for them with --weights"
            )
            return _HeldWeights(False, False, f"{note} (Python: Choices(weights=True)).")
        return _HeldWeights(choices.weights is not False, False, "")


def _source(name: str) -> str:
    return f"{name}, traced by torch.export, read by PyTorch {torch.__version__.partition('+')[0]}"


def _held_in(path: Path, layer: Layer) -> Layer:
    """A layer whose weights are named as those of the file that they come from."""
    held = layer.density.tensor_weight
    if held is None:
        return layer
    return replace(layer, density=replace(layer.density, tensor_weight=(str(path), held[1])))


# --- densities -------------------------------------------------------------------------------------------------------
def _of_example(runner: Runner, inputs: ModuleInputs, tensors: Mapping[str, int]) -> dict[str, NDArray[np.float64]]:
    """Return the density of each channel of the tensors that a program computes, as it is run on an example."""
    wanted = {name: axis for name, axis in tensors.items() if runner.knows(name)}
    flat = pytree.tree_leaves(inputs)
    feeds = dict(zip(runner.program.graph_signature.user_inputs, flat, strict=True))
    count = ChannelCount(wanted)
    try:
        count.add(runner.run(list(wanted), feeds))
    except Exception as error:  # an operator without an implementation on this machine
        message = f"cannot be run on the example: {reason(error)}; measure=False assumes densities"
        raise Unreadable("", message) from error
    return count.densities()


def _of_file(runner: Runner, file: Path, tensors: Mapping[str, int]) -> dict[str, NDArray[np.float64]]:
    """Return the density of each channel of the tensors that a program computes, over the inputs of a .npz file."""
    wanted = {name: axis for name, axis in tensors.items() if runner.knows(name)}

    def run(feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        return runner.run(list(wanted), {name: torch.from_numpy(value) for name, value in feeds.items()})

    return channel_densities(runner.graph, file, run, wanted)
