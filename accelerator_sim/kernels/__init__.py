"""Every Numba function of the project, and nothing else."""
