"""An open RTL of the shape of Eyeriss v2: the engines against its times in closed form, with and without zeros."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given, settings

from accelerator_sim.architecture.load import load_architecture
from accelerator_sim.mapping.openeye import filters_per_pe, mapped
from accelerator_sim.mapping.problem import problem_of
from accelerator_sim.simulation.engines import Cycle, Event
from accelerator_sim.simulation.schedule import Schedule
from accelerator_sim.simulation.stored import stored_pattern
from accelerator_sim.validation.publications import load_publications
from accelerator_sim.validation.validate import evaluate, run_cases
from accelerator_sim.workload.layer import Layer
from accelerator_sim.workload.operand_shapes import iact_shape, weight_shape
from accelerator_sim.workload.pattern import Pattern
from tests.oracles.rtl import TAPS, Transmission, weight_cycles

MACHINES = {name: load_architecture(name) for name in ("openeye_192", "openeye_48")}
OWN = 2
"""Cycles by which the RTL starts each window but the first earlier where there are two filters in a PE: its own."""


def windows(images: int, channels: int, filters: int, stride: int = 1, groups: int = 1) -> Layer:
    """A layer whose images are windows: four output rows of one column."""
    return Layer(
        "windows", "conv", N=images, G=groups, C=channels, M=filters, H=3 * stride + TAPS, W=TAPS, R=TAPS, S=TAPS,
        stride=(stride, stride),
    )  # fmt: skip


def ours(schedule: Schedule, pattern: Pattern) -> int:
    return Event().run(schedule, stored_pattern(schedule, pattern)).timing.cycles


def expected(schedule: Schedule, pattern: Pattern) -> int:
    """Cycles of the RTL for a layer of windows, those of its own at two filters put back."""
    layer, mapping = schedule.problem.layer, schedule.mapping
    iacts = np.ones(iact_shape(layer), np.uint8) if pattern.iact_mask is None else pattern.iact_mask
    weights = np.ones(weight_shape(layer), np.uint8) if pattern.weight_mask is None else pattern.weight_mask
    iacts = iacts.reshape(layer.N, layer.G, layer.C, layer.H, layer.W)
    weights = weights.reshape(layer.G, layer.M, layer.C, TAPS, TAPS)
    clusters = mapping.array_parts("N")
    m0, c0 = mapping.M0, mapping.C0
    total = 0
    images = clusters * mapping.N0
    for first in range(0, layer.N, images):
        here = min(images, layer.N - first)
        steps = -(-here // clusters)
        for g in range(layer.G):
            for m in range(0, layer.M, m0):
                for c in range(0, layer.C, c0):
                    kept = weights[g, m : m + m0, c : c + c0].sum(axis=0)  # by channel, row, column
                    work = [
                        [
                            [
                                int(kept[i, r, s])
                                for s in range(TAPS)
                                for i in range(kept.shape[0])
                                if iacts[first + image, g, c + i, p * layer.stride[0] + r, s]
                            ]
                            for image in range(step, here, steps)
                            for p in range(4)
                            for r in range(TAPS)
                        ]
                        for step in range(steps)
                    ]
                    assume(all(any(window) for window in work))  # the RTL has no empty window
                    one = Transmission(min(m0, layer.M - m), kept.shape[0], layer.stride[0], work)
                    total += max(weight_cycles(kept[:, r, :].ravel().tolist()) for r in range(TAPS))
                    total += one.cycles() + (OWN * (steps - 1) if one.filters == 2 else 0)
    return total


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_windows_with_and_without_zeros(data: st.DataObject) -> None:
    """Filters, channels, stride, windows, zeros and clusters drawn: to the cycle."""
    machine = MACHINES[data.draw(st.sampled_from(sorted(MACHINES)))]
    depthwise = data.draw(st.booleans())
    channels = 1 if depthwise else data.draw(st.sampled_from([1, 2, 3, 4, 8]))
    filters = 1 if depthwise else data.draw(st.sampled_from([2, 4, 6, 8, 10, 12, 14, 16, 32]))
    groups, stride = data.draw(st.integers(1, 3)) if depthwise else 1, data.draw(st.integers(1, 2))
    layer = windows(data.draw(st.integers(1, 70)), channels, filters, stride, groups)
    dice = np.random.default_rng(data.draw(st.integers(0, 1000)))
    densities = [data.draw(st.sampled_from([1.0, 0.8, 0.4])) for _ in range(2)]
    masks = [
        (dice.random(shape) < density).astype(np.uint8)
        for shape, density in zip((iact_shape(layer), weight_shape(layer)), densities, strict=True)
    ]
    pattern = Pattern(*masks)
    mapping = mapped(problem_of(layer, machine))
    assert mapping is not None
    schedule = Schedule.of_layer(layer, machine, mapping)
    assert ours(schedule, pattern) == expected(schedule, pattern)
    if layer.N < 20 and machine.pes < 100:
        cycle = Cycle().run(schedule, stored_pattern(schedule, pattern))
        assert cycle.timing.cycles == expected(schedule, pattern)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("inputs", "outputs"), [(36, 256), (72, 256), (144, 512)])
def test_whole_transmissions_of_fully_connected_layers(machine: str, inputs: int, outputs: int) -> None:
    layer = Layer("fc", "fc", C=inputs, M=outputs)
    mapping = mapped(problem_of(layer, MACHINES[machine]))
    assert mapping is not None
    one = Transmission(16, 12, 1, [[[16] * 12]], fully_connected=True)
    transmissions = inputs // 36 * -(-outputs // (MACHINES[machine].pes // 12 * 16))
    cycles = transmissions * (weight_cycles([16] * 12) + one.cycles())
    assert ours(Schedule.of_layer(layer, MACHINES[machine], mapping), Pattern(None, None)) == cycles


def test_a_filler_word_costs_a_transfer_and_nothing_else() -> None:
    """Words are read and sent for zeros, but neither written into an SPad nor multiplied; no zeros, no words."""
    layer = windows(20, 4, 8)
    dice = np.random.default_rng(1)
    sparse = Pattern((dice.random(iact_shape(layer)) < 0.5).astype(np.uint8), None)
    for pattern, zeros in ((sparse, True), (Pattern(None, None), False)):
        counts = {}
        for stream in ("words", "filled"):
            machine = load_architecture("openeye_48", [("pe.csc.iact_stream", stream)])
            mapping = mapped(problem_of(layer, machine))
            assert mapping is not None
            schedule = Schedule.of_layer(layer, machine, mapping)
            counts[stream] = Event().run(schedule, stored_pattern(schedule, pattern)).counts
        without, filled = counts["words"], counts["filled"]
        more = filled.access("noc", "iact").writes - without.access("noc", "iact").writes
        assert (more > 0) is zeros
        changed = {("noc", "iact"), ("glb", "iact")} if zeros else set()
        assert {
            (a.level, a.tensor) for a, b in zip(filled.accesses, without.accesses, strict=True) if a != b
        } == changed
        assert (filled.macs_issued, filled.effectual_macs) == (without.macs_issued, without.effectual_macs)


def test_the_carried_times_are_those_of_the_closed_form() -> None:
    """Each published time of a convolution with whole transmissions, from the shape in its name."""
    publication = load_publications(["rtl"])["rtl"]
    checked = 0
    for figure in publication.figures:
        clusters = 16 if figure.case == "pes_192" else 4
        for name, value in (figure.values or {}).items():
            kind, shape = name.split("_", 1)
            if kind != "c3":
                continue
            (height, width, depth), filters = map(int, shape.split("_")[0].split("x")), int(shape.split("_")[1])
            channels = min(4, depth)
            m0 = filters_per_pe(filters, channels)
            assert m0 is not None
            n = height // 4 * width // clusters
            parts = -(-n // 36) if channels == 4 else 1  # 36 windows of four channels fit into the banks
            steps = [[[m0] * TAPS * channels]] * (n // parts)
            each = weight_cycles([m0] * TAPS * channels) + Transmission(m0, channels, 1, steps).cycles()
            assert value == parts * depth // channels * (filters // m0) * each, name
            checked += 1
    assert checked == 29


def test_the_scorecard_is_exact_but_for_what_is_the_rtls_own() -> None:
    """39 of 41 to the cycle; with two filters in a PE, two cycles for each window but the first of a transmission."""
    publications = load_publications(["rtl"])
    card = evaluate(publications, run_cases(publications))
    off = {row.layer: row.ours - (row.published or 0.0) for row in card.rows if row.status == "miss"}
    assert (len(card.rows), card.count("ok")) == (41, 39)
    assert off == {"c3_8x8x2_2": OWN * (4 - 1), "c3_16x16x3_2": OWN * (16 - 1)}
