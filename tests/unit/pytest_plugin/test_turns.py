"""Locks between processes: whose turn it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.pytest_plugin import turns

HOLD = """
import sys
from pathlib import Path
from harness.pytest_plugin import turns
turns.folder = lambda: Path(sys.argv[1])
with turns.one_at_a_time(sys.argv[2]):
    print("mine", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def _folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(turns, "folder", lambda: tmp_path)


def holder(tmp_path: Path, cluster: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(tmp_path), cluster]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_cluster_is_used_by_one_process_at_a_time_even_after_a_kill(tmp_path: Path) -> None:
    with holder(tmp_path, "context:a") as first, holder(tmp_path, "context:b") as elsewhere:
        assert said(first) == "mine"
        assert said(elsewhere) == "mine"
        elsewhere.communicate("\n")
        with holder(tmp_path, "context:a") as second:
            first.kill()
            assert said(second) == "mine"
            second.communicate("\n")


def test_sandboxes_have_as_many_turns_as_the_processors_allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns.os, "cpu_count", lambda: 4)
    with turns.one_at_a_time("sandbox"), turns.one_at_a_time("sandbox"):
        assert sorted(file.name for file in tmp_path.iterdir()) == ["sandbox-0", "sandbox-1"]
