"""A result as rows for programs and spreadsheets: one row per layer, every number in full."""

from __future__ import annotations

from accelerator_sim.architecture.architecture import TENSORS, Architecture
from accelerator_sim.energy.account import COMPONENTS
from accelerator_sim.results.layer_result import LayerResult
from accelerator_sim.results.layer_work import work_of
from accelerator_sim.results.tabular import Row
from accelerator_sim.simulation.outcome import LEVELS, Outcome
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.network import Network

_LETTERS = ("N", "G", "M", "C", "H", "W", "P", "Q", "R", "S")
_WINDOW = (
    "stride_rows", "stride_columns", "padding_top", "padding_bottom", "padding_left", "padding_right",
    "dilation_rows", "dilation_columns",
)  # fmt: skip
_RESULTS = (
    "cycles", "latency_s", "bound_by", "active_pes", "utilization", "macs_issued", "macs_gated", "dram_bytes_iact",
    "dram_bytes_weight", "dram_bytes_psum",
)  # fmt: skip
_ACCESSES = tuple(f"{level}_{tensor}_{way}" for level in LEVELS for tensor in TENSORS for way in ("reads", "writes"))
_NOC = tuple(f"noc_{tensor}_{quantity}" for tensor in TENSORS for quantity in ("mode", "words", "word_hops"))
_ENERGY = tuple(f"energy_{part}_j" for part in COMPONENTS)

SHAPE_COLUMNS = ("name", "op", *_LETTERS, *_WINDOW, "macs", "effectual_macs")
COLUMNS = (
    "status", *SHAPE_COLUMNS, *_RESULTS, *_ACCESSES, *_NOC, *_ENERGY, "optimal_over", "error", "run_complete",
    "estimate",
)  # fmt: skip
"""`run_complete`: whether every layer of the run has a result, so that sums over the rows are whole."""


def shape_row(layer: Layer) -> Row:
    """Return the columns that do not depend on a simulation."""
    row: Row = {"name": layer.name, "op": layer.op}
    if layer.is_mac:
        row |= {letter: getattr(layer, letter) for letter in _LETTERS}
        row |= dict(zip(_WINDOW, (*layer.stride, *layer.padding, *layer.dilation), strict=True))
    return row | {"macs": layer.macs, "effectual_macs": layer.effectual_macs}


def network_row(network: Network) -> Row:
    """Return what a network is in one row: MACs are those of an inference, weights that are used again counted once."""
    return {
        "name": network.name,
        "family": network.family,
        "layers": len(network.layers),
        "macs": network.macs // network.batch,
        "weights": network.weight_words,
        "source": network.source,
        "notes": network.notes,
    }


def layer_row(result: LayerResult, architecture: Architecture, of_run: Row) -> Row:
    """Return the row of one layer; what does not apply, or failed, is left out.

    architecture: what it ran on; of_run: the columns that are the same for all layers of a run.
    """
    row = {"status": result.status, **shape_row(result.layer), **of_run}
    if result.error:
        row["error"] = result.error
    if result.outcome is not None and result.energy is not None:
        row |= _activity_row(result.outcome, architecture)
        row |= result.energy.unit.fields({f"energy_{part}_j": each for part, each in result.energy.as_dict().items()})
    if result.optimal_over is not None:
        row["optimal_over"] = result.optimal_over
    return row


def _activity_row(outcome: Outcome, architecture: Architecture) -> Row:
    row: Row = {
        "effectual_macs": outcome.counts.effectual_macs,
        "cycles": outcome.timing.cycles,
        "latency_s": outcome.timing.cycles / architecture.clock,
        "bound_by": outcome.timing.bound_by,
        "active_pes": outcome.counts.active_pes,
        "utilization": work_of(outcome).utilization(architecture),
        "macs_issued": outcome.counts.macs_issued,
        "macs_gated": outcome.counts.macs_gated,
    }
    row |= {f"dram_bytes_{tensor}": size for tensor, size in outcome.counts.dram_bytes.items()}
    for record in outcome.counts.accesses:
        row[f"{record.level}_{record.tensor}_reads"] = record.reads
        row[f"{record.level}_{record.tensor}_writes"] = record.writes
    for use in outcome.counts.noc:
        row[f"noc_{use.tensor}_mode"] = use.mode
        row[f"noc_{use.tensor}_words"] = use.words
        row[f"noc_{use.tensor}_word_hops"] = use.word_hops
    return row
