"""What a pod was as a request was sent: of one with a preStop hook, how long after its hook, not only its deletion."""

from __future__ import annotations

import pytest

from harness.analysis.explanation import Explainer

from .literal import history

RUN = """
    period 1
    update 8 complete 16 settled 20
    pod old-1 {hook} deleted 8.5 ended 15.5 gone 15.8
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..8.4 every 0.1 by old-1
    ok new 8.5..30 every 0.1 by old-2
    reset new 14 until 14.3 by old-1
"""


def pod_then(hook: str, t: float) -> str:
    scene = Explainer(history(RUN.format(hook=hook)))._scene
    return scene.pods(t, [0])[0].pod


@pytest.mark.parametrize(
    ("hook", "t", "words"),
    [
        ("prestop 5", 14.0, "deleted 5.50 s before, and held by its preStop hook until 0.50 s before"),
        ("prestop 5", 12.0, "deleted 3.50 s before; its preStop hook held it for 1.50 s more"),
        ("", 14.0, "told to stop 5.50 s before"),
    ],
    ids=["after the hook", "within it", "no hook"],
)
def test_the_end_of_the_hook_is_told_from_the_deletion(hook: str, t: float, words: str) -> None:
    assert pod_then(hook, t).startswith(words)
