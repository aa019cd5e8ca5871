"""A name -> a sandbox that stays when the program that started it ends: up, exec, down.

What is known of it lies in a directory of its owner (mode 0700): a record, and the kubeconfig (mode 0600) unless that
was wanted elsewhere. The sandbox removes both when it ends by itself; after a `kill -9` the next `up` or `down` does.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.sandbox.errors import NotKept
from harness.sandbox.launch import (
    END_TIMEOUT_S,
    START_TIMEOUT_S,
    client_command,
    kubeconfig,
    ready_or_why,
    settings_here,
    supervisor_command,
    supervisor_environment,
)
from harness.sandbox.netns import client_addresses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sandbox.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """A kept sandbox: how to reach it. `pid` is its outermost process."""

    name: str
    pid: int
    kubeconfig: Path
    client_addresses: tuple[str, ...]


def up(name: str, kubeconfig_path: Path | None, settings: Settings) -> Info:
    """Starts a sandbox that stays, under `name`; `kubeconfig_path` None puts the kubeconfig beside its record.

    Raises:
        MachineUnfit: a program or a right is missing.
        NotKept: there is one of that name already, or the kubeconfig would overwrite a file.
        StartFailed: a component did not come up.
    """
    settings = settings_here(settings)
    if _alive(name) is not None:
        raise NotKept(f"start sandbox {name!r}", "one of that name is running", f"End it first: sandbox down {name}")
    _forget(name)
    record = _record(name)
    path = (kubeconfig_path or record.with_suffix(".kubeconfig")).absolute()
    if path.exists():
        raise NotKept(f"start sandbox {name!r}", f"{path} exists already", "Remove it, or name another file.")
    _try(path, name)
    process = subprocess.Popen(
        [*supervisor_command(), "--keep", str(record), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
        env=supervisor_environment(),
    )
    try:
        ready = _ready(process, settings)
        addresses = client_addresses(settings.nodes, settings.client_addresses)
        info = Info(name=name, pid=process.pid, kubeconfig=path, client_addresses=addresses)
        _write_private(path, json.dumps(kubeconfig(ready["control plane"]), indent=2) + "\n")
        fields = {"pid": info.pid, "born": _born(info.pid), "kubeconfig": str(path), "addresses": addresses}
        _write_private(record, json.dumps(fields))
    except BaseException:
        _kill(process.pid)
        process.wait()
        raise
    finally:
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    process.returncode = 0  # it is left running on purpose: keeps Popen from warning of it
    return info


def get(name: str) -> Info:
    """The kept sandbox of that name.

    Raises:
        NotKept: there is none.
    """
    info = _alive(name)
    if info is None:
        raise NotKept(f"find sandbox {name!r}", "none of that name is running", "Start it first: sandbox up")
    return info


def exec_argv(name: str, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` on the client host of the kept sandbox `name`.

    Raises:
        NotKept: there is none.
    """
    return client_command(get(name).pid, argv)


def down(name: str) -> None:
    """Ends the kept sandbox `name`; returns when nothing of it is left.

    Raises:
        NotKept: there is none.
    """
    info = get(name)
    _kill(info.pid)
    _forget(name)


def _ready(process: subprocess.Popen[bytes], settings: Settings) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with suppress(BrokenPipeError):
        process.stdin.write(settings.to_json().encode() + b"\n")
        process.stdin.flush()
    if not select.select([process.stdout], [], [], START_TIMEOUT_S)[0]:
        return ready_or_why(None, ())
    line = process.stdout.readline()
    stderr = () if line else process.stderr.read().decode(errors="replace").splitlines()
    return ready_or_why(json.loads(line) if line else {}, stderr)


def _alive(name: str) -> Info | None:
    try:
        known = json.loads(_record(name).read_text())
    except (OSError, ValueError):
        return None
    if _born(known["pid"]) != known["born"]:
        return None
    addresses = tuple(known["addresses"])
    return Info(name=name, pid=known["pid"], kubeconfig=Path(known["kubeconfig"]), client_addresses=addresses)


def _forget(name: str) -> None:
    """Removes the record of a sandbox that is gone, and its kubeconfig."""
    record = _record(name)
    with suppress(OSError, ValueError):
        Path(json.loads(record.read_text())["kubeconfig"]).unlink(missing_ok=True)
    record.unlink(missing_ok=True)
    with suppress(OSError):  # another one is kept here too
        record.parent.rmdir()


def _kill(pid: int) -> None:
    """Ends the supervisor below `pid` and waits for its whole PID namespace."""
    try:
        outermost = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(child), signal.SIGTERM)
    if not select.select([outermost], [], [], END_TIMEOUT_S)[0]:
        signal.pidfd_send_signal(outermost, signal.SIGKILL)
        select.select([outermost], [], [], END_TIMEOUT_S)
    os.close(outermost)
    with suppress(ChildProcessError):  # it is a child only of the program that started it
        os.waitpid(pid, os.WNOHANG)


def _born(pid: int) -> str | None:
    """When the process began, in clock ticks since boot: tells it from a later one with the same number."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]


def _directory() -> Path:
    base = os.environ.get("XDG_RUNTIME_DIR") or ("/run" if os.geteuid() == 0 else tempfile.gettempdir())
    directory = Path(base) / f"rollout-harness-{os.geteuid()}"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        owner = directory.stat().st_uid
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise NotKept("keep a sandbox", f"{directory} cannot be made ({why})", "Set XDG_RUNTIME_DIR.") from None
    if owner != os.geteuid():
        raise NotKept("keep a sandbox", f"{directory} belongs to somebody else", "Set XDG_RUNTIME_DIR.")
    return directory


def _record(name: str) -> Path:
    if not name or "/" in name or name.startswith("."):
        raise NotKept(f"name a sandbox {name!r}", "not a plain name", "Use letters, digits and dashes.")
    return _directory() / f"{name}.json"


def _try(path: Path, name: str) -> None:
    """Refuse a place that takes no file, before anything is started."""
    try:
        _write_private(path, "\n")
        path.unlink()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise NotKept(f"start sandbox {name!r}", f"{path} cannot be written ({why})", "Name another file.") from None


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
