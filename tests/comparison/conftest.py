"""The small network, on its machine."""

from tests.small_network import architecture, flawed, loaded, machine, network, technology

__all__ = ["architecture", "flawed", "loaded", "machine", "network", "technology"]
