"""A name -> a sandbox that stays when the program that started it ends.

Its record is written before it is started, and names the kubeconfig that goes with it. Until it is up and handed over,
it lives by a pipe from the program that starts it: whatever ends that program ends it too. Afterwards it removes its
record and its kubeconfig when it ends by itself; after a `kill -9` the next `up` or `down` does.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from harness.sandbox import running, state_folder
from harness.sandbox.errors import NotKept, StartFailed
from harness.sandbox.kept import Info, command, find, locked, until
from harness.sandbox.launch import (
    START_TIMEOUT_S,
    kubeconfig,
    ready_or_why,
    settings_here,
    supervisor_command,
    supervisor_environment,
)
from harness.sandbox.netns import client_addresses
from harness.sandbox.running import Mark
from harness.sandbox.state_folder import why
from harness.sandbox.supervisor import STAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.sandbox.settings import Settings

_KUBECONFIG_BYTES = 4096  # no sandbox' is longer


@contextmanager
def up(name: str, kubeconfig_path: Path | None, settings: Settings) -> Iterator[Info]:
    """Starts a sandbox under `name`, which stays once the block has ended well.

    `kubeconfig_path` None puts the kubeconfig beside its record.

    Raises:
        MachineUnfit: a program or a right is missing.
        NotKept: there is one of that name already, or it is being started; or a file cannot be written.
        StartFailed: a component did not come up.
    """
    with locked(name, "up", _refusing_another_start(name)) as record:
        path = _free(name, record, kubeconfig_path)
        settings = settings_here(settings)
        addresses = client_addresses(settings.nodes, settings.client_addresses)
        mark = Mark(name=name, folder=str(record.parent), kubeconfig=str(path), client_addresses=addresses)
        try:
            with _recorded(name, record, mark, path) as file, _started(mark) as process:
                config = kubeconfig(_ready(process, settings)["control plane"], mark.id)
                _write(name, path, file, json.dumps(config, indent=2) + "\n")
                yield Info(name=name, pid=process.pid, kubeconfig=path, client_addresses=addresses)
                _tell(process, STAY)
        except BaseException as error:  # wherever it was: what runs carries the mark, and the record knows the rest
            ended_meanwhile = state_folder.read(record) != mark
            running.end(mark)
            state_folder.forget_record(record)
            if ended_meanwhile and isinstance(error, StartFailed | BrokenPipeError):
                raise _ended_meanwhile(name) from None
            raise


def _free(name: str, record: Path, kubeconfig_path: Path | None) -> Path:
    """Where its kubeconfig goes; refuses a name that is taken and a path that is, and removes what a dead one left."""
    if find(name) is not None:
        raise NotKept(
            f"starting sandbox {name!r}",
            "a sandbox of that name is already running",
            f"Stop it first: {command('down', name)}",
        )
    state_folder.forget_record(record)
    path = (kubeconfig_path or record.with_suffix(".kubeconfig")).absolute()
    if os.path.lexists(path):
        raise NotKept(
            f"starting sandbox {name!r}", f"{path} exists already", "Remove it, or give another --kubeconfig."
        )
    return path


@contextmanager
def _recorded(name: str, record: Path, mark: Mark, path: Path) -> Iterator[int]:
    """Writes the record, and makes the kubeconfig's file, with room for what will be in it; gives its descriptor."""
    with ExitStack() as files:
        for file, text in ((record, mark.to_json()), (path, " " * _KUBECONFIG_BYTES)):
            try:
                descriptor = state_folder.new_file(file)
            except OSError as error:
                raise _unwritable(name, file, error) from None
            files.callback(os.close, descriptor)
            _write(name, file, descriptor, text)
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor


def _write(name: str, path: Path, file: int, text: str) -> None:
    try:
        left = text.encode()
        while left:
            left = left[os.write(file, left) :]
    except OSError as error:
        raise _unwritable(name, path, error) from None


@contextmanager
def _started(mark: Mark) -> Iterator[subprocess.Popen[bytes]]:
    """The sandbox' outermost process, which is left running."""
    process = subprocess.Popen(
        supervisor_command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
        env=supervisor_environment(mark),
    )
    with ExitStack() as pipes:
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipes.callback(_closed, pipe)
        try:
            yield process
        except BaseException:
            running.end(mark)
            process.wait()
            raise
        process.returncode = 0  # it is left running on purpose: keeps Popen from warning of it


def _closed(pipe: IO[bytes] | None) -> None:
    assert pipe is not None
    with suppress(BrokenPipeError):
        pipe.close()


def _tell(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(line + b"\n")
    process.stdin.flush()


def _ready(process: subprocess.Popen[bytes], settings: Settings) -> dict[str, Any]:
    assert process.stdout is not None
    assert process.stderr is not None
    with suppress(BrokenPipeError):
        _tell(process, settings.to_json().encode())
    if not select.select([process.stdout], [], [], START_TIMEOUT_S)[0]:
        return ready_or_why(None, ())
    line = process.stdout.readline()
    stderr = () if line else process.stderr.read().decode(errors="replace").splitlines()
    return ready_or_why(json.loads(line) if line else {}, stderr)


def _refusing_another_start(name: str) -> Callable[[str], None]:
    """While somebody else holds the lock: waits for the end of a `down`, and for nothing else."""

    def held(said: str) -> None:
        doing, _, pid = said.partition(" ")
        if doing == "up":
            do = f"Wait until it is up, or stop it: {command('down', name)}"
            raise NotKept(f"starting sandbox {name!r}", f"it is already being started by process {pid}", do)

    return until(name, held)


def _unwritable(name: str, path: Path, error: OSError) -> NotKept:
    return NotKept(f"starting sandbox {name!r}", f"{path} cannot be written ({why(error)})", "Name another file.")


def _ended_meanwhile(name: str) -> StartFailed:
    return StartFailed(
        f"starting sandbox {name!r}", "it was stopped while it was starting", f"Start it again: {command('up', name)}"
    )
