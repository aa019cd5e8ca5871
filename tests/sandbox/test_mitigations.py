"""What else keeps a rollout from dropping calls, or only looks as if it did: each shown by a rollout on the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from needs import missing
from of_fixtures import judged_on_sandbox, outcome

from harness.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

LACKING = missing(http_balancer=True)
pytestmark = judged_on_sandbox(600, slow=True, lacking=LACKING)
RACE, CUT = "termination-race", "in-flight-kill"


@pytest.mark.parametrize(
    ("name", "variant", "cause"),
    [
        ("mitigations", "default", RACE),
        ("mitigations", "prestop-exec-without-sleep", RACE),
        ("mitigations", "grace-shorter-than-prestop", RACE),
        ("mitigations", "slow-cut", CUT),
        ("mitigations", "kept-left-open", CUT),
        ("stateful", "min-ready", RACE),
        ("readiness-fails", "fails-at-once", RACE),
        ("deregistration", "answers-longer-than-draining", CUT),
    ],
)
def test_what_does_not_keep_calls_from_being_dropped(
    tmp_path: Path, repository: Path, name: str, variant: str, cause: str
) -> None:
    ran = outcome(tmp_path, repository, name, variants=(variant,))
    assert ran.code == ExitCode.AS_EXPECTED, ran.said
    found = ran.scenarios[variant]["causes"]  # as one pod goes, it may lose calls in more than one way
    assert found.get(cause, 0) > 0.5 * sum(found.values()), found


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("mitigations", "prestop-exec"),
        ("mitigations", "delay-in-the-application"),
        ("mitigations", "slow-fits"),
        ("mitigations", "kept-told-to-go"),
        ("stateful", "both"),
        ("readiness-fails", "stays-ready"),
        ("deregistration", "answers-that-fit"),
    ],
)
def test_what_keeps_all_of_them(tmp_path: Path, repository: Path, name: str, variant: str) -> None:
    ran = outcome(tmp_path, repository, name, variants=(variant,))
    assert ran.code == ExitCode.AS_EXPECTED, ran.said
    found = ran.scenarios[variant]
    assert (found["verdict"], found["failed"]) == ("seamless", 0)


def test_a_hook_whose_program_the_image_has_not_is_told_with_what_to_do(tmp_path: Path, repository: Path) -> None:
    ran = outcome(tmp_path, repository, "mitigations", variants=("prestop-exec-without-sleep",))
    assert ran.code == ExitCode.AS_EXPECTED, ran.said
    told = (ran.folder / "report.md").read_text()
    assert "the preStop hook of 3 pods failed, and the stop signal came at once" in told
    assert "a preStop hook that does not fail, such as sleep, which needs no program of the image" in told
