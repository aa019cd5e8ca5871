"""Pods that were killed though they had had the time to end -> a note, where nobody lost a call by it so far.

A process that is deaf to its stop signal (a shell as PID 1 that does not pass it on) loses nothing as long as it has
nothing in hand when it is killed, and hides what it would cost: each old pod stays for its whole grace period.
"""

from __future__ import annotations

from harness.analysis.advice.cures import pods
from harness.analysis.advice.endings import ending
from harness.analysis.advice.remedies import lost_by
from harness.model.advice import Sizing
from harness.model.quantity import things
from harness.model.result import Cause


def unended(found: Sizing) -> str:
    """What to say of pods that took no notice of their stop signal; empty where there were none, or where advice tells
    it, because requests were cut by that."""
    measured = found.measured
    cut = bool(measured.causes) and lost_by(measured, Cause.IN_FLIGHT_KILL)
    if not measured.killed_unending or measured.hurried or cut:
        return ""
    others = f"; {things(measured.stopped, 'other')} ended before" if measured.stopped else ""
    return (
        f"{pods(measured.killed_unending)} killed when the grace period of {found.application.grace_s:g} s was over "
        "(SIGKILL, exit code 137), long after the slowest answer would have been given: each stays for all of that "
        f"time, and what it has in hand at its end is cut{others}. Needed: {ending(measured)}"
    )
