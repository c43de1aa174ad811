"""The page of a simulated network, as text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from accelerator_sim.results.network_result import NetworkResult
from accelerator_sim.run.network_run import simulate_network
from accelerator_sim.run.options import Options
from accelerator_sim.simulation.outcome import Verdict
from accelerator_sim.technology.machine_file import load_machine
from accelerator_sim.workload.network_loader import load_network
from tests.report.html.conftest import page_of, read, renamed, run


def test_the_page_is_well_formed_and_its_names_are_unique(page: str) -> None:
    elements = read(page).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] or "" for tag, attributes in elements if tag == "a"]
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_every_drawing_has_a_title(page: str) -> None:
    drawings = re.findall(r'<svg[^>]*role="img"[^>]*>(<title>[^<]+</title>)?', page)
    assert drawings
    assert all(drawings)


def test_nothing_is_loaded(page: str) -> None:
    for _, attributes in read(page).elements:
        for name in ("src", "href", "xlink:href", "action", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,"))
    assert "@import" not in page
    assert set(re.findall(r"url\(([^)]*)\)", page)) == {"#stripes"}
    assert "default-src 'none'" in page


def test_the_same_bytes_twice(result: NetworkResult, page: str) -> None:
    assert page_of(result) == page


def test_headline_numbers(result: NetworkResult, page: str) -> None:
    assert "<h1>small <span" in page
    for name in ("Latency", "Chip energy", "DRAM energy", "Inferences per joule", "GOPS/W", "Utilization"):
        assert f"<dt>{name}</dt>" in page
    assert f"{result.totals.cycles:,} cycles, 3 of 4 layers" in page


def test_a_failed_layer_stands_first_and_everywhere(page: str) -> None:
    start = page.index('<div class="notice error" role="alert">')
    assert start < page.index('id="summary"')
    assert "1 of 4 layers failed" in page[start : start + 200]
    assert "wide: layer wide cannot be mapped on eyeriss_v2" in page
    assert page.count(">failed</text>") == 3  # in each chart
    assert 'data-status="failed"' in page


def test_interrupted_selected_and_differing(result: NetworkResult) -> None:
    outcome = result.layers[0].outcome
    assert outcome is not None
    first = replace(result.layers[0], outcome=replace(outcome, verdict=Verdict(10, 3, 1)))
    changed = replace(result, interrupted=True, workload_layers=9, layers=(first, *result.layers[1:]))
    page = page_of(changed)
    assert "The run was interrupted" in page
    assert "Only 4 of the 9 layers of small were selected" in page
    assert "The outputs of 1 layers differ from the reference" in page
    assert "3 differ from the reference, 1 psum overflows" in page


def test_a_broken_law_is_said(result: NetworkResult) -> None:
    layers = tuple(replace(layer, law_broken=layer.status == "failed") for layer in result.layers)
    assert "1 of 4 layers failed a check of the simulator itself" in page_of(replace(result, layers=layers))


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "\"&'<b>", "x' onload='y", "{{ version }}", "a\x1b[31mb"]
)
def test_hostile_names_are_harmless(result: NetworkResult, page: str, name: str) -> None:
    hostile = page_of(renamed(replace(result, workload=name), name))
    tags = [tag for tag, _ in read(page).elements]
    assert [tag for tag, _ in read(hostile).elements] == tags
    assert "<script>alert" not in hostile
    assert "\x1b" not in hostile
    assert ("{{ version }}" in hostile) == (name == "{{ version }}")


def test_long_names_are_cut_in_the_charts_only(result: NetworkResult) -> None:
    name = "encoder/" * 20 + "conv"
    page = page_of(renamed(result, name))
    assert re.search(r'class="name"[^>]*>encode[^<]{1,9}conv<', page)
    assert f">{name}</a>" in page


def test_equal_layers_share_a_panel() -> None:
    page = page_of(run())
    assert "<summary>conv, twin</summary>" in page
    assert 'data-layers="0 1"' in page
    assert page.count('<details class="panel"') == 3


def test_a_panel_says_everything(page: str) -> None:
    panel = page[page.index('<details class="panel"') : page.index("</details>")]
    for text in ("psum += iact * weight", "cluster (0, 0) of 8 x 2", "Busy cycles", "Utilization over time",
                 "Where the cycles went", "Accesses", "Networks on chip", "DRAM traffic"):  # fmt: skip
        assert text in panel


def test_words_over_the_mesh() -> None:
    result = simulate_network(
        load_network("mobilenet_v1_0.5_128"),
        *load_machine("eyeriss_v2"),
        Options(layers=("PW4",), fidelity="analytical"),
    )
    page = page_of(result)
    assert "Words of iact over the mesh" in page
    assert re.search(r"busiest of \d+ links: \(\d, \d\) to \(\d, \d\), ", page)


def test_a_flat_machine_has_no_mesh() -> None:
    assert "eyeriss_v1 has no mesh: its networks are flat (multicast bus)." in page_of(run("eyeriss_v1"))


def test_one_cluster_has_no_links() -> None:
    page = page_of(run(overrides=(("cluster_array.rows", "1"), ("cluster_array.columns", "1"))))
    assert "eyeriss_v2 has no mesh links: it has one cluster." in page


def test_an_estimate_has_no_times_of_pes() -> None:
    page = page_of(run(fidelity="analytical"))
    assert "A bottleneck estimate has no times" in page
    assert "A bottleneck estimate has no busy cycles of single PEs" in page
    assert "Cycles are a bottleneck estimate" in page
    assert "Busy cycles of resources" in page


def test_the_bandwidth_is_a_slope_or_is_said_to_be_unlimited(page: str) -> None:
    assert "unlimited, so there is no slope" in page
    limited = page_of(run(overrides=(("dram.bandwidth", "1 GB/s"),)))
    assert "no slope" not in limited
    assert ">DRAM 1.00 GB/s</text>" in limited
    duplex = page_of(run(overrides=(("dram.bandwidth", "1 GB/s"), ("dram.duplex", "true"))))
    assert ">DRAM 2.00 GB/s</text>" in duplex
    assert "reads and writes together" in duplex


def test_normalised_energies_are_in_macs() -> None:
    page = page_of(run(overrides=(("technology", "isca16_normalised"),)))
    assert "multiples of one MAC, not joules" in page
    assert re.search(r"<dt>Chip energy</dt><dd><b>[\d.]+ [kMG]?MAC</b>", page)
    assert not re.search(r"[\d.]+ [pnum]?J\b", page)
    assert "Inferences per joule" not in page


def test_a_network_without_macs(result: NetworkResult) -> None:
    pool = replace(result, layers=result.layers[1:2])
    page = page_of(pool)
    read(page)
    assert "No layer with MACs ran." in page


def test_nothing_ran(result: NetworkResult) -> None:
    read(page_of(replace(result, layers=result.failed)))


def test_provenance(page: str) -> None:
    part = page[page.index('<section id="provenance">') :]
    for text in (
        "accelerator-sim simulate &#39;a b.yaml&#39; --set &#39;clock=1 GHz&#39;", "set clock", "0123abcd", "numpy",
        "cannot be read a second time", "measured, 2017", "Densities of 3 of 3 layers with MACs: assumed dense.",
        "2 layers have the mapping of least latency", "1 layers without MACs",
    ):  # fmt: skip
        assert text in part


def test_exact_values_for_sorting(result: NetworkResult, page: str) -> None:
    assert result.layers[0].outcome is not None
    assert f'<td data-v="{result.layers[0].outcome.timing.cycles}">' in page


def test_a_network_of_a_usual_size_stays_small() -> None:
    result = simulate_network(
        load_network("resnet50"), *load_machine("eyeriss_v2"), Options(fidelity="analytical", refine=1)
    )
    page = page_of(result)
    assert len(page.encode()) < 500_000


def test_what_bounds_the_layers(page: str) -> None:
    """The waterfall of the network, the layers by cause, and in every panel a line for the peak and for each step."""
    assert 'id="eyexam"' in page
    section = page[page.index('id="eyexam"') : page.index('id="roofline"')]
    for name in ("peak of the PEs", "1 layer", "5 storage", "6 bandwidth", "7 actual", "the network"):
        assert f">{name}</text>" in section
    assert "Layers by where they lose most cycles" in section
    panels = page.split('<details class="panel"')[1:]
    tables = [panel for panel in panels if "What bounds it (Eyexam)" in panel]
    assert 0 < len(tables) < len(panels)  # none for the layer without MACs
    for panel in tables:
        table = panel[panel.index("What bounds it (Eyexam)") :]
        table = table[: table.index("</table>")]
        assert table.count("<tr>") == 1 + 8
        rects = re.findall(r'x="([\d.]+)%" width="([\d.]+)%"', table)
        assert rects[0][0] == "0"
        assert sum(float(width) for _, width in rects) == pytest.approx(100.0, abs=1.0)


def test_an_estimate_has_no_bounds() -> None:
    page = page_of(run(fidelity="analytical"))
    assert 'id="eyexam"' not in page
    assert "What bounds it" not in page
