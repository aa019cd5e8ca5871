"""What stands before the pods ends connections and answers for them: by its own answers it tells what it met behind it.

503: it had no target. 502: the target refused, or closed the connection that the request was on. 504, or no answer in
the time that the client gave it: the target was silent. Only of a hop of which this is known (`Hop.answers_as`).
"""

from __future__ import annotations

from enum import StrEnum

from harness.analysis.causes.row import Charge, Fault, Flag, Moment, Row, Way
from harness.model.request import Outcome
from harness.model.result import Cause


class ByHop(StrEnum):
    """The rules of what a hop that ends connections answered, or never did."""

    WITHOUT_ENDPOINT = "hop-without-endpoint"
    UNREGISTERED = "hop-unregistered"
    WITHOUT_TARGET = "hop-without-target"
    CRASHED = "hop-to-crashed"
    TO_ENDING = "hop-to-ending"
    KILLED = "hop-to-killed"
    CUT = "hop-cut"
    DRAINED = "hop-drained"
    CLOSED_BY_EITHER = "hop-closed-by-either"
    IDLE_CLOSE = "hop-idle-close"
    FAILED = "hop-to-failed"
    SLOW = "hop-to-slow"
    SILENT = "hop-silent"
    SILENT_LATE = "hop-silent-late"


_STATUS = (Outcome.STATUS,)
_STOPPED = (Way.STOPPING, Way.LOOSE_STOPPING)
_CLOSED = (Way.REFUSING, Way.VANISHED, Way.LOOSE_REFUSING, Way.LOOSE_VANISHED)
_ANSWERED = "answered with status {status} by what stands before the pods (observed)"

HOPS = (
    Row(
        rule=ByHop.WITHOUT_ENDPOINT,
        outcomes=_STATUS,
        holds=(Flag.NO_TARGET,),
        any_of=(Flag.NO_ENDPOINT, Flag.MAYBE_NO_ENDPOINT),
        cause=Cause.NO_ENDPOINTS,
        fault=Fault.ROLLOUT,
        charged=(Charge.ENDPOINTS,),
        evidence=f"{_ANSWERED}: it had no target, and no pod was ready (observed)",
    ),
    Row(
        rule=ByHop.UNREGISTERED,
        outcomes=_STATUS,
        holds=(Flag.NO_TARGET, Way.STARTING),
        cause=Cause.CREATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CAME,),
        names=(Way.STARTING,),
        evidence=f"{_ANSWERED}: it had no target, while {{pods}} was ready (observed) and not registered yet "
        "(inferred; {plane})",
    ),
    Row(
        rule=ByHop.WITHOUT_TARGET,
        outcomes=_STATUS,
        holds=(Flag.NO_TARGET,),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence=f"{_ANSWERED}: it had no target, although a pod was ready that it should have known (observed)",
    ),
    Row(
        rule=ByHop.CRASHED,
        outcomes=_STATUS,
        moment=Moment.ENDED,
        holds=(Flag.BAD_TARGET, Way.CRASHED),
        excludes=(Way.REFUSING, Way.VANISHED, Way.STOPPING),
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        names=(Way.CRASHED,),
        evidence=f"{_ANSWERED} while a container of {{pods}} was down though nobody had asked for it (observed)",
    ),
    Row(
        rule=ByHop.TO_ENDING,
        outcomes=_STATUS,
        holds=(Flag.BAD_TARGET,),
        any_of=_CLOSED,
        excludes=(Flag.CLOSED_AS_EVER, Flag.CLOSED_BY_TIME, Flag.OFF_STOPPING_LISTS),
        cause=Cause.TERMINATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT,),
        names=_CLOSED,
        evidence=f"{_ANSWERED}, sent {{ago}} began to terminate (observed): that no longer listened, or was gone, and "
        "{late} (inferred; {plane})",
    ),
    Row(
        rule=ByHop.KILLED,
        outcomes=_STATUS,
        moment=Moment.ENDED,
        holds=(Flag.BAD_TARGET, Flag.POD_KILLED),
        excludes=(Flag.CLOSED_AS_EVER, Flag.CLOSED_BY_TIME, Flag.OFF_STOPPING_LISTS),
        cause=Cause.IN_FLIGHT_KILL,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=_STOPPED,
        evidence=f"{_ANSWERED}, as {{pods}} was killed at the end of its grace period (observed): it was working on "
        "the request (inferred)",
    ),
    # What it had accepted and cut, and what waited in its accept queue as its listener closed, are the same to a hop.
    Row(
        rule=ByHop.CUT,
        outcomes=_STATUS,
        moment=Moment.ENDED,
        holds=(Flag.BAD_TARGET,),
        any_of=_STOPPED,
        excludes=(Flag.CLOSED_AS_EVER, Flag.CLOSED_BY_TIME, Flag.OFF_STOPPING_LISTS),
        cause=Cause.UNKNOWN,
        between=(Cause.TERMINATION_RACE, Cause.IN_FLIGHT_KILL),
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=_STOPPED,
        evidence=f"{_ANSWERED}, {{ago}} began to terminate (observed): that ended a connection to which it had been "
        "sent, be it accepted or still in the queue: which cannot be told",
    ),
    # A kept connection that closes as idle is closed at once; what has been open for longer was being worked on.
    Row(
        rule=ByHop.DRAINED,
        outcomes=_STATUS,
        moment=Moment.ENDED,
        holds=(Flag.CLOSED_BEHIND, Way.DRAINING),
        excludes=(Flag.CLOSED_AS_EVER, Flag.CLOSED_BY_TIME, Flag.INSTANT, Flag.OFF_ALL_LISTS),
        cause=Cause.IN_FLIGHT_KILL,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=(Way.DRAINING,),
        evidence=f"{_ANSWERED}, {{ago}} began to terminate (observed), before that was told to stop: it ended what was "
        "still open as it deregistered it (inferred)",
    ),
    # Of so many fewer requests more are lost by the background alone: their number says nothing against a rollout.
    Row(
        rule=ByHop.CLOSED_BY_EITHER,
        outcomes=_STATUS,
        holds=(Flag.CLOSED_BEHIND, Flag.CLOSED_BY_TIME),
        excludes=(Flag.OFF_ALL_LISTS,),
        cause=Cause.UNKNOWN,
        between=(Cause.TERMINATION_RACE, Cause.BACKEND_CLOSE),
        fault=Fault.UNTOLD,
        evidence=f"{_ANSWERED} while a pod was stopping, as often as at other times though of fewer requests "
        "(observed): that pod, or a kept connection that closed as idle, which cannot be told",
    ),
    Row(
        rule=ByHop.IDLE_CLOSE,
        outcomes=_STATUS,
        holds=(Flag.CLOSED_BEHIND, Flag.KEPT_BEHIND),
        cause=Cause.BACKEND_CLOSE,
        fault=Fault.APPLICATION,
        evidence=f"{_ANSWERED} while no pod that it sent to was stopping or down, or no more often than while none was "
        "(observed): a pod was closing the kept connection on which it sent the request (inferred)",
    ),
    Row(
        rule=ByHop.FAILED,
        outcomes=_STATUS,
        holds=(Flag.CLOSED_BEHIND,),
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        evidence=f"{_ANSWERED} while no pod that it sent to was stopping or down, or no more often than while none "
        "was, and before any pod in service had answered it (observed): a live pod refused or closed a new connection "
        "(inferred)",
    ),
    Row(
        rule=ByHop.SLOW,
        outcomes=_STATUS,
        holds=(Flag.BAD_TARGET,),
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        evidence=f"{_ANSWERED}: a live pod did not answer in the time that it had (inferred)",
    ),
    Row(
        rule=ByHop.SILENT,
        outcomes=(Outcome.READ_TIMEOUT,),
        holds=(Flag.BEHIND_HOP, Flag.CHAIN, Way.VANISHED),
        excludes=(Flag.OVERSLEPT,),
        cause=Cause.TERMINATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT,),
        names=(Way.VANISHED,),
        evidence="not answered in time, sent {ago} began to terminate (observed): what stands before the pods was "
        "still connecting to that, it was gone, and {late} (inferred; {plane})",
    ),
    # Later than it is said to be late, a new pod that is slow looks the same.
    Row(
        rule=ByHop.SILENT_LATE,
        outcomes=(Outcome.READ_TIMEOUT,),
        holds=(Flag.BEHIND_HOP, Flag.CHAIN, Way.LOOSE_VANISHED),
        excludes=(Flag.OVERSLEPT,),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        names=(Way.LOOSE_VANISHED,),
        evidence="not answered in time, sent {ago} began to terminate (observed), later than what stands before the "
        "pods is known to send there ({plane}): it was late, or a live pod was slow: which cannot be told",
    ),
)
