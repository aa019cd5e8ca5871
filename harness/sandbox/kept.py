"""The name of a kept sandbox -> what runs under it: how to reach it, and its end."""

from __future__ import annotations

import os
import re
import shlex
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.sandbox import running, state_folder
from harness.sandbox.errors import NotKept
from harness.sandbox.launch import (
    END_TIMEOUT_S,
    START_TIMEOUT_S,
    client_command,
)
from harness.sandbox.running import Running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


DEFAULT = "default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """A kept sandbox: how to reach it. `pid` is its outermost process."""

    name: str
    pid: int
    kubeconfig: Path
    client_addresses: tuple[str, ...]


def command(words: str, name: str, after: str = "") -> str:
    """A command for people: `rollout-harness sandbox WORDS`, with `--name` where that is needed."""
    named = "" if name == DEFAULT else f" --name {shlex.quote(name)}"
    return f"rollout-harness sandbox {words}{named}{after}"


def get(name: str) -> Info:
    """The kept sandbox of that name.

    Raises:
        NotKept: there is none.
    """
    found = find(name)
    if found is None:
        raise _none(name, f"Start it first: {command('up', name)}")
    return _info(found)


def exec_argv(name: str, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` on the client host of the kept sandbox `name`.

    Raises:
        NotKept: there is none.
    """
    found = find(name)
    if found is None:
        raise _none(name, f"Start it first: {command('up', name)}")
    return client_command(found.pid, found.mark.id, argv)


def down(name: str) -> bool:
    """Ends the kept sandbox `name`, also while it is being started; returns when nothing of it is left.

    False: it had ended already, and what it left was removed.

    Raises:
        NotKept: there is none.
        NotEnded: something of it does not end.
    """
    ended = False

    def end() -> None:
        nonlocal ended
        while (found := find(name)) is not None:
            state_folder.forget(found.mark)  # first: so who is starting it knows what happened
            running.end(found.mark)
            ended = True

    with locked(name, "down", until(name, lambda said: end() if said.startswith("up") else None)) as record:
        end()
        left = state_folder.forget_record(record)
    if not ended and not left:
        raise _none(name, "")
    return ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What `down_all` did: what it ended, and what it left alone and why, a sentence each."""

    ended: tuple[str, ...]
    left_alone: tuple[str, ...]


def down_all() -> Ended:
    """Ends what is kept and what nobody uses any more, by what runs and not by what is recorded.

    The sandbox of a run in progress is left alone, since it ends with that run; so is another user's.

    Raises:
        NotEnded: something does not end.
    """
    ended, left_alone = list[str](), list[str]()
    for found in running.running():
        if (why_not := _in_use(found)) is not None:
            left_alone.append(why_not)
            continue
        state_folder.forget(found.mark)
        running.end(found.mark)
        ended.append(_told(found))
        ended += [f"what ran on its client host ({client})" for client in found.clients]
    strays = [process for process in running.strays() if process.user == os.geteuid()]
    running.end_processes(process.pid for process in strays)
    ended += [f"what ran on the client host of a sandbox that is gone ({process})" for process in strays]
    for name in state_folder.names():
        word = state_folder.word_of(name)
        with suppress(NotKept):  # somebody was quicker
            if not down(name):
                how = f" ({word})" if word else ""
                ended.append(f"the record of sandbox {name}, which had ended already{how}")
    return Ended(ended=tuple(ended), left_alone=tuple(left_alone))


def _in_use(found: Running) -> str | None:
    """Why a sandbox is not ended by `down --all`; None where it is."""
    if found.user != os.geteuid():
        return f"a sandbox of user {found.user} (process {found.pid})"
    if found.mark.name is None and found.starter is not None:
        return f"the sandbox of a run in progress, which ends with it ({found.starter})"
    return None


def _told(found: Running) -> str:
    if found.mark.name is None:
        return f"the sandbox of a run whose harness is gone (process {found.pid})"
    return f"sandbox {found.mark.name} (process {found.pid})"


def find(name: str) -> Running | None:
    """The sandbox of that name and of this user's folder, found by what runs."""
    folder = str(state_folder.folder())
    wanted = [one for one in running.running() if (one.mark.name, one.mark.folder) == (name, folder)]
    return next((one for one in wanted if one.user == os.geteuid()), None)


def _info(found: Running) -> Info:
    mark = found.mark
    assert mark.name is not None
    assert mark.kubeconfig is not None
    return Info(name=mark.name, pid=found.pid, kubeconfig=Path(mark.kubeconfig), client_addresses=mark.client_addresses)


@contextmanager
def locked(name: str, doing: str, on_held: Callable[[str], None]) -> Iterator[Path]:
    if not _NAME.fullmatch(name):
        raise NotKept(
            f"naming a sandbox {name[:80]!r}",
            "that is not a valid name",
            "Use up to 63 letters, digits, dots and hyphens.",
        )
    with state_folder.locked(name, doing, on_held) as record:
        yield record


def until(name: str, held: Callable[[str], None]) -> Callable[[str], None]:
    deadline = time.monotonic() + START_TIMEOUT_S + END_TIMEOUT_S

    def waiting(said: str) -> None:
        held(said)
        if time.monotonic() > deadline:
            doing, _, pid = said.partition(" ")
            raise NotKept(
                f"locking sandbox {name!r}", f"process {pid} holds the lock ({doing})", "Look at that process."
            )

    return waiting


def end_of(name: str) -> str | None:
    """How the sandbox of that name ended by itself, in a clause; None where it runs, or nothing is known of an end."""
    if find(name) is not None:
        return None
    if (word := state_folder.word_of(name)) is not None:
        return word
    if name in state_folder.names() and not state_folder.is_locked(name):
        return "without a word: its first process was killed, by someone or because memory ran out"
    return None


def _none(name: str, do: str) -> NotKept:
    if (word := end_of(name)) is not None:
        return NotKept(f"looking for sandbox {name!r}", f"it ended by itself, {word}", do)
    others = sorted(
        {one.mark.name for one in running.running() if one.mark.name is not None and one.user == os.geteuid()}
    )
    there = f"; running: {', '.join(others)}" if others else ""
    return NotKept(f"looking for sandbox {name!r}", f"no sandbox of that name is running{there}", do)
