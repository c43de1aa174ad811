"""The command line.  Nothing here imports numpy, numba, networkx or pydantic before a command runs."""
