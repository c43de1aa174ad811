"""The version, apart from `accelerator_sim` itself, whose names bring in everything else."""

__version__ = "0.1.0"
