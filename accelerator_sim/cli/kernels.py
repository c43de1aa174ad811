"""The state of the compiled kernels, and compiling them all at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click


def load_kernels() -> list[Any]:
    """Return the kernels that are called from outside, none for an interpreter without compilation."""
    import accelerator_sim.mapping.search  # noqa: F401  (defines the kernels)
    from accelerator_sim.kernels.compile import KERNELS

    return [kernel for kernel in KERNELS if hasattr(kernel, "signatures")]


def is_cold(kernel: Any) -> bool:
    """Whether a kernel has still to be compiled: neither in this process nor on disk, as far as can be told."""
    if kernel.signatures:
        return False
    index = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    try:
        return index is None or not index._load_index()
    except Exception:  # a damaged index is as good as none
        return True


def cache_folder() -> str | None:
    """Return the folder of the compiled kernels, or None where none can be written."""
    from accelerator_sim.kernels import compile as compiling

    kernels = load_kernels()
    if compiling.uncached or not kernels:
        return None
    path = getattr(getattr(kernels[0], "_cache", None), "cache_path", None)
    return None if path is None else str(path)


def warm(jobs: int = 1) -> None:
    """Say so if kernels have to be compiled; with several jobs, compile them before each process would."""
    cold = any(map(is_cold, load_kernels()))
    if not cold:
        return
    from accelerator_sim.kernels import compile as compiling

    often = "in every run: no cache can be written, see `accelerator-sim warmup`"
    click.echo(f"compiling kernels, {often if compiling.uncached else 'once per machine'}...", err=True)
    if jobs > 1 and not compiling.uncached:
        compile_all()


def compile_all(tell: Callable[[str], None] = lambda _: None) -> None:
    """Compile every kernel, by mapping a small layer; `tell` gets a line for each."""
    from accelerator_sim.mapping.search import Objective, find_mapping
    from accelerator_sim.study.machine import load_machine
    from accelerator_sim.technology.actions import resolve_actions
    from accelerator_sim.workload.layer import Layer

    kernels = load_kernels()
    names = ", ".join(kernel.__name__ for kernel in kernels)
    tell(f"compiling {names}..." if any(map(is_cold, kernels)) else f"{names}: compiled before")
    start = time.perf_counter()
    architecture, technology = load_machine("eyeriss_v2")
    layer = Layer("warmup", "conv", M=2, C=2, H=3, W=3, R=3, S=3)
    find_mapping(layer, architecture, resolve_actions(technology, architecture), Objective.LATENCY)
    tell(f"done in {time.perf_counter() - start:.1f} s")
