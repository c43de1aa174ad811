"""The page of a comparison, as text."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.report.html.conftest import SIMPLE, comparison_page, read
from tests.small_network import CONV, WIDE


def test_the_page_is_well_formed_and_its_names_are_unique() -> None:
    elements = read(comparison_page()).elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] or "" for tag, attributes in elements if tag == "a"]
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_it_loads_nothing_and_is_the_same_each_time() -> None:
    page = comparison_page()
    for tag, attributes in read(page).elements:
        for name in ("src", "href"):
            assert not (attributes.get(name) or "").startswith(("http", "//")), (tag, attributes)
    assert page == comparison_page()


def test_every_energy_has_its_conditions() -> None:
    page = comparison_page()
    assert "the energy of eyeriss_v2" in page
    assert "board, fp16, batch 1, tuned" in page
    assert "chip+dram, 8b, batch 1, for latency" in page
    assert "a projection, on-chip energy scaled" in page
    assert "eyeriss_v2→16nm" in page


def test_all_sections() -> None:
    page = comparison_page()
    assert set(re.findall(r'<section id="([a-z]+)"', page)) == {
        "summary", "machines", "plane", "table", "year", "sending", "ratios", "provenance",
    }  # fmt: skip
    assert "A year of 1,000 inferences a day on 1 device(s), grid usa" in page
    assert "no data-centre machine is compared" in page


def test_a_machine_that_cannot_run_all_layers() -> None:
    page = comparison_page(layers=(CONV, WIDE))
    assert "Some machines did not run all layers" in page
    assert "eyeriss_v2: 1 of 2 layers failed" in page


def test_hostile_names() -> None:
    evil = "<script>alert(1)</script>"
    layers = (replace(SIMPLE[0], name=evil), *SIMPLE[1:])
    page = comparison_page(workload=evil, layers=layers)
    assert evil not in page
    assert page.count("<script>") == 1


def test_what_bounds_an_accelerator_and_where_its_cycles_went() -> None:
    event, estimate = comparison_page("event"), comparison_page("analytical")
    for text in ("From the peak to the actual cycles on eyeriss_v2", "Where the cycles went"):
        assert text in event
        assert text not in estimate
