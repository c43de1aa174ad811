"""Distances of words on a flat array: over which rows, and to which PEs, in a full pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from accelerator_sim.architecture.grid import path_links
from accelerator_sim.kernels import engine_arrays as at
from accelerator_sim.simulation.machine import DIMENSIONS, machine_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.workload.arrays import Ints


@dataclass(frozen=True)
class Reach:
    """Means over the words of a full pass, all streams (tiles of weights, chains of psums) alike.

    `rows`: PE rows that a word of a data type goes to; `links`: links on the way to (and, for psums, from) one PE.
    """

    rows: dict[str, float]
    links: dict[str, float]
    links_back: float
    """The same, of psums on their way out."""


def reach_of(schedule: Schedule) -> Reach:
    """Find which PEs of a flat array the words of a full pass go to.  Raises ValueError for a mesh."""
    architecture, loops = schedule.problem.architecture, schedule.loops
    if not architecture.flat:
        raise ValueError(f"{architecture.name} is not flat")
    machine = machine_of(schedule)
    part = machine.local_part
    used = np.array([getattr(schedule.deals, d).top.units for d in DIMENSIONS])
    active = (part < used[:, None]).all(axis=0)
    part = part[:, active]
    row, column = machine.place[at.X_PE_ROW, active], machine.place[at.X_PE_COLUMN, active]
    way = np.array([path_links(architecture.pe_cluster, int(r), int(c)) for r, c in zip(row, column, strict=True)])
    g, n, m, c, p, q, r, _ = part
    shared = loops.rows.dilation == 1 and loops.rows.stride < used[at.R]
    line = (p * loops.rows.stride + r,) if shared else (p, r)
    mean = float(way.mean())
    chains = _groups(g, n, m, p, q)
    order = np.argsort(row, kind="stable")  # psums climb from row to row
    _, first = np.unique(chains[order], return_index=True)
    _, last = np.unique(chains[order][::-1], return_index=True)
    into, out = way[order][first], way[order][::-1][last]
    rows = {"iact": _rows(_groups(g, n, q, c, *line), row), "weight": _rows(_groups(g, m, c, r), row), "psum": 1.0}
    return Reach(rows, {"iact": mean, "weight": mean, "psum": float(into.mean())}, float(out.mean()))


def _groups(*keys: Ints) -> Ints:
    """Number of the group of each place: places with equal keys."""
    _, number = np.unique(np.stack(keys), axis=1, return_inverse=True)
    return np.asarray(number, dtype=np.int64).ravel()


def _rows(groups: Ints, row: Ints) -> float:
    """Different rows of the places of a group, on average."""
    pairs = np.unique(np.stack((groups, row)), axis=1)
    return float(pairs.shape[1] / (int(groups.max()) + 1))
