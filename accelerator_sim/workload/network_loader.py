"""Loading a network: built-in, from a file, or of a PyTorch module, read and changed as was asked for."""

from __future__ import annotations

from accelerator_sim.files.data import resolve
from accelerator_sim.files.errors import AcceleratorSimError, UsageError
from accelerator_sim.files.vocabulary import flag
from accelerator_sim.workload.choices import Choices
from accelerator_sim.workload.formats.readers import read_workload
from accelerator_sim.workload.network import Network
from accelerator_sim.workload.resize import resize
from accelerator_sim.workload.sparsity.prune import parse_rule, prune
from accelerator_sim.workload.sparsity.table import resolve_table, with_densities


def load_network(name_or_path: str, choices: Choices | None = None) -> Network:
    """Return a built-in network, or the one in a file or folder that there is a reader for (`formats/readers.py`).

    name_or_path: a built-in name, or the path of a file or folder; choices: how it is read, and what is changed in it.

    Raises UsageError for an unknown name and for choices that do not apply to the file, and InvalidFile for a
    file that is not a valid network.

    >>> import accelerator_sim
    >>> accelerator_sim.load_network("alexnet")
    <Network: alexnet, 12 layers, 724,406,816 MACs>
    """
    chosen = _checked(choices)
    return _changed(read_workload(resolve("workloads", name_or_path, "workload"), chosen), chosen)


def from_torch(model: object, example: object, measure: bool = True, *, choices: Choices | None = None) -> Network:
    """Return the network of a PyTorch module, traced by torch.export: layers are named by the paths of modules.

    model: a torch.nn.Module, which is traced as for inference; example: what it is called with, a tensor, a tuple of
    arguments or a mapping by name, whose first dimension counts inferences where it is a batch; measure: run it on the
    example, for the density of each channel that a layer reads (False: 0.5 behind a ReLU, and 1, as for ONNX files);
    choices: as of `load_network`, without `bind` and `inputs`, which are of files.

    Weights and their zeros are those of the model.  They are kept in a temporary file until the process ends, so the
    network cannot be used by another; torch.export.save writes a .pt2 file, which `load_network` reads.

    Raises AcceleratorSimError where the package torch is missing, and UsageError for values of another type, an example
    that the model does not run on, a model that torch.export cannot trace, and operators that are not understood.

    >>> import torch, accelerator_sim
    >>> model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    >>> [layer.macs for layer in accelerator_sim.from_torch(model, torch.zeros(1, 64)).layers if layer.is_mac]
    [2048, 320]
    """
    chosen = _checked(choices)
    flag(measure, "measure")
    for name in ("bind", "inputs"):
        if getattr(chosen, name):
            raise UsageError(f"choices.{name} is for files; from_torch takes an example")
    try:
        from accelerator_sim.workload.torch.torch_network import network_of_module
    except ImportError as error:
        message = "from_torch needs the package torch; install it with: pip install 'accelerator-sim[torch]'"
        raise AcceleratorSimError(f"{message} ({error})") from None
    return _changed(network_of_module(model, example, measure, chosen), chosen)


def _checked(choices: Choices | None) -> Choices:
    if choices is not None and not isinstance(choices, Choices):
        raise UsageError(f"choices is {choices!r}; a value of the type Choices is required")
    return Choices() if choices is None else choices


def _changed(network: Network, chosen: Choices) -> Network:
    """A network as it was asked for: resized, with other densities, pruned."""
    if chosen.width is not None or chosen.resolution is not None:
        network = resize(network, 1.0 if chosen.width is None else chosen.width, chosen.resolution)
    if chosen.densities is not None:
        network = with_densities(network, resolve_table(chosen.densities))
    if chosen.prune is not None:
        network = prune(network, parse_rule(chosen.prune))
    return network
