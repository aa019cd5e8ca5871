"""`run --resume` of what holds no run."""

from __future__ import annotations

from pathlib import Path

from program import called

from harness.store.output import LOCK


def test_a_run_that_was_killed_before_it_wrote_anything_is_to_be_started_again(tmp_path: Path) -> None:
    (run := tmp_path / "killed").mkdir()
    (run / LOCK).write_text("1\n")
    for words in ((), ("shop.yaml",)):
        said = called("run", *words, "--resume", run).error
        assert "nothing was recorded: the run was killed before it began. Start it again: rollout-harness run" in said
        assert said.endswith(f"--out {run}")


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert "there is no such folder" in called("run", "--resume", tmp_path / "none").error
    (tmp_path / "file").touch()
    assert "it is a file, not a folder" in called("run", "--resume", tmp_path / "file").error
