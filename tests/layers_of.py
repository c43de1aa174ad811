"""Layers of built-in networks that stand for all."""

from __future__ import annotations

from dataclasses import replace

from accelerator_sim.workload.network import Network
from accelerator_sim.workload.network_loader import load_network


def sample_of(name: str, most: int) -> Network:
    """A network with at most so many of its layers with multiply-accumulates, evenly spaced among those that differ."""
    network = load_network(name)
    layers = {layer.unnamed: layer for layer in network.layers if layer.is_mac}
    kept = list(layers.values())[:: -(-len(layers) // most)]
    return replace(network, layers=tuple(replace(layer, reads=()) for layer in kept))
