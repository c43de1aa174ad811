"""An account of networks by their wires: the same for all kinds, so that they can be held against each other.

The account of a run charges `noc.deliver` for every word that reaches a PE, whatever its way.  Here a word pays for the
wires that change with it, at the table's energy per bit and millimetre, and for every switch that it passes, at the
table's energy per bit of a router:

- *mesh*: the link from the GLB and, in each cluster that gets the word, all wires of the router to its PEs; the links
  between clusters; a switch in the first router and one in each further one;
- *bus*: the whole trunk, and the lines of the rows that the word goes to, each behind a switch;
- *unicast*: its own way to its one PE;
- *broadcast*: the whole tree, whoever needs the word.  Psums on their way out drive a trunk and the line of their row.

Psums handed from PE to PE cost `noc.local` on every network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from accelerator_sim.architecture.architecture import TENSORS
from accelerator_sim.architecture.networks import Travel
from accelerator_sim.simulation.outcome import NocUse, Outcome
from accelerator_sim.simulation.reach import Reach, reach_of
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.technology.technology import Technology


@dataclass(frozen=True)
class Driven:
    """What the words of one data type drove: bits times millimetres of wire, and bits through switches."""

    bit_mm: float
    switched_bits: float
    local_words: int

    def joules(self, technology: Technology, actions: ActionEnergies) -> float:
        """Energy of it."""
        hop = technology.noc.hop
        return (
            self.bit_mm * hop.wire.energy
            + self.switched_bits * hop.router.energy
            + self.local_words * actions.noc_local
        )


def wire_energy(schedule: Schedule, outcome: Outcome, technology: Technology, actions: ActionEnergies) -> float:
    """Joules of all networks in a layer, by their wires."""
    reach = reach_of(schedule) if schedule.problem.architecture.flat else None
    uses = {use.tensor: use for use in outcome.counts.noc}
    return sum(driven(schedule, uses[tensor], reach).joules(technology, actions) for tensor in TENSORS)


def driven(schedule: Schedule, use: NocUse, reach: Reach | None) -> Driven:
    """What one data type drove in a layer; reach: of a flat array."""
    architecture, tensor = schedule.problem.architecture, use.tensor
    site = architecture.site(tensor)
    into, out = (schedule.psum_in, schedule.psum_out) if tensor == "psum" else (use.words, 0)
    travel = Travel(into, out, _received(schedule, use), use.word_hops)
    if reach is not None:
        rows, links = reach.rows[tensor], reach.links[tensor]
        travel = replace(travel, rows=rows, links=links, links_back=reach.links_back)
    links_driven, switches = architecture.network(tensor).drive(site, travel)
    metres = links_driven * site.pitch_m + use.word_hops * architecture.network(tensor).hop_m(site)
    return Driven(metres * 1e3 * use.word_bits, switches * use.word_bits, use.local_hops)


def _received(schedule: Schedule, use: NocUse) -> float:
    """Words that clusters receive: as stored, in the proportion of the nominal words."""
    if use.tensor == "psum":
        return 0.0
    nominal = getattr(schedule, f"{use.tensor}_sent")
    return float(use.words * getattr(schedule, f"{use.tensor}_cluster_deliveries") / nominal) if nominal else 0.0
