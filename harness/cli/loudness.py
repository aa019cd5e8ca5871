"""`--quiet` and `--verbose` of a command that measures or judges -> how much it says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import Annotated

import typer

from harness.errors import UsageError


class Loudness(Enum):
    """How much is said: the verdicts alone, what people want to see, or all that there is."""

    QUIET = "--quiet"
    USUAL = ""
    VERBOSE = "--verbose"


_now: ContextVar[Loudness] = ContextVar("loudness", default=Loudness.USUAL)


def loudness() -> Loudness:
    """How much this command says."""
    return _now.get()


def as_usual() -> None:
    """Begin a command: it says what people want to see, until its own options say otherwise."""
    _now.set(Loudness.USUAL)


@contextmanager
def at(wanted: Loudness) -> Iterator[None]:
    """That loud inside the block."""
    before = _now.set(wanted)
    try:
        yield
    finally:
        _now.reset(before)


def _quiet(wanted: bool) -> bool:
    return _chosen(Loudness.QUIET, wanted)


def _verbose(wanted: bool) -> bool:
    return _chosen(Loudness.VERBOSE, wanted)


def _chosen(named: Loudness, wanted: bool) -> bool:
    if wanted and loudness() not in (Loudness.USUAL, named):
        raise UsageError(f"reading {named.value}", f"{loudness().value} is given too", "Give one of them.")
    if wanted:
        _now.set(named)
    return wanted


Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="No progress, and one line for each verdict; warnings and errors are still printed.",
        callback=_quiet,
        expose_value=False,
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        help="Every scenario in full, progress every second, and what caused an error.",
        callback=_verbose,
        expose_value=False,
    ),
]
"""Options of a command that measures or judges. They are kept here, and so its function need not use them."""
