"""Several processes of one test run, or of one machine -> whose turn it is to use a cluster.

Load disturbs load: on one cluster runs are made one at a time, and sandboxes side by side only as far as the machine's
processors go. The locks are the kernel's, on files, so that a process that is killed holds none.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

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
        while not any(_taken(held, folder() / name) for name in names):
            time.sleep(_POLL_S)
        yield


def _taken(held: ExitStack, file: Path) -> bool:
    lock = file.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return False
    held.callback(lock.close)
    return True


def _name(cluster: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", cluster)[:100]
