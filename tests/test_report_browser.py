"""The report in a real browser: evidence, tables, a phone, the dark, and strangers' names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from planted import planted
from recorded import planted_folder
from unwell import looked_into

from suite.reading import read
from suite.report.page import write_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
HOSTILE = "<script>document.title='broken'</script>"
pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed on this machine"),
    pytest.mark.xdist_group("browser"),
]


def report(folder: Path, task: str = "churn") -> str:
    """The address of a report of a planted effect of batch normalization on one task."""
    outcomes = looked_into(planted({"batch_norm": 0.03}, seeds=10, task=task))
    planted_folder(folder, outcomes, seeds=10)
    path = folder / "run.json"
    run = json.loads(path.read_text())
    run["tasks"] = {task: run["tasks"]["churn"]}
    path.write_text(json.dumps(run))
    write_report(read(folder), folder / "report.html")
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=BROWSER, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    """A report that tests share."""
    return report(tmp_path_factory.mktemp("report"))


class Opened:
    """A page with what went wrong on it and what it asked the network for."""

    def __init__(self, browser: Any, address: str, width: int = 1280, scheme: str = "light"):
        self.page = browser.new_page(
            viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
        )
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()


def test_it_opens_without_an_error_and_without_the_network(browser, address):
    """Nothing on the console, and no request but for the file itself."""
    with Opened(browser, address) as own:
        assert "batch_norm on (against off) helps churn" in own.page.inner_text("#findings")
        assert own.faults == []
        assert [url for url in own.requests if not url.startswith("data:")] == [address]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_inside_of_the_trainings_is_drawn(browser, address, scheme):
    """Charts with words for who cannot see them, tips on their parts, colours of the scheme."""
    with Opened(browser, address, scheme=scheme) as own:
        charts = own.page.locator("section.task h3 ~ .figures svg.chart")
        labels = [chart.get_attribute("aria-label") for chart in charts.all()]
        assert [label.split(".")[0] for label in labels] == [
            "Gradient flow by depth: batch_norm",
            "Gradients and updates by layer and epoch",
            "Dead and saturated units by layer and epoch",
        ]
        assert "is 1/10,000 with batch_norm off" in labels[0]
        tips = charts.nth(1).locator("title").all_text_contents()
        assert any(tip.startswith("dense 1, epoch 4: ") for tip in tips)
        cell = charts.nth(1).locator("[fill^='var(--seq']").first
        shade = cell.evaluate("own => getComputedStyle(own).fill")
        assert shade.startswith("rgb")
        assert own.faults == []


def test_a_click_on_a_verdict_opens_its_evidence(browser, address):
    """The dialog shows the sentence, both views and the ten pairs; Escape closes it."""
    with Opened(browser, address) as own:
        cell = own.page.locator("table.map a.cell.tuned.helps")
        assert cell.inner_text().startswith("▲ +0.03")
        cell.click()
        shown = own.page.locator("dialog#shown")
        assert shown.is_visible()
        assert "helps churn" in shown.inner_text()
        assert shown.locator("table").last.locator("tbody tr").count() == 10
        own.page.keyboard.press("Escape")
        assert not shown.is_visible()
        assert own.faults == []


def test_the_keyboard_is_enough(browser, address):
    """Arrow keys walk over the map; Enter opens the evidence."""
    with Opened(browser, address) as own:
        own.page.locator("table.map a.cell.tuned").first.focus()
        own.page.keyboard.press("ArrowDown")
        own.page.keyboard.press("Enter")
        assert "l2 0.1" in own.page.locator("dialog#shown").inner_text()


def test_the_other_view_is_a_choice(browser, address):
    """The map shows the averages over the matrix instead."""
    with Opened(browser, address) as own:
        own.page.locator("fieldset.views input[value=matrix]").check()
        assert own.page.locator("table.map a.cell.matrix").first.is_visible()
        assert not own.page.locator("table.map a.cell.tuned").first.is_visible()


def test_a_table_is_sorted_and_filtered(browser, address):
    """By a click on a column's name, both ways; by words, with the number of rows left."""
    with Opened(browser, address) as own:
        sheet = own.page.locator(".sheet:has(.filter input)").first
        head = sheet.locator("th.n:has(button)").first
        column = head.evaluate("own => own.cellIndex")
        cells = sheet.locator(f"tbody tr td:nth-child({column + 1})")
        head.locator("button").click()
        rising = [float(text.split()[0]) for text in cells.all_inner_texts()]
        assert head.get_attribute("aria-sort") == "ascending"
        assert rising == sorted(rising)
        head.locator("button").click()
        falling = [float(text.split()[0]) for text in cells.all_inner_texts()]
        assert falling == sorted(rising, reverse=True)
        rows = sheet.locator("tbody tr:visible")
        whole = rows.count()
        sheet.locator(".filter input").fill("batch_norm")
        assert 0 < rows.count() < whole
        assert all("batch_norm" in text for text in rows.all_inner_texts())
        assert f"of {whole} rows" in sheet.locator(".count").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_in_one_direction(browser, address, scheme):
    """360 pixels: the page is no wider, in either scheme, and its colours follow the scheme."""
    with Opened(browser, address, 360, scheme) as own:
        assert own.page.evaluate("document.documentElement.scrollWidth") <= 360
        ground = own.page.evaluate("getComputedStyle(document.body).backgroundColor")
        red = int(ground.removeprefix("rgb(").split(",")[0])
        assert (red < 100) == (scheme == "dark")


def test_a_strangers_name_stays_text(browser, tmp_path):
    """A task named like a script is shown as it is written, and nothing of it runs."""
    with Opened(browser, report(tmp_path, HOSTILE)) as own:
        assert HOSTILE in own.page.inner_text("table.map")
        assert own.page.title() != "broken"
        assert own.faults == []


def test_a_script_that_were_there_could_not_run(browser, tmp_path):
    """The content security policy holds: a script put into the page is refused."""
    report(tmp_path)
    page = tmp_path / "report.html"
    page.write_text(
        page.read_text().replace("</main>", "<script>document.title='broken'</script></main>")
    )
    with Opened(browser, page.as_uri()) as own:
        assert own.page.title() != "broken"
        assert any("Content Security Policy" in fault for fault in own.faults)
