"""A sweep file made of text."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest

from accelerator_sim.sweeps.export import export
from accelerator_sim.sweeps.spec import SweepPlan, load_sweep
from accelerator_sim.sweeps.store import Store

NETWORK = """\
name: {name}
source: a test
layers:
  - {{name: a, op: conv, M: 8, C: 4, H: 8, W: 8, R: 3, S: 3, padding: 1}}
  - {{name: again, op: conv, M: 8, C: 4, H: 8, W: 8, R: 3, S: 3, padding: 1}}
  - {{name: b, op: conv, M: {m}, C: 8, H: 8, W: 8, R: 1, S: 1}}
"""
"""Two layers of one shape, and one that differs between networks."""

Make = Callable[[str], SweepPlan]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Load a sweep from text, beside the networks small.yaml and large.yaml."""
    for name, m in (("small", 4), ("large", 16)):
        (tmp_path / f"{name}.yaml").write_text(NETWORK.format(name=name, m=m))

    def load(text: str) -> SweepPlan:
        path = tmp_path / "sweep.yaml"
        path.write_text(text)
        return load_sweep(path)

    return load


def exported(store: Store, sweep: str, form: str = "csv") -> bytes:
    """Return the results of a sweep as a file."""
    out = BytesIO()
    export(partial(store.each, sweep), form, out)
    return out.getvalue()
