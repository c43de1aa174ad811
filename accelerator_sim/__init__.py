"""What a neural network costs, in cycles and joules, on a hierarchical-mesh accelerator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from accelerator_sim.version import __version__

if TYPE_CHECKING:
    from accelerator_sim.api import (
        AcceleratorSimError,
        AcceleratorSimWarning,
        CheckFailed,
        Choices,
        Constraints,
        InvalidFile,
        NothingRan,
        Options,
        StoreError,
        Sweep,
        Unmappable,
        UsageError,
        WorkNotCounted,
        compare,
        compare_dataflows,
        compare_networks,
        draw_architecture,
        explain,
        from_torch,
        load_architecture,
        load_baseline,
        load_network,
        map_layer,
        run_sweep,
        simulate,
        sweep,
        year,
    )

__all__ = [
    "AcceleratorSimError",
    "AcceleratorSimWarning",
    "CheckFailed",
    "Choices",
    "Constraints",
    "InvalidFile",
    "NothingRan",
    "Options",
    "StoreError",
    "Sweep",
    "Unmappable",
    "UsageError",
    "WorkNotCounted",
    "__version__",
    "compare",
    "compare_dataflows",
    "compare_networks",
    "draw_architecture",
    "explain",
    "from_torch",
    "load_architecture",
    "load_baseline",
    "load_network",
    "map_layer",
    "run_sweep",
    "simulate",
    "sweep",
    "year",
]


def __getattr__(name: str) -> Any:
    # Loaded when first used: the command line shows its help without them.
    if name in __all__:
        from accelerator_sim import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    # What completion offers: all names, without loading what is behind them.
    return sorted(__all__)
