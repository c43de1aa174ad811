"""What a neural network costs, in cycles and joules, on a hierarchical-mesh accelerator."""

__version__ = "0.1.0"
