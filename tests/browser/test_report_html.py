"""report.html as a browser sees it, opened from the disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opened import Opened, opened, overflow_px
from playwright.sync_api import Browser
from reporters.examples import EXPERIMENT, HOSTILE, INFOS, filled_with

from harness.model.result import ExperimentResult
from harness.reporters import write_experiment

pytestmark = pytest.mark.browser

WIDTHS = (1280, 400)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_experiment(folder, EXPERIMENT, INFOS)
    return folder / "report.html"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pairs = [filled_with(text) for text in HOSTILE]
    infos = {result.scenario: info for info, result in pairs}
    folder = tmp_path_factory.mktemp("hostile")
    experiment = ExperimentResult(experiment=HOSTILE[0], scenarios=tuple(r for _, r in pairs), exit_code=0)
    write_experiment(folder, experiment, infos)
    return folder / "report.html"


@pytest.fixture(params=WIDTHS, ids=[f"{width}px" for width in WIDTHS])
def view(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Opened]:
    found = opened(browser, report, request.param)
    yield found
    found.page.context.close()


def test_asks_for_nothing_and_complains_of_nothing(view: Opened, report: Path) -> None:
    assert view.requests == [report.as_uri()]
    assert view.console == []


def test_numbers_and_pictures_are_visible(view: Opened) -> None:
    table = view.page.get_by_role("table").first
    assert table.is_visible()
    assert table.get_by_role("rowheader").all_inner_texts() == ["default\nclusterip", "both\nclusterip"]
    pictures = view.page.get_by_role("img")
    assert pictures.count() == 2
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        assert picture.is_visible()
        box = picture.bounding_box()
        assert box is not None
        assert box["width"] >= 800
        assert box["height"] > 250


def test_nothing_sticks_out_to_the_right(view: Opened) -> None:
    view.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert overflow_px(view.page) == 0


def test_picture_is_named_for_those_who_cannot_see_it(view: Opened) -> None:
    picture = view.page.get_by_role("img", name="Timeline of scenario default: 221 of 4,395 requests failed")
    assert picture.count() == 1


def test_picture_draws_every_pod_and_every_failing_bin(view: Opened) -> None:
    picture = view.page.get_by_role("img").first
    titles = picture.locator("title").all_text_contents()
    assert len({t.split()[0] for t in titles if " ready: " in t}) == 12
    assert sum(int(t.split(": ")[1].split()[0]) for t in titles if t.endswith(("refused", "timeout"))) == 221


def test_colours_follow_dark_and_light(browser: Browser, report: Path) -> None:
    seen = []
    for scheme in ("light", "dark"):
        page = opened(browser, report, 1280, scheme).page
        label = page.get_by_role("img").first.locator("text", has_text="seconds since the start")
        style = "e => getComputedStyle(e).fill"
        seen.append((page.evaluate("getComputedStyle(document.body).backgroundColor"), label.evaluate(style)))
        page.context.close()
    assert seen == [("rgb(246, 247, 249)", "rgb(27, 31, 36)"), ("rgb(15, 18, 23)", "rgb(230, 233, 238)")]


def test_a_page_can_be_reached_and_opened_by_keyboard(view: Opened) -> None:
    view.page.keyboard.press("Tab")
    assert view.page.evaluate("document.activeElement.textContent").startswith("default drops calls: ")
    view.page.keyboard.press("Enter")
    view.page.wait_for_url("**/report.html#scenario-0", timeout=60_000)


def test_prints_as_light_paper(browser: Browser, report: Path) -> None:
    found = opened(browser, report, 1280, "dark")
    found.page.emulate_media(media="print")
    assert found.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    found.page.set_viewport_size({"width": 700, "height": 1000})  # A4 between its margins
    assert overflow_px(found.page) == 0
    assert found.page.pdf().startswith(b"%PDF")
    found.page.context.close()


PLACES = "[...document.querySelectorAll('.race, .figure')]"
DRAWN = f"{PLACES}.every(place => place.querySelector('svg'))"
FAR_BELOW = f"Math.max(...{PLACES}.map(place => place.getBoundingClientRect().top)) - innerHeight"


def test_what_nobody_scrolled_to_is_drawn_before_it_is_printed(browser: Browser, report: Path) -> None:
    found = opened(browser, report, 1280)
    drawn = (found.page.evaluate(DRAWN) or found.page.wait_for_timeout(100) for _ in range(300))
    assert any(drawn)  # the page's own policy forbids to wait for a function
    assert found.page.evaluate("scrollY") == 0
    assert found.page.evaluate(FAR_BELOW) > 400  # where it is drawn as it comes near
    found.page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_hostile_text_does_nothing(browser: Browser, hostile: Path, width: int) -> None:
    found = opened(browser, hostile, width)
    found.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert found.requests == [hostile.as_uri()]
    assert found.console == []
    assert found.page.locator("script, img, iframe, [onerror], [onload]").count() == 0
    assert found.page.locator("section.scenario").count() == len(HOSTILE)
    assert overflow_px(found.page) == 0
    found.page.context.close()
