"""Processors that a network may run on instead: a roofline with the energy of a whole board, constants from files."""
