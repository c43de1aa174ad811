"""The page in a browser: what only a script or a style sheet can do wrong."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from accelerator_sim.results.network_result import NetworkResult
from tests.report.html.conftest import comparison_page, page_of, sweep_page, sweep_row

pytestmark = pytest.mark.slow
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--hide-scrollbars", "--force-prefers-reduced-motion",
)  # fmt: skip


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    service = shutil.which("chromedriver")
    if browser is None or service is None:
        pytest.skip("no Chromium with its driver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=service))
    yield started
    started.quit()


@pytest.fixture(scope="module")
def file(result: NetworkResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    long = "a_very_long_name_of_a_layer_without_any_place_to_break_" * 4
    first = replace(result.layers[0], layer=replace(result.layers[0].layer, name=long))
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(page_of(replace(result, layers=(first, *result.layers[1:]))))
    return path


@pytest.fixture
def page(driver: Any, file: Path) -> Any:
    """The page, freshly opened in a window of usual size."""
    size(driver, 1400, 900)
    driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    driver.get("about:blank")
    driver.get(file.as_uri())
    return driver


def size(driver: Any, width: int, height: int) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def one(page: Any, css: str) -> Any:
    return page.find_element("css selector", css)


def names(page: Any) -> list[str]:
    rows = page.find_elements("css selector", "#all tbody tr")
    return [row.find_elements("css selector", "td")[1].text[:6] for row in rows if row.is_displayed()]


def tip(page: Any, start: str) -> bool:
    """Whether a tooltip that starts so comes up within a second."""
    for _ in range(20):
        settled(page)
        if one(page, "#tip").text.startswith(start):
            return True
        time.sleep(0.05)
    return False


def settled(page: Any) -> None:
    """Wait until the browser has drawn a few times, as the page does before it shows a tooltip."""
    page.execute_async_script(
        "const done = arguments[0]; let n = 0; const f = () => ++n > 4 ? done() : requestAnimationFrame(f); f();"
    )


def test_it_opens_without_complaint(page: Any) -> None:
    assert page.title.endswith("on eyeriss_v2")
    assert page.get_log("browser") == []


def test_it_asks_for_nothing(page: Any) -> None:
    assert page.execute_script("return performance.getEntriesByType('resource').length") == 0


def test_sorting_works_both_ways(page: Any) -> None:
    def press() -> tuple[list[str], str | None]:
        heading = page.find_element("xpath", "//table[@id='all']//th[button='cycles']")
        one(heading, "button").send_keys("\ue007")
        return names(page), heading.get_attribute("aria-sort")

    before = names(page)
    falling, order = press()
    assert order == "descending"
    rising, order = press()
    assert order == "ascending"
    assert falling != before
    assert rising == falling[::-1]
    values = page.execute_script(
        "return [...document.querySelectorAll('#all tbody tr')].map(r => +r.cells[6].dataset.v)"
    )
    assert values == sorted(values)
    assert len(page.find_elements("css selector", "th[aria-sort]")) == 1


def test_filters(page: Any) -> None:
    one(page, "#table input").send_keys("POOL")
    assert names(page) == ["pool"]
    assert one(page, "#table [role=status]").text == "1 of 4 layers"
    one(page, "#table input").send_keys("\ue003" * 4)  # Backspace
    one(page, "#table select[name=status] option[value=failed]").click()
    assert names(page) == ["wide"]
    one(page, "#table select[name=op] option:nth-child(3)").click()
    assert one(page, "#table [role=status]").text == "0 of 4 layers"


def test_a_tooltip_on_hover(page: Any) -> None:
    actions = pytest.importorskip("selenium.webdriver.common.action_chains").ActionChains
    row = one(page, ".charts .row[data-key='3']")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", row)
    settled(page)
    actions(page).move_to_element(row).perform()
    assert one(page, "#tip").is_displayed()
    assert "% of the network" in one(page, "#tip").text
    actions(page).move_to_element(one(page, "h1")).perform()
    assert not one(page, "#tip").is_displayed()


def test_charts_by_keyboard(page: Any) -> None:
    chart = one(page, ".drawing[data-walk]")
    page.execute_script("arguments[0].focus()", chart)
    assert tip(page, "a_very")
    chart.send_keys("\ue010")  # End
    assert tip(page, "fc")
    chart.send_keys("\ue00c")  # Escape
    assert not one(page, "#tip").is_displayed()
    chart.send_keys("\ue007")  # Enter
    settled(page)
    assert page.current_url.endswith("#layer-4")
    assert one(page, ".panel.chosen summary").text == "fc"
    assert page.switch_to.active_element.text == "fc"


def test_choosing_a_layer(page: Any) -> None:
    slowest = one(page, "#choice").get_attribute("value")
    assert slowest == "0"
    one(page, ".charts .row[data-key='1']").click()
    settled(page)
    shown = [panel for panel in page.find_elements("css selector", ".panel") if panel.is_displayed()]
    assert [panel.find_element("css selector", "summary").text for panel in shown] == ["pool"]
    assert one(page, "#choice").get_attribute("value") == "1"
    one(page, "#next").click()
    assert one(page, ".panel.chosen summary").text == "wide"
    assert "Failed." in one(page, ".panel.chosen").text
    page.back()
    settled(page)
    assert one(page, ".panel.chosen").is_displayed()


def test_shares(page: Any) -> None:
    button = one(page, ".charts .shares")
    chart = "document.querySelectorAll('.charts .chart:nth-child(2) .bar')"
    bars = f"return [...{chart}].map(bar => bar.getBoundingClientRect().width)"
    absolute = page.execute_script(bars)
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    stretched = [width for width in page.execute_script(bars) if width]
    assert max(absolute) - min(width for width in absolute if width) > 20
    assert max(stretched) - min(stretched) < 2


def test_the_theme(page: Any) -> None:
    ground = "return getComputedStyle(document.body).backgroundColor"
    for preferred in ("light", "dark"):
        page.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": preferred}]}
        )
        page.refresh()
        first = page.execute_script(ground)
        button = one(page, "#theme")
        assert button.get_attribute("aria-pressed") == str(preferred == "dark").lower()
        button.click()
        assert page.execute_script(ground) != first
        button.click()
        assert page.execute_script(ground) == first
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_leaves_the_page_sideways(page: Any, width: int) -> None:
    size(page, width, 900)
    for key in range(4):
        page.execute_script(f"location.hash = '#layer-{key + 1}'")
        settled(page)
        assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_without_scripts_panels_open_and_controls_are_gone(page: Any, file: Path) -> None:
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.get("about:blank")
        page.get(file.as_uri() + "#layer-4")
        assert not one(page, "#theme").is_displayed()
        assert one(page, ".panel:last-of-type pre").is_displayed()
        assert one(page, ".panel:first-of-type summary").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_print_shows_all_panels_and_no_controls(page: Any) -> None:
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    panels = page.find_elements("css selector", ".panel")
    assert all(panel.is_displayed() for panel in panels)
    assert all(pre.is_displayed() for pre in page.find_elements("css selector", ".panel pre"))
    assert not one(page, "#theme").is_displayed()
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.fixture
def compared(driver: Any, tmp_path: Path) -> Any:
    """The page of a comparison."""
    (tmp_path / "compared.html").write_text(comparison_page())
    size(driver, 1400, 900)
    driver.get((tmp_path / "compared.html").as_uri())
    return driver


def test_a_comparison_sorts_and_filters(compared: Any) -> None:
    def machines() -> list[str]:
        rows = compared.find_elements("css selector", "#compared tbody tr")
        return [row.find_element("css selector", "td").text for row in rows if row.is_displayed()]

    before = machines()
    one(compared, "#compared th:nth-child(8) button").click()
    energies = [float(cell.get_attribute("data-v")) for cell in
                compared.find_elements("css selector", "#compared td:nth-child(8)")]  # fmt: skip
    assert energies == sorted(energies, reverse=True)
    one(compared, "#table input").send_keys("mobile")
    assert machines() == [name for name in before if name.startswith("jetson")]
    select = one(compared, "#ratios select[name=boundary] option[value=net]")
    select.click()
    assert one(compared, "#ratios [role=status]").text == "6 of 12 rows"


def test_a_comparison_has_no_errors_and_fits_a_phone(compared: Any) -> None:
    size(compared, 400, 800)
    assert compared.execute_script("return document.documentElement.scrollWidth") <= 400
    assert [entry for entry in compared.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.fixture
def swept(driver: Any, tmp_path: Path) -> Any:
    """The page of a sweep of six points, one of which failed."""
    rows = [sweep_row(point, area_mm2=point % 4 + 1.0) for point in range(5)] + [sweep_row(5, "too large")]
    (tmp_path / "swept.html").write_text(sweep_page(rows))
    size(driver, 1400, 900)
    driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
    driver.get((tmp_path / "swept.html").as_uri())
    return driver


def front(page: Any) -> list[int]:
    """The points that are marked, by number."""
    found = page.find_elements("css selector", "#plane .row.front")
    return sorted(int(mark.get_attribute("data-key")) for mark in found)


def choose(page: Any, id: str, text: str) -> None:
    page.find_element("xpath", f"//select[@id='{id}']/option[.='{text}']").click()


def test_a_sweep_is_drawn_by_the_script_as_it_came(swept: Any) -> None:
    def places() -> list[tuple[str, ...]]:
        marks = swept.execute_script(
            "return [...document.querySelectorAll('#plane .row')].map(r => [r.dataset.key, r.hasAttribute('hidden'),"
            " r.querySelector('.mark').getAttribute('x'), r.querySelector('.mark').getAttribute('y'),"
            " r.querySelector('path').getAttribute('class')])"
        )
        return sorted(
            (key, hidden, "" if hidden else round(float(x.rstrip("%"))), "" if hidden else round(float(y)), kind)
            for key, hidden, x, y, kind in marks
        )

    by_script, says, address = places(), one(swept, "#says").text, swept.current_url
    swept.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    swept.get("about:blank")
    swept.get(address)
    swept.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert not one(swept, "#across").is_displayed()
    assert places() == by_script
    assert one(swept, "#says").text == says


def test_axes_of_a_sweep_are_chosen(swept: Any) -> None:
    assert front(swept) == [3, 4]
    assert one(swept, "#says").text == "Of 5 points, 2 are beaten by none in least latency_s and least energy_total_j."
    choose(swept, "up", "area_mm2")
    assert front(swept) == [4]
    assert one(swept, "#up-title").text == "area_mm2"
    choose(swept, "up-way", "most is better")
    assert front(swept) == [3, 4]
    choose(swept, "across", "inferences_per_s")
    assert one(swept, "#across-way").get_attribute("value") == "most"
    assert front(swept) == [3, 4]
    choose(swept, "across-way", "least is better")
    assert front(swept) == [0, 1, 2, 3]
    labels = [text.text for text in swept.find_elements("css selector", "#plane .ticks text")]
    assert "2 k" in labels
    assert "2 mm2" in labels
    assert [entry for entry in swept.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_a_sweep_by_keyboard(swept: Any) -> None:
    choose(swept, "up", "area_mm2")
    chart = one(swept, "#plane .drawing")
    swept.execute_script("arguments[0].focus()", chart)
    assert tip(swept, "point 4\nclock: 500 MHz\nlatency_s: 200 µs\narea_mm2: 1 mm2\nkey: 000000000000")
    one(swept, "#points th:nth-child(4) button").click()
    one(swept, "#table input").send_keys("failed")
    chart.send_keys("\ue007")  # Enter
    settled(swept)
    row = swept.switch_to.active_element
    assert row.tag_name == "tr"
    assert row.is_displayed()
    assert row.text.startswith("4 ")


def test_a_sweep_sorts_quantities_and_fits_a_phone(swept: Any) -> None:
    heading = one(swept, "#points th:nth-child(3)")
    one(heading, "button").click()
    first = one(swept, "#points tbody tr td:nth-child(3)")
    assert first.text == "600 MHz"
    size(swept, 400, 800)
    assert swept.execute_script("return document.documentElement.scrollWidth") <= 400


SAVED = """
window.saved = [];
const make = URL.createObjectURL;
URL.createObjectURL = (blob) => { window.saved.push(blob); return make.call(URL, blob); };
HTMLAnchorElement.prototype.click = function () { window.saved.push(this.download); };
"""


def test_charts_are_saved_as_they_are_seen(page: Any, tmp_path: Path) -> None:
    """Each file is an image that a browser shows by itself, with the colours and the size that it has on the page."""
    page.execute_script(SAVED)
    for button in page.find_elements("css selector", ".save"):
        button.click()
    saved = page.execute_async_script(
        "const done = arguments[0]; Promise.all(window.saved.map((each) => each.text ? each.text() : each)).then(done);"
    )
    charts = dict(zip(saved[1::2], saved[::2], strict=True))
    assert {"latency.svg", "energy.svg"} <= set(charts)
    for name, text in charts.items():
        assert text.startswith("<svg")
        assert "class=" not in text
        assert "var(" not in text, name
    (tmp_path / "energy.svg").write_text(charts["energy.svg"])
    ran = page.execute_script(
        "return document.querySelectorAll('.charts .chart')[1].querySelectorAll('.bar rect').length"
    )
    page.get((tmp_path / "energy.svg").as_uri())
    colours = page.execute_script(
        "return [...document.querySelectorAll('rect')].map((rect) => getComputedStyle(rect).fill)"
    )
    assert len(colours) >= ran
    assert "rgb(0, 158, 115)" in colours
    assert any("stripes" in colour for colour in colours)
