"""This machine's processes -> the sandboxes that run on it, by a mark that each carries in its environment.

A record can be lost with its folder, and who starts a sandbox can be killed before anything is recorded; the mark is
there as long as there is something to end. What a sandbox has else (network namespaces, mounts) belongs to its
processes alone and goes with the last of them.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
import uuid
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from harness.sandbox.errors import NotEnded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MARK, CLIENT_MARK = "ROLLOUT_HARNESS_SANDBOX", "ROLLOUT_HARNESS_CLIENT"
_END_TIMEOUT_S, _FOLLOW_TIMEOUT_S = 10.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a sandbox tells of itself: its `id`, which no other has, and how to reach and to name it.

    `starter`: the `identity` of who started it. `name`, `folder` and `kubeconfig` are those of one that is kept.
    """

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    starter: str = field(default_factory=lambda: identity(os.getpid()) or "")
    name: str | None = None
    folder: str | None = None
    kubeconfig: str | None = None
    client_addresses: tuple[str, ...] = ()

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """The inverse of `to_json`; None where it is something else."""
        try:
            fields = json.loads(text)
            addresses = tuple(map(str, fields.pop("client_addresses")))
            given = {key: None if value is None else str(value) for key, value in fields.items()}
            return cls(**given, client_addresses=addresses)  # type: ignore[arg-type]
        except (ValueError, TypeError, KeyError, AttributeError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process of this machine, as it was when it was looked at."""

    pid: int
    parent: int
    user: int
    mark: Mark | None
    client_of: str | None
    command: str

    def __str__(self) -> str:
        return f"process {self.pid}: {self.command}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A sandbox that runs: its outermost processes, of which there is one once it is up.

    `starter`: who started it, where that still runs. `clients`: what was started on its client host from outside.
    """

    mark: Mark
    outermost: tuple[Process, ...]
    clients: tuple[Process, ...]
    starter: Process | None

    @property
    def pid(self) -> int:
        """The process through which it is reached."""
        return self.outermost[0].pid

    @property
    def user(self) -> int:
        """Whose it is."""
        return self.outermost[0].user


def born(pid: int) -> str | None:
    """When the process began, in clock ticks since boot: tells it from a later one with the same number."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else fields[19]


def identity(pid: int) -> str | None:
    """What tells the process from every other of this machine, whichever PID namespace looks at it: many may begin in
    one clock tick, so its number in its own namespace goes with that."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    numbers = next((line.split() for line in lines if line.startswith("NSpid:")), [str(pid)])
    began = born(pid)
    return None if began is None else f"{began}.{numbers[-1]}"


def running() -> tuple[Running, ...]:
    """All sandboxes of which a process runs."""
    seen = {process.pid: process for process in processes()}
    marks = {process.mark.id: process.mark for process in seen.values() if process.mark is not None}
    return tuple(_running(mark, seen) for mark in marks.values())


def strays() -> tuple[Process, ...]:
    """What was started on the client host of a sandbox that is gone."""
    seen = tuple(processes())
    there = {process.mark.id for process in seen if process.mark is not None}
    mine = _own_line({process.pid: process for process in seen})
    return tuple(
        one for one in seen if one.client_of is not None and one.client_of not in there and one.pid not in mine
    )


def end(mark: Mark) -> None:
    """Ends the sandbox with this mark, and what was started on its client host; returns when nothing is left.

    The kernel ends with a PID namespace's first process all that is in it. That is killed first: its parent, the
    outermost, then takes its end in and ends itself, so that no zombie is left to an init that may not look after it.

    Raises:
        NotEnded: something of it does not end.
    """
    deadline, before = time.monotonic() + _END_TIMEOUT_S, set[int]()
    while (found := _with(mark)) is not None:
        outermost = [process.pid for process in found.outermost]
        if time.monotonic() > deadline:
            raise _not_ended(outermost)
        inner = [pid for process in outermost for pid in _children(process)]
        clients = [process.pid for process in found.clients]
        now = [pid for pid in outermost if pid in before or not inner]
        end_processes([*inner, *clients, *now], [pid for pid in outermost if pid not in now])
        before = set(outermost)


def _with(mark: Mark) -> Running | None:
    """The sandbox with this mark, where it runs."""
    return next((one for one in running() if one.mark.id == mark.id), None)


def end_processes(pids: Iterable[int], following: Iterable[int] = ()) -> None:
    """Kills those of the processes that carry a mark, and waits until they are gone.

    `following`: those that are expected to end then, for which it waits a while.

    Raises:
        NotEnded: one of the killed does not end.
    """
    with ExitStack() as held:
        killed = {descriptor: pid for pid in pids if (descriptor := _held(pid, held)) is not None}
        waiting = {descriptor: pid for pid in following if (descriptor := _held(pid, held)) is not None}
        for descriptor in killed:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        left = _left(killed, _END_TIMEOUT_S)
        _left(waiting, _FOLLOW_TIMEOUT_S)
    for pid in (*killed.values(), *waiting.values()):
        with suppress(ChildProcessError):  # it is a child only of the program that started it
            os.waitpid(pid, os.WNOHANG)
    if left:
        raise _not_ended([killed[descriptor] for descriptor in left])


def _held(pid: int, held: ExitStack) -> int | None:
    """A descriptor of the process, which cannot become another one any more; None where it carries no mark."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    held.callback(os.close, descriptor)
    known = _process(pid)
    return descriptor if known is not None and (known.mark is not None or known.client_of is not None) else None


def _left(descriptors: Iterable[int], timeout_s: float) -> list[int]:
    """Those of the processes that have not ended in that time."""
    deadline, left = time.monotonic() + timeout_s, list(descriptors)
    while left and (rest := deadline - time.monotonic()) > 0:
        ended, _, _ = select.select(left, [], [], rest)
        left = [descriptor for descriptor in left if descriptor not in ended]
    return left


def _not_ended(pids: list[int]) -> NotEnded:
    said = ", ".join(map(str, pids))
    return NotEnded(
        "end the sandbox",
        f"killed, and still there: {said}",
        f"Look at it: ps -o pid,stat,args -p {said.replace(' ', '')}",
    )


def _running(mark: Mark, seen: dict[int, Process]) -> Running:
    own = {process.pid for process in seen.values() if process.mark is not None and process.mark.id == mark.id}
    outermost = tuple(seen[pid] for pid in sorted(own) if seen[pid].parent not in own)
    parents = {process.parent for process in outermost}
    starters = [_process(pid) for pid in parents if identity(pid) == mark.starter]
    mine = _own_line(seen)
    clients = tuple(one for one in seen.values() if one.client_of == mark.id and one.pid not in mine)
    return Running(
        mark=mark, outermost=outermost, clients=clients, starter=next((one for one in starters if one), None)
    )


def _own_line(seen: dict[int, Process]) -> set[int]:
    """This process and those above it: a shell on a client host that ends its sandbox does not end itself."""
    line, pid = set[int](), os.getpid()
    while pid and pid not in line:
        line.add(pid)
        found = seen.get(pid) or _process(pid)
        pid = 0 if found is None else found.parent
    return line


def processes() -> Iterator[Process]:
    """Every process that this one may look into."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (found := _process(int(entry.name))) is not None:
            yield found


def _process(pid: int) -> Process | None:
    """The process; None where it has ended, or belongs to somebody else."""
    place = Path(f"/proc/{pid}")
    try:
        environment = (place / "environ").read_bytes()
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        user = place.stat().st_uid
        command = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return None
    if fields[0] in ("Z", "X"):
        return None
    values = dict(line.split(b"=", 1) for line in environment.split(b"\0") if b"=" in line)
    mark, client = values.get(MARK.encode()), values.get(CLIENT_MARK.encode())
    return Process(
        pid=pid,
        parent=int(fields[1]),
        user=user,
        mark=None if mark is None else Mark.from_json(mark.decode(errors="replace")),
        client_of=None if client is None else client.decode(errors="replace"),
        command=command,
    )


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
