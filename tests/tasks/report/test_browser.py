"""The pages in a real browser: Chromium by Playwright, with the accessibility rules of axe-core."""

import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tasks.evidence import Evidence, Stopped
from tasks.report import render, render_comparison, render_monitored, render_stopped
from tests.tasks.report.runs import evidence, run
from tests.tasks.report.test_monitoring import monitored
from tests.tasks.report.test_page import CONTROLS, LONG, OLD, SCRIPT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SIZES = {"phone": (390, 844), "laptop": (1280, 800)}
ARABIC = "\u0645\u0631\u062d\u0628\u0627 "
HOSTILE = f"{SCRIPT} {CONTROLS} {'unbroken' * 300} {ARABIC * 20}"
ALIKE = {"exclude": [["article:nth-of-type(n+4)"], ["tbody tr:nth-of-type(n+8)"]]}  # axe takes its time for each
LETTER = '{"intent": "return", "reply": "Of course, we will send a label."} ' * 4


def example() -> Evidence:
    return Evidence.model_validate_json((OLD / "version-1-third.json").read_text())


PAGES: dict[str, Callable[[], str]] = {
    "example": lambda: render(example()),
    "large": lambda: render(run(rows=10_000, slices=60, systems=4, metrics=8, text=LETTER)),
    "five rows": lambda: render(run(rows=5, slices=2)),
    "stopped": lambda: render_stopped(
        Stopped(project="support", stage="filter", words=SCRIPT, stages=run().stages[:2])
    ),
    "hostile": lambda: render(evidence(HOSTILE, HOSTILE)),
    "long line": lambda: render(evidence(LONG.replace(" ", ""), LONG.replace(" ", ""))),
    "audits": lambda: render_monitored(monitored(HOSTILE, audits=30)),
    "two versions": lambda: render_comparison(evidence(HOSTILE, HOSTILE, version=2), run(rows=50, slices=8, systems=4)),
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for all tests."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every page as a file, rendered once."""
    folder = tmp_path_factory.mktemp("pages")
    for name, source in PAGES.items():
        (folder / f"{name}.html").write_text(source(), encoding="utf-8")
    return {name: folder / f"{name}.html" for name in PAGES}


class Opened:
    """A page that is open, what it said on the console, and what it asked the network for."""

    def __init__(self, browser: Any, path: Path, size: str = "laptop", scheme: str = "light", scripts: bool = True):
        width, height = SIZES[size]
        self._context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=scripts
        )
        self.page = self._context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def __enter__(self) -> "Opened":
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()

    def overflow(self) -> int:
        """By how many pixels the page is wider than what it is shown on."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize(
    ("name", "size", "scheme"),
    [
        *((name, "phone", "light") for name in PAGES if name != "large"),
        *((name, "laptop", "dark") for name in ("example", "large", "hostile", "two versions")),
    ],
)
def test_a_page_fits_its_screen_breaks_no_rule_of_axe_and_asks_for_nothing(
    chromium: Any, pages: dict[str, Path], name: str, size: str, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with Opened(chromium, pages[name], size, scheme) as opened:
        assert opened.overflow() == 0
        found = axe.run(opened.page, ALIKE, {"resultTypes": ["violations"]}).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"][:300]) for each in found] == []
        assert opened.said == []
        assert opened.asked == [pages[name].as_uri()]


@pytest.mark.parametrize("name", PAGES)
def test_headings_are_in_order_and_nothing_is_cut_off_in_print(
    chromium: Any, pages: dict[str, Path], name: str
) -> None:
    with Opened(chromium, pages[name], scripts=False) as opened:
        levels = opened.page.eval_on_selector_all("h1, h2, h3", "all => all.map(each => +each.tagName[1])")
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        opened.page.emulate_media(media="print")
        opened.page.set_viewport_size({"width": 720, "height": 1000})
        assert opened.overflow() <= 0


def test_verdict_charts_and_the_five_worst_are_on_the_first_two_screens(chromium: Any, pages: dict[str, Path]) -> None:
    for name in ("example", "large", "five rows"):
        with Opened(chromium, pages[name]) as opened:
            bottom = "document.querySelector('{}').getBoundingClientRect().bottom"
            assert opened.page.evaluate(bottom.format(".why")) < 800
            assert opened.page.evaluate(bottom.format(".charts")) < 1_200
            assert opened.page.evaluate(bottom.format(".worst")) < 1_600
            assert opened.page.locator(".charts svg").count() == 3
            assert opened.page.locator(".worst li").count() == 5


def test_without_scripts_everything_is_there_and_no_search(chromium: Any, pages: dict[str, Path]) -> None:
    with Opened(chromium, pages["large"], scripts=False) as opened:
        assert opened.page.locator("article:visible").count() == 240
        assert not opened.page.locator("#search").is_visible()


def test_answers_are_found_by_words_and_by_slice(chromium: Any, pages: dict[str, Path]) -> None:
    with Opened(chromium, pages["large"]) as opened:
        opened.page.fill("#words", "name-7 OF course")
        assert opened.page.locator("article:visible").count() == len([7, *range(70, 80)])
        opened.page.select_option("#slice", label="slice-7")
        assert opened.page.locator("article:visible h3").all_inner_texts() == ["name-7"]
        assert opened.page.locator("#found").inner_text() == "1 of 240 rows"
        opened.page.fill("#words", "nobody said this")
        assert opened.page.locator("article:visible").count() == 0
