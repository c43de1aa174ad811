"""A problem as the flat arrays that the search kernel takes: the one boundary between objects and arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accelerator_sim.architecture.architecture import GlbStore
from accelerator_sim.files.recent import Recent
from accelerator_sim.kernels import layout as at
from accelerator_sim.mapping.mapping import ceil_div
from accelerator_sim.mapping.problem import MappingProblem
from accelerator_sim.mapping.uneven import largest_normals
from accelerator_sim.technology.actions import ActionEnergies
from accelerator_sim.workload.arrays import Floats


def pack(problem: MappingProblem, actions: ActionEnergies, taps: int) -> at.Packed:
    """Reduce a problem and the energies of its architecture to arrays, for PEs with `taps` filter columns at a time."""
    loops = problem.loops
    fits = _fitting(problem, taps)
    max_m0, max_c0 = (size - 1 for size in fits.shape)
    slots = np.array([0.0] + [problem.slots(m) for m in range(1, max_m0 + 1)])
    cycles = np.array([0.0] + [problem.cycles_per_iact(m) for m in range(1, max_m0 + 1)])
    pairs_w = np.array([0.0] + [problem.weight_pairs(m) for m in range(1, max_m0 + 1)])
    dram_w = np.array([0.0] + [problem.weight_dram_bits(m) for m in range(1, max_m0 + 1)])
    pairs_i = np.array([0.0] + [problem.iact_pairs(c, taps) for c in range(1, max_c0 + 1)])
    sent_i = np.array([0.0] + [problem.sent_iact_pairs(c, taps) for c in range(1, max_c0 + 1)])
    filler_i = np.array([0.0] + [problem.filler_iacts(c, taps) for c in range(1, max_c0 + 1)])
    port_w = np.array([0.0] + [problem.weight_port_pairs(m) for m in range(1, max_m0 + 1)])
    dram_i = np.array([0.0] + [problem.iact_dram_bits(c, taps) for c in range(1, max_c0 + 1)])
    rows, columns = loops.rows, loops.columns
    if problem.architecture.dram.padding == "stored":
        area = rows.touched(loops.P, 1) * columns.touched(loops.Q, 1)
    else:
        area = rows.fetched(loops.P) * columns.fetched(loops.Q)
    least = float(loops.G * loops.N * loops.C * area)
    numbers = _numbers(problem, actions)
    integers = _integers(problem, taps, max_m0, max_c0)
    uneven = _uneven(problem, max_m0)
    words = pairs_i, pairs_w, sent_i, filler_i, port_w
    return at.Packed(integers, numbers, slots, cycles, *words, dram_i, dram_w, fits, least, *uneven)


def _uneven(problem: MappingProblem, max_m0: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Tables of `kernels.imbalance`: variance, chance of one word and psum service by M0, and largest normals."""
    filters = range(1, max_m0 + 1)
    variances = np.array([0.0] + [problem.slot_variance(m) for m in filters])
    unpaired = np.array([0.0] + [problem.unpaired(m) for m in filters])
    services = np.array([0.0] + [problem.service_cycles(m) for m in filters])
    return variances, unpaired, services, largest_normals(problem.architecture.pes)


_FITTING: Recent[NDArray[np.uint8]] = Recent(16 << 20)
"""What fits a PE, by all that `MappingProblem.spad_limit` reads: machines with other arrays have the same."""


def _fitting(problem: MappingProblem, taps: int) -> NDArray[np.uint8]:
    """Whether a PE holds so many filters and channels, uint8 [most M0 + 1, most C0 + 1]; a copy of its own."""
    key = problem.spad_key, taps
    known = _FITTING.get(key)
    if known is None:
        max_m0, max_c0 = _reach(problem, taps)
        known = np.zeros((max_m0 + 1, max_c0 + 1), dtype=np.uint8)
        channels = max_c0
        for m in range(1, max_m0 + 1):
            while channels and problem.spad_limit(m, channels, taps) is not None:
                channels -= 1  # more filters leave room for fewer channels
            known[m, 1 : channels + 1] = 1
        _FITTING.put(key, known, known.nbytes + 1024)
    return known.copy()


def _reach(problem: MappingProblem, taps: int) -> tuple[int, int]:
    """Largest M0 and C0 that fit a PE beside one of the other (1 where not even that fits)."""
    m0, c0 = 1, 1
    while m0 < problem.loops.M and problem.spad_limit(m0 + 1, 1, taps) is None:
        m0 += 1
    while c0 < problem.loops.C and problem.spad_limit(1, c0 + 1, taps) is None:
        c0 += 1
    return m0, c0


def _integers(problem: MappingProblem, taps: int, max_m0: int, max_c0: int) -> NDArray[np.int64]:
    loops, architecture = problem.loops, problem.architecture
    glb, overlap, pe = architecture.glb, architecture.overlap, architecture.pe
    shared = glb.shared
    held = set(shared.tensors) if shared else set()
    n = np.zeros(at.INTEGERS, dtype=np.int64)
    n[[at.G, at.N, at.M, at.C, at.P, at.Q, at.R, at.S]] = [loops.sizes[d] for d in "GNMCPQRS"]
    for first, window in ((at.ROW_STRIDE, loops.rows), (at.COL_STRIDE, loops.columns)):
        n[first : first + 6] = [
            window.stride, window.dilation, window.extent, window.before, window.size, window.spanned_inside,
        ]  # fmt: skip
    n[at.TAPS], n[at.TAP_TILES] = taps, ceil_div(loops.S, taps)
    n[at.PADDING_STORED] = architecture.dram.padding == "stored"
    n[at.FLAT] = architecture.flat
    n[at.ONE_SOURCE] = architecture.pooled
    n[at.PRIVATE] = architecture.private
    n[at.PSUM_FINAL] = glb.psum_final_to_dram
    n[at.READ_FIRST] = glb.psum_read_first
    n[at.IACT_BYPASS] = glb.iact.bypass
    n[at.WEIGHT_THROUGH] = problem.weight_through_glb
    n[at.HIDE_WEIGHT] = overlap.weight_fill
    n[at.AHEAD] = overlap.weights_ahead
    n[at.HIDE_FILL] = overlap.iact_fill
    n[at.HIDE_DRAIN] = overlap.psum_drain
    n[at.HIDE_IACT] = overlap.dram_iact
    n[at.HIDE_OACT] = overlap.dram_oact
    n[at.DUPLEX] = architecture.dram.duplex
    n[at.PSUM_PORTS] = glb.psum.ports
    n[at.IACT_PORTS], n[at.HIDE_GLB] = glb.iact.ports, architecture.overlap.glb_fill
    n[at.HIDE_SERVICE] = pe.psum_service.overlaps_macs
    n[at.EVEN] = problem.work is not None
    n[at.SIMD] = architecture.lanes
    n[at.STAGES], n[at.REFILLED] = pe.pipeline_stages - 1, problem.refilled_stages
    n[at.RELOAD] = pe.iact_window == "reload"
    n[at.SINGLE] = pe.iact_buffer == "single"
    n[at.RESEND] = not pe.weights_stay
    n[at.CONFIG_PASS if architecture.configuration.per == "pass" else at.CONFIG] = architecture.configuration.time
    n[at.READ_PER_MAC] = pe.iact_read == "per_mac"
    n[at.PSUM_COLUMNS] = architecture.pe_cluster.columns
    n[at.IACT_CAP] = glb.own_bits("iact")
    n[at.PSUM_CAP] = glb.own_bits("psum")
    n[at.WEIGHT_CAP] = glb.own_bits("weight")
    n[at.SHARED_BANKS] = shared.banks if shared else 0
    n[at.SHARED_BITS] = shared.size * 8 if shared else 1
    n[at.SHARE_IACT] = "iact" in held
    n[at.SHARE_PSUM] = "psum" in held
    n[at.SHARE_WEIGHT] = "weight" in held
    n[at.IACT_BITS] = problem.iact_bits
    n[at.PSUM_BITS] = architecture.precision.psum
    n[at.WEIGHT_BITS] = problem.weight_bits
    n[at.PES] = architecture.pes
    n[at.CLUSTERS] = architecture.cluster_array.count
    n[at.MAX_M0] = max_m0
    n[at.MAX_C0] = max_c0
    n[at.PSUMS_RETURN] = problem.psums_return
    n[at.LIMIT_P0] = loops.P
    n[at.KEEP_MASK] = 0b1111 if problem.weight_may_stay else 0b1011
    return n


def _numbers(problem: MappingProblem, actions: ActionEnergies) -> Floats:
    f = np.zeros(at.NUMBERS, dtype=np.float64)
    _rates(f, problem)
    _mac_joules(f, problem, actions)
    _delivery_joules(f, problem, actions)
    _glb_joules(f, problem, actions)
    f[at.DRAM_READ_J] = actions.dram_read_bit + actions.interface_bit
    f[at.DRAM_WRITE_J] = actions.dram_write_bit + actions.interface_bit
    f[at.PE_ACTIVE_J], f[at.PE_IDLE_J] = actions.clock_active, actions.clock_idle
    f[at.CYCLE_J] = actions.leakage_w / problem.architecture.clock
    return f


def _rates(f: Floats, problem: MappingProblem) -> None:
    f[at.IACT_DENSITY] = problem.iact_density
    f[at.IACT_SPREAD], f[at.WEIGHT_SPREAD] = problem.channel_spreads
    f[at.TURN] = problem.turn_cycles
    f[at.PSUM_FLIT_RATE] = problem.psum_flit_rate
    f[at.CONTROL], f[at.CONTROL_LINK] = problem.control_cycles
    f[at.RESTART] = problem.restart_cycles
    f[at.SERVICE] = problem.architecture.pe.psum_service.cycles_per_psum
    f[at.RATE_IACT] = problem.words_per_cycle("iact")
    f[at.RATE_WEIGHT] = problem.words_per_cycle("weight")
    f[at.RATE_PSUM] = problem.words_per_cycle("psum")
    if not problem.architecture.flat:
        f[at.BANK_IACT] = problem.bank_words_per_cycle("iact")
        f[at.BANK_PSUM] = problem.bank_words_per_cycle("psum")
    f[at.BYTE_CYCLES] = 1.0 / problem.bytes_per_cycle
    f[at.OACT_BITS] = problem.oact_dram_bits
    f[at.LATENCY] = problem.latency_cycles


def _mac_joules(f: Floats, problem: MappingProblem, actions: ActionEnergies) -> None:
    """Write the joules of MACs and of the SPad accesses that they make."""
    pe, loops = problem.architecture.pe, problem.loops
    issued, gated = problem.issued
    executed = issued - gated
    macs = float(loops.macs)
    fixed = executed * actions.mac + gated * actions.mac_gated
    if pe.iact_read == "per_mac":
        fixed += round(macs * problem.iact_density) * actions.spad["iact"][0]
    if problem.architecture.lanes == 1:
        fixed += executed * actions.spad["weight"][0]
    else:
        f[at.SPAD_WEIGHT_SHARE] = macs / loops.M * problem.iact_density * problem.weight_read_share
        f[at.SPAD_WEIGHT_READ_J] = actions.spad["weight"][0]
    f[at.FIXED_J] = fixed
    f[at.EXECUTED] = executed
    f[at.SPAD_PSUM_J] = sum(actions.spad["psum"])
    f[at.SPAD_IACT_READ_J] = actions.spad["iact"][0]


def _width(problem: MappingProblem, actions: ActionEnergies, action: str, tensor: str) -> float:
    """How much a stored word of a tensor costs of one of the native width."""
    if action in actions.fixed_width:
        return 1.0
    bits = problem.iact_bits if tensor == "iact" else problem.weight_bits
    return float(bits / getattr(problem.architecture.precision, tensor))


def _glb_joules(f: Floats, problem: MappingProblem, actions: ActionEnergies) -> None:
    def glb(tensor: str) -> tuple[float, float]:
        read, write = actions.glb_access(tensor)
        return (
            read * _width(problem, actions, f"glb.{tensor}.read", tensor),
            write * _width(problem, actions, f"glb.{tensor}.write", tensor),
        )

    f[at.GLB_IACT_READ_J], f[at.GLB_IACT_WRITE_J] = glb("iact")
    f[at.GLB_PSUM_READ_J], f[at.GLB_PSUM_WRITE_J] = actions.glb_access("psum")
    if _keeps(problem.architecture.glb.weight) or problem.weight_may_stay:
        f[at.GLB_WEIGHT_READ_J], f[at.GLB_WEIGHT_WRITE_J] = glb("weight")


def _delivery_joules(f: Floats, problem: MappingProblem, actions: ActionEnergies) -> None:
    """Write the joules of words that are sent, cross links and reach PEs."""
    architecture = problem.architecture
    iact = actions.delivery("iact") * _width(problem, actions, "noc.deliver.iact", "iact")
    weight = actions.delivery("weight") * _width(problem, actions, "noc.deliver.weight", "weight")
    f[at.GIVE_IACT_J] = f[at.WRITE_IACT_J] = actions.spad["iact"][1]
    f[at.GIVE_WEIGHT_J] = actions.spad["weight"][1] / architecture.weights_per_word
    f[at.GIVE_PSUM_J] = f[at.ENTER_PSUM_J] = actions.delivery("psum")
    if architecture.noc.iact.floods:  # a word that is sent reaches every PE, whoever needs it
        f[at.SEND_IACT_J], f[at.SEND_WEIGHT_J] = architecture.pes * iact, architecture.pes * weight
        f[at.ENTER_PSUM_J] *= architecture.pes
    else:
        f[at.GIVE_IACT_J] += iact
        f[at.GIVE_WEIGHT_J] += weight
    f[at.HOP_IACT_J] = problem.iact_bits * actions.noc_hop_bit["iact"]
    f[at.HOP_WEIGHT_J] = problem.weight_bits * actions.noc_hop_bit["weight"]
    f[at.HOP_PSUM_J] = architecture.precision.psum * actions.noc_hop_bit["psum"]
    f[at.LOCAL_HOP_J] = actions.noc_local


def _keeps(store: GlbStore | None) -> bool:
    return store is not None and store.banks > 0
