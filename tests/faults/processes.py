"""/proc -> which processes belong to a run, and which of them are still there."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

Known: TypeAlias = "dict[int, str]"
"""Process ids, each with the moment at which it began, which tells it from a later one of the same number."""


def _stat(pid: int) -> list[str]:
    """The fields after the name; empty where it is gone or only waits to be reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [] if fields[0] in ("Z", "X") else fields


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        if fields := _stat(int(place.name)):
            found.setdefault(int(fields[1]), []).append(int(place.name))
    return found


def tree(pid: int) -> Known:
    """The process and all below it."""
    children, found = _children(), [pid]
    for one in found:
        found += children.get(one, [])
    return {one: fields[19] for one in found if (fields := _stat(one))}


def alive(known: Known) -> list[int]:
    """Those that are still there."""
    return [pid for pid, born in known.items() if (fields := _stat(pid)) and fields[19] == born]


def command(pid: int) -> str:
    """Its command line, words apart by a space."""
    try:
        return (Path(f"/proc/{pid}/cmdline").read_bytes()).replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def load_workers(above: int) -> list[int]:
    """The load workers among all below a process, innermost only: what wraps one is none."""
    below = tree(above)
    workers = [pid for pid in below if "harness.load" in command(pid)]
    parents = {int(fields[1]) for pid in below if (fields := _stat(pid))}
    return [pid for pid in workers if pid not in parents]


def found(above: int, part: str) -> int:
    """The innermost process below `above` whose command line contains `part`."""
    return max(pid for pid in tree(above) if part in command(pid))


def waits_s() -> float:
    """For how long, since the machine started, some process had to wait for a processor; 0 where it is not told.

    https://docs.kernel.org/accounting/psi.html
    """
    try:
        some = Path("/proc/pressure/cpu").read_text().splitlines()[0]
    except OSError:
        return 0.0
    return int(some.rpartition("=")[2]) / 1e6
