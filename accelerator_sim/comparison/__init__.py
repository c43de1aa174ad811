"""Machines, networks on chip and dataflows side by side."""
