"""All operators of PyTorch that there is a rule for, by their name without its overload."""

from __future__ import annotations

from accelerator_sim.workload.torch.aten_elementwise import ELEMENTWISE
from accelerator_sim.workload.torch.aten_products import PRODUCTS
from accelerator_sim.workload.torch.aten_reductions import REDUCTIONS
from accelerator_sim.workload.torch.aten_sequences import RECURRENT
from accelerator_sim.workload.torch.aten_views import VIEWS
from accelerator_sim.workload.torch.call import Rule

RULES_OF_ATEN: dict[str, Rule] = {
    f"aten::{name}": rule
    for rules in (PRODUCTS, RECURRENT, REDUCTIONS, ELEMENTWISE, VIEWS)
    for name, rule in rules.items()
}
"""Rules by the full name of the operator."""

FILLS = frozenset(
    f"aten::{name}"
    for name in (
        "full_like", "zeros_like", "ones_like", "empty_like", "new_zeros", "new_ones", "new_full", "new_empty", "fill",
        "zero",
    )
)  # fmt: skip
"""Operators that read only the shape of a tensor: what they write is constant."""
