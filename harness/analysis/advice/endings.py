"""Pods that were killed at the end of their grace period, and such as were not -> what lets them end by themselves."""

from __future__ import annotations

from harness.model.advice import Measured

END = (
    "the application ending by itself at its stop signal, within its grace period: a handler for that signal, since "
    "the first process of a container (PID 1) ignores one without, and the application as that process (command in "
    "exec form), since a shell before it passes no signal on; where it drains on purpose, a grace period longer than "
    "that"
)
UNENDING = (
    "the application does not end at its stop signal, and a longer grace period only puts that off, unless it is meant "
    "to serve on for longer than that"
)

BOUND = (
    "a bound, shorter than the grace period, to what it waits for before it ends (idle connections, work that hangs)"
)


def ending(measured: Measured) -> str:
    """What lets the pods end by themselves that a longer grace period does not: where some do, it is no handler that
    they lack."""
    return BOUND if measured.stopped else END
