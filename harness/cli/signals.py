"""Signals that end a program -> exceptions, so that what is under way is put in order first."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_READER_S = 1.0
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
    with _heeded(_stop):
        yield


@contextmanager
def first_and_second(
    first: Callable[[signal.Signals], None], second: Callable[[signal.Signals], None]
) -> Iterator[None]:
    """Call `first` at the first of these signals and `second` at each later one; what is ignored stays so (nohup).

    At once, whatever the program waits for. A hang-up that follows a hang-up is the same one, told by the kernel and by
    the shell.
    """
    seen: list[int] = []

    def take(number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP and seen[-1:] == [number]:
            return
        seen.append(number)
        (first if len(seen) == 1 else second)(signal.Signals(number))

    with _heeded(take):
        yield


def write_unbuffered(lines: Iterable[str]) -> None:
    """Lines on standard error past all buffers, as a signal handler may; whoever does not read is not waited for."""
    text = "".join(f"{line}\n" for line in lines).encode(errors="backslashreplace")
    with suppress(OSError, ValueError):
        if select.select([], [2], [], _READER_S)[1]:
            os.write(2, text)


@contextmanager
def _heeded(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _ENDING}
    heeded = [number for number, known in before.items() if known is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])


def _stop(number: int, _: FrameType | None) -> None:
    raise Stopped(number)
