"""What of an architecture is the same on machines that differ in little, for what is remembered of their runs."""

from __future__ import annotations

from accelerator_sim.architecture.architecture import TENSORS, Architecture, SPad


def but_for_channel(architecture: Architecture) -> str:
    """Return an architecture as text, whatever its off-chip bandwidth, its name and its source."""
    return _nameless(architecture).model_dump_json()


def but_for_memories(architecture: Architecture) -> str:
    """The same, also whatever its technology and how much its SPads hold."""
    spad = architecture.pe.spad
    pads: dict[str, SPad] = {tensor: getattr(spad, tensor) for tensor in TENSORS}
    pads = {tensor: pad.model_copy(update={"depth": None}) for tensor, pad in pads.items()}
    pe = architecture.pe.model_copy(update={"spad": spad.model_copy(update=pads)})
    return _nameless(architecture).model_copy(update={"technology": "", "pe": pe}).model_dump_json()


def _nameless(architecture: Architecture) -> Architecture:
    dram = architecture.dram.model_copy(update={"bandwidth": 1.0})
    return architecture.model_copy(update={"name": "", "source": "", "dram": dram})
