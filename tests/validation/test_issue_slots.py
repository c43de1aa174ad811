"""Issue slots of pointwise layers against a plain count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelerator_sim.validation.issue_slots import slots_of_pointwise
from accelerator_sim.workload.layer import Density, Layer
from accelerator_sim.workload.pattern import Pattern, draw


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 5), st.integers(1, 3), st.booleans(), st.integers(0, 9))
def test_a_plain_count(m: int, c: int, filters: int, lanes: int, zeros: bool, seed: int) -> None:
    layer = Layer("pw", "conv", M=m, C=c, H=3, W=2, R=1, S=1, density=Density(iact=0.6 if zeros else 1.0, weight=0.5))
    pattern = draw(layer, seed)
    assert pattern.weight_mask is not None
    iacts = np.ones((c, 6), dtype=int) if pattern.iact_mask is None else pattern.iact_mask.reshape(c, 6)
    weights = pattern.weight_mask.reshape(m, c)
    wanted = sum(
        -(-int(weights[start : start + filters, channel].sum()) // lanes)
        for channel in range(c)
        for position in range(6)
        for start in range(0, m, filters)
        if iacts[channel, position]
    )
    assert slots_of_pointwise(layer, pattern, filters, lanes) == wanted


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="layer c: needs to be a 1 x 1 convolution, with zeros"):
        slots_of_pointwise(Layer("c", "conv", M=4, C=4, H=4, W=4, R=3, S=3), Pattern(), 2, 2)
    with pytest.raises(ValueError, match="layer pw: needs to be a 1 x 1 convolution, with zeros"):
        slots_of_pointwise(Layer("pw", "conv", M=4, C=4, H=4, W=4, R=1, S=1), Pattern(), 2, 2)
