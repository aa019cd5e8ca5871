"""Signals that end a program -> exceptions, so that what is under way is put in order first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asked the program to end; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)

    @property
    def name(self) -> str:
        """As `kill -l` has it, with its prefix."""
        return signal.Signals(self.number).name


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise `Stopped` for SIGINT, SIGTERM and SIGHUP as long as the block lasts; what is ignored stays so (nohup)."""
    before = {number: signal.getsignal(number) for number in _ENDING}
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])


def _stop(number: int, _: FrameType | None) -> None:
    raise Stopped(number)
