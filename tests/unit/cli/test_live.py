"""Where a run is stands in a live line, or a line a phase; what holds a rollout up is said once, and its end too."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from harness.cli.live import shown
from harness.cli.loudness import Loudness, at
from harness.model.progress import Phase, Progress

HELD = "container web of web-1: CrashLoopBackOff, its last end was exit code 3"


def progress(*, held_up: str = "", phase: Phase = Phase.ROLLING, warned: tuple[str, ...] = ()) -> Progress:
    return Progress(
        scenario="both",
        number=0,
        scenarios=2,
        phase=phase,
        rollout=0,
        rollouts=3,
        requests=100,
        failed=1,
        held_up=held_up,
        warned=warned,
    )


@pytest.mark.parametrize("terminal", [False, True], ids=["piped", "terminal"])
def test_what_holds_it_up_is_said_once_and_that_it_is_over(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=200, color_system=None)
    with shown(console) as live:
        for now in (progress(), progress(held_up=HELD), progress(held_up=HELD), progress(), progress()):
            live(now)
    said = " ".join(out.getvalue().split())
    assert said.count(f"held up: {HELD}") == 1
    assert said.count("no longer held up") == 1
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue()).splitlines()
    assert max(len(line.rpartition("\r")[2]) for line in lines if "exit code 3" in line or "held up" in line) <= 80


@pytest.mark.parametrize("terminal", [False, True], ids=["piped", "terminal"])
def test_what_the_api_warned_of_is_said_once(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=200, color_system=None)
    with shown(console) as live:
        for warned in ((), ("a",), ("a", "b\x1b"), ("a", "b\x1b", "a")):
            live(progress(warned=warned))
    assert [out.getvalue().count(line) for line in ("mind: a", "mind: b\\x1b", "mind: ")] == [1, 1, 2]


def test_rollouts_count_from_one() -> None:
    out = io.StringIO()
    with shown(Console(file=out, width=200)) as live:
        live(progress())
    assert "both (1/2)  rollout 1/3: rolling  1 of 100 failed" in out.getvalue()


def test_nothing_is_rewritten_where_standard_output_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: False)
    out = io.StringIO()
    with shown(Console(file=out, force_terminal=True, width=200)) as live:
        live(progress())
    assert "\r" not in out.getvalue()
    assert out.getvalue().count("rollout 1/3: rolling") == 1


def test_quiet_says_only_what_is_to_be_minded() -> None:
    out = io.StringIO()
    with at(Loudness.QUIET), shown(Console(file=out, width=200)) as live:
        live(progress(warned=("a",), held_up=HELD))
    assert out.getvalue() == "mind: a\n"
