"""Where output goes is tried before anything starts; a disk that fills later ends a run in order, readable."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from program import called, told

from harness.errors import OutputError, UsageError
from harness.exit_codes import ExitCode
from harness.judged_runs import judge_again
from harness.model.run import RunInfo
from harness.store import writer as room
from harness.store.output import LOCK, not_in_progress, output_folder, writable
from harness.store.reader import read_run
from harness.store.writer import RunWriter, replace_file


def names(folder: Path) -> list[str]:
    return sorted(child.name for child in folder.iterdir())


EXPERIMENT = Path(__file__).parents[3] / "fixtures" / "experiments" / "demo-quick.yaml"


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/dev/null", "no folder"),
        ("file", "it is a file and no folder"),
        ("file/below", "a part of the path is a file"),
        ("x" * 300, "its name is too long"),
        ("loop", "symbolic links are a loop"),
        ("/proc/nowhere", "no such file or folder"),
        ("full", "it is there and not empty"),
    ],
)
def test_a_folder_that_cannot_take_a_run_is_refused_before_anything_starts(
    tmp_path: Path, path: str, seen: str
) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("mine")
    said = called("run", EXPERIMENT, "--out", path, cwd=tmp_path)
    assert said.code == ExitCode.USAGE
    assert seen in said.error
    assert "writing to" in said.error
    assert (tmp_path / "file").read_text() == "precious"
    assert names(tmp_path) == ["file", "full", "loop"]
    assert names(tmp_path / "full") == ["letter"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk, which takes root")
@pytest.mark.parametrize(("options", "seen"), [("size=16k", "no space left"), ("ro", "read-only file system")])
def test_a_full_or_read_only_disk_is_refused_before_anything_starts(tmp_path: Path, options: str, seen: str) -> None:
    (tmp_path / "disk").mkdir()
    mounted = f'[ "$MOUNTED" ] || exec env MOUNTED=1 unshare --mount bash -c "mount -t tmpfs -o {options} none disk'
    said = told("run", EXPERIMENT, "--out", "disk/run", cwd=tmp_path, sh=f'{mounted} && exec \\"\\$@\\"" bash "$@"')
    assert said.code == ExitCode.USAGE
    assert "disk/run" in said.error
    assert seen in said.error


def test_a_folder_is_one_runs_alone(tmp_path: Path) -> None:
    with output_folder(tmp_path / "a" / "b") as folder:
        (folder.path / "run.json").write_text("{}")
        with pytest.raises(UsageError, match=rf"a run is in progress in it \(process {os.getpid()}\)"):
            output_folder(tmp_path / "a" / "b").__enter__()
        with pytest.raises(UsageError, match="in progress"), output_folder(folder.path, replace=True):
            pass  # as `demo` would
        with pytest.raises(UsageError, match="in progress"), not_in_progress(folder.path):
            pass  # as `report` would
        assert (folder.path / "run.json").exists()
    assert names(tmp_path / "a" / "b") == ["run.json"]
    with not_in_progress(tmp_path / "a" / "b"):
        pass


def test_a_lock_that_a_killed_run_left_holds_nobody_off(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).write_text("1\n")
    with output_folder(tmp_path / "run"), pytest.raises(UsageError), not_in_progress(tmp_path / "run"):
        pass
    assert not (tmp_path / "run").exists() or names(tmp_path / "run") == []


def test_a_refused_run_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    with output_folder(tmp_path / "a" / "b") as folder:
        (folder.path / "default").mkdir()
        (folder.path / "default" / "run.json").write_text("{}")
        (folder.path / "experiment.json").write_text("{}")
        folder.take_back()
    assert names(tmp_path) == []
    (tmp_path / "mine").mkdir()
    with output_folder(tmp_path / "mine"):
        pass
    assert names(tmp_path) == ["mine"]


def test_a_folder_for_reports_that_was_made_goes_again_where_judging_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyError), writable(tmp_path / "reports" / "new"):
        raise KeyError
    assert names(tmp_path) == []


def test_reports_are_refused_before_anything_is_judged(tmp_path: Path) -> None:
    RunWriter(tmp_path / "run", RunInfo(experiment="a", scenario="b", variant="b")).close()
    (tmp_path / "afile").write_text("precious")
    with pytest.raises(UsageError, match="afile: it is a file"):
        judge_again([tmp_path / "run"], tmp_path / "afile")
    assert not (tmp_path / "run" / "result.json").exists()


class _FullDisk:
    """A raw file on a disk with `room` bytes left: it takes what fits, then refuses."""

    def __init__(self, path: Path, room: int) -> None:
        self._file, self._room = path.open("ab", buffering=0), room

    def write(self, data: memoryview) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self._file.write(data[: self._room])
        self._room -= taken
        return taken

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)


def test_rows_that_a_full_disk_cut_off_are_taken_back(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run", RunInfo(experiment="a", scenario="b", variant="b")) as writer:
        row = b"new,0,%d,1.0,1.0,1.0,1.1,1.1,5,0,ok,200,2,web-a,,,,,,,,"
        columns = len(room.COLUMNS)
        row = row.rstrip(b",") + b"," * (columns - 14)
        writer.requests([row % 0])
        whole = writer._requests._file
        writer._requests._file = _FullDisk(tmp_path / "run" / "requests.csv", 10)  # type: ignore[assignment]
        with pytest.raises(OutputError, match=r"requests\.csv: no space left on the device\. Free space"):
            writer.requests([row % 1, row % 2])
        writer._requests._file.close()
        whole.close()
    run = read_run(tmp_path / "run")
    assert len(run.requests) == 1
    assert run.damage == ()


def test_a_file_that_cannot_be_replaced_stays_whole_and_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_file(tmp_path / "run.json", "old")

    def full(self: Path, *_: object, **__: object) -> int:
        self.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OutputError, match="no space left"):
        replace_file(tmp_path / "run.json", "new")
    assert names(tmp_path) == ["run.json"]
    assert (tmp_path / "run.json").read_text() == "old\n"


def test_a_folder_that_is_removed_meanwhile_ends_the_run_in_words(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run", RunInfo(experiment="a", scenario="b", variant="b")) as writer:
        shutil.rmtree(tmp_path / "run")
        with pytest.raises(OutputError, match="no such file or folder"):
            writer.update(finished=True)
