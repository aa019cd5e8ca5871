"""Locks between processes: whose turn it is, and who removes what all of them use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


class Made:
    """A cluster as a provider gives it: one that this process made is named by the command that removes it."""

    def __init__(self, *, made: bool) -> None:
        self._made = made

    def standing(self) -> tuple[str, ...]:
        return ("kind delete cluster",) if self._made else ()


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


def test_who_made_a_cluster_removes_it_when_the_others_have_left(tmp_path: Path) -> None:
    happened: list[str] = []

    @contextmanager
    def opened(name: str, *, made: bool) -> Iterator[Any]:
        happened.append(f"{name} came")
        yield Made(made=made)
        happened.append(f"{name} left")

    first = turns.shared("kind", opened("maker", made=True))
    first.__enter__()
    with holder_of_users(tmp_path) as other:
        assert said(other) == "in use"
        with turns.shared("kind", opened("guest", made=False)):
            pass
        assert happened == ["maker came", "guest came", "guest left"]
        leaving = leaves(first, happened)
        happened.append("other left")
        other.communicate("\n")
        leaving.join(timeout=60)
    assert happened == ["maker came", "guest came", "guest left", "other left", "maker left"]


USE = """
import fcntl, sys
with open(sys.argv[1], "w") as users:
    fcntl.flock(users, fcntl.LOCK_SH)
    print("in use", flush=True)
    sys.stdin.readline()
"""


def holder_of_users(tmp_path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", USE, str(tmp_path / "kind.users")]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def leaves(context: Any, happened: list[str]) -> Any:
    """Leave it in a thread, which waits for the others: returns once it does."""
    import threading

    waits = threading.Event()

    def wait(_: float) -> None:
        waits.set()
        threading.Event().wait(0.01)

    turns.time = type("Clock", (), {"sleep": staticmethod(wait)})  # type: ignore[assignment, attr-defined]
    thread = threading.Thread(target=lambda: context.__exit__(None, None, None))
    thread.start()
    assert waits.wait(20)
    assert happened[-1] == "guest left"
    return thread
