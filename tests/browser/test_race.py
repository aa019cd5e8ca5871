"""The picture of the race of a recorded run, as a browser has it: looked at, zoomed, followed to a cause."""

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
from axe_playwright_python.sync_playwright import Axe
from opened import Opened, opened, overflow_px
from playwright.sync_api import Browser, Locator

from harness.judged_runs import judge_again

pytestmark = pytest.mark.browser

RUN = Path(__file__).parents[1] / "recordings" / "default-3replicas-sync1s"
MINUTE_MS = 60_000
HOSTILE = {
    "web-868cb8c998-mwzr7": "<script>alert(1)</script>",
    "web-868cb8c998-smp8m": "\x1b[31m../../etc/passwd\u202e",
    "web-84b79b58f8-96llw": "</script><img src=x onerror=alert(1)>",
}


def report_of(out: Path, *runs: Path) -> Path:
    judge_again(runs, out)
    return out / "report.html"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of one variant, whose rollouts are numbered through."""
    folder = tmp_path_factory.mktemp("race")
    return report_of(folder / "out", RUN, Path(copytree(RUN, folder / "again")))


@pytest.fixture(params=[1280, 480], ids=["1280px", "480px"])
def view(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Opened]:
    found = opened(browser, report, request.param)
    drawn(found)
    yield found
    found.page.context.close()


def drawn(found: Opened) -> Locator:
    place = found.page.locator(".race").first
    place.scroll_into_view_if_needed()
    found.page.locator(".race[data-drawn]").first.wait_for(state="attached", timeout=MINUTE_MS)
    return place


def seconds(place: Locator) -> tuple[float, float]:
    start, end = (place.get_attribute("data-view") or "").split()
    return float(start), float(end)


def test_a_failure_is_followed_to_its_cause_by_mouse_and_by_keyboard_alone(view: Opened, report: Path) -> None:
    place, keys = view.page.locator(".race"), view.page.keyboard
    canvas, panel = place.locator(".canvas"), place.locator(".panel")
    assert "deleted, still sent to" in canvas.inner_text()
    assert not panel.is_visible()

    canvas.focus()
    keys.press("n")
    assert "rule listener-closed" in panel.inner_text()
    assert "only web-868cb8c998-mwzr7 on node1" in panel.inner_text()
    keys.press("Escape")
    assert not panel.is_visible()

    keys.press("+")
    start, end = seconds(place)
    keys.press("ArrowRight")
    assert seconds(place)[0] > start
    assert seconds(place)[1] - seconds(place)[0] == pytest.approx(end - start, abs=0.01)
    keys.press("Home")

    point = canvas.locator("svg .mark-symbol path").nth(40)
    point.click(force=True)
    assert "of 64)" in panel.inner_text()

    cause = place.get_by_role("button", name="termination-race (64)")
    cause.focus()
    keys.press("Enter")
    assert cause.get_attribute("aria-pressed") == "true"
    assert view.console == []
    assert view.requests == [report.as_uri()]
    assert overflow_px(view.page) == 0


def test_another_rollout_is_chosen_and_its_tables_come_with_it(view: Opened) -> None:
    place = view.page.locator(".race")
    place.locator(".which").select_option(label="rollout 2: 64 lost")
    view.page.locator('.race[data-drawn="rollout 2: 64 lost"]').wait_for(state="attached", timeout=MINUTE_MS)
    view.page.get_by_text("The lost requests as a table").click()
    rows = place.locator(".requests tbody tr")
    rows.first.wait_for()
    assert rows.count() == 64
    assert "web-868cb8c998-mwzr7" in place.locator(".pods").text_content()  # type: ignore[operator]
    rows.first.get_by_role("button").click()
    assert "(1 of 64)" in place.locator(".panel").inner_text()


def test_nothing_keeps_anybody_from_reading_it(view: Opened) -> None:
    view.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    view.page.get_by_role("button", name="Next failure").click()
    found = Axe().run(view.page)
    assert [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found.response["violations"]] == []


def test_hostile_names_of_a_run_are_shown_and_do_nothing(browser: Browser, tmp_path: Path) -> None:
    run = Path(copytree(RUN, tmp_path / "run"))
    for path in run.iterdir():
        text = path.read_text()
        for plain, hostile in HOSTILE.items():
            escaped = hostile if path.suffix == ".csv" else json.dumps(hostile)[1:-1]
            text = text.replace(plain, f"{plain[-5:]}{escaped}")
        path.write_text(text)
    found = opened(browser, report_of(tmp_path / "out", run), 1280)
    place = drawn(found)
    found.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    place.get_by_role("button", name="Next failure").click()
    assert "<script>alert(1)</script>" in place.inner_text()
    assert found.page.locator("script").count() == 2
    assert found.page.locator("img, iframe, [onerror], [onload]").count() == 0
    assert found.console == []
    assert found.requests == [(tmp_path / "out" / "report.html").as_uri()]
    found.page.context.close()
