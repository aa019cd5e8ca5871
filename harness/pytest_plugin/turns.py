"""Several processes of one test run, or of one machine -> whose turn it is to use a cluster.

Load disturbs load: on one cluster runs are made one at a time, and sandboxes side by side only as far as the machine's
processors go. A cluster on this machine that all use, such as kind's, is removed by whoever made it, once the others
have left. The locks are the kernel's, on files, so that a process that is killed holds none.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.clusters.cluster import Cluster

_POLL_S = 0.1
_PROCESSORS_A_SANDBOX = 2


def folder() -> Path:
    """Where this user's locks are, on this machine."""
    place = Path(tempfile.gettempdir()) / f"rollout-harness-{os.getuid()}" / "turns"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


@contextmanager
def one_at_a_time(cluster: str) -> Iterator[None]:
    """Hold the cluster's turn, or one of those that sandboxes have together; waits for it."""
    names = [_name(cluster)]
    if cluster == "sandbox":
        names = [f"sandbox-{number}" for number in range(max(1, (os.cpu_count() or 1) // _PROCESSORS_A_SANDBOX))]
    with ExitStack() as held:
        while not any(_taken(held, folder() / name, fcntl.LOCK_EX) for name in names):
            time.sleep(_POLL_S)
        yield


@contextmanager
def shared(cluster: str, opened: AbstractContextManager[Cluster]) -> Iterator[Cluster]:
    """Use a cluster that is found or made, one at a time; who made it removes it when the others have left."""
    place = folder() / _name(cluster)
    making, users = place.with_suffix(".making"), place.with_suffix(".users")
    with ExitStack() as whole, ExitStack() as presence:
        with _locked(making):
            _wait(presence, users, fcntl.LOCK_SH)
            ours = whole.enter_context(opened)
        try:
            yield ours
        finally:
            if ours.standing():
                presence.close()
                with _locked(making), _locked(users):
                    whole.close()


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with ExitStack() as held:
        _wait(held, file, fcntl.LOCK_EX)
        yield


def _wait(held: ExitStack, file: Path, how: int) -> None:
    while not _taken(held, file, how):
        time.sleep(_POLL_S)


def _taken(held: ExitStack, file: Path, how: int) -> bool:
    lock = file.open("w")
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return False
    held.callback(lock.close)
    return True


def _name(cluster: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", cluster)[:100]
