"""All operators of PyTorch that there is a rule for, by their name without its overload."""

from __future__ import annotations

from accelerator_sim.workload.torch.aten_elementwise import ELEMENTWISE
from accelerator_sim.workload.torch.aten_products import PRODUCTS
from accelerator_sim.workload.torch.aten_reductions import REDUCTIONS
from accelerator_sim.workload.torch.aten_sequences import RECURRENT
from accelerator_sim.workload.torch.aten_views import VIEWS, same
from accelerator_sim.workload.torch.call import AtenRule

RULES_OF_ATEN: dict[str, AtenRule] = {
    f"aten::{name}": rule
    for rules in (PRODUCTS, RECURRENT, REDUCTIONS, ELEMENTWISE, VIEWS)
    for name, rule in rules.items()
} | {
    f"quantized_decomposed::{which}_per_{what}": same
    for which in ("quantize", "dequantize", "fake_quantize")
    for what in ("tensor", "channel", "token", "channel_group")
}
"""Rules by the full name of the operator; numbers of another format are the same words."""

FILLS = frozenset(
    f"aten::{name}"
    for name in (
        "full_like", "zeros_like", "ones_like", "empty_like", "new_zeros", "new_ones", "new_full", "new_empty", "fill",
        "zero",
    )
)  # fmt: skip
"""Operators that read only the shape of a tensor: what they write is constant."""
