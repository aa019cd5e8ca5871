"""A process with a plan on its stdin, or in the file that its arguments name, into a worker that has followed it."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from harness.load.capacity import able
from harness.load.plan import PlanError, read_plan
from harness.load.ports import SourceAddressError, check_sources
from harness.load.punctual import more_descriptors, take_precedence
from harness.load.records import Refusal, ability_line, refusal_line
from harness.load.worker import follow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the worker; 0, or 2 with one line where the plan cannot be followed.

    With a file, as in a Pod, nobody writes to its stdin, and it first finds out what it can do there.
    """
    in_pod = bool(arguments)
    try:
        plan = read_plan(_file(arguments[0]) if in_pod else _read_line(0))
        check_sources(plan)
    except (OSError, PlanError, SourceAddressError) as error:
        print(error, file=sys.stderr)
        return 2
    more_descriptors()
    take_precedence()
    if in_pod:
        found = able(plan, loop_factory=_loop_factory())
        if isinstance(found, Refusal):
            print(refusal_line(found), flush=True)
            return 2
        print(ability_line(found), flush=True)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(follow(plan, stdout=1, stdin=None if in_pod else 0))
    return 0


def _file(path: str) -> str:
    with open(path, encoding="utf-8") as opened:  # noqa: PTH123 - pathlib takes longer to import than all of the plan
        return opened.read()


def _read_line(descriptor: int) -> str:
    """The first line, byte-exact: no buffered reader, which a thread at exit would deadlock on."""
    text = bytearray()
    while not text.endswith(b"\n") and (more := os.read(descriptor, 65536)):
        text += more
    return text.decode()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.new_event_loop
    return new_event_loop
