"""Figures: what they show is what the result holds, whatever the result, and their files are the same each time."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

import accelerator_sim
from accelerator_sim.figure.canvas import FORMATS, dumps
from accelerator_sim.figure.figure_kinds import KINDS, OF_ARCHITECTURES, OF_RUNS, OF_SWEEPS
from accelerator_sim.files.errors import AcceleratorSimError, AcceleratorSimWarning, UsageError
from accelerator_sim.results.network_result import NetworkResult
from tests.small_network import CONV, FC, POOL, TWIN

NETWORK = accelerator_sim.load_network("alexnet")
SMALL = type(NETWORK)("small & <odd>", "made up", (CONV, TWIN, POOL, FC), "")
AXES = {"clock": ["100 MHz", "200 MHz"], "cluster_array.rows": [2, 8], "technology": ["cmos65_8b"]}


@pytest.fixture(scope="module")
def small() -> NetworkResult:
    return accelerator_sim.simulate(SMALL)


@pytest.fixture(scope="module")
def chip() -> NetworkResult:
    """The convolutions of AlexNet as the v1 chip ran them."""
    return accelerator_sim.simulate("alexnet", "eyeriss_v1", mappings="eyeriss_v1_alexnet", layers="CONV*")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> accelerator_sim.Sweep:
    store = tmp_path_factory.mktemp("sweep") / "small.sqlite"
    return accelerator_sim.sweep(
        workloads=["alexnet", "mobilenet_v1_0.5_128"], axes=AXES, fidelity="analytical", store=store
    )


def texts(figure: Any) -> list[str]:
    """All that is written in a figure."""
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def check_legible(figure: Any) -> None:
    """No label of an axis lies on another one, and no title on another."""
    figure.canvas.draw()
    titles = [axes.title for axes in figure.axes] + [axes._left_title for axes in figure.axes]
    groups = [[text for text in titles if text.get_text()]]
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            groups.append([tick.label1 for tick in ticks if axes.axison and tick.label1.get_text()])
    for group in groups:
        boxes = sorted((text.get_window_extent() for text in group), key=lambda box: (box.x0, box.y0))
        for at, box in enumerate(boxes):
            for other in boxes[at + 1 :]:
                apart = other.x0 >= box.x1 - 1 or other.y0 >= box.y1 - 1 or box.y0 >= other.y1 - 1
                assert apart or any(text.get_rotation() for text in group), [text.get_text() for text in group]


@pytest.mark.parametrize("kind", OF_RUNS)
def test_each_kind_of_a_run(small: NetworkResult, kind: str) -> None:
    figure = small.figure(kind)
    check_legible(figure)
    assert any("eyeriss_v2" in text for text in texts(figure))
    assert dumps(figure, "svg").startswith(b"<?xml")


@pytest.mark.parametrize("kind", OF_SWEEPS)
def test_each_kind_of_a_sweep(swept: accelerator_sim.Sweep, kind: str) -> None:
    figure = swept.figure(kind)
    check_legible(figure)
    assert any("small" in text for text in texts(figure))


def test_files_are_the_same_each_time(small: NetworkResult) -> None:
    for form in FORMATS:
        assert dumps(small.figure("energy"), form) == dumps(small.figure("energy"), form), form


def test_notebooks_show_figures(small: NetworkResult) -> None:
    figure = small.figure("energy")
    picture = figure._repr_png_()
    assert picture.startswith(b"\x89PNG\r")
    assert picture == figure._repr_png_()
    assert pickle.loads(pickle.dumps(figure))._repr_png_() == picture


def test_energy_has_the_energies(small: NetworkResult) -> None:
    bars = small.figure("energy").axes[0].containers
    assert sum(bar.get_width() for stack in bars for bar in stack) == pytest.approx(small.energy.total)
    assert [label.get_text() for label in small.figure("energy").axes[0].get_yticklabels()] == [
        layer.layer.name for layer in small.layers
    ]


def test_stalls_add_up_to_the_whole_time(small: NetworkResult) -> None:
    stacks = small.figure("stalls").axes[0].containers
    for at, (_, outcome, _) in enumerate(small.finished):
        if outcome.timing.cycles:
            assert sum(stack[at].get_width() for stack in stacks) == pytest.approx(100.0)


def test_waterfall_ends_at_the_cycles(small: NetworkResult) -> None:
    bars = [bar for stack in small.figure("waterfall").axes[0].containers for bar in stack]
    assert bars[-1].get_width() == small.totals.cycles
    assert sum(bar.get_width() for bar in bars[:-1]) == pytest.approx(small.totals.cycles)


def test_roofline_lies_under_the_roof(small: NetworkResult) -> None:
    axes = small.figure("roofline").axes[0]
    peak = small.architecture.macs_per_cycle * small.architecture.clock
    marks = [place for each in axes.collections for place in each.get_offsets().tolist()]
    assert len(marks) == sum(layer.layer.is_mac for layer in small.layers)
    assert all(y <= peak for _, y in marks)


def cells(figure: Any) -> list[tuple[str, tuple[float, ...]]]:
    """Text and colour of each PE of the array at work."""
    from matplotlib.patches import Rectangle

    axes = figure.axes[0]
    held = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_edgecolor()[:3] == (1, 1, 1)]
    words = [text.get_text() for text in axes.texts]
    return list(zip(words, (patch.get_facecolor() for patch in held), strict=True))


@pytest.mark.parametrize(
    ("layer", "pes", "sets", "rows", "outputs"),
    [("CONV1", 154, 2, 11, 7), ("CONV2", 135, 1, 5, 27), ("CONV3", 156, 4, 3, 13), ("CONV4", 156, 4, 3, 13)],
)
def test_the_mapping_is_the_papers_figure(
    chip: NetworkResult, layer: str, pes: int, sets: int, rows: int, outputs: int
) -> None:
    """JSSC Fig. 6: CONV1 is two sets of 11 x 7 PEs, CONV2 one of 5 x 27 in two pieces, CONV3 and on four of 3 x 13."""
    figure = chip.figure("mapping", layer=layer)
    check_legible(figure)
    at_work = cells(figure)
    assert len(at_work) == pes == chip.layer(layer).outcome.counts.active_pes  # type: ignore[union-attr]
    assert len({color for _, color in at_work}) == sets
    places = {tuple(map(int, word.split(","))) for word, _ in at_work}
    assert places == {(row, output) for row in range(rows) for output in range(outputs)}
    titles = [axes.get_title(loc="left") for axes in figure.axes[2:]]
    assert titles == ["filter rows go across", "iact rows go along diagonals", "psums go up the columns"]


def test_iact_rows_are_equal_along_diagonals(chip: NetworkResult) -> None:
    """With a stride of 4, four rows down is one column back (ISCA16 Fig. 6)."""
    axes = chip.figure("mapping", layer="CONV1").axes[3]
    rows = {tuple(map(round, text.get_position())): int(text.get_text().split("\n")[1]) for text in axes.texts}
    assert all(row == 4 * x + y for (x, y), row in rows.items())
    for line in axes.lines:
        (x0, x1), (y0, y1) = line.get_data()
        assert rows[round(x0), round(y0)] == rows[round(x1), round(y1)]


def test_what_pes_share_without_filter_rows(small: NetworkResult) -> None:
    figure = accelerator_sim.simulate("mobilenet_v1_0.5_128", layers="PW6").figure("mapping")
    titles = [axes.get_title(loc="left") for axes in figure.axes[2:]]
    assert [title.partition("number, ")[2] for title in titles] == [
        "the same weights", "the same iacts", "psums are added up",
    ]  # fmt: skip


def test_links_carry_the_words_of_the_schedule(small: NetworkResult) -> None:
    with pytest.raises(UsageError, match="unknown tensor 'iacts'; use one of iact, weight, psum"):
        small.figure("links", tensor="iacts")
    figure = small.figure("links", layer="conv", tensor="iact")
    assert any("word hops" in axes.get_title(loc="left") for axes in figure.axes)


def test_the_front_is_that_of_the_sweep(swept: accelerator_sim.Sweep) -> None:
    axes = swept.figure("pareto", x="latency", y="area_mm2").axes[0]
    drawn = {tuple(place) for place in zip(*axes.lines[-1].get_data(), strict=True)}
    assert drawn == {(row["latency_s"], row["area_mm2"]) for row in swept.front("latency", "area_mm2")}


def test_colours_of_the_points(swept: accelerator_sim.Sweep) -> None:
    labels = texts(swept.figure("pareto", color="clock"))
    assert {"clock 100 MHz", "clock 200 MHz"} <= set(labels)
    with pytest.raises(UsageError, match="no axis or result 'clok'; did you mean 'clock'"):
        swept.figure("pareto", color="clok")


def test_trend_is_the_best_at_each_value(swept: accelerator_sim.Sweep) -> None:
    axes = swept.figure("trend", x="clock", y="cycles").axes[0]
    rows = swept.rows()
    for line in axes.lines:
        for clock, cycles in zip(*line.get_data(), strict=True):
            here = [row for row in rows if row["clock_hz"] == clock and row["workload"] == line.get_label()]
            assert cycles == min(row["cycles"] for row in here)
    with pytest.raises(UsageError, match="no axis 'clok'; did you mean 'clock'"):
        swept.figure("trend", x="clok")


def test_kinds_that_a_result_has_not(small: NetworkResult, swept: accelerator_sim.Sweep) -> None:
    with pytest.raises(UsageError, match="a NetworkResult has no figure 'pareto'; it has roofline, energy"):
        small.figure("pareto")
    with pytest.raises(UsageError, match="a Sweep has no figure 'energy'; it has pareto"):
        swept.figure("energy")
    with pytest.raises(UsageError, match="figure 'energy' has no choice 'layer'; it has none"):
        small.figure("energy", layer="conv")
    assert set(KINDS) == {*OF_RUNS, *OF_SWEEPS, *OF_ARCHITECTURES}


def test_what_cannot_be_drawn(small: NetworkResult) -> None:
    estimate = accelerator_sim.simulate(SMALL, fidelity="analytical")
    for kind in ("waterfall", "timeline"):
        with pytest.raises(UsageError, match="an estimate has no"):
            estimate.figure(kind)
    with pytest.raises(UsageError, match=r"layer pool has no mapping to draw"):
        small.figure("mapping", layer="pool")
    with pytest.raises(UsageError, match="no layer 'cnv' in small & <odd>; did you mean 'conv'"):
        small.figure("mapping", layer="cnv")
    with pytest.raises(UsageError, match="does nothing in cycles 9,000,000 to 9,000,010"):
        small.figure("timeline", cycles=(9_000_000, 9_000_010))
    only_pool = accelerator_sim.simulate(SMALL, layers="pool")
    with pytest.raises(UsageError, match="no layer of small & <odd> has a mapping to draw"):
        only_pool.figure("mapping")
    with pytest.raises(UsageError, match="has both MACs and off-chip traffic"):
        only_pool.figure("roofline")
    with pytest.warns(AcceleratorSimWarning, match="multiples of one MAC, not joules"):
        flat = accelerator_sim.simulate(SMALL, "isca16_256", fidelity="analytical")
    with pytest.raises(UsageError, match="cross a mesh link of isca16_256"):
        flat.figure("links")


def test_a_comparison_and_an_explanation(small: NetworkResult) -> None:
    compared = accelerator_sim.compare("alexnet", "eyeriss_v2", "jetson_tx2_maxq", fidelity="analytical")
    assert len(compared.figure("energy").axes[0].patches) == len(compared.entries)
    explained = accelerator_sim.explain(SMALL, changes=False)
    assert texts(explained.figure("waterfall")) == texts(small.figure("waterfall"))
    assert texts(explained.figure("energy")) == texts(small.figure("energy"))


def test_without_matplotlib(small: NetworkResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(AcceleratorSimError, match=r"figures need matplotlib, .*pip install 'accelerator-sim\[plot\]'"):
        small.figure("energy")


def test_a_large_array_is_drawn_by_its_first_cluster() -> None:
    run = accelerator_sim.simulate("alexnet", "eyeriss_v2_1024", layers="CONV3", fidelity="analytical")
    figure = run.figure("mapping")
    assert any("cluster (0, 0) of" in text for text in texts(figure))
    assert len(cells(figure)) <= run.architecture.pe_cluster.count


def test_a_dilated_layer_is_drawn_by_a_phase(tmp_path: Path) -> None:
    file = tmp_path / "wide.yaml"
    layer = "{name: far, op: conv, C: 4, H: 12, W: 12, M: 4, kernel: 3, dilation: 2}"
    file.write_text(f"{{name: wide, source: made up, layers: [{layer}]}}")
    assert len(accelerator_sim.simulate(file).figure("mapping").axes) == 5
