"""`--cluster kind` from end to end: kind and Docker play back what the real ones said, a sandbox is the cluster."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kind_playback import Playback

sys.path.append(str(Path(__file__).parents[1] / "e2e"))
from kind_rollouts import TESTS

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(300)]

CREATE = "kind create cluster --name rollout-harness --config - --kubeconfig <tmp>"


@pytest.fixture
def playback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Playback]:
    place = Path(tempfile.mkdtemp(prefix="kind-"))  # sockets lie in it: no path of pytest's is short enough
    played = Playback(place / "bin", "kind docker")
    (place / "tmp").mkdir()
    for name, value in (("PATH", played.path), ("TMPDIR", str(place / "tmp")), ("KUBECONFIG", str(place / "config"))):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("KIND_EXPERIMENTAL_PROVIDER", raising=False)
    yield played
    assert played.unexpected == []
    assert played.clusters == {}
    shutil.rmtree(place)


def test_two_workers_of_xdist_share_one_cluster_that_one_makes_and_the_last_removes(
    pytester: pytest.Pytester, playback: Playback
) -> None:
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("-n", "2", "--rollout-cluster=kind", timeout=280)
    result.assert_outcomes(passed=2)
    changed = [call for call in playback.calls if call.startswith(("kind create", "kind delete", "kind load"))]
    load = "kind load image-archive <tmp> --name rollout-harness"
    assert changed == [CREATE, load, load, "kind delete cluster --name rollout-harness --kubeconfig <tmp>"]
    assert sum(call.startswith("kind export kubeconfig") for call in playback.calls) == 1


def test_sigterm_while_the_cluster_is_being_made_leaves_nothing(
    playback: Playback, repository: Path, tmp_path: Path
) -> None:
    playback.trouble("kind create cluster", hangs=True)
    demo = [sys.executable, "-m", "harness", "demo", "--quick", "--cluster", "kind", "--out", str(tmp_path / "run")]
    with subprocess.Popen(demo, stderr=subprocess.PIPE, text=True, cwd=repository) as process:
        end = time.monotonic() + 60
        while not playback.clusters:
            assert time.monotonic() < end, process.poll()
            os.sched_yield()
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 128 + signal.SIGTERM, said
    assert "SIGTERM: cleaning up; once more to skip" in said
    assert not (tmp_path / "run").exists()
