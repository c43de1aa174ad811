"""The architecture file as frozen pydantic models.

Every quantity that the simulator knows about a machine stands here and comes from the file; nothing about any
particular chip is written in code.  The vocabulary is that of Chen et al., "Eyeriss v2", IEEE JETCAS 9(2) 2019.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from accelerator_sim.architecture.following import with_following
from accelerator_sim.architecture.grid import Count, Grid
from accelerator_sim.architecture.network_kinds import AnyOnChipNetwork
from accelerator_sim.architecture.networks import (
    FlatNetwork,
    HierarchicalMesh,
    OnChipNetwork,
    Site,
    Tensor,
)
from accelerator_sim.files.model import FileModel
from accelerator_sim.files.text import printable
from accelerator_sim.files.units import Bits, Bytes, BytesPerSecond, Hertz, Metres, Seconds
from accelerator_sim.kernels.rounding import whole_words

TENSORS: tuple[Tensor, ...] = ("iact", "weight", "psum")

NOT_STATED = "not stated"
"""Stands for the source of a file that names none."""

Depth = Annotated[int, Field(ge=1, le=1 << 24)]
CyclesOrZero = Annotated[float, Field(ge=0, le=1e6)]


def _without_default(schema: dict[str, Any]) -> None:
    """Drop the default from the schema of a value that follows others: `following` gives it, not the model."""
    schema.pop("default", None)


class Precision(FileModel):
    """Bits of one value of each data type."""

    iact: Bits = Field(description="input activation")
    weight: Bits = Field(description="weight")
    psum: Bits = Field(description="partial sum while it accumulates")
    oact: Bits = Field(description="output activation, as it leaves the chip")


class SPad(FileModel):
    """One scratch pad of a PE."""

    depth: Depth | None = Field(default=None, description="words; left out where `pe.spad.shared` holds all data types")
    width: Bits = Field(description="bits of one word")
    values_per_word: Count = Field(default=1, description="values (or CSC pairs) in one word")

    @property
    def values(self) -> int | None:
        """Values that it holds, or None where a shared pad limits it."""
        return None if self.depth is None else self.depth * self.values_per_word

    @property
    def bits(self) -> int:
        """Bits that it holds; 0 where a shared pad holds them."""
        return (self.depth or 0) * self.width


class AddressSPad(FileModel):
    """The scratch pad of a CSC address vector."""

    depth: Depth = Field(description="entries")
    width: Bits = Field(description="bits of one entry")

    @property
    def bits(self) -> int:
        """Bits that it holds."""
        return self.depth * self.width


class SPads(FileModel):
    """The scratch pads of one PE, by data type."""

    iact: SPad
    weight: SPad
    psum: SPad
    iact_address: AddressSPad | None = Field(default=None, description="CSC addresses of the iact window")
    weight_address: AddressSPad | None = Field(default=None, description="CSC addresses of the weight columns")
    shared: Bytes | None = Field(default=None, description="one register file for all three types, as in ISCA 2016")

    @model_validator(mode="after")
    def _sized(self) -> SPads:
        for name in TENSORS:
            if self.shared is None and getattr(self, name).depth is None:
                raise ValueError(f"spad.{name} has no depth and there is no spad.shared; give one of them")
        return self

    def bits_of(self, tensor: str) -> int:
        """Bits of the pad that holds a data type: its own, or the one that all share."""
        own: SPad = getattr(self, tensor)
        return own.bits if self.shared is None else 8 * self.shared

    @property
    def operand_bits(self) -> int:
        """Bits for iacts, weights and psums in one PE."""
        return sum(getattr(self, t).bits for t in TENSORS) if self.shared is None else 8 * self.shared

    @property
    def bits(self) -> int:
        """Bits of all pads of one PE, those of addresses included."""
        return self.operand_bits + sum(pad.bits for pad in (self.iact_address, self.weight_address) if pad is not None)


class Csc(FileModel):
    """Compressed sparse column storage: (count, value) pairs and an address vector (JETCAS IV)."""

    count: Bits = Field(description="bits of the run of zeros before a value")
    iact_stream: Literal["packed", "words", "filled"] = Field(
        default="packed",
        description="what the stream of iacts carries: non-zeros, their addresses beside them (packed); words of"
        " addresses before those of a segment (words); and filler words for the zeros that are left out (filled)",
    )
    weight_addresses_per_cycle: Count | None = Field(
        default=None,
        description="weight addresses that are sent in a cycle, before the weights; left out: in whole flits",
    )
    more_weight_addresses: Annotated[int, Field(ge=0, le=1 << 10)] = Field(
        default=0, description="weight addresses of a PE beyond one for each column"
    )

    @model_validator(mode="after")
    def _more_of_some(self) -> Csc:
        if self.more_weight_addresses and self.weight_addresses_per_cycle is None:
            raise ValueError("more_weight_addresses needs weight_addresses_per_cycle, at which they are sent")
        return self

    @property
    def address_words(self) -> bool:
        """Whether words of addresses come before those of a segment of iacts."""
        return self.iact_stream != "packed"

    @property
    def filler(self) -> bool:
        """Whether a filler word is sent for each zero iact that is left out."""
        return self.iact_stream == "filled"


class PsumService(FileModel):
    """How the psums of one window leave (and enter) the psum SPad."""

    cycles_per_psum: CyclesOrZero = Field(description="PE cycles to move one psum of a finished window")
    overlaps_macs: bool = Field(description="true: moves while the next window computes; false: the MACs wait")
    start: Annotated[int, Field(ge=0, le=1 << 20)] = Field(
        default=0, description="cycles from the end of a window in a PE to its first psum"
    )
    latency: Annotated[int, Field(ge=1, le=1 << 20)] = Field(
        default=1, description="cycles of a psum from one PE to the next, or to the GLB, beyond those of hops"
    )


class NarrowOperands(FileModel):
    """Multipliers that take several narrow operands at a time."""

    width: Bits = Field(description="widest iacts and weights that are packed")
    macs: Annotated[int, Field(ge=2, le=64)] = Field(
        description="multiply-accumulates of packed operands in one multiplier; a word of a SPad holds as many weights"
    )


class Pe(FileModel):
    """The processing element."""

    macs_per_cycle: Count = Field(description="multiply-accumulates per cycle (SIMD width)")
    zero_iact: Literal["skip", "gate", "none"] = Field(
        description="a zero iact costs no cycle (skip), a cycle without switching (gate), or a full one (none)"
    )
    iact_read: Literal["per_mac", "per_iact"] = Field(
        description="the iact SPad is read for every MAC, or once for all the filters of a PE"
    )
    csc: Csc | None = Field(default=None, description="operands may be stored compressed in the PE")
    packed: NarrowOperands | None = Field(
        default=None, description="narrow operands that share a multiplier; none if left out"
    )
    gates: Annotated[int, Field(ge=1, le=1 << 40)] | None = Field(
        default=None,
        description="logic gates (NAND2) of one PE with its share of networks and control: what its clock reaches;"
        " left out: those of the area model",
    )
    pipeline_stages: Annotated[int, Field(ge=1, le=1000)] = Field(
        description="stages from the first address read to the psum update"
    )
    min_cycles_per_iact: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1,
        description="cycles for which an iact keeps the multipliers at least, however few weights it meets; above 1,"
        " also one that meets none",
    )
    lock_step: Literal["none", "chain", "array"] = Field(
        default="none",
        description="PEs that start a window together and end it together: none, those of a chain of psums, or all",
    )
    start_latency: Annotated[int, Field(ge=1, le=1 << 20)] = Field(
        default=1, description="cycles from the last word or psum that PEs in lock-step wait for to the next window"
    )
    iact_buffer: Literal["double", "single"] = Field(
        default="double", description="single: nothing of the next window is sent while a PE works on one"
    )
    iact_window: Literal["slide", "reload"] = Field(
        default="slide", description="the next window gets its new columns only (slide), or all of its own (reload)"
    )
    weights_stay: bool = Field(
        default=True, description="weights that the next pass needs too stay in the PEs; false: each pass gets its own"
    )
    fifo_depth: dict[Tensor, Count] = Field(description="entries of the input FIFO of each data type")
    psum_service: PsumService
    spad: SPads

    @model_validator(mode="after")
    def _complete(self) -> Pe:
        missing = [name for name in TENSORS if name not in self.fifo_depth]
        if missing:
            raise ValueError(f"fifo_depth lacks {', '.join(missing)}; give the depth for {', '.join(TENSORS)}")
        if self.csc is not None and self.zero_iact != "skip":
            raise ValueError(
                f"zero_iact is {self.zero_iact}, but a PE with csc walks stored non-zeros and spends nothing on zeros;"
                " use zero_iact: skip, or leave out csc"
            )
        if self.start_latency > 1 and self.lock_step == "none":
            raise ValueError(
                f"start_latency is {self.start_latency}, but lock_step is none; use chain or array, or leave it out"
            )
        return self


class GlbStore(FileModel):
    """The global-buffer banks of one data type in one cluster."""

    banks: Annotated[int, Field(ge=0, le=1 << 16)] = Field(
        default=0,
        json_schema_extra=_without_default,
        description="banks of this data type in a cluster; 0 with `glb.shared` or where it is not stored; left out with"
        " a size: iact one per PE row, psum one per PE column",
    )
    size: Bytes | None = Field(default=None, description="size of one bank")
    port_width: Bits = Field(description="bits per access and cycle of one bank")
    ports: Literal[1, 2] = Field(default=1, description="1: a bank reads or writes in a cycle; 2: both")
    bypass: bool = Field(default=False, description="may be passed straight to the router when nothing is reused here")

    @model_validator(mode="after")
    def _sized(self) -> GlbStore:
        if self.banks and self.size is None:
            raise ValueError("banks without a size; give the size of one bank")
        return self

    @property
    def bits(self) -> int:
        """Bits of all its banks in one cluster; 0 without banks."""
        return 8 * self.banks * (self.size or 0)


class PsumStore(GlbStore):
    """The global-buffer banks of psums in one cluster."""

    access: Literal["alternate", "burst"] = Field(
        default="alternate",
        description="how a bank with one port is both read and written in a pass: read in even cycles and written in"
        " odd ones (alternate), or all reads of a window, then all its writes, which wait in a delay line (burst)",
    )

    @model_validator(mode="after")
    def _one_port(self) -> PsumStore:
        if self.access == "burst" and self.ports == 2:
            raise ValueError(
                "access is burst, in which reads and writes of a bank take turns at its port, but ports is 2; use"
                " ports: 1, or access: alternate"
            )
        return self


class SharedGlb(FileModel):
    """Banks that are handed out, whole, to any data type (Eyeriss v1, JSSC 2017 V-B)."""

    banks: Count = Field(description="banks to hand out in a cluster")
    size: Bytes = Field(description="size of one bank")
    tensors: list[Tensor] = Field(description="the data types that may be kept in them", min_length=1)

    @property
    def bits(self) -> int:
        """Bits of all its banks in one cluster."""
        return 8 * self.banks * self.size


class Glb(FileModel):
    """The global buffer of one cluster."""

    iact: GlbStore
    psum: PsumStore
    weight: GlbStore | None = Field(default=None, description="left out: weights go from off-chip to the PEs")
    shared: SharedGlb | None = None
    psum_read_first: bool = Field(
        default=False, description="the first pass reads psums (zeros) from the GLB as every other does"
    )
    psum_final_to_dram: bool = Field(
        default=True, description="finished psums skip the GLB and go straight off-chip (JETCAS II)"
    )

    @model_validator(mode="after")
    def _stored(self) -> Glb:
        shared = set(self.shared.tensors) if self.shared else set()
        for name in ("iact", "psum"):
            if not getattr(self, name).banks and name not in shared:
                raise ValueError(f"glb.{name} has no banks and glb.shared does not hold it; give one of them")
            if getattr(self, name).banks and name in shared:
                raise ValueError(f"glb.{name} has banks of its own and is in glb.shared too; give one of them")
        return self

    def own_bits(self, tensor: str) -> int:
        """Bits of the banks that only a data type uses, in one cluster; 0 for none."""
        store: GlbStore | None = getattr(self, tensor)
        return 0 if store is None else store.bits

    def shares(self, tensor: str) -> bool:
        """Whether a data type may be kept in the shared banks."""
        return self.shared is not None and tensor in self.shared.tensors

    def room_bits(self, tensor: str) -> int:
        """Most bits of a data type in one cluster: all shared banks if it may be there, else its own."""
        return self.shared.bits if self.shared is not None and self.shares(tensor) else self.own_bits(tensor)

    def bank_size(self, tensor: str) -> int | None:
        """Bytes of the bank that an access to a data type reaches, its own banks first; None if it is not stored."""
        store: GlbStore | None = getattr(self, tensor)
        if store is not None and store.banks:
            return store.size
        return self.shared.size if self.shared is not None and self.shares(tensor) else None

    @property
    def bits(self) -> int:
        """Bits of all banks of one cluster."""
        return sum(self.own_bits(t) for t in TENSORS) + (0 if self.shared is None else self.shared.bits)


class Noc(FileModel):
    """One on-chip network a data type."""

    iact: AnyOnChipNetwork
    weight: AnyOnChipNetwork
    psum: AnyOnChipNetwork
    hop_length: Metres = Field(description="wire between neighbouring clusters")
    hop_cycles: Literal[0, 1] = Field(
        default=1, description="cycles of a hop between clusters: 0 where routers are wires, 1 where they are registers"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Noc:
        kinds = {self.iact.kind, self.weight.kind, self.psum.kind}
        if len(kinds) > 1:
            raise ValueError(f"networks of different kinds ({', '.join(sorted(kinds))}); all three must be of one kind")
        return self


class Dram(FileModel):
    """The off-chip channel."""

    bandwidth: BytesPerSecond = Field(description='bytes per second, or "unlimited"')
    latency: Seconds = Field(description="from request to first word")
    duplex: bool = Field(default=False, description="reads and writes at the same time")
    burst: Bytes = Field(default=1, description="bytes of a burst; a transfer takes whole ones")
    compression: Literal["none", "rlc", "csc"] = Field(
        description="how tensors are stored off-chip: none, run length where smaller (v1), or CSC as on chip (v2)"
    )
    rlc_run: Bits | None = Field(default=None, description="bits of the run length of an RLC pair")
    rlc_pairs_per_word: Count = Field(default=3, description="pairs in one RLC word")
    rlc_word: Bits | None = Field(default=None, description="bits of an RLC word, its end bit included")
    compressed: list[Literal["iact", "weight", "oact"]] = Field(
        default_factory=list, description="the tensors that may be compressed off-chip"
    )
    padding: Literal["stored", "skipped"] = Field(
        description="zero padding is stored and moved as data (v1, JSSC Tables III and V), or never moved"
    )

    @model_validator(mode="after")
    def _rlc(self) -> Dram:
        if self.compression == "rlc" and (self.rlc_run is None or self.rlc_word is None):
            raise ValueError("compression is rlc; rlc_run and rlc_word are required")
        return self


class Configuration(FileModel):
    """What it costs to configure the machine for a layer."""

    cycles: Annotated[int, Field(ge=0, le=1 << 30)] | None = Field(
        default=None, description="cycles per layer, not overlapped; left out: bits over rate"
    )
    bits: Annotated[int, Field(ge=0, le=1 << 30)] = Field(description="length of the configuration command")
    rate: Bits | None = Field(default=None, description="bits of the command that are taken in a cycle")
    per: Literal["layer", "pass"] = Field(default="layer", description="configured once for a layer, or for each pass")

    @model_validator(mode="after")
    def _has_a_time(self) -> Configuration:
        if self.cycles is None and self.rate is None:
            raise ValueError("its time is not given; give cycles, or the rate at which its bits are taken")
        return self

    @property
    def time(self) -> int:
        """Cycles each time, for a layer or a pass."""
        return self.cycles if self.cycles is not None else -(-self.bits // (self.rate or 1))


class Overlap(FileModel):
    """Which transfers hide behind computation; false means that the PEs wait for them."""

    weight_fill: bool = Field(description="weights of the next pass load while this one computes")
    dram_weight: bool = Field(
        default=False,
        description="weights of the next pass move from off-chip into the GLB, where they fit, while this one computes",
    )
    iact_fill: bool = Field(description="the first window of a pass loads while the previous pass computes")
    psum_drain: bool = Field(description="the last psums of a pass drain while the next pass computes")
    dram_iact: bool = Field(description="iacts move from off-chip into the GLB while the PEs compute")
    glb_fill: bool = Field(
        default=False,
        description="GLB banks take iacts in beside all else; false: the first pass waits for its own, and later ones"
        " share the ports of the banks with reads",
    )
    dram_oact: bool = Field(description="output activations move off-chip while the PEs compute")
    weight_stream: Literal["raw", "all"] = Field(
        default="raw", description="weights that go on to the PEs as they come from off-chip: only raw ones, or CSC too"
    )

    iact_start: Annotated[int, Field(ge=0, le=1 << 20)] = Field(
        default=0,
        description="cycles from the start of a pass, or from its last weight where iacts wait for it, to its"
        " first iact",
    )

    @property
    def weights_ahead(self) -> bool:
        """Whether the weights of the next pass are requested while this one computes."""
        return self.weight_fill or self.dram_weight


class Architecture(FileModel):
    """A hierarchical-mesh (or flat) DNN accelerator.  One file of `arch_configs/`."""

    name: str = Field(min_length=1, description="name of the architecture")
    source: str = Field(default=NOT_STATED, min_length=1, description="publication that the values come from")
    clock: Hertz = Field(description="core clock")
    technology: str = Field(min_length=1, description="technology table: a built-in name or a file")
    precision: Precision
    cluster_array: Grid
    pe_cluster: Grid
    pe: Pe
    glb: Glb
    noc: Noc
    dram: Dram
    configuration: Configuration
    overlap: Overlap

    @model_validator(mode="before")
    @classmethod
    def _follow(cls, tree: Any) -> Any:
        return with_following(tree)

    @model_validator(mode="after")
    def _consistent(self) -> Architecture:
        for name in TENSORS:
            network = getattr(self.noc, name)
            if isinstance(network, FlatNetwork) and self.cluster_array.count > 1:
                raise ValueError(
                    f"noc.{name} is a {network.kind}, which spans one cluster, but cluster_array has"
                    f" {self.cluster_array.rows} x {self.cluster_array.columns}; use hierarchical_mesh or 1 x 1"
                )
            if isinstance(network, HierarchicalMesh):
                values = (getattr(self.precision, name), network.port_width)
                csc = self.pe.csc.count if self.pe.csc and name != "psum" else 0
                if values[1] < values[0] + csc:
                    raise ValueError(
                        f"noc.{name}.port_width is {values[1]} b, narrower than one word of {values[0] + csc} b"
                    )
        if self.overlap.dram_weight and not (self.glb.weight and self.glb.weight.banks):
            raise ValueError("overlap.dram_weight is true, but no GLB bank holds weights; give glb.weight.banks")
        self._check_control()
        if self.flat:
            return self
        for tensor in ("iact", "psum"):
            width = getattr(self.glb, tensor).port_width
            csc = self.pe.csc.count if self.pe.csc and tensor == "iact" else 0
            word = getattr(self.precision, tensor) + csc
            if width < word:
                raise ValueError(f"glb.{tensor}.port_width is {width} b, narrower than one word of {word} b")
        iact, weight, psum = self.noc.iact, self.noc.weight, self.noc.psum
        assert isinstance(iact, HierarchicalMesh)
        assert isinstance(weight, HierarchicalMesh)
        assert isinstance(psum, HierarchicalMesh)
        for tensor, network, direction, clusters in (
            ("iact", iact, "south", self.cluster_array.rows),
            ("iact", iact, "horizontal", self.cluster_array.columns),
            ("weight", weight, "horizontal", self.cluster_array.columns),
        ):
            if clusters > 1 and direction not in network.directions:
                raise ValueError(f"noc.{tensor}.directions lacks {direction}, which its multicasts take")
        if psum.torus:
            raise ValueError("noc.psum.torus is true, but psums only go south to the next cluster; leave it out")
        if iact.torus and self.cluster_array.rows > 2 and "north" not in iact.directions:
            raise ValueError("noc.iact.torus is true, but directions lacks north; rings have links both ways")
        if weight.routers != self.pe_cluster.rows:
            raise ValueError(
                f"noc.weight has {weight.routers} routers for {self.pe_cluster.rows} PE rows;"
                " one router per row is required, which routers left out follows"
            )
        if psum.routers != self.pe_cluster.columns:
            raise ValueError(
                f"noc.psum has {psum.routers} routers for {self.pe_cluster.columns} PE columns;"
                " one router per column is required, which routers left out follows"
            )
        return self

    def _check_control(self) -> None:
        """Raise ValueError for options of control that exclude each other."""
        if self.pe.iact_buffer == "single" and self.overlap.iact_fill:
            raise ValueError(
                "pe.iact_buffer is single, but overlap.iact_fill is true, which loads the first window while the pass"
                " before computes; use overlap.iact_fill: false, or pe.iact_buffer: double"
            )

    def __repr__(self) -> str:
        return f"<Architecture: {printable(self.name)}, {self.size_text}>"

    __str__ = __repr__

    @property
    def size_text(self) -> str:
        """Its PEs, multiply-accumulates per cycle and technology, in words."""
        of = f"{self.pe_cluster.rows} x {self.pe_cluster.columns} PEs"
        if self.cluster_array.count > 1:
            of = f"{self.cluster_array.rows} x {self.cluster_array.columns} clusters of {of}"
        return f"{of}, {self.macs_per_cycle:,} MACs/cycle, {self.technology}"

    @property
    def latency_cycles(self) -> int:
        """Core cycles from a request to the off-chip channel to its first word."""
        return whole_words(self.dram.latency * self.clock)

    def network(self, tensor: str) -> OnChipNetwork:
        """Return the network of a data type.

        tensor: "iact", "weight" or "psum".
        """
        network: OnChipNetwork = getattr(self.noc, tensor)
        return network

    def site(self, tensor: str) -> Site:
        """Return where the network of a data type lies, and what it carries.

        tensor: "iact", "weight" or "psum".  The floor plan is a grid: `noc.hop_length` is the side of a cluster, and
        its PEs share that square.
        """
        return Site(
            clusters=self.cluster_array,
            pes=self.pe_cluster,
            tensor=tensor,
            word_bits=getattr(self.precision, tensor),
            pitch_m=self.noc.hop_length / math.sqrt(self.pe_cluster.count),
            hop_m=self.noc.hop_length,
        )

    @property
    def flat(self) -> bool:
        """Whether the networks are flat: those of one cluster, without a mesh."""
        return self.noc.iact.flat

    @property
    def pooled(self) -> bool:
        """Whether every source of a data type reaches every PE, and serves all that need a word at once."""
        return self.flat and not self.private

    @property
    def private(self) -> bool:
        """Whether every PE has links of its own, so that no transfer serves two of them."""
        return not self.noc.iact.multicasts

    @property
    def pes(self) -> int:
        """Processing elements of the whole array."""
        return self.cluster_array.count * self.pe_cluster.count

    @property
    def glb_bytes(self) -> float:
        """Bytes of the GLB banks of all clusters."""
        return self.cluster_array.count * self.glb.bits / 8

    @property
    def memory_bytes(self) -> float:
        """Bytes of memory on the chip: the GLB banks of all clusters and the SPads of all PEs."""
        return self.glb_bytes + self.pes * self.pe.spad.bits / 8

    @property
    def packing(self) -> int:
        """Multiply-accumulates that share a multiplier: several where operands are narrow enough to be packed."""
        packed, widest = self.pe.packed, max(self.precision.iact, self.precision.weight)
        return packed.macs if packed is not None and widest <= packed.width else 1

    @property
    def lanes(self) -> int:
        """Peak multiply-accumulates per cycle of a PE."""
        return self.pe.macs_per_cycle * self.packing

    @property
    def weights_per_word(self) -> int:
        """Weights in a word of the weight SPad."""
        return self.pe.spad.weight.values_per_word * self.packing

    @property
    def macs_per_cycle(self) -> int:
        """Peak multiply-accumulates per cycle of the whole array."""
        return self.pes * self.lanes
