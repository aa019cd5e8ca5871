"""Traefik's own logs become records of the requests that it passed on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox.instruments.truth.proxied import End, Passed
from harness.sandbox.instruments.truth.traefik import ACCESS, SAID, by_traefik

T0_WALL = datetime(2026, 11, 28, 19, 5, tzinfo=UTC).timestamp()
POD, OTHER = "10.244.16.4:80", "10.244.16.5:80"


def access(second: float, port: int, target: str, status: int, took_ms: float = 1.0) -> dict[str, Any]:
    """A line of its access log, as far as it is read; nine digits of a second, as it writes them."""
    return {
        "ClientPort": str(port),
        "StartUTC": f"2026-11-28T19:05:{second:012.9f}Z",
        "Duration": round(took_ms * 1e6),
        "DownstreamStatus": status,
        "ServiceAddr": target,
        "RetryAttempts": 0,
    }


def said(error: str, message: str = "502 Bad Gateway") -> dict[str, Any]:
    return {"level": "debug", "error": error, "time": "2026-11-28T19:05:49Z", "message": message}


def read(folder: Path, lines: list[dict[str, Any]], errors: list[dict[str, Any]]) -> dict[int, Passed]:
    """By the client's port."""
    (folder / ACCESS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / SAID).write_text("".join(json.dumps(line) + "\n" for line in errors))
    return {each.client_port: each for each in by_traefik(folder, T0_WALL)}


def test_an_answer_is_told_on_the_runs_clock(tmp_path: Path) -> None:
    found = read(tmp_path, [access(50.091803609, 41000, POD, 200, took_ms=5.5)], [])[41000]
    assert (found.began, found.ended) == pytest.approx((50.091803, 50.097303), abs=1e-5)
    assert (found.target, found.status, found.end, found.reused) == (("10.244.16.4", 80), 200, End.ANSWERED, False)


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (f"dial tcp {POD}: connect: connection refused", End.REFUSED),
        (f"dial tcp {POD}: i/o timeout", End.UNCONNECTED),
        (f"dial tcp {POD}: connect: no route to host", End.UNCONNECTED),
        (f"read tcp 10.244.16.2:39846->{POD}: read: connection reset by peer", End.CLOSED),
        (f"write tcp 10.244.16.2:39846->{POD}: write: broken pipe", End.CLOSED),
        ("EOF", End.CUT),
    ],
)
def test_why_a_502_was_one_is_in_its_other_log(tmp_path: Path, error: str, end: End) -> None:
    found = read(tmp_path, [access(1, 41000, POD, 502)], [said(error), said("EOF", "Service selected")])
    assert found[41000].end is end


def test_two_that_ended_at_once_are_told_apart_by_where_they_went(tmp_path: Path) -> None:
    lines = [access(1, 41000, POD, 502), access(1.0001, 41001, OTHER, 502), access(2, 41002, POD, 502)]
    errors = [said(f"dial tcp {OTHER}: i/o timeout"), said(f"dial tcp {POD}: connect: connection refused"), said("EOF")]
    found = read(tmp_path, lines, errors)
    assert {port: each.end for port, each in found.items()} == {
        41000: End.REFUSED,
        41001: End.UNCONNECTED,
        41002: End.CUT,
    }


@pytest.mark.parametrize(
    ("target", "status", "end"),
    [
        (POD, 504, End.LATE),
        (POD, 499, End.LATE),
        (POD, 503, End.ANSWERED),
        ("", 503, End.NO_TARGET),
        ("", 404, End.TURNED_AWAY),
    ],
)
def test_a_status_of_its_own_is_not_a_pods(tmp_path: Path, target: str, status: int, end: End) -> None:
    assert read(tmp_path, [access(1, 41000, target, status)], [])[41000].end is end
