"""Answers that only the end of their connection ends: where several end in one moment as pods stop, they may be cut."""

from __future__ import annotations

import random

import pytest

from harness.analysis import judge
from harness.model.result import ScenarioResult, Verdict

from ..literal import history, nameless

ROLLOUT = """
    period 1
    update 20 complete 22 settled 29
    pod old-1 deleted 20.5 prestop 5 ended 25.8 gone 26
    pod old-2 deleted 21.5 prestop 5 ended 26.8 gone 27
    pod new-1 revision r2 created 20.1 ready 20.4
    pod new-2 revision r2 created 21.1 ready 21.4
"""
KILLS = {"old-1": 25.5, "old-2": 26.5}


def streams(*, cut: bool, length: str, lasts_s: float = 4.0, bunched: bool = False) -> str:
    """Requests every 0.1 s, each for `lasts_s` and up to half as long again; `cut`: those of an old pod end with it.

    `bunched`: the server ends all that is due at the end of each second."""
    chance, lines = random.Random(7), []
    for n in range(440):
        sent = 0.1 * n
        pod = f"{'old' if sent < 21 + n % 2 else 'new'}-{1 + n % 2}"
        ends = sent + lasts_s * (1 + chance.random() / 2)
        if bunched:
            ends = float(int(ends) + 1) + 0.0001 * (n % 9)
        if cut and pod in KILLS:
            ends = min(ends, KILLS[pod] + 0.0001 * (n % 9))
        lines.append(f"ok new {sent:.4f} until {ends:.4f} by {pod} {length} size 300")
    return ROLLOUT + "\n".join(lines)


def judged(text: str, *, blank: bool = False) -> ScenarioResult:
    return judge(history(nameless(text) if blank else text))


@pytest.mark.parametrize("blank", [False, True], ids=["named", "blank"])
def test_answers_of_unknown_length_that_end_together_with_their_pods_are_a_doubt(blank: bool) -> None:
    result = judged(streams(cut=True, length="endless"), blank=blank)
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, "other-answers")
    assert "ended several in the same moment as pods stopped" in result.doubts[0]


def test_those_that_end_one_after_the_other_are_no_doubt() -> None:
    assert judged(streams(cut=False, length="endless", lasts_s=2.0)).verdict == Verdict.SEAMLESS


def test_what_has_a_length_cannot_be_cut_unseen() -> None:
    assert judged(streams(cut=True, length="")).verdict == Verdict.SEAMLESS


def test_a_server_that_always_ends_several_at_once_is_no_doubt() -> None:
    assert judged(streams(cut=False, length="endless", lasts_s=2.0, bunched=True)).verdict == Verdict.SEAMLESS


def test_answers_in_one_piece_are_no_doubt_though_a_client_sees_several_end_at_once() -> None:
    waking = "\n".join(f"ok new 25.{50 + n} until 25.6 by old-1 endless size 300" for n in range(9))
    short = streams(cut=False, length="endless", lasts_s=0.001)
    assert judged(f"{short}\n{waking.replace(' until 25.6', ' took 0.001')}").verdict == Verdict.SEAMLESS
