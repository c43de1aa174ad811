"""One network on several machines: accelerators, simulated, beside baselines, modelled and, if at hand, measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from accelerator_sim.architecture.architecture import Architecture
from accelerator_sim.baseline.device import Device
from accelerator_sim.baseline.measured import points_of
from accelerator_sim.baseline.measured_device import MEASURED, MeasuredDevice
from accelerator_sim.baseline.roofline import BaselineResult, run_baseline
from accelerator_sim.comparison.machine_comparison import Comparison, Conditions, MachineEntry, Measurement, Ratio
from accelerator_sim.files.errors import UsageError
from accelerator_sim.files.vocabulary import BoardBoundary, ChipBoundary, NumberFormat, word
from accelerator_sim.results.accounted_run import AccountedRun
from accelerator_sim.run.network_run import Progress, simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.technology.technology import Technology, scaled
from accelerator_sim.workload.network import Network

MachineWithTable = tuple[Architecture, Technology]


@dataclass(frozen=True)
class Question:
    """What is compared, and under which conditions.

    precision, stack: of the baselines, their own defaults if None; options: how accelerators are simulated.
    """

    options: Options
    precision: NumberFormat | None = None
    stack: str | None = None
    chip: ChipBoundary = ChipBoundary.CHIP_AND_DRAM
    board: BoardBoundary = BoardBoundary.BOARD

    def __post_init__(self) -> None:
        if self.precision is not None:
            object.__setattr__(self, "precision", word(NumberFormat, self.precision, "precision"))
        object.__setattr__(self, "chip", word(ChipBoundary, self.chip, "chip_boundary"))
        object.__setattr__(self, "board", word(BoardBoundary, self.board, "board_boundary"))


@dataclass(frozen=True)
class Version:
    """A run, accounted for in the process of the chip or, as a projection, in another."""

    run: AccountedRun
    projection: bool


def compare(
    network: Network,
    machines: Sequence[MachineWithTable],
    baselines: Sequence[Device | MeasuredDevice],
    question: Question,
    on_progress: Progress | None = None,
) -> Comparison:
    """Run a network on accelerators and baselines.

    Raises UsageError for no machine at all, a number format or stack without a baseline, a normalised technology, and
    what a baseline has no data for: a number format, a stack, an idle power, or a network that was not measured.
    """
    if not machines and not baselines:
        raise UsageError("nothing to compare; give --arch or --baseline")
    devices = [each for each in baselines if isinstance(each, Device)]
    for option, value in (("precision", question.precision), ("stack", question.stack)):
        if value is not None and not baselines:
            raise UsageError(f"{option} is {value}, but no baseline is given that it could apply to")
    for architecture, technology in machines:
        technology.require_joules(architecture.name)
    selected = network.select(question.options.layers)
    whole = len(selected.layers) == len(network.layers)
    times = question.options.batch
    measured = [each for each in baselines if isinstance(each, MeasuredDevice)]
    as_measured = [_as_measured(each, network.name, whole, question) for each in measured]
    results = [run_baseline(selected, device, times, question.precision, question.stack) for device in devices]
    if question.board is BoardBoundary.NET:
        for result in results:
            _net(result)
    runs = [
        AccountedRun(simulate_network(network, *machine, question.options, on_progress), machine[1])
        for machine in machines
    ]
    nodes = dict.fromkeys(device.node_nm for device in devices)
    notes: list[str] = []
    versions = [version for run in runs for version in _versions(run, list(nodes), notes)]
    boards = [_board(result, question.board, whole) for result in results] + as_measured
    return Comparison(
        workload=network.name,
        workload_source=network.source,
        layers=len(selected.layers),
        workload_layers=len(network.layers),
        macs=selected.macs // selected.batch,
        input_words=network.layers[0].iact_total_words // network.batch,
        batch=selected.batch * times,
        runs=tuple(run.result for run in runs),
        baselines=tuple(results),
        entries=(*(_accelerator(version, question.chip) for version in versions), *boards),
        matrix=(*_matrix(selected, versions, devices, question), *_measured_matrix(as_measured, versions)),
        notes=tuple(notes),
        measured=tuple(measured),
    )


def _versions(run: AccountedRun, nodes: Sequence[float], notes: list[str]) -> Iterator[Version]:
    """A run at its own process, and the same outcome at those of the baselines that are finer."""
    own = run.technology.node_nm
    yield Version(run, False)
    for node in nodes:
        if node >= own:
            continue
        try:
            yield Version(run.charged(scaled(run.technology, run.technology.name, node * 1e-9)), True)
        except ValueError as error:
            notes.append(f"{run.result.architecture.name} is not projected to {node:g} nm: {error}")


def _accelerator(version: Version, boundary: ChipBoundary) -> MachineEntry:
    result = version.run.result
    complete = not result.failed
    joules = result.energy.chip if boundary is ChipBoundary.CHIP else result.energy.total
    stack = f"for {result.objective}"
    return MachineEntry(
        name=result.architecture.name,
        kind="accelerator",
        node_nm=version.run.technology.node_nm,
        conditions=Conditions(result.batch, f"{result.architecture.precision.iact}b", boundary, stack),
        latency_s=result.totals.latency_s if complete else None,
        energy_j=joules / result.batch if complete else None,
        parts={part: value / result.batch for part, value in result.energy.as_dict().items()} if complete else {},
        outside={"dram": result.energy.dram / result.batch} if boundary is ChipBoundary.CHIP and complete else {},
        projection=version.projection,
        note="" if complete else f"{len(result.failed)} of {len(result.layers)} layers failed",
    )


def _net(result: BaselineResult) -> float:
    """Joules above idle, of the batch.  Raises UsageError, with the known boundary, where no idle power is known."""
    energy = result.energy_net_j
    if energy is None:
        raise UsageError(
            f"{result.device.name} has no measured idle power, so no energy net of idle; it has: board"
            f" ({result.device.boundary})"
        )
    return energy


def _board(result: BaselineResult, boundary: BoardBoundary, whole: bool) -> MachineEntry:
    """A baseline; whole: all layers of the network were run, so that a measurement of it is of the same."""
    device = result.device
    joules = result.energy_j if boundary is BoardBoundary.BOARD else _net(result)
    point = points_of(result.workload, device.name, result.precision, result.batch)
    measured = None
    if point is not None and whole and result.stack == device.stack()[0]:
        energy = point.energy_j
        if energy is not None and boundary is BoardBoundary.NET:
            energy -= (device.power.idle or 0.0) * point.latency_s / result.batch
        measured = Measurement(point.latency_s, energy)
    return MachineEntry(
        name=device.name,
        kind=device.kind,
        node_nm=device.node_nm,
        conditions=Conditions(result.batch, result.precision, boundary, result.stack),
        latency_s=result.latency_s,
        energy_j=joules / result.batch,
        parts={part: value / result.batch for part, value in result.energy_parts.items()},
        outside={"static": (result.energy_j - joules) / result.batch} if boundary is BoardBoundary.NET else {},
        weak=result.weak,
        measured=measured,
        note=device.boundary,
    )


def _as_measured(device: MeasuredDevice, network: str, whole: bool, question: Question) -> MachineEntry:
    """A device that was only measured.  Raises UsageError for what was not."""
    known = device.of(network)
    for name, value, wanted in (
        ("batch", question.options.batch, 1),
        ("precision", question.precision, device.precision),
        ("stack", question.stack, device.stack),
        ("board boundary", question.board, BoardBoundary.BOARD),
    ):
        if value not in (None, wanted):
            raise UsageError(f"{device.name} was measured with {name} {wanted}, not {value}")
    if not whole:
        raise UsageError(f"{device.name} was measured on all layers of {network}; leave --layer out")
    return MachineEntry(
        name=device.name,
        kind=MEASURED,
        node_nm=device.node_nm,
        conditions=Conditions(1, device.precision, "device", device.stack),
        latency_s=None if known.inferences_per_s is None else 1.0 / known.inferences_per_s,
        energy_j=known.energy,
        parts={},
        outside={},
        note=f"measured, not modelled: {device.boundary}",
    )


def _measured_matrix(entries: Sequence[MachineEntry], versions: Sequence[Version]) -> Iterator[Ratio]:
    """Measured devices over every accelerator, process and boundary."""
    for entry in entries:
        for version in versions:
            for chip in ChipBoundary:
                yield Ratio(entry, _accelerator(version, chip))


def _matrix(
    network: Network, versions: Sequence[Version], devices: Sequence[Device], question: Question
) -> Iterator[Ratio]:
    """Every baseline, stack and boundary over every accelerator, process and boundary that there are data for."""
    for device in devices:
        for stack in device.family.stacks if question.stack is None else [question.stack]:
            result = run_baseline(network, device, question.options.batch, question.precision, stack)
            for board in BoardBoundary:
                if board is BoardBoundary.NET and result.energy_net_j is None:
                    continue
                entry = _board(result, board, whole=False)  # a ratio has no use for what was measured
                for version in versions:
                    for chip in ChipBoundary:
                        yield Ratio(entry, _accelerator(version, chip))
