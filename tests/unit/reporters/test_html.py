"""Results as one HTML file, read back by a parser of it."""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from examples import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from harness.model.result import ExperimentResult
from harness.reporters import html
from harness.reporters.escaping import visible
from harness.reporters.html import experiment_html, scenario_html

from .examples import BOTH, BOTH_INFO, DEFAULT, DEFAULT_INFO, EXPERIMENT, HOSTILE, INFOS, filled_with

VOID = {"meta", "br"}


class Page(HTMLParser):
    """The tags with their attributes, the words, and whether every tag was closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """All but what keeps a cause or an outcome on one line, be it that somebody else's text has one."""
        return [(tag, tuple(attributes)) for tag, attributes in self.tags if attributes != {"class": "word"}]


@pytest.fixture(scope="module")
def whole() -> str:
    return experiment_html(EXPERIMENT, INFOS)


@pytest.fixture(scope="module")
def page(whole: str) -> str:
    """Without what the scripts say and what they draw, of which no name is ours to choose."""
    bare = re.sub(r"<script>.*?</script>", "<script></script>", whole, flags=re.DOTALL)
    return re.sub(
        r'(data-(?:picture|rows|races))="[^"]*"', r'\1="..."', re.sub(r"'sha256-[^']*'", "'sha256-...'", bare)
    )


@pytest.fixture
def calm(without_picture: None) -> Page:
    """What `filled_with` makes of a text in which nothing is wrong."""
    return Page(scenario_html(*filled_with("calm")))


@pytest.fixture
def without_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendering the picture takes a tenth of a second; it has tests of its own."""
    monkeypatch.setattr(html, "_timeline", lambda name, info, result: Markup("<svg></svg>"))
    monkeypatch.setattr(html, "_live", lambda: {"scripts": [], "sources": "", "picture": ""})


def test_skeleton_is_as_it_was(page: str, golden: Callable[[str, str], None]) -> None:
    bare = re.sub(r"<svg.*?</svg>", "<svg/>", page, flags=re.DOTALL)
    golden("skeleton.html", re.sub(r"<style>.*?</style>", "<style/>", bare, flags=re.DOTALL))


def test_needs_nothing_else(page: str) -> None:
    tags = Page(page).tags
    assert not any(a for tag, a in tags if tag == "script")
    assert not {"link", "img", "iframe", "object", "embed", "image", "use"} & {tag for tag, _ in tags}
    links = [a.get("href") or a.get("src") or a.get("xlink:href") for _, a in tags]
    assert all(link.startswith("#") for link in links if link)
    assert not re.search(r"@import|@font-face|url\((?!#)", page)


def test_forbids_itself_to_fetch_anything_and_to_run_any_script_but_its_own(whole: str) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", whole, flags=re.DOTALL)
    known = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    assert len(scripts) == 2
    assert f"\"default-src 'none'; style-src 'unsafe-inline'; script-src {known}\"" in whole


def test_ids_are_unique_and_every_reference_leads_somewhere(page: str) -> None:
    tags = Page(page).tags
    ids = Counter(a["id"] for _, a in tags if "id" in a)
    assert max(ids.values()) == 1
    named = {a["aria-labelledby"] for _, a in tags if "aria-labelledby" in a}
    linked = {(a["href"] or "")[1:] for tag, a in tags if tag == "a"}
    assert (named | linked | set(re.findall(r"url\(#([^)]+)\)", page))) <= set(ids)


def test_headings_descend_by_one_and_header_cells_have_a_scope(page: str) -> None:
    tags = Page(page).tags
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert all("scope" in a for tag, a in tags if tag == "th")


def test_picture_of_every_scenario_has_words_for_those_who_cannot_see_it(page: str) -> None:
    pictures = [a for tag, a in Page(page).tags if tag == "svg" and a.get("role") == "img"]
    assert [a["aria-labelledby"] for a in pictures] == ["timeline-0-title", "timeline-1-title"]
    assert "Timeline of scenario default: 221 of 4,395 requests failed" in page


def test_says_where_it_ran_and_the_bound_of_every_verdict(page: str) -> None:
    text = " ".join(Page(page).words)
    assert "Ran on the sandbox" in text
    assert "minSyncPeriod 1 s (configured)" in text
    assert "nginx/1.22.1" in text
    assert text.count(DEFAULT.sentence) == 2
    assert text.count(BOTH.sentence) == 2


def test_a_scenario_alone_has_a_page_too() -> None:
    text = " ".join(Page(scenario_html(BOTH_INFO, BOTH)).words)
    assert BOTH.sentence in text
    assert "no failed request" in text


@pytest.mark.usefixtures("without_picture")
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str, calm: Page) -> None:
    written = scenario_html(*filled_with(text))
    assert all(c.isprintable() for c in written.replace("\n", ""))
    page = Page(written)
    parts = ("html", "head", "section", "table", "tr", "td", "th", "dl", "li", "p", "pre", "script", "img", "a")
    assert [t for t, _ in page.tags if t in parts] == [t for t, _ in calm.tags if t in parts]
    assert not [a for _, a in page.tags if any(name.startswith("on") for name in a)]
    assert visible(text) in "".join(page.words)


def filled_experiment(text: str) -> Page:
    info, result = filled_with(text)
    experiment = ExperimentResult(experiment=text, scenarios=(result,), exit_code=0, notes=(text,))
    return Page(experiment_html(experiment, {text: info}))


@cache
def calm_shape() -> list[tuple[str, tuple[str, ...]]]:
    """What an experiment's page looks like for a text in which nothing is wrong: once, as it is always the same."""
    return filled_experiment("calm").shape()


@pytest.mark.usefixtures("without_picture")
@settings(max_examples=examples(20), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1))
def test_any_text_stays_text(text: str) -> None:
    page = filled_experiment(text)
    assert page.shape() == calm_shape()
    assert visible(text) in "".join(page.words)


@pytest.mark.usefixtures("without_picture")
def test_a_scenario_that_never_came_to_a_rollout_has_a_page() -> None:
    text = scenario_html(DEFAULT_INFO, replace(DEFAULT, control=None, rollouts=(), causes={}, by_outcome={}))
    assert "0 of 0" in text


def test_numbers_stand_even_where_the_picture_could_not_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> str:
        raise ValueError("no <picture>")

    monkeypatch.setattr(html, "picture", fails)
    text = "".join(Page(scenario_html(DEFAULT_INFO, DEFAULT)).words)
    assert "The timeline could not be drawn: no <picture>" in text
    assert DEFAULT.sentence in text
