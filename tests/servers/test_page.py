"""Findings become rows: what was lost, what cures it, and how the judge did."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from scripts.servers.findings import FILE, Finding, right_wrong_unknown
from scripts.servers.page import page

VARIANTS = ("default", "prestop", "min-ready", "both")
STOP: dict[str, Any] = {
    "server": "uvicorn",
    "signal": "SIGTERM",
    "first_process": "python",
    "listener_closed_s": 0.1,
    "work": {"/250ms": {"what": "answered", "after_s": 0.2}, "/5s": {"what": "eof", "after_s": 2.0}},
    "idle": {"what": "eof", "after_s": 0.1},
    "asked_late": {"what": "closed before", "after_s": 0.1},
    "new": {"what": "reset", "after_s": 2.2},
    "exit_s": 4.94,
    "exit_code": 0,
}


def found(variant: str, lost: dict[str, int], *, judged: dict[str, int] | None = None, verdict: str = "") -> Finding:
    """A variant that lost calls by these true causes; the judge is right unless `judged` says otherwise."""
    pairs = [("new-5ms", true, said, count) for true, count in lost.items() for said in [true]]
    if judged is not None:
        pairs = [("new-5ms", next(iter(lost)), said, count) for said, count in judged.items()]
    total = sum(count for cause, count in lost.items() if cause != "unknown")
    return Finding(
        variant=variant,
        requests=1000,
        failed=sum(lost.values()),
        lost=total,
        perhaps_lost=lost.get("unknown", 0),
        lost_by_stream={"new-5ms": total},
        truth=lost,
        causes=lost,
        compared=pairs,
        verdict=verdict or ("dropping" if total else "seamless"),
        reason="",
        dropped=bool(total),
    )


def written(out: Path, variants: list[Finding], stop: dict[str, Any] = STOP) -> list[list[str]]:
    """The server's rows of the page, in order: stop, cost, streams, judge."""
    folder = out / "uvicorn"
    folder.mkdir(parents=True)
    document = {"server": "uvicorn", "version": "1.2", "stop": stop, "variants": [asdict(each) for each in variants]}
    (folder / FILE).write_text(json.dumps(document))
    rows = [line for line in page(out).splitlines() if line.startswith("| uvicorn")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_a_stop_is_told_in_words_and_seconds(tmp_path: Path) -> None:
    stop, *_ = written(tmp_path, [found(variant, {}) for variant in VARIANTS])
    assert stop == [
        *("uvicorn", "1.2", "SIGTERM", "python", "at once", "reset after 2.2", "closed at once", "closed before"),
        *("answered", "closed after 2.0", "4.9"),
    ]


def test_the_least_that_lost_nothing_is_the_cure(tmp_path: Path) -> None:
    race, none = {"termination-race": 20}, dict[str, int]()
    _, cost, streams, _ = written(
        tmp_path, [found("default", race), found("prestop", none), found("min-ready", race), found("both", none)]
    )
    assert cost == ["uvicorn", "20", "0", "20", "0", "preStop 5 s"]
    assert streams == ["uvicorn", "20", "0", "0", "0", "0", "0"]


def test_both_is_the_cure_where_neither_alone_is(tmp_path: Path) -> None:
    race, none = {"termination-race": 20}, dict[str, int]()
    _, cost, *_ = written(
        tmp_path, [found("default", race), found("prestop", race), found("min-ready", race), found("both", none)]
    )
    assert cost[-1] == "both"


def test_what_kills_its_work_whatever_is_set_is_told_to_finish_it(tmp_path: Path) -> None:
    kill = {"in-flight-kill": 3}
    _, cost, *_ = written(tmp_path, [found(variant, kill) for variant in VARIANTS])
    assert cost == ["uvicorn", *["3 (3)"] * 4, "no setting that was tried: it must finish the work that it has in hand"]


def test_what_only_sigkill_ends_must_heed_its_signal(tmp_path: Path) -> None:
    kill, deaf = {"in-flight-kill": 3}, STOP | {"exit_code": 137, "exit_s": 30.0}
    variants = [found(variant, kill) for variant in VARIANTS]
    stop, cost, *_ = written(tmp_path, variants, deaf)
    assert stop[-1] == "30.0 (SIGKILL)"
    assert cost[-1].startswith("it must heed its stop signal")


def test_the_judge_is_scored_on_what_the_truth_can_tell(tmp_path: Path) -> None:
    judged = {"termination-race": 6, "unknown": 3, "application": 1}
    wrongly = found("default", {"termination-race": 10}, judged=judged, verdict="seamless")
    assert right_wrong_unknown(wrongly) == (6, 1, 3)
    untold = found("both", {"unknown": 4})
    *_, row = written(tmp_path, [wrongly, untold])
    assert row == ["uvicorn", "0 of 1", "14", "60.0 %", "10.0 %", "30.0 %", "4"]


def test_what_nobody_can_tell_is_a_range_and_cures_nothing_for_certain(tmp_path: Path) -> None:
    race, untold = {"termination-race": 20}, {"unknown": 3}
    variants = [
        found(variant, lost) for variant, lost in zip(VARIANTS, (race | untold, untold, race, untold), strict=True)
    ]
    _, cost, _, judge = written(tmp_path, variants)
    assert cost == ["uvicorn", "20 to 23", "0 to 3", "20", "0 to 3", "perhaps preStop 5 s"]
    assert judge[1] == "2 of 2"


def test_what_lost_nothing_for_certain_comes_before_what_may_have(tmp_path: Path) -> None:
    race, untold, none = {"termination-race": 20}, {"unknown": 3}, dict[str, int]()
    variants = [found(variant, lost) for variant, lost in zip(VARIANTS, (race, untold, race, none), strict=True)]
    _, cost, *_ = written(tmp_path, variants)
    assert cost[-1] == "both"


@pytest.mark.parametrize(("verdict", "right"), [("dropping", None), ("seamless", None), ("inconclusive", False)])
def test_no_verdict_is_wrong_where_nobody_can_tell(verdict: str, right: bool | None) -> None:
    assert found("prestop", {"unknown": 3}, verdict=verdict).verdict_right is right
