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

from dataclasses import dataclass

from accelerator_sim.architecture.model import TENSORS
from accelerator_sim.noc.wires import pitch_m, tree_links
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
    architecture, pitch = schedule.problem.architecture, pitch_m(schedule.problem.architecture)
    into, out = (schedule.psum_in, schedule.psum_out) if use.tensor == "psum" else (use.words, 0)
    if reach is None:
        links, switches = _mesh(schedule, use, into, out)
        metres = links * pitch + use.word_hops * architecture.noc.hop_length
    else:
        links, switches = _flat(schedule, use, into, out, reach)
        metres = links * pitch
    return Driven(metres * 1e3 * use.word_bits, switches * use.word_bits, use.local_hops)


def _mesh(schedule: Schedule, use: NocUse, into: int, out: int) -> tuple[float, float]:
    """Links inside clusters that words drive, and switches that they pass."""
    grid = schedule.problem.architecture.pe_cluster
    if use.tensor == "psum":
        return into * 2.0 + out * (grid.rows + 1.0), float(into + out + use.word_hops)
    nominal = getattr(schedule, f"{use.tensor}_sent")
    received = use.words * getattr(schedule, f"{use.tensor}_cluster_deliveries") / nominal if nominal else 0.0
    to_pes = tree_links(grid) if use.tensor == "iact" else grid.columns
    return use.words + received * to_pes, float(use.words + use.word_hops)


def _flat(schedule: Schedule, use: NocUse, into: int, out: int, reach: Reach) -> tuple[float, float]:
    """Links that words drive on a flat array, and switches that they pass."""
    architecture = schedule.problem.architecture
    grid, kind = architecture.pe_cluster, architecture.noc.iact.kind
    if kind == "unicast":
        return into * reach.links[use.tensor] + out * reach.links_back, 0.0
    back = out * (grid.rows + grid.columns)
    if kind == "broadcast":
        return float(into * tree_links(grid) + back), 0.0
    rows = reach.rows[use.tensor]
    return into * (grid.rows + rows * grid.columns) + back, into * rows + out
