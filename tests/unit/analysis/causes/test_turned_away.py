"""A server that answers with an error once it has been told to stop: the rollout's loss, if pods in service do not."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.analysis import judge
from harness.model.result import ScenarioResult, Verdict

from ..literal import history, nameless

ROLLOUT = """
    period 1
    update 8 complete 9 settled 13
    pod old-1 deleted 8.5 ended 12.5 gone 12.8
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.05 by old-2
    ok new 9..30 every 0.05 by new-1
"""
TURNED_AWAY = "status kept 9.0 9.2 9.4 9.6 9.8 10.0 by old-1\n"


def judged(more: str, *, blank: bool = False) -> ScenarioResult:
    text = ROLLOUT + more
    return judge(history(nameless(text) if blank else text))


def causes(result: ScenarioResult) -> Counter[str]:
    return Counter(str(failure.cause) for failure in result.failures)


@pytest.mark.parametrize("blank", [False, True], ids=["named", "blank"])
def test_errors_of_a_stopping_pod_are_the_rollouts(blank: bool) -> None:
    result = judged(TURNED_AWAY, blank=blank)
    assert causes(result) == {"termination-race": 6}
    assert result.verdict == Verdict.DROPPING
    first = result.failures[0]
    assert "turned away with status 503, 0.50 s after old-1 began to terminate" in first.evidence
    assert first.pod == "old-1"  # the only one that was stopping


@pytest.mark.parametrize(
    ("outcome", "trouble", "words"),
    [
        ("protocol-error kept", "reused", "turned away with what is no answer of the protocol"),
        ("protocol-error new", "", "turned away with what is no answer of the protocol"),
        ("tls-error new", "trouble wrong_version", "turned away with a TLS handshake that failed (wrong version)"),
    ],
)
def test_what_is_no_answer_is_the_rollouts_where_only_stopping_pods_give_it(
    outcome: str, trouble: str, words: str
) -> None:
    result = judged(f"{outcome} 8.6 8.7 8.8 8.9 9.0 9.1 {trouble}\n")
    assert causes(result) == {"termination-race": 6}
    assert result.verdict == Verdict.DROPPING
    assert words in result.failures[0].evidence
    everywhere = judged(f"{outcome} 1..29 every 0.5 {trouble}\n")
    assert set(causes(everywhere)) == {"application"}


@pytest.mark.parametrize("blank", [False, True], ids=["named", "blank"])
def test_errors_that_pods_in_service_give_as_often_are_the_applications(blank: bool) -> None:
    background = "".join(f"status new {n * 0.25 + 0.01} by old-2\n" for n in range(120))
    result = judged(background + "status kept 9.0 10.0 by old-1\n", blank=blank)
    assert set(causes(result)) == {"application"}


def test_errors_before_a_pod_can_have_heard_of_its_end_are_the_applications() -> None:
    text = ROLLOUT.replace("ended 12.5 gone 12.8", "prestop 3 ended 12.5 gone 12.8")
    result = judge(history(text + "status kept 9.0 9.2 9.4 9.6 9.8 10.0 by old-1\n"))
    assert causes(result) == {"application": 6}


@pytest.mark.parametrize(("good", "cause"), [("", "termination-race"), ("ok kept 11.39 by old-1", "application")])
def test_an_error_just_before_the_hook_can_have_ended_is_the_rollouts_where_only_errors_came_after_it(
    good: str, cause: str
) -> None:
    """A watch that was 0.16 s late dates the deletion so much too late, and with it the end of the hook."""
    text = ROLLOUT.replace("ended 12.5 gone 12.8", "prestop 3 ended 12.5 gone 12.8")
    result = judge(history(f"{text}status kept 11.37 11.5 11.6 11.7 11.8 11.9 by old-1\n{good}"))
    assert causes(result) == Counter(["termination-race"] * 5 + [cause])


@pytest.mark.parametrize("named", ["by old-1", ""], ids=["named", "unnamed"])
def test_errors_after_a_container_beside_the_one_that_serves_was_stopped_are_the_rollouts(named: str) -> None:
    """nginx sleeps in its preStop, and php-fpm behind it has none: what nginx answers then does not name the pod."""
    text = ROLLOUT.replace("deleted 8.5 ended 12.5 gone 12.8", "deleted 8.5 ended 13.5 gone 13.8 prestop 5 beside")
    errors = "".join(f"status new {8.6 + n / 10:.1f} {named} code 502\n" for n in range(12))
    service = {"kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    kept = "ok kept 8.0 8.2 by old-1 port 7000\n" + "".join(
        f"status kept {8.65 + n / 10:.2f} port 7000 reused code 502\n" for n in range(12)
    )
    result = judge(history(text + errors + kept, manifests=(service,)))
    assert causes(result) == {"termination-race": 24}
    assert result.verdict == Verdict.DROPPING
    assert result.sizing is not None
    assert result.sizing.measured.beside == 24


def test_unnamed_errors_of_all_pods_at_once_are_the_applications() -> None:
    """A database that is away for a second, while one pod stops: nobody is answered well."""
    text = ROLLOUT.replace("ok new 0..30 every 0.05 by old-2", "ok new 0..9.0 every 0.05 by old-2").replace(
        "ok new 9..30", "ok new 10.2..30"
    )
    result = judge(history(text + "status new 9..10.2 every 0.05 code 500\n"))
    assert set(causes(result)) == {"application"}
    assert result.verdict == Verdict.INCONCLUSIVE


OUTAGE = """
    period 1
    update 8 complete 9 settled 13
    pod old-1 deleted 8.5 ended 12.5 gone 12.8
    pod old-2
    pod old-3
    pod new-1 revision r2 created 8.1 ready 8.4
"""


@pytest.mark.parametrize("kept", ["", "status kept 9.5..12 every 0.1 reused code 500"], ids=["new", "new and kept"])
def test_where_no_answer_names_its_pod_an_outage_of_all_is_not_the_stopping_ones(kept: str) -> None:
    """A database that is away for 2.5 s of the 4 s in which one of three pods stops."""
    new = "ok new 0..9.5 every 0.02 \n status new 9.5..12 every 0.02 code 500 \n ok new 12..30 every 0.02"
    result = judge(history(f"{OUTAGE}\n{new}\n{kept}\nok kept 0..30 every 0.1 reused"))
    assert set(causes(result)) == {"application"}
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "application-errors")


def test_the_share_of_one_pod_is_the_stopping_ones() -> None:
    new = "ok new 0..30 every 0.02 \n status new 8.61..10 every 0.06 code 503"
    result = judge(history(f"{OUTAGE}\n{new}"))
    assert set(causes(result)) == {"termination-race"}
    assert result.verdict == Verdict.DROPPING


def test_an_error_just_before_the_last_one_stops_does_not_make_an_outage_of_what_follows() -> None:
    """Two of three pods stop, and soon the third: until the proxy knows the new one, all go to pods that stop."""
    text = OUTAGE.replace("pod old-2\n", "pod old-2 deleted 8.5 ended 12.5 gone 12.8\n")
    text = text.replace("pod old-3\n", "pod old-3 deleted 8.9 ended 12.9 gone 13.2\n")
    well = "ok new 0..8.52 every 0.02 \n ok new 8.54..8.9 every 0.06 \n ok new 9.9..30 every 0.02"
    badly = "status new 8.56..8.88 every 0.06 code 503 \n status new 8.86..9.9 every 0.02 code 503"
    result = judge(history(f"{text}\n{well}\n{badly}"))
    assert set(causes(result)) == {"termination-race"}
    assert result.verdict == Verdict.DROPPING


def test_kept_connections_alone_all_to_pods_that_stop_are_theirs() -> None:
    """Nothing is known of the pods to which no kept connection leads."""
    kept = "ok kept 0..8.7 every 0.02 \n status kept 8.7..12 every 0.02 reused \n ok kept 12..30 every 0.02"
    result = judge(
        history(f"{OUTAGE}\n{kept}".replace("ok kept 0..8.7 every 0.02", "ok kept 0..8.7 every 0.02 reused"))
    )
    assert set(causes(result)) == {"termination-race"}


@pytest.mark.parametrize("until", [10.2, 13.0], ids=["soon", "late"])
def test_an_outage_that_began_while_only_the_stopping_pod_was_sent_to_is_its_own_to_the_end(until: float) -> None:
    text = f"""
        period 1
        update 8 complete 9 settled 15
        pod old-1 deleted 8.5 ended 14.5 gone 14.8
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..8.6 every 0.05
        status new 8.6..{until} every 0.05
        ok new {until}..30 every 0.05
    """
    assert set(causes(judge(history(text)))) == {"termination-race"}


def test_unnamed_errors_of_the_only_pod_that_is_known_to_the_proxy_are_its_own() -> None:
    """One replica: until the proxy knows the new pod, all go to the old one, and no other could answer well."""
    text = """
        period 1
        update 8 complete 9 settled 13
        pod old-1 deleted 8.5 ended 12.5 gone 12.8
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..8.6 every 0.05 by old-1
        status new 8.6..10.2 every 0.05
        ok new 10.2..30 every 0.05 by new-1
    """
    result = judge(history(text))
    assert causes(result) == {"termination-race": 32}
    assert result.verdict == Verdict.DROPPING


@pytest.mark.parametrize("outcome", ["status", "reset-before-response", "eof-before-response"])
def test_unnamed_failures_after_the_proxy_left_a_stopping_pod_out_are_not_its_own(outcome: str) -> None:
    """old-1 works on what it has until 14; one of the others fails what comes to it on new connections meanwhile."""
    text = f"""
        period 1
        update 8 complete 9 settled 15
        pod old-1 deleted 8.5 prestop 3 ended 14 gone 14.3
        pod old-2
        pod old-3
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..30 every 0.05
        ok new 0.02..12 every 0.05
        {outcome} new 12.02..13.5 every 0.05
        ok new 13.52..30 every 0.05
    """
    result = judge(history(text))
    assert set(causes(result)) == {"application"}
    assert (result.verdict, result.reason) == ("inconclusive", "application-errors")


def test_where_the_new_version_fails_on_nothing_is_said_of_the_old_one() -> None:
    failing = "status new 9..30 every 0.5 by new-1\n"
    result = judged(failing, blank=True)
    assert set(causes(result)) == {"application"}
    assert result.reason == "application-errors"


@pytest.mark.parametrize("blank", [False, True], ids=["named", "blank"])
def test_errors_to_what_a_pod_had_in_hand_as_it_was_told_to_stop_are_killed_in_flight(blank: bool) -> None:
    """A server that gives up on what it is working on answers it with an error, and was asked before its stop."""
    given_up = "status new 7.4 7.6 7.8 8.0 until 9.5 by old-1\n"
    result = judged(given_up, blank=blank)
    assert causes(result) == {"in-flight-kill": 4}
    assert result.verdict == Verdict.DROPPING
    assert "accepted, and given up with status 503" in result.failures[0].evidence


def test_errors_that_all_came_as_the_pod_stopped_were_in_its_hand_however_short_its_answers_are() -> None:
    """At its stop signal it gives up all that it has, sent up to 0.3 s before, which is as late as a watch may be."""
    text = ROLLOUT.replace("ended 12.5 gone 12.8", "prestop 3 ended 12.5 gone 12.8")
    burst = "".join(f"status kept {t} until 11.52 by old-1\n" for t in (11.23, 11.29, 11.36, 11.44, 11.5))
    assert causes(judge(history(text + burst))) == {"in-flight-kill": 4, "termination-race": 1}  # the last: who knows
    a_little_slower = "status kept 11.33 until 11.35 by old-1\nstatus kept 11.6 11.7 11.8 took 0.01 by old-1\n"
    assert set(causes(judge(history(text + a_little_slower)))) == {"termination-race"}
    later = "status kept 11.6 11.7 11.8 11.9 took 0.1 by old-1\n"
    assert causes(judge(history(text + burst + later))) == {"in-flight-kill": 3, "termination-race": 6}


@pytest.mark.parametrize("blank", [False, True], ids=["named", "blank"])
def test_errors_that_a_pod_gave_all_at_once_were_in_its_hand_and_not_all_pods_failure(blank: bool) -> None:
    """New connections, of which more than ten looks ago were answered well: one moment is one look."""
    sent = [8.21 + 0.02 * n for n in range(14)]
    burst = "".join(f"status new {t:.2f} until 8.52 by old-1\n" for t in sent)
    found = causes(judged(burst, blank=blank))
    assert found["in-flight-kill"] >= 13
    assert not found["application"]
