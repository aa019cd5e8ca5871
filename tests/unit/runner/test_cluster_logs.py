"""The logs of a cluster's nodes come into a run's folder without what is secret, or it is told why not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import ClusterError
from harness.redaction import door
from harness.runner.cluster_logs import keep_logs
from harness.store import cluster_logs

pytestmark = pytest.mark.anyio

SECRET = "a-password-of-somebody"


def cluster(files: dict[str, str] | None, error: ClusterError | None = None) -> Any:
    """One whose nodes logged this; with None it is somebody else's."""

    async def export_logs(folder: Path) -> bool:
        if error is not None:
            raise error
        for name, text in (files or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        if files:
            (folder / "link").symlink_to("/etc/passwd")
        return files is not None

    return SimpleNamespace(export_logs=export_logs)


def texts(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


async def test_they_are_written_without_secrets_and_it_is_told_where(tmp_path: Path) -> None:
    door().learn(SECRET)
    told: list[str] = []
    logged = {"node/kubelet.log": f"started\nwith {SECRET}\n", "docker-info.txt": "Server:\n"}
    await keep_logs(cluster(logged), tmp_path, told.append)
    written = texts(tmp_path)
    assert set(written) == {"cluster-logs/node/kubelet.log", "cluster-logs/docker-info.txt"}
    assert written["cluster-logs/node/kubelet.log"].startswith("started\nwith <redacted ")
    assert SECRET not in "".join(written.values())
    assert told == [f"the logs of the cluster's nodes are in {tmp_path / 'cluster-logs'}"]


async def test_of_a_long_one_the_end_is_kept_from_the_first_whole_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_logs, "MOST_BYTES", 12)
    await keep_logs(cluster({"journal.log": "first line\nsecond\nthird\n"}), tmp_path, print)
    assert (tmp_path / "cluster-logs" / "journal.log").read_text() == "third\n"


async def test_of_somebody_elses_cluster_nothing_is_written_or_told(tmp_path: Path) -> None:
    told: list[str] = []
    await keep_logs(cluster(None), tmp_path, told.append)
    assert (told, texts(tmp_path)) == ([], {})


async def test_what_cannot_be_had_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    await keep_logs(
        cluster({}, ClusterError("running `kind export logs`", "no room", "Free some.")), tmp_path, told.append
    )
    assert told == [
        "mind: the logs of the cluster's nodes could not be had: running `kind export logs`: no room. Free some."
    ]
