"""A TLS handshake that was cut short is judged as any connection is; what certificates broke is the application's."""

from __future__ import annotations

import pytest

from harness.analysis import judge
from harness.analysis.explanation import Explainer
from harness.model.result import Verdict
from tests.unit.analysis.literal import history

ROLLOUT = """
    update 8.0 complete 9.0 settled 9.5
    pod old-1 deleted 8.5 ended 8.8 gone 9.0
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.01
"""
EXPIRED = "trouble certificate:_certificate_has_expired"


@pytest.mark.parametrize(
    ("line", "alike"),
    [
        ("tls-error new 8.6 trouble reset", "reset-before-response new 8.6"),
        ("tls-error new 8.6 until 8.75 trouble reset", "reset-before-response new 8.6 until 8.75"),
        ("tls-error new 8.6 trouble eof", "eof-before-response new 8.6"),
        ("tls-error new 8.60 8.61 8.62 8.63 until 10 trouble timeout", "read-timeout new 8.60 8.61 8.62 8.63 until 10"),
        ("tls-error new 20.0 trouble reset", "reset-before-response new 20.0"),
        ("tls-error new 20.0 trouble eof", "eof-before-response new 20.0"),
    ],
)
def test_what_was_cut_short_has_the_cause_that_it_would_have_without_tls(line: str, alike: str) -> None:
    cut, plain = judge(history(ROLLOUT + line)), judge(history(ROLLOUT + alike))
    assert cut.causes == plain.causes
    assert cut.verdict == plain.verdict
    assert set(cut.by_outcome) == {"tls-error"}


def test_a_handshake_that_a_stopping_pod_resets_is_the_rollouts() -> None:
    result = judge(history(ROLLOUT + "tls-error new 8.6 trouble reset"))
    assert (result.causes, result.verdict) == ({"termination-race": 1}, Verdict.DROPPING)


def test_a_certificate_that_came_with_the_new_pods_is_the_new_versions_and_told() -> None:
    result = judge(history(ROLLOUT + f"tls-error new 8.45..30 every 0.5 {EXPIRED}"))
    assert set(result.causes) == {"application"}
    assert result.verdict == Verdict.INCONCLUSIVE
    assert result.reason == "new-version-errors"
    assert "pods of the new version" in result.sentence
    assert "certificate: certificate has expired" in result.sentence


def test_one_that_was_wrong_before_is_not_the_new_versions() -> None:
    result = judge(
        history(ROLLOUT + f"tls-error new 1..7 every 3 {EXPIRED}\ntls-error new 8.45..30 every 0.1 {EXPIRED}")
    )
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "application-errors")


def test_that_a_wrong_certificate_fails_as_a_pod_stops_does_not_make_it_a_race() -> None:
    result = judge(history(ROLLOUT + f"tls-error new 8.6 {EXPIRED}"))
    assert result.causes == {"application": 1}


def test_the_evidence_says_what_broke_it() -> None:
    run = history(ROLLOUT + f"tls-error new 8.6 {EXPIRED}")
    explained = Explainer(run).explanation(0)
    assert explained.rule == "handshake"
    assert "certificate has expired" in explained.evidence
    assert explained.request.tls_trouble == "certificate: certificate has expired"
