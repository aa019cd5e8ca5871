"""Accepted, and not answered in time: by a pod that stops, by a live one that is slow, or lost on its way.

A server that has been told to stop may keep its listener and accept no more: the kernel still connects and takes the
request, and nobody reads it. Where its process then ends, the client hears of it; where the client's time-out comes
first, it does not. And a pod whose network goes before its containers say good-bye is never heard of again. One alone
says nothing of the pod: a network loses answers too, so what takes a pod's share is held against what chance loses.
"""

from __future__ import annotations

from enum import StrEnum

from harness.analysis.causes.row import Charge, Fault, Flag, Moment, Named, Row, Way
from harness.analysis.causes.table.words import ASLEEP
from harness.model.request import Outcome
from harness.model.result import Cause


class Timeout(StrEnum):
    """The rules of answers that did not come in time."""

    OVERSLEPT = "read-overslept"
    ENDED_MEANWHILE = "ended-meanwhile"
    NEVER_ACCEPTED = "never-accepted"
    NEVER_ANSWERED = "never-answered"
    HUNG = "hung-at-stop"
    SLOW_OR_KILLED = "slow-or-killed"
    SLOW_OR_UNACCEPTED = "slow-or-unaccepted"
    LONE_AT_STOPS = "lone-time-out-at-stops"
    LONE_NEW = "lone-time-out"
    LONE_KEPT = "lone-time-out-kept"
    SLOW = "slow"


_TIMED_OUT = (Outcome.READ_TIMEOUT,)
_STOPPED = (Way.STOPPING, Way.LOOSE_STOPPING)
_LONE = (
    "not answered in time (observed), alone among good answers (observed): a pod that was stopping may have taken it, "
    "or it was lost on its way: which cannot be told"
)
_SLOW_OR_STOPPED = (
    "accepted and not answered in time (observed), while answers to others took nearly as long (observed): as slow a "
    "pod had it, or one that was stopping and worked on it no more: which cannot be told"
)

TIMEOUTS = (
    Row(
        rule=Timeout.OVERSLEPT,
        outcomes=_TIMED_OUT,
        holds=(Flag.OVERSLEPT,),
        cause=Cause.LOAD_GENERATOR,
        fault=Fault.HARNESS,
        evidence=ASLEEP,
    ),
    Row(
        rule=Timeout.ENDED_MEANWHILE,
        outcomes=_TIMED_OUT,
        moment=Moment.UNDER_WAY,
        holds=(Flag.POD_KNOWN, Flag.CHAIN, Way.ENDS),
        cause=Cause.IN_FLIGHT_KILL,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=(Named.OWN,),
        evidence="accepted and never answered, and {pods} ended meanwhile (observed)",
    ),
    Row(
        rule=Timeout.NEVER_ACCEPTED,
        outcomes=_TIMED_OUT,
        holds=(Way.UNACCEPTING, Flag.CHAIN),
        excludes=(Flag.REUSED, Flag.POD_KNOWN, Flag.SLOW_BEFORE),
        cause=Cause.TERMINATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT,),
        names=(Way.UNACCEPTING,),
        evidence="connected and never answered, sent {ago} began to terminate (observed); its kernel still listened, "
        "its program accepted no more, or answered too late, and {late} (inferred; {plane})",
    ),
    Row(
        rule=Timeout.NEVER_ANSWERED,
        outcomes=_TIMED_OUT,
        moment=Moment.UNDER_WAY,
        holds=(Flag.CHAIN,),
        any_of=_STOPPED,
        excludes=(Flag.OFF_STOPPING_LISTS, Flag.SLOW_BESIDE),
        cause=Cause.IN_FLIGHT_KILL,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=(Named.OWN, *_STOPPED),
        evidence="accepted and never answered, sent {ago} began to terminate (observed): it worked on it no "
        "more, or answered too late (inferred)",
    ),
    Row(
        rule=Timeout.HUNG,
        outcomes=_TIMED_OUT,
        holds=(Flag.REUSED, Flag.HUNG),
        excludes=(Flag.SLOW_BEFORE, Flag.BACKGROUND, Flag.EVERYWHERE),
        cause=Cause.IN_FLIGHT_KILL,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=(Named.OWN,),
        evidence="never answered, sent {ago} began to terminate (observed), on a kept connection to it; hardly any "
        "that others had was left so (observed): it worked on it no more, or answered too late (inferred)",
    ),
    Row(
        rule=Timeout.SLOW_OR_KILLED,
        outcomes=_TIMED_OUT,
        moment=Moment.UNDER_WAY,
        holds=(Flag.SLOW_BESIDE,),
        any_of=_STOPPED,
        excludes=(Flag.SLOW_BEFORE, Flag.BACKGROUND, Flag.EVERYWHERE, Flag.OFF_STOPPING_LISTS),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        evidence=_SLOW_OR_STOPPED,
    ),
    Row(
        rule=Timeout.SLOW_OR_UNACCEPTED,
        outcomes=_TIMED_OUT,
        holds=(Flag.SLOW_BESIDE, Way.UNACCEPTING),
        excludes=(Flag.REUSED, Flag.SLOW_BEFORE, Flag.BACKGROUND, Flag.EVERYWHERE),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        evidence=_SLOW_OR_STOPPED,
    ),
    Row(
        rule=Timeout.LONE_AT_STOPS,
        outcomes=_TIMED_OUT,
        holds=(Way.UNACCEPTING, Flag.CHANCE, Flag.AT_STOPS),
        excludes=(Flag.REUSED, Flag.BACKGROUND, Flag.EVERYWHERE, Flag.SLOW_BESIDE),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence="connected and not answered in time (observed), as others that were sent while pods stopped, and "
        "hardly any at other times (observed): a pod that stops and accepts no more, such as one whose signal handler "
        "sleeps, or bursts were lost on their way: which cannot be told",
    ),
    Row(
        rule=Timeout.LONE_NEW,
        outcomes=_TIMED_OUT,
        holds=(Way.UNACCEPTING,),
        excludes=(Flag.REUSED, Flag.BACKGROUND, Flag.EVERYWHERE, Flag.SLOW_BESIDE),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence=_LONE,
    ),
    Row(
        rule=Timeout.LONE_KEPT,
        outcomes=_TIMED_OUT,
        moment=Moment.UNDER_WAY,
        holds=(Flag.REUSED,),
        any_of=_STOPPED,
        excludes=(Flag.BACKGROUND, Flag.EVERYWHERE, Flag.SLOW_BESIDE),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence=_LONE,
    ),
    Row(
        rule=Timeout.SLOW,
        outcomes=_TIMED_OUT,
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        names=(Named.OWN,),
        evidence="accepted and not answered in time (observed) by a live pod, or its answer was lost on its way "
        "(inferred)",
    ),
)
