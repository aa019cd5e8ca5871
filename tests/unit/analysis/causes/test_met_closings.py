"""Kept connections that end as requests are sent on them: by chance one in hundreds, of some pods every one."""

from __future__ import annotations

import pytest

from harness.analysis import judge
from harness.model.result import ScenarioResult, Verdict

from ..literal import history

# Ten kept connections, each used every 0.5 s for answers of 2 ms; old-1 had half of them, and ends 1 s after its stop.
PORTS = range(7000, 7010)
RUN = """
    period 1
    update 8.0 complete 10.0 settled 10.8
    pod old-1 deleted 8.5 ended 9.5 gone 9.7
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..30 every 0.05 by old-2
"""


def kept(port: int) -> str:
    first = (port - PORTS[0]) * 0.05
    if port % 2:
        return f"ok kept {first}..30 every 0.5 by old-2 reused took 0.002 port {port}"
    return f"ok kept {first}..8.5 every 0.5 by old-1 reused took 0.002 port {port}"


def met(*ports: int, outcome: str = "eof-before-response", acked: str = " acked 0", took: float = 0.0009) -> str:
    """The next request on each of these connections after old-1 was told to stop is lost at once."""
    sent = {port: 8.5 + (port - PORTS[0]) * 0.05 for port in ports}
    lines = (f"{outcome} kept {t:.2f} by old-1 reused took {took} port {port}{acked}" for port, t in sent.items())
    return "\n".join(lines)


def judged(*lines: str) -> ScenarioResult:
    return judge(history("\n".join((RUN, *map(kept, PORTS), *lines))))


@pytest.mark.parametrize("outcome", ["eof-before-response", "reset-before-response"])
def test_where_every_connection_of_a_pod_ends_at_the_next_request_that_pod_waits_for_it(outcome: str) -> None:
    result = judged(met(7000, 7002, 7004, 7006, 7008, outcome=outcome))
    assert result.causes == {"in-flight-kill": 5}
    assert result.verdict == Verdict.DROPPING
    assert all("does not answer that (inferred)" in failure.evidence for failure in result.failures)


def test_one_that_is_met_is_chance() -> None:
    result = judged(met(7004))
    assert result.causes == {"idle-close": 1}
    assert result.verdict == Verdict.SEAMLESS


def test_one_that_is_met_in_rollout_after_rollout_is_no_chance() -> None:
    """A single kept connection, which each of two rollouts ends as a request is sent on it."""
    text = """
        period 1
        update 8.0 complete 10.0 settled 10.8
        update 18.0 complete 20.0 settled 20.8
        pod old-1 deleted 8.5 ended 9.5 gone 9.7
        pod old-2
        pod new-1 revision r2 created 8.1 ready 8.4 deleted 18.5 ended 19.5 gone 19.7
        pod new-2 revision r3 created 18.1 ready 18.4
        ok new 0..30 every 0.05 by old-2
        ok kept 0..8.5 every 0.5 by old-1 reused took 0.002 port 7000
        ok kept 9..18.5 every 0.5 by new-1 reused took 0.002 port 7001
        ok kept 19..30 every 0.5 by old-2 reused took 0.002 port 7002
    """
    ends = (
        "eof-before-response kept 8.6 by old-1 reused took 0.0009 port 7000 acked 0",
        "eof-before-response kept 18.6 by new-1 reused took 0.0009 port 7001 acked 0",
    )
    both = judge(history("\n".join((text, *ends))))
    assert (both.verdict, both.causes) == (Verdict.DROPPING, {"in-flight-kill": 2})
    assert judge(history("\n".join((text, ends[0])))).causes == {"idle-close": 1}


def test_rollouts_in_which_none_was_met_count_for_chance_too() -> None:
    """Two of sixty rollouts, each with one kept connection: that is what a closing at any moment gives."""
    lines = ["period 1", "ok new 0..620 every 0.5"]
    for n in range(60):
        at, name, end = 8 + 10 * n, f"pod-{n}", 8.5 + 10 * n
        came = f"created {max(0, at - 9.9)} ready {max(0.1, at - 9.6)}"
        lines += [
            f"update {at} complete {at + 1} settled {at + 2}",
            f"pod {name} {came} deleted {end} ended {end + 1} gone {end + 1.2}",
            f"ok kept {max(0.2, at - 9.3)}..{end} every 0.5 by {name} reused took 0.002 port {7000 + n}",
        ]
        if n in (10, 40):
            lines.append(f"eof-before-response kept {end + 0.1} by {name} reused took 0.0009 port {7000 + n} acked 0")
    assert judge(history("\n".join(lines))).causes == {"idle-close": 2}


def test_several_that_the_client_met_late_are_its_own_pause() -> None:
    """Without the kernel's word an end may come as late as the client's loop may have stood still."""
    assert judged(met(7000, 7002, acked="", took=0.003)).causes == {"idle-close": 2}


def test_what_is_met_as_often_while_no_pod_stops_has_another_reason() -> None:
    ever = "\n".join(
        f"eof-before-response kept {t} by old-2 reused took 0.0009 port {8000 + n} acked 0"
        for n, t in enumerate((1.2, 2.3, 3.1, 4.7, 5.2, 6.3, 7.7, 12.1, 13.7, 14.9, 16.3, 18.1, 20.2, 22.2, 24.7, 27.7))
    )
    result = judged(ever, met(7000, 7002))
    assert result.causes == {"idle-close": 18}
    assert result.verdict == Verdict.SEAMLESS
