"""A module of the sandbox and its arguments -> a process that runs it: a copy of one that has loaded it already.

To load what a component is costs more than all that it does until it is up, and most of it is the same for each. So the
supervisor loads it once, and forks, while it has neither threads nor an event loop. To whoever looks from outside the
process is what `python -m MODULE ARGUMENTS` would be: by its command line, its streams, its signals, its end.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from harness.sandbox.own_namespace import NEW_NETWORK, enter

if TYPE_CHECKING:
    from collections.abc import Sequence

# The last argument of the process that forks: a command line can be written anew only where it stands, and this makes
# it as long as the longest. What is longer is cut off: it is for people, who find by its beginning what they look for.
ROOM: Final = " " * 160


@dataclass(slots=True, kw_only=True)
class Component:
    """A process of the sandbox and what it said when it was ready (None: not yet). `stdout`: the end to read from."""

    name: str
    pid: int
    stdout: int
    stderr: Path
    ready: dict[str, Any] | None = None
    output: bytes = field(default=b"")

    def read(self) -> bool:
        """Takes what the component wrote on its stdout; False at its end."""
        chunk = os.read(self.stdout, 65536)
        *lines, self.output = (self.output + chunk).split(b"\n")
        for line in lines:
            if self.ready is None and line.startswith(b"{"):
                self.ready = json.loads(line).get("ready")
        return bool(chunk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a component is: a module with a `main`, its arguments, and the network namespace that it lives in, if any
    but the supervisor's own."""

    name: str
    module: str
    arguments: tuple[str, ...]
    network: Path | None = None


def load(modules: Sequence[str]) -> None:
    """Loads what the components will be, for all of them."""
    gc.disable()  # nothing of it is ever garbage
    # As it is loaded, aiohttp takes in all authorities that the machine trusts, a tenth of all that this costs; nothing
    # of a sandbox asks for them. The name is OpenSSL's: SSL_CTX_set_default_verify_paths(3).
    os.environ["SSL_CERT_FILE"] = os.devnull
    for module in modules:
        importlib.import_module(module)
    del os.environ["SSL_CERT_FILE"]
    gc.freeze()  # nor looked at again: that would copy the memory that all share
    gc.enable()


def start(plan: Plan, stderr: Path) -> Component:
    """Starts it, with its standard error in that file."""
    module = importlib.import_module(plan.module)
    reading, writing = os.pipe()
    sys.stdout.flush()
    every = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    pid = os.fork()
    if pid == 0:
        _run(plan, module.main, writing, stderr, every)
    signal.pthread_sigmask(signal.SIG_SETMASK, every)
    os.close(writing)
    return Component(name=plan.name, pid=pid, stdout=reading, stderr=stderr)


def _run(plan: Plan, main: Any, stdout: int, stderr: Path, signals: set[Any]) -> NoReturn:
    """The whole life of the new process; nothing of it goes back into what it was forked from."""
    status = 1
    try:
        _streams(stdout, stderr)
        _signals(signals)
        os.chdir("/")
        sys.argv = [plan.module, *plan.arguments]
        sys.orig_argv = [sys.executable, "-m", plan.module, *plan.arguments]
        _show(sys.orig_argv)
        if plan.network is not None:
            enter(os.open(plan.network, os.O_RDONLY | os.O_CLOEXEC), NEW_NETWORK, str(plan.network))
        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)


def _streams(stdout: int, stderr: Path) -> None:
    """Its own streams, and no other descriptor: not those by which the supervisor hears of the others' end."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(stdout, 1)
    os.dup2(os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
    # A container may be allowed a billion descriptors: too many to try to close each.
    for descriptor in sorted(int(one.name) for one in Path("/proc/self/fd").iterdir()):
        if descriptor > 2:
            with suppress(OSError):  # that by which the folder was read
                os.close(descriptor)


def _signals(unblocked: set[Any]) -> None:
    """As a program finds them when it begins."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)


def _show(command: Sequence[str]) -> None:
    """Writes the command line that others see of this process, where its own stands: proc(5), `cmdline`."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = int(fields[45]), int(fields[46])  # arg_start and arg_end
    if 0 < begin < end:
        text = b"\0".join(map(os.fsencode, command))[: end - begin - 1]
        ctypes.memmove(begin, text.ljust(end - begin, b"\0"), end - begin)
