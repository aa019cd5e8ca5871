"""A new version that listens on another port than the Service sends to: told from one that only starts slowly."""

from __future__ import annotations

from typing import Any

import pytest

from harness.analysis import judge
from harness.analysis.advice.cures import PROBE, SAME_PORT
from harness.analysis.advice.sizing import pooled_sizing
from harness.model.result import Verdict

from ..literal import history, nameless

ROLLOUT = """
    period 1
    update 8.0 complete 9.0 settled 14.0
    pod old-1 deleted 8.5 prestop 5 ended 13.8 gone 14.0
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4 noprobe
    ok new 0..8.42 every 0.01 by old-2
    ok new 8.42..30 every 0.02 by old-2
    ok new 8.43..9.2 every 0.02 by old-1
"""
WRONG_PORT = f"{ROLLOUT}\nconnect-refused new 8.43..30 every 0.02"
SLOW = f"{ROLLOUT}\nconnect-refused new 8.43..20 every 0.02\nok new 20..30 every 0.02 by new-1"
SERVICE = {"kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80, "targetPort": 8080}]}}


def judged(text: str, **more: Any) -> Any:
    return judge(history(text, manifests=(SERVICE,), **more))


def test_pods_that_refuse_to_the_end_never_listened_where_the_service_sends_to() -> None:
    result = judged(WRONG_PORT)
    assert (result.verdict, result.causes) == (Verdict.DROPPING, {"creation-race": result.failed})
    failure = result.failures[-1]
    assert failure.pod == "new-1"
    assert "accepted no connection on port 8080, to which the Service sends" in failure.evidence


def test_so_it_is_where_answers_name_no_pod() -> None:
    bad = "connect-refused new 8.43..30 every 0.02"
    good = "ok new 0..30 every 0.02"
    text = "\n".join(line for line in ROLLOUT.splitlines() if not line.strip().startswith("ok"))
    result = judged(nameless(f"{text}\n{good}\n{bad}"))
    assert "accepted no connection on port 8080" in result.failures[-1].evidence


def test_neither_seconds_nor_a_probe_of_any_port_is_advised_but_the_same_port() -> None:
    sizing = judged(WRONG_PORT).sizing
    assert sizing.measured.never_listened == len(judged(WRONG_PORT).failures)
    assert SAME_PORT in sizing.cure
    assert PROBE not in sizing.cure
    assert not sizing.raised
    (remedy,) = sizing.remedies
    assert (remedy.needed, remedy.by_settings) == (SAME_PORT, False)
    assert "no connection on port 8080" in remedy.why


def test_what_their_probe_asks_instead_is_told() -> None:
    run = history(WRONG_PORT.replace(" noprobe", ""), manifests=(SERVICE,))
    assert "their readiness probe asks port 80)" in judge(run).sizing.remedies[0].why


def test_one_that_listens_later_was_only_not_listening_yet() -> None:
    result = judged(SLOW)
    assert result.causes == {"creation-race": result.failed}
    assert "not listening yet" in result.failures[-1].evidence
    assert result.sizing.measured.never_listened == 0
    assert SAME_PORT not in result.sizing.cure


@pytest.mark.parametrize("named", [True, False])
def test_the_next_rollout_takes_it_away_before_it_ends_so_that_all_is_well_again(named: bool) -> None:
    text = f"""
        {ROLLOUT.replace("ok new 8.42..30 every 0.02 by old-2", "ok new 8.42..30.2 every 0.02 by old-2")}
        update 24.0 complete 26.0 settled 31.0
        pod last-1 revision r1 created 24.1 ready 24.5
        connect-refused new 8.43..24.9 every 0.02
        ok new 24.95..45 every 0.02 by last-1
    """.replace("created 8.1 ready 8.4 noprobe", "created 8.1 ready 8.4 deleted 24.6 ended 30.5 gone 30.8 noprobe")
    result = judged(text if named else nameless(text))
    assert any("accepted no connection on port 8080" in failure.evidence for failure in result.failures)


def test_too_few_connections_tell_nothing() -> None:
    result = judged(f"{ROLLOUT}\nconnect-refused new 29.97".replace("8.42..30", "8.42..9.0"))
    assert result.sizing.measured.never_listened == 0


def test_what_several_runs_showed_is_one_advice() -> None:
    runs = [judged(WRONG_PORT).sizing, judged(SLOW).sizing]
    pooled = pooled_sizing(runs)
    assert pooled is not None
    assert (pooled.measured.never_listened, pooled.measured.target) == (runs[0].measured.never_listened, "port 8080")
    (remedy,) = pooled.remedies
    assert remedy.needed.startswith(f"{SAME_PORT}; for the other ")


def test_the_picture_has_the_port_and_when_requests_met_it() -> None:
    (race,) = judged(WRONG_PORT).races.races
    old, _, new = race.pods
    assert (old.never_listened_on, new.never_listened_on) == ("", "port 8080")
    assert new.refused is not None
    assert (new.listening, new.refused.earliest, new.refused.latest) == (None, 8.43, 29.97)
    assert not any(pod.never_listened_on for pod in judged(SLOW).races.races[0].pods)
