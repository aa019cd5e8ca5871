"""`rollout-harness trace diff`: exit codes, and what is said where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import main
from tests.unit.traces.literal import rows
from tests.unit.traces.test_invariants import ROLLING


def written(path: Path, text: str) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(text)))
    return str(path)


def trace(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["rollout-harness", "trace", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_same_is_0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = written(tmp_path / "a", ROLLING), written(tmp_path / "b", ROLLING)
    assert trace(monkeypatch, "diff", a, b) == 0
    assert capsys.readouterr().out.endswith("The same in all that must hold.\n")


def test_a_difference_in_what_must_hold_is_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a = written(tmp_path / "a", ROLLING)
    b = written(tmp_path / "b", ROLLING.replace("11.1 slice a=terminating b=ready\n", ""))
    assert trace(monkeypatch, "diff", a, b, "--only-differences", "--width", "80") == 1
    shown = capsys.readouterr().out.splitlines()
    assert "! web-r1-*" in shown
    assert "    ready false, terminating true        <" in shown


_POD = '{"t": %s, "kind": "Pod", "type": "ADDED", "object": {"metadata": {"name": "a", "uid": "u"}%s}}\n'


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"\x00\xff\x00",
        b'{"t": 0}\n',
        b"no trace\n",
        b"[" * 100_000 + b"\n",
        (_POD % ("NaN", "")).encode(),
        (_POD % ("1", ', "status": 5')).encode(),
        (_POD % ("1", ', "status": {"conditions": [5]}')).encode(),
    ],
)
def test_what_cannot_be_read_is_2_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    a, bad = written(tmp_path / "a", ROLLING), tmp_path / "bad"
    if content is not None:
        bad.write_bytes(content)
    assert trace(monkeypatch, "diff", a, str(bad)) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"error: reading {bad}")
    assert len(told.err.splitlines()) == 1


def test_a_recording_without_marks_cannot_be_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = written(tmp_path / "recorded", ROLLING)
    assert trace(monkeypatch, "replay", recorded, "--out", str(tmp_path / "out")) == 2
    assert "its first mark is not `create` with a manifest" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_no_file_is_left_of_a_recording_that_could_not_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert trace(monkeypatch, "record", "--namespace", "default", "--cluster", "context:none", "--out", str(out)) == 2
    assert "there is no kubeconfig" in capsys.readouterr().err
    assert not out.exists()


def test_a_file_that_is_there_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = written(tmp_path / "there", ROLLING)
    assert trace(monkeypatch, "record", "--namespace", "default", "--cluster", "context:none", "--out", there) == 2
    assert "Name a file that does not exist." in capsys.readouterr().err
