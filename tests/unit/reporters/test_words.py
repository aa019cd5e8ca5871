"""Numbers, places and foreign text in words."""

import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.advice import Remedy
from harness.model.result import ExperimentResult, Latency, Outage
from harness.model.run import ClusterFacts, Expect, FactSource, ProxyFacts, RunInfo
from harness.reporters import figures, objects
from harness.reporters.conclusions import cost
from harness.reporters.escaping import markdown, unbroken, visible
from harness.reporters.place import particulars, started, where

from .examples import BOTH, BOTH_INFO, COMPARISON, DEFAULT, DEFAULT_INFO


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.9349, "0.93"), (4.8, "4.80"), (9.999, "10.00"), (18.34, "18.3"), (1012.4, "1,012"), (99.96, "100.0")],
)
def test_milliseconds_have_about_three_digits(value: float, words: str) -> None:
    assert figures.number_ms(value) == words


def test_what_did_not_happen_is_said_in_words() -> None:
    assert figures.seconds(None) == "not seen"
    assert figures.after(None, 8.0) == "not seen"
    assert figures.latency(None) == "none answered"
    assert figures.listed({"connect-refused": 0}) == "none"
    assert figures.dropping_of(replace(BOTH, rollouts=())) == "0 of 0"
    assert figures.p99_change(replace(BOTH, control=None, rollouts=())) == "- -> -"


def test_p99_is_that_of_the_control_window_and_of_the_slowest_rollout() -> None:
    assert figures.p99_change(DEFAULT) == "4.80 -> 18.3"
    assert figures.latency(Latency(p50_ms=2.1, p99_ms=18.3, max_ms=1012)) == "2.10 / 18.3 / 1,012 ms"


def test_streams_and_what_was_not_sent_are_told_apart() -> None:
    window = replace(DEFAULT.rollouts[0].window, unsent=3)
    assert figures.failed_of(window) == "64 of 1,154 (new 59 of 779, kept 5 of 375, 3 unsent)"
    assert figures.failed_of(replace(window, streams=(), unsent=0)) == "64 of 1,154"


def test_the_most_frequent_comes_first() -> None:
    assert figures.listed({"b": 2, "a": 2, "c": 1234, "d": 0}) == "1,234 c, 2 a, 2 b"


@pytest.mark.parametrize(
    ("expect", "as_expected", "words"),
    [
        (Expect.SEAMLESS, True, "as expected"),
        (Expect.DROPPING, False, "not as expected: dropping expected"),
        (Expect.ANY, True, "any verdict expected"),
    ],
)
def test_expectation(expect: Expect, as_expected: bool, words: str) -> None:
    assert figures.expectation(replace(BOTH, expect=expect, as_expected=as_expected)) == words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "1 scenario, every one as expected (exit code 0)"),
        (1, "1 scenario, not every one as expected (exit code 1)"),
        (3, "1 scenario, inconclusive (exit code 3)"),
        (130, "1 scenario, stopped (exit code 130)"),
    ],
)
def test_headline_says_what_the_exit_code_means(code: int, words: str) -> None:
    assert figures.headline(ExperimentResult(experiment="x", scenarios=(BOTH,), exit_code=code)) == words


def test_the_largest_lag_of_each_side_is_told() -> None:
    assert objects.lags(DEFAULT.propagation) == (
        "removal lag: 0.71-1.02 s, the largest of 1 pod; 1 pod without one (no connection is known to have reached it)",
    )
    assert objects.lags(None) == ()


def test_comparison_says_what_is_known_of_two_variants() -> None:
    assert figures.comparison(COMPARISON) == (
        "default 3 of 3 rollouts dropping, both 0 of 3: significant, p = 0.031, corrected for all comparisons 0.031; "
        "at least 3 rollouts of each are needed to tell two variants apart"
    )


def test_the_longest_outages_stay_in_the_order_of_time() -> None:
    ends = (1.1, 2.5, 3.3, 4.9)
    outages = tuple(Outage(stream="new", start=i + 1.0, end=end, requests=1) for i, end in enumerate(ends))
    assert [o.end for o in figures.longest(outages, 2)] == [2.5, 4.9]
    assert figures.longest(outages, 9) == outages


@pytest.mark.parametrize(("number", "words"), [(0, "0 requests"), (1, "1 request"), (2345, "2,345 requests")])
def test_one_thing_is_one(number: int, words: str) -> None:
    assert figures.things(number, "request") == words


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("context:prod", "Ran on the cluster of context prod. "),
        ("context", "Ran on the cluster of the kubeconfig's current context. "),
        ("recorded", "Ran on a cluster of kind recorded. "),
    ],
)
def test_other_clusters_are_named(kind: str, words: str) -> None:
    assert where(replace(BOTH_INFO, cluster=ClusterFacts(kind=kind))).startswith(words)


def test_place_says_what_is_known() -> None:
    assert where(BOTH_INFO) == (
        "Ran on the sandbox, the cluster embedded in the harness: real processes and packets, on one machine. "
        "Kubernetes v1.36.2, 1 node; proxy nftables, minSyncPeriod 1 s (configured); "
        "requests answered by nginx/1.22.1 (Debian), under the names nginx:1.28.0 and nginx:1.29.1."
    )


def test_place_says_what_is_not_known() -> None:
    info = RunInfo(experiment="e", scenario="s", variant="v")
    assert where(info) == (
        "Ran on a cluster of unknown kind. Kubernetes version not known; proxy mode not known, "
        "minSyncPeriod not known; server behind the image not known."
    )
    assert started(info) is None


def test_an_assumed_period_and_churn_are_said() -> None:
    proxy = ProxyFacts(mode="ipvs", min_sync_period_s=30.0, source=FactSource.ASSUMED)
    info = replace(BOTH_INFO, cluster=ClusterFacts(kind="kind", nodes=2, proxy=proxy), churn_s=0.2)
    assert "Ran on kind. " in where(info)
    assert "minSyncPeriod 30 s (assumed)" in where(info)
    assert "endpoint churn every 0.2 s" in where(info)


def test_particulars_have_the_load_and_the_start() -> None:
    rows = dict(particulars(BOTH_INFO))
    assert rows["load"] == "new 100/s, kept 50/s"
    assert rows["started"] == "2026-11-23 22:56:28 UTC"
    assert rows["proxy"] == "nftables, minSyncPeriod 1 s (configured)"


def test_control_characters_become_visible() -> None:
    assert visible("a\x1b[31m\n\u202e\ud800\u00a0b") == "a\\x1b[31m\\n\\u202e\\ud800 b"


@given(text=st.text())
def test_visible_text_is_printable_encodable_and_stays_as_it_is(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    shown.encode("utf-8")
    assert visible(shown) == shown


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("min-ready: 5 s (95 %)", "min-ready: 5 s (95 %)"),
        ("1.5 s", "1.5 s"),
        ("4.80 -> 18.3", "4.80 -> 18.3"),
        ("1. one", "1\\. one"),
        ("- item", "\\- item"),
        ("a|b", "a\\|b"),
        ("@team", "@<!-- -->team"),
    ],
)
def test_markdown_escapes_only_what_would_be_markup(text: str, escaped: str) -> None:
    assert markdown(text) == escaped


def test_the_room_is_entered_without_its_heavy_libraries() -> None:
    heavy = {"altair", "jinja2", "vl_convert", "tabulate", "polars"}
    code = f"import sys, harness.reporters; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=200)
    assert done.stdout == "set()\n"


def test_a_page_without_pictures_needs_no_library_that_draws() -> None:
    code = "import sys, harness.reporters.markdown; print({'altair', 'vl_convert'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=200)
    assert done.stdout == "set()\n"


def test_no_cause_and_no_outcome_is_broken_at_its_hyphens_in_a_page_and_nothing_else_is_touched() -> None:
    assert unbroken("7 by termination-race, <b> of web-a-b") == (
        '7 by <span class="word">termination-race</span>, &lt;b&gt; of web-a-b'
    )
    assert unbroken("no-termination-race-at-all") == "no-termination-race-at-all"


def test_a_rollout_that_takes_as_long_as_before_is_not_said_to_take_that_instead() -> None:
    sizing = DEFAULT.sizing
    assert sizing is not None
    longer = sizing.predicted_rollout_s
    same = replace(sizing, predicted_rollout_s=replace(longer, have=longer.recommended + 0.001))
    assert "instead of" in cost(DEFAULT_INFO, DEFAULT)
    words = cost(DEFAULT_INFO, replace(DEFAULT, sizing=same))
    assert words.endswith(f"A rollout then takes {longer.recommended:.3g} s as before (predicted).")


def test_what_the_application_has_to_do_is_asked_once() -> None:
    assert DEFAULT.sizing is not None
    finish = Remedy(cause="in-flight-kill", requests=7, needed="finish it", why="it was cut", by_settings=False)
    beside = replace(finish, needed="finish it; for 2 on new connections: preStop 5 s")
    other = replace(finish, needed="start it again")
    once, too, more = (
        cost(DEFAULT_INFO, replace(DEFAULT, sizing=replace(DEFAULT.sizing, cure=("finish it",), remedies=(remedy,))))
        for remedy in (finish, beside, other)
    )
    assert once.startswith("To fix it: finish it, ")
    assert once.count("finish it") == 1
    assert too == once
    assert more.endswith(" That does not fix all of it: start it again.")
