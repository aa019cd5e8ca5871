"""Findings become rows: what was lost, what cures it, and how the judge did."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.servers.findings import FILE, Finding, right_wrong_unknown
from scripts.servers.page import page

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
    total = sum(lost.values())
    return Finding(
        variant=variant,
        requests=1000,
        failed=total,
        lost=total,
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
    stop, *_ = written(tmp_path, [found(variant, {}) for variant in ("default", "prestop", "min-ready", "both")])
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
    _, cost, *_ = written(tmp_path, [found(variant, kill) for variant in ("default", "prestop", "min-ready", "both")])
    assert cost == ["uvicorn", *["3 (3)"] * 4, "no setting that was tried: it must finish the work that it has in hand"]


def test_what_only_sigkill_ends_must_heed_its_signal(tmp_path: Path) -> None:
    kill, deaf = {"in-flight-kill": 3}, STOP | {"exit_code": 137, "exit_s": 30.0}
    variants = [found(variant, kill) for variant in ("default", "prestop", "min-ready", "both")]
    stop, cost, *_ = written(tmp_path, variants, deaf)
    assert stop[-1] == "30.0 (SIGKILL)"
    assert cost[-1].startswith("it must heed its stop signal")


def test_the_judge_is_scored_on_what_the_truth_can_tell(tmp_path: Path) -> None:
    judged = {"termination-race": 6, "unknown": 3, "application": 1}
    wrongly = found("default", {"termination-race": 10}, judged=judged, verdict="seamless")
    assert right_wrong_unknown(wrongly) == (6, 1, 3)
    untold = found("both", {"unknown": 4})
    *_, row = written(tmp_path, [wrongly, untold])
    assert row == ["uvicorn", "1 of 2", "14", "60.0 %", "10.0 %", "30.0 %", "4"]
