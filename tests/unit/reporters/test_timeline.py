"""A scenario's chart as a picture."""

import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from examples import examples
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from harness.model.result import Chart, FailureBin, PodLife, Taker
from harness.reporters.escaping import label
from harness.reporters.palette import OUTCOMES, outcome_colour
from harness.reporters.svg import picture
from harness.reporters.timeline import timeline

from .examples import BOTH, BOTH_INFO, DEFAULT, DEFAULT_INFO, HOSTILE, filled_with, pod

SVG = "{http://www.w3.org/2000/svg}"


def rows(document: dict[str, Any], *keys: str) -> list[dict[str, Any]]:
    return [row for data in document["datasets"].values() for row in data if set(keys) <= set(row)]


def drawn(info: Any, result: Any) -> ElementTree.Element:
    hatches = tuple("#123456" for _ in {p.revision for p in result.chart.pods})
    return ElementTree.fromstring(picture(timeline(info, result), name="t", title="a title", hatches=hatches))


def test_every_failed_request_is_in_the_picture() -> None:
    failed: Counter[str] = Counter()
    for row in rows(timeline(DEFAULT_INFO, DEFAULT), "failed", "fill"):
        failed[row["fill"]] += row["failed"]
    assert failed == {outcome_colour("connect-refused"): 51, outcome_colour("connect-timeout"): 170}


def test_bins_are_added_up_in_a_long_run_and_the_axis_says_so() -> None:
    long = replace(
        DEFAULT, rollouts=(replace(DEFAULT.rollouts[0], window=replace(DEFAULT.rollouts[0].window, end=2002.44)),)
    )
    document = timeline(DEFAULT_INFO, long)
    assert sum(row["failed"] for row in rows(document, "failed")) == DEFAULT.failed
    assert {round(row["to"] - row["from"], 3) for row in rows(document, "failed")} == {4.7}
    assert "failed per 4.7 s" in str(document)


def test_panels_share_the_x_axis_which_only_the_last_one_names() -> None:
    document = timeline(DEFAULT_INFO, DEFAULT)
    titles = [
        {layer["encoding"]["x"]["axis"]["title"] for layer in panel["layer"] if (layer["encoding"]["x"].get("axis"))}
        for panel in document["vconcat"][1:]
    ]
    assert titles == [{None}, {None}, {"seconds since the start of the run"}]
    domains = re.findall(r"'domain': \[2\.44, 32\.01\]", str(document))
    assert len(domains) > 10


def test_a_pod_is_hollow_then_solid_then_hatched() -> None:
    chart = Chart(pods=(pod("web-abc-1", "8.20", "9.00", "20.00", "25.00"),))
    parts = rows(timeline(DEFAULT_INFO, replace(DEFAULT, chart=chart)), "pod", "from")
    assert [(p["from"], p["to"]) for p in parts] == [(8.2, 9.0), (9.0, 20.0), (20.0, 25.0)]
    assert [p["fill"] for p in parts] == ["var(--paper, #ffffff)", "var(--revision-0, #2166ac)", "url(#hatch-0)"]
    assert parts[2]["tip"] == "web-abc-1 terminating: 20.00 s to 25.00 s (5.00 s)"


@pytest.mark.parametrize(
    ("times", "parts"),
    [
        (". . . .", ["starting 2.44 32.01"]),
        (". 9 . .", ["starting 2.44 9.0", "ready 9.0 32.01"]),
        ("8 . 9 .", ["starting 8.0 9.0", "terminating 9.0 32.01"]),
        ("8 . . 10", ["starting 8.0 10.0"]),
        ("8 9 . 10", ["starting 8.0 9.0", "ready 9.0 10.0"]),
        ("8 12 10 11", ["starting 8.0 10.0", "terminating 10.0 11.0"]),
        ("0 1 2 2.3", []),
        ("40 41 . .", []),
    ],
)
def test_times_that_were_not_seen_end_at_the_edge(times: str, parts: list[str]) -> None:
    chart = Chart(pods=(pod("web-abc-1", *times.split()),))
    found = rows(timeline(DEFAULT_INFO, replace(DEFAULT, chart=chart)), "pod", "from")
    assert [f"{p['tip'].split(':')[0].split()[1]} {p['from']} {p['to']}" for p in found] == parts


def test_who_ended_a_pod_is_named_only_where_it_was_not_the_rollout() -> None:
    lives = (
        PodLife(uid="1", name="web-a-1", revision="a", created=3, ready=3, deletion=9, gone=10, taker=Taker.ROLLOUT),
        PodLife(uid="2", name="web-a-2", revision="a", created=3, ready=3, deletion=9, gone=10, taker=Taker.CRASH),
    )
    document = timeline(DEFAULT_INFO, replace(DEFAULT, chart=Chart(pods=lives)))
    assert rows(document, "taker") == [{"pod": "web-a-2 ", "t": 9, "taker": "crash"}]


def test_a_stream_without_a_failure_says_so() -> None:
    text = "".join(drawn(BOTH_INFO, BOTH).itertext())
    assert text.count("no failed request") == 2


def test_svg_has_a_title_and_ids_of_its_own_and_shows_what_is_pointed_at() -> None:
    root = drawn(DEFAULT_INFO, DEFAULT)
    assert root.find(f"{SVG}title").text == "a title"  # type: ignore[union-attr]
    ids = [e.get("id", "") for e in root.iter() if "id" in e.attrib]
    assert ids
    assert all(i.startswith("t-") for i in ids)
    titles = {e.text for e in root.iter(f"{SVG}title")}
    assert "8.50 s: 4 connect-refused" in titles
    assert "rollout 1: update at 8.14 s" in titles
    assert not [e for e in root.iter() if "aria-label" in e.attrib]


def test_outcomes_have_colours_of_their_own() -> None:
    assert len(set(OUTCOMES.values())) == len(OUTCOMES)


def test_hundreds_of_pods_stay_a_picture_of_a_screen() -> None:
    lives = tuple(pod(f"web-{i % 2}a-{i}", "3", "4", "9", "10") for i in range(300))
    root = drawn(DEFAULT_INFO, replace(DEFAULT, chart=Chart(pods=lives)))
    assert float(root.get("viewBox", "").split()[3]) < 1800


@pytest.mark.parametrize("text", [*HOSTILE, "if", "datum", "width", "null"])
def test_hostile_names_are_drawn(text: str) -> None:
    drawn(*filled_with(text))


times = st.none() | st.floats(-10, 200)


@settings(
    max_examples=examples(5), deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)  # shrinking takes minutes
@given(
    lives=st.lists(st.tuples(st.text(max_size=8), times, times, times, times), max_size=4),
    failures=st.lists(st.tuples(st.floats(0, 40), st.text(max_size=4), st.integers(1, 500)), max_size=6),
)
def test_any_chart_is_drawn(lives: list[Any], failures: list[Any]) -> None:
    pods = tuple(
        PodLife(uid=str(i), name=name, revision=name, created=c, ready=r, deletion=d, gone=g)
        for i, (name, c, r, d, g) in enumerate(lives)
    )
    bins = tuple(FailureBin(t=t, stream=s, outcome=s, failed=n) for t, s, n in failures)
    drawn(DEFAULT_INFO, replace(DEFAULT, chart=Chart(failures=bins, pods=pods)))


def test_a_label_has_no_character_that_could_be_cut_in_half() -> None:
    assert label("web-\U0001f600-1") == "web-\ufffd-1 "
    assert label("web-ä") == "web-ä "
