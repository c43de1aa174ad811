"""A machine with some of its limits lifted, for the bounds of Eyexam.

Each relaxation only takes limits away: every mapping of the machine is a mapping of the relaxed one, and takes no
longer there.
"""

from __future__ import annotations

from accelerator_sim.architecture.architecture import TENSORS, Architecture, Overlap
from accelerator_sim.architecture.networks import WIDE, OnChipNetwork
from accelerator_sim.technology.actions import ActionEnergies

FREE = ActionEnergies(
    mac=0.0,
    mac_gated=0.0,
    spad=dict.fromkeys(TENSORS, (0.0, 0.0)),
    glb=dict.fromkeys(TENSORS, (0.0, 0.0)),
    dram_read_bit=0.0,
    dram_write_bit=0.0,
    noc_hop_bit=dict.fromkeys(TENSORS, 0.0),
    noc_deliver=dict.fromkeys(TENSORS, 0.0),
    noc_local=0.0,
    clock_active=0.0,
    clock_idle=0.0,
    leakage_w=0.0,
)
"""No action costs anything: a search by time alone."""


def steady(architecture: Architecture) -> Architecture:
    """The machine as if every transfer were spread evenly over the layer: only average bandwidths are left.

    What Eyexam's step 7 adds is gone: fills and drains that nothing hides, the latency of the off-chip channel, the
    pipeline, the configuration.
    """
    hidden = Overlap(
        weight_fill=True,
        dram_weight=architecture.overlap.dram_weight,
        iact_fill=True,
        psum_drain=True,
        dram_iact=True,
        dram_oact=True,
    )
    return architecture.model_copy(
        update={
            "overlap": hidden,
            "pe": architecture.pe.model_copy(update={"pipeline_stages": 1}),
            "dram": architecture.dram.model_copy(update={"latency": 0.0}),
            "configuration": architecture.configuration.model_copy(update={"cycles": 0}),
        }
    )


def unlimited_bandwidth(architecture: Architecture) -> Architecture:
    """The steady machine with as much bandwidth as its PEs can take, at every port, bank and SPad and off-chip."""
    machine = steady(architecture)
    networks: dict[str, OnChipNetwork] = {}
    for tensor in TENSORS:
        network = machine.network(tensor)
        networks[tensor] = network.model_copy(update=network.widened())
    stores = {
        tensor: getattr(machine.glb, tensor).model_copy(update={"port_width": WIDE, "ports": 2})
        for tensor in ("iact", "psum")
    }
    service = machine.pe.psum_service.model_copy(update={"cycles_per_psum": 0.0, "overlaps_macs": True})
    return machine.model_copy(
        update={
            "noc": machine.noc.model_copy(update=networks),
            "glb": machine.glb.model_copy(update=stores),
            "pe": machine.pe.model_copy(update={"psum_service": service}),
            "dram": machine.dram.model_copy(update={"bandwidth": float("inf")}),
        }
    )
