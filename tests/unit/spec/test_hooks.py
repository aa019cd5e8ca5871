"""What a preStop hook takes, and how long its container surely serves: two questions with two answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.spec.hooks import hook_takes_s, surely_serves_s
from harness.spec.termination import grace_period_s, hooks_take_s, longest_hook_s, surely_runs_s
from tests.unit.spec.objects import Object, hook, shell


@pytest.mark.parametrize(
    ("container", "serves", "takes"),
    [
        ({}, None, None),
        ({"lifecycle": None}, None, None),
        ({"lifecycle": {"preStop": None}}, None, None),
        (hook(sleep={"seconds": 5}), 5.0, 5.0),
        (hook(exec={"command": ["sleep", "12"]}), 12.0, 12.0),
        (hook(exec={"command": ["/bin/sleep", "2m"]}), 120.0, 120.0),
        (hook(exec={"command": ["sleep", "1m", "30"]}), 90.0, 90.0),
        (hook(exec={"command": ["/bin/busybox", "sleep", "3"]}), 3.0, 3.0),
        (hook(exec={"command": ["sleep 3"]}), 0.0, 0.0),  # no shell: no program has that name
        (hook(exec={"command": ["sleep", "$DELAY"]}), 0.0, 0.0),
        (hook(exec={"command": ["nginx", "-s", "quit"]}), 0.0, 0.0),
        (hook(exec={"command": ["/usr/local/bin/drain", "sleep", "9"]}), 0.0, 0.0),
        (hook(exec={"command": ["<redacted sha256:0a1b2c3d>"]}), 0.0, 0.0),
        (hook(httpGet={"path": "/drain", "port": 80}), 0.0, 0.0),
        (hook(exec={"command": ["/bin/sh", "-ec", "exec sleep 1.5"]}), 1.5, 1.5),
        (hook(exec={"command": ["sh", "-x", "sleep 5"]}), 0.0, 0.0),  # a script of that name
        (shell("sleep 7; nginx -s quit"), 7.0, 7.0),
        (shell("sleep 4 && nginx -s quit"), 4.0, 4.0),
        (shell("nginx -s quit; sleep 7"), 0.0, 7.0),
        (shell("nginx -s quit >/dev/null 2>&1; sleep 7"), 0.0, 7.0),
        (shell("sleep 2m"), 120.0, 120.0),
        (shell("sleep 5 > /dev/null"), 5.0, 5.0),
        (shell("sleep 5 # until the network knows\nnginx -s quit\nsleep 2"), 5.0, 7.0),
        (shell("sleep 5; sleep 2; drain; sleep 3"), 7.0, 10.0),
        (shell("sleep 5 & nginx -s quit"), 0.0, 0.0),  # in the background: nothing waits for it
        (shell("sleep 5 | drain"), 0.0, 0.0),
        (shell("drain || sleep 5"), 0.0, 0.0),  # only where draining fails
        (shell("sleep 5 || true"), 5.0, 5.0),
        (shell("if drain; then sleep 5; fi"), 0.0, 0.0),
        (shell("if drain\nthen\nsleep 5\nfi"), 0.0, 0.0),
        (shell("while busy; do sleep 1; done; sleep 5"), 0.0, 0.0),
        (shell("(sleep 5)"), 0.0, 0.0),
        (shell("sleep $(cat /delay)"), 0.0, 0.0),
        (shell("exit 0; sleep 5"), 0.0, 0.0),
        (shell("echo 'unfinished"), 0.0, 0.0),
        (shell(""), 0.0, 0.0),
    ],
)
def test_a_sleep_that_comes_first_holds_and_every_sleep_takes_time(
    container: Object, serves: float | None, takes: float | None
) -> None:
    assert (surely_serves_s(container), hook_takes_s(container)) == (serves, takes)


LINES = st.lists(
    st.sampled_from(
        [
            "sleep 3",
            "sleep 1m",
            "drain",
            "exec",
            "if",
            "then",
            "exit",
            "'",
            "(",
            ")",
            ";",
            "&",
            "|",
            "&&",
            "||",
            "\n",
            "#",
            ">",
        ]
    )
).map(" ".join)


@given(LINES)
def test_no_container_surely_serves_longer_than_its_hook_takes(line: str) -> None:
    serves, takes = surely_serves_s(shell(line)), hook_takes_s(shell(line))
    assert serves is not None
    assert takes is not None
    assert 0.0 <= serves <= takes


def test_a_pod_runs_until_its_longest_hook_or_its_grace_period_is_over() -> None:
    pod = {"containers": [hook(sleep={"seconds": 3}), shell("nginx -s quit; sleep 60"), {}]}
    assert (surely_runs_s(pod), hooks_take_s(pod), longest_hook_s(pod)) == (3.0, 30.0, 60.0)
    assert surely_runs_s({"containers": [hook(sleep={"seconds": 50})]}) == 30.0
    assert surely_runs_s({}) == hooks_take_s({}) == 0.0


def test_the_grace_period_is_30_s_where_nothing_is_said() -> None:
    assert [grace_period_s(pod) for pod in ({}, {"terminationGracePeriodSeconds": None})] == [30.0, 30.0]
    assert grace_period_s({"terminationGracePeriodSeconds": 0}) == 0.0
