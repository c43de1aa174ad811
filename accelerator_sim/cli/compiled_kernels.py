"""The state of the compiled kernels, and compiling them all at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from accelerator_sim.cli import output


def load_kernels(fidelity: str = "cycle") -> list[Any]:
    """Return the kernels that a simulation calls, none for an interpreter without compilation."""
    from accelerator_sim.kernels.enumeration import search
    from accelerator_sim.kernels.survey import survey

    needed = [survey, search]
    if fidelity != "analytical":
        from accelerator_sim.kernels.chain_times import time_chains
        from accelerator_sim.kernels.csc_columns import count_columns, weigh_blocks
        from accelerator_sim.kernels.event_pass import run_pass
        from accelerator_sim.kernels.parts import find_alike
        from accelerator_sim.kernels.plan import plan_pass
        from accelerator_sim.kernels.program import fill_streams, size_streams, weigh
        from accelerator_sim.kernels.timeline import follow, list_passes

        needed += [
            count_columns,
            weigh_blocks,
            list_passes,
            time_chains,
            plan_pass,
            find_alike,
            size_streams,
            fill_streams,
            weigh,
            run_pass,
            follow,
        ]
    if fidelity == "cycle":
        from accelerator_sim.kernels.channel import step_wait, step_writes
        from accelerator_sim.kernels.cycle_pass import step_pass

        needed += [step_wait, step_pass, step_writes]
    return [kernel for kernel in needed if hasattr(kernel.dispatcher, "signatures")]


def is_cold(kernel: Any) -> bool:
    """Whether a kernel is not compiled yet, neither in this process nor on disk (as far as can be seen)."""
    if kernel.dispatcher.signatures:
        return False
    index = getattr(getattr(kernel.dispatcher, "_cache", None), "_cache_file", None)
    try:
        return index is None or not index._load_index()
    except Exception:  # a damaged index is as good as none
        return True


def cache_folder() -> str | None:
    """Return the folder of the compiled kernels, or None where none can be written."""
    from accelerator_sim.kernels import cache

    kernels = load_kernels()
    if cache.uncached or not kernels:
        return None
    path = getattr(getattr(kernels[0].dispatcher, "_cache", None), "cache_path", None)
    return None if path is None else str(path)


def warm(jobs: int = 1, fidelity: str = "event") -> None:
    """Print a note if kernels must be compiled; with several jobs, compile them before each process would."""
    cold = [kernel.__name__ for kernel in load_kernels(fidelity) if is_cold(kernel)]
    if not cold:
        return
    from accelerator_sim.kernels import cache

    often = "in every run: no cache can be written, see `accelerator-sim warmup`"
    often = often if cache.uncached else "once per machine"
    output.note(f"compiling {len(cold)} kernels ({', '.join(cold)}), {often}...")
    if jobs > 1 and not cache.uncached:
        compile_all(fidelity)


def compile_all(fidelity: str = "cycle", report: Callable[[str], None] = lambda _: None) -> None:
    """Compile every kernel that a simulation calls, by simulating small layers; `report` gets a line for each step."""
    from accelerator_sim.files.vocabulary import Fidelity, Objective
    from accelerator_sim.run.layer_run import run_layer
    from accelerator_sim.run.run_setup import RunSetup
    from accelerator_sim.technology.actions import resolve_actions
    from accelerator_sim.technology.machine_file import load_machine
    from accelerator_sim.workload.layer import Density, Layer

    architecture, technology = load_machine("eyeriss_v2")
    actions = resolve_actions(technology, architecture)
    # Some kernels serve only passes that are alike (without zeros), some only weights in CSC.
    dense = Layer("warmup", "conv", M=16, C=8, H=8, W=8, R=3, S=3)
    layers = (dense, replace(dense, density=Density(iact=0.2, weight=0.2)))
    known: list[str] = []
    for step in (Fidelity.ANALYTICAL, Fidelity.EVENT, Fidelity.CYCLE):
        kernels = [kernel for kernel in load_kernels(step) if kernel.__name__ not in known]
        names = ", ".join(kernel.__name__ for kernel in kernels)
        known += [kernel.__name__ for kernel in kernels]
        report(f"{step}: compiling {names}..." if any(map(is_cold, kernels)) else f"{step}: {names}: compiled before")
        start = time.perf_counter()
        verify = step is Fidelity.CYCLE
        for layer in layers:
            run_layer(layer, None, RunSetup(architecture, actions, Objective.LATENCY, fidelity=step, verify=verify))
        report(f"{step}: done in {time.perf_counter() - start:.1f} s")
        if step == fidelity:
            return
