"""The score of a judgement: what was lost on the way has no true cause, and is apart unless a rollout is blamed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.analysis import judge
from harness.model.result import Cause

from .literal import history
from .recordings import SHARED, accuracy, needs

LOSSY = """
    period 1
    update 8.0 complete 9.0 settled 15
    pod old-1 deleted 8.5 prestop 5 ended 14.0 gone 14.5
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 6..30 every 0.02 by old-2
    ok new 8.51..30 every 0.02 by new-1
    connect-timeout new 6.5 8.6
    status new 7.001 by old-2
"""


def scored(tmp_path: Path, named: Cause) -> Any:
    result = judge(history(LOSSY))
    told = tuple(replace(one, cause=named) if one.evidence and not one.pod else one for one in result.failures)
    rows = [f"{one.stream},{one.worker},{one.seq},,{'application' if one.pod else 'unknown'}," for one in told]
    (tmp_path / "truth.csv").write_text("\n".join(["stream,worker,seq,sent_to_pod,cause,detail", *rows]) + "\n")
    return accuracy.score(replace(result, failures=told, propagation=None), tmp_path, {})


@pytest.mark.parametrize("named", [Cause.APPLICATION, Cause.UNKNOWN])
def test_what_was_lost_on_the_way_is_counted_apart(tmp_path: Path, named: Cause) -> None:
    found = scored(tmp_path, named)
    assert (found.failed, found.lost, found.judged, found.right, found.wrong) == (3, 2, 1, 1, 0)
    assert "| 3 | 2 | 100.0 % | 0.0 % | 0.0 % |" in accuracy._line("lossy", "all", found)


def test_a_rollout_that_is_blamed_for_it_is_wrong(tmp_path: Path) -> None:
    found = scored(tmp_path, Cause.TERMINATION_RACE)
    assert (found.failed, found.lost, found.judged, found.right, found.wrong) == (3, 0, 3, 1, 2)


REAL = SHARED / "real" / "packet-loss-mitigated"


@needs([str(REAL)] if REAL.is_dir() else [], SHARED / "real")
def test_a_recording_with_lost_packets_holds_what_is_promised(tmp_path: Path) -> None:
    (tmp_path / REAL.name).symlink_to(REAL)
    expected = json.loads((REAL.parent / "expected.json").read_text())
    (tmp_path / "expected.json").write_text(json.dumps(expected))
    rows, good, _ = accuracy.table([tmp_path])
    assert good, rows
    assert "lost on the way, no cause to judge" in rows
    assert "| packet-loss-mitigated | all | seamless | 3 of 3 | 74 | 73 | 100.0 % |" in rows  # the 74th: `idle-close`
