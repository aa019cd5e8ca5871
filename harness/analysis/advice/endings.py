"""Pods that were killed at the end of their grace period, and such as were not -> what lets them end well."""

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

NO_SETTING = "neither preStop, minReadySeconds nor a longer grace period cures it"
"""Of what only the application, or its client, can change."""
LED_TOO_SOON = f"the deploy changed the Service before new pods answered as it then led; {NO_SETTING}"

_ENDED = "the pods ended by themselves, with requests in hand"
_CUT = "pods that had been told to stop took requests on new connections, and cut them"
_STOOD = "the pods that were stopping left requests unanswered for longer than the client waits (read_timeout)"


def ending(measured: Measured) -> str:
    """What lets the pods end by themselves that a longer grace period does not: where some do, it is no handler that
    they lack."""
    return BOUND if measured.stopped else END


def cut_words(measured: Measured, lost: int) -> str:
    """How pods that were not killed cut the `lost` requests that they had in hand, and what settings do for that.

    A hook that outlasts them helps, where none comes on a connection that the client keeps: then no more come once the
    network has forgotten the pod.
    """
    ways = {_ENDED: lost - measured.waited - measured.cut_new, _CUT: measured.cut_new, _STOOD: measured.waited}
    did = "; ".join(way for way, number in ways.items() if number > 0)
    if measured.cut_kept or measured.answer_s is None:
        return f"{did}; {NO_SETTING}"
    return (
        f"{did}; neither minReadySeconds nor a longer grace period cures it, and of preStop only one that is longer "
        f"than the network takes to learn of the pod's end and the slowest answer ({measured.answer_s:.2f} s) together"
    )
