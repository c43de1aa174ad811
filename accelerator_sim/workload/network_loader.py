"""Loading a network: built-in or from a file, read and changed as was asked for."""

from __future__ import annotations

from accelerator_sim.files.data import resolve
from accelerator_sim.files.errors import UsageError
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
    if choices is not None and not isinstance(choices, Choices):
        raise UsageError(f"choices is {choices!r}; a value of the type Choices is required")
    chosen = Choices() if choices is None else choices
    network = read_workload(resolve("workloads", name_or_path, "workload"), chosen)
    if chosen.width is not None or chosen.resolution is not None:
        network = resize(network, 1.0 if chosen.width is None else chosen.width, chosen.resolution)
    if chosen.densities is not None:
        network = with_densities(network, resolve_table(chosen.densities))
    if chosen.prune is not None:
        network = prune(network, parse_rule(chosen.prune))
    return network
