"""Servers from PyPI, really stopped: what docs/servers.md says of them is what they do here."""

from __future__ import annotations

import os

import pytest
from needs import missing

from scripts.servers.stop import stop_of

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(os.geteuid() != 0 or bool(missing()), reason="needs root and what the sandbox needs"),
]


def test_uvicorn_stops_listening_closes_idle_connections_and_finishes_its_work() -> None:
    stop = stop_of("uvicorn")
    assert stop["first_process"].startswith("python")
    assert stop["listener_closed_s"] < 1.0
    assert stop["new"]["what"] == "refused"
    assert stop["idle"]["what"] == "eof"
    assert stop["idle"]["after_s"] < 1.0
    assert {fate["what"] for fate in stop["work"].values()} == {"answered"}
    assert 4.5 < stop["exit_s"] < 10.0
    assert stop["exit_code"] == 0


# A process that gets no time for 0.1 s has not heard its signal when the new connection comes.
@pytest.mark.flaky(reruns=2, only_rerun=["assert 'answered' == 'reset'"])
def test_gunicorn_with_threads_listens_to_its_end_and_resets_what_it_no_longer_accepts() -> None:
    stop = stop_of("gunicorn-gthread")
    assert {fate["what"] for fate in stop["work"].values()} == {"answered"}
    assert stop["listener_closed_s"] is None or stop["listener_closed_s"] > 4.0
    assert stop["new"]["what"] == "reset"
    assert stop["new"]["after_s"] > 4.0
