"""A container's `terminationMessagePath` -> a file for its last words, and what the status says of them at its end.

Source: kubernetes `pkg/kubelet/kuberuntime` (getTerminationMessage), kubernetes.io/docs/tasks/debug/debug-application/
determine-reason-pod-failure.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from harness.sandbox.kubelet.runtime_spec import Mount

if TYPE_CHECKING:
    from harness.sandbox.kubelet.logs import Log
    from harness.sandbox.kubelet.records import Object

DEFAULT_PATH = "/dev/termination-log"
_MOST_BYTES, _MOST_OF_LOG_BYTES, _MOST_LINES = 4096, 2048, 80
_MODE = 0o666  # whoever the container runs as writes it


def message_mount(container: Object, directory: Path) -> Mount:
    """A new, empty file below `directory`, where the container is to see it."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "termination-log"
    file.write_bytes(b"")
    file.chmod(_MODE)
    path = os.path.normpath(container.get("terminationMessagePath") or DEFAULT_PATH)
    return Mount(source=file, path=path, read_only=False)


def message(container: Object, file: Path, log: Log, exit_code: int) -> str:
    """The last of the file; where that is empty and the container failed, of its log, if the policy says so."""
    with file.open("rb") as opened:
        opened.seek(max(file.stat().st_size - _MOST_BYTES, 0))
        text = opened.read(_MOST_BYTES)
    if not text and exit_code and container.get("terminationMessagePolicy") == "FallbackToLogsOnError":
        lines = log.last(_MOST_LINES)
        text = b"".join(line.text + b"\n" for line in lines)[-_MOST_OF_LOG_BYTES:]
    return text.decode(errors="replace")
