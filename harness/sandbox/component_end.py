"""How a component of the sandbox ended -> words: its exit status or signal, and the last that it wrote."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

_LAST_LINES = 12
_SHOWN_LINES = 3
_VMSTAT = Path("/proc/vmstat")


def processes_killed_for_memory() -> int:
    """How many processes the kernel has killed for want of memory since it runs; 0 where it does not say."""
    with suppress(OSError, ValueError):
        for line in _VMSTAT.read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def how(status: int, *, memory_was_short: bool = False) -> str:
    """What a wait status says. `memory_was_short`: the kernel killed something for want of memory meanwhile.

    >>> how(0x100), how(9)
    ('ended with status 1', 'was killed by SIGKILL')
    """
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"ended with status {code}"
    name = signal.Signals(-code).name
    why = ", as the kernel does where memory runs out" if memory_was_short and code == -signal.SIGKILL else ""
    return f"was killed by {name}{why}"


def last_lines(log: Path) -> list[str]:
    """The last lines of what a component wrote on its standard error."""
    return log.read_text(errors="replace").splitlines()[-_LAST_LINES:]


def sentence(told: dict[str, Any]) -> str:
    """What a supervisor told of a component's end (`component`, `how`, `stderr`), in words."""
    written = [line.strip() for line in told.get("stderr", ()) if line.strip()]
    last = f" ({' | '.join(written[-_SHOWN_LINES:])})" if written else ""
    return f"{told['component']} {told['how']}{last}"
