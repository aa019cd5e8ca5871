"""What HAProxy wrote of a request is found by who asked, and says how it ended behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox.instruments.truth.proxied import End, Log, Passed, by_haproxy

POD, ZERO = "10.244.1.7:8080", 1000.0


def line(**fields: Any) -> str:
    """A line of its log; by default of an answered request, one second after the run's zero."""
    told = {"wall_ms": 1001000, "took_ms": 3, "server": POD, "status": 200, "end": "--", "retries": "0"}
    told |= {"client_port": "41000", "source": "10.204.1.1", "source_port": "50000", "kind": "http-balancer"}
    return json.dumps(told | fields)


def read(tmp_path: Path, *lines: str) -> tuple[Passed, ...]:
    log = tmp_path / "haproxy.jsonl"
    log.write_text("\n".join(lines) + "\n")
    return by_haproxy([log], ZERO)


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({}, End.ANSWERED),
        ({"status": 503}, End.ANSWERED),  # the application's own
        ({"status": 503, "end": "SC"}, End.REFUSED),
        ({"status": 504, "end": "sC"}, End.UNCONNECTED),
        ({"status": 502, "end": "SH"}, End.CLOSED),
        ({"status": 200, "end": "SD"}, End.CUT),
        ({"status": 504, "end": "sH"}, End.LATE),
        ({"status": 503, "end": "KD"}, End.DRAINED),
        ({"status": -1, "end": "K-"}, End.UNCONNECTED),  # cut while it was connecting still
        ({"status": 503, "end": "LR", "server": "<NOSRV>"}, End.NO_TARGET),
        ({"status": 404, "end": "LR", "server": "<NOSRV>"}, End.TURNED_AWAY),
    ],
)
def test_two_letters_tell_how_it_ended(tmp_path: Path, fields: dict[str, Any], end: End) -> None:
    (one,) = read(tmp_path, line(**fields))
    assert one.end is end
    assert (one.target is None) == ("server" in fields)


def test_times_are_the_runs_and_a_connection_that_nobody_made_has_no_end(tmp_path: Path) -> None:
    (one,) = read(tmp_path, line(took_ms=250, end="SC", source="-", source_port="-", retries="+1"))
    assert (one.began, one.ended) == (pytest.approx(1.0), pytest.approx(1.25))
    assert (one.source, one.target, one.tries) == (None, ("10.244.1.7", 8080), 2)


def test_a_connection_is_reused_after_an_answer_on_it_alone(tmp_path: Path) -> None:
    times = {name: {"wall_ms": 1001000 + 10 * at} for at, name in enumerate(("first", "kept", "cut", "anew", "other"))}
    told = read(
        tmp_path,
        line(**times["first"]),
        line(**times["kept"]),
        line(**times["cut"], end="SH", status=502),
        line(**times["anew"]),
        line(**times["other"], source_port="50001"),
    )
    assert [one.reused for one in told] == [False, True, True, False, False]


def test_a_request_is_found_by_its_port_and_time(tmp_path: Path) -> None:
    log = Log(read(tmp_path, line(), line(wall_ms=1002000), line(wall_ms=1001500, client_port="41001")))
    found = log.of(41000, 1.0005, 1.01)  # heard of before, by clocks of whole milliseconds
    assert found is not None
    assert found.began == pytest.approx(1.0)
    assert log.of(41000, 1.2, 1.3, until=1.9) is None  # the next one is another's
    assert log.of(41000, 1.99, 7.0) is not None
    assert log.of(41000, 3.0, 3.1) is None
    assert log.of(42000, 1.0, 1.1) is None
