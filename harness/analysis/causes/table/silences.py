"""A connection that nobody answered: the address was gone, REJECT stayed silent, or the worker slept.

Or it was lost on its way. One alone among good connections says nothing of the data plane: a proxy that still lists a
pod that is gone fails its share of all connections, until it has synced.
"""

from __future__ import annotations

from enum import StrEnum

from harness.analysis.causes.row import Charge, Fault, Flag, Row, Way
from harness.analysis.causes.table.words import ASLEEP, EITHER, SEVERAL
from harness.model.request import Outcome
from harness.model.result import Cause


class Silence(StrEnum):
    """The rules of unanswered connections."""

    STALE = "stale"
    SILENT = "silent"
    LONE = "lone"
    UNACCEPTED = "queue-full"
    EITHER = "silence-of-either"
    UNREGISTERED = "unregistered"
    NETWORK_GONE = "network-gone"
    SEVERAL = "silence-of-several"
    SEVERAL_WITHOUT_POD = "silence-or-sleep"
    CRASHED_GONE = "crashed-gone"
    NODE_WITHOUT_POD = "node-without-pod"
    NODE_EVER_WITHOUT = "node-ever-without"
    MAYBE_SILENT = "maybe-silent"
    STALLED = "stalled"
    OVERRUN = "overrun"
    LONE_UNACCEPTED = "lone-queue-full"
    LONE_LOOSE = "lone-loose"
    LOST = "lost"
    EVERYWHERE = "lost-everywhere"
    NETWORK_GONE_LOOSE = "network-gone-loose"


_UNANSWERED = (Outcome.CONNECT_TIMEOUT, Outcome.UNREACHABLE)

_SILENT = (
    "no answer (observed) while the data plane had no endpoint: its rejection stayed silent, or it was being "
    "reprogrammed (inferred)"
)
_DROPPED = (
    "no answer (observed): a node that sends only to its own pods (externalTrafficPolicy: Local) had none, and drops "
    "what comes (inferred)"
)
_LONE = (
    "no answer (observed), alone among good connections (observed): it may have gone to a pod that was gone, or was "
    "lost on its way: which cannot be told"
)
_NETWORK_GONE = (
    "no answer, sent {ago} began to terminate (observed); its network was gone, and {late} (inferred; {plane})"
)

SILENCES = (
    Row(
        rule=Silence.STALE,
        outcomes=_UNANSWERED,
        holds=(Flag.STALE,),
        cause=Cause.STALE_CONNTRACK,
        fault=Fault.CLIENT_HOST,
        evidence="no answer, as at the previous use of source port {port} less than 120 s before (observed): the "
        "client host's conntrack entry led to a pod that is gone (inferred)",
    ),
    Row(
        rule=Silence.SILENT,
        outcomes=_UNANSWERED,
        holds=(Flag.NO_ENDPOINT,),
        cause=Cause.NO_ENDPOINTS,
        fault=Fault.ROLLOUT,
        charged=(Charge.ENDPOINTS,),
        evidence=_SILENT,
    ),
    # Both came with the rollout, so it has to answer for what one of them did, whichever it was.
    Row(
        rule=Silence.EITHER,
        outcomes=_UNANSWERED,
        holds=(Way.UNREGISTERED, Way.VANISHED),
        excludes=(Flag.MAYBE_NO_ENDPOINT, Flag.OVERSLEPT, Flag.BACKGROUND),
        cause=Cause.UNKNOWN,
        between=(Cause.TERMINATION_RACE, Cause.CREATION_RACE),
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT, Charge.PODS_THAT_CAME),
        evidence=EITHER,
    ),
    Row(
        rule=Silence.UNREGISTERED,
        outcomes=_UNANSWERED,
        holds=(Way.UNREGISTERED,),
        excludes=(Flag.MAYBE_NO_ENDPOINT, Flag.OVERSLEPT, Flag.BACKGROUND),
        cause=Cause.CREATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CAME,),
        names=(Way.UNREGISTERED,),
        evidence="no answer (observed) while {pods} was ready, and every pod before it had left (inferred; "
        "{plane}): the balancer had not registered it yet (inferred)",
    ),
    Row(
        rule=Silence.NETWORK_GONE,
        outcomes=_UNANSWERED,
        holds=(Way.VANISHED, Flag.CHAIN),
        excludes=(Flag.MAYBE_NO_ENDPOINT, Flag.OVERSLEPT),
        cause=Cause.TERMINATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT,),
        names=(Way.VANISHED,),
        evidence=_NETWORK_GONE,
    ),
    Row(
        rule=Silence.LONE,
        outcomes=_UNANSWERED,
        holds=(Way.VANISHED,),
        excludes=(Flag.BACKGROUND, Flag.EVERYWHERE, Flag.MAYBE_NO_ENDPOINT, Flag.OVERSLEPT),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence=_LONE,
    ),
    Row(
        rule=Silence.SEVERAL,
        outcomes=_UNANSWERED,
        holds=(Way.VANISHED,),
        any_of=(Flag.MAYBE_NO_ENDPOINT, Flag.OVERSLEPT),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence=SEVERAL,
    ),
    Row(
        rule=Silence.SEVERAL_WITHOUT_POD,
        outcomes=_UNANSWERED,
        holds=(Flag.MAYBE_NO_ENDPOINT, Flag.STALLED),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence=SEVERAL,
    ),
    Row(
        rule=Silence.CRASHED_GONE,
        outcomes=_UNANSWERED,
        holds=(Way.CRASHED_GONE,),
        excludes=(Flag.MAYBE_NO_ENDPOINT, Flag.OVERSLEPT, Flag.BACKGROUND),
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        names=(Way.CRASHED_GONE,),
        evidence="no answer, sent while {pods}, of which a container was down though nobody had asked for that, was "
        "being deleted (observed); its network was gone, and {late} (inferred; {plane})",
    ),
    Row(
        rule=Silence.NODE_EVER_WITHOUT,
        outcomes=_UNANSWERED,
        holds=(Flag.NODE_WITHOUT_POD, Flag.BARE_AS_EVER),
        excludes=(Flag.MAYBE_NO_ENDPOINT, Flag.OVERSLEPT),
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        evidence=f"{_DROPPED}; one was without before the first rollout too (observed)",
    ),
    Row(
        rule=Silence.NODE_WITHOUT_POD,
        outcomes=_UNANSWERED,
        holds=(Flag.NODE_WITHOUT_POD,),
        excludes=(Flag.MAYBE_NO_ENDPOINT, Flag.OVERSLEPT),
        cause=Cause.NO_ENDPOINTS,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT,),
        evidence=f"{_DROPPED}, since pods moved in the rollout (observed)",
    ),
    Row(
        rule=Silence.MAYBE_SILENT,
        outcomes=_UNANSWERED,
        holds=(Flag.MAYBE_NO_ENDPOINT,),
        cause=Cause.NO_ENDPOINTS,
        fault=Fault.ROLLOUT,
        charged=(Charge.ENDPOINTS,),
        evidence=_SILENT,
    ),
    Row(
        rule=Silence.STALLED,
        outcomes=_UNANSWERED,
        holds=(Flag.STALLED,),
        cause=Cause.LOAD_GENERATOR,
        fault=Fault.HARNESS,
        evidence=ASLEEP,
    ),
    Row(
        rule=Silence.UNACCEPTED,
        outcomes=_UNANSWERED,
        holds=(Way.UNACCEPTING, Flag.CHAIN),
        cause=Cause.TERMINATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT,),
        names=(Way.UNACCEPTING,),
        evidence="no answer, sent {ago} began to terminate (observed); it accepted no more, its queue was full, and "
        "{late} (inferred; {plane})",
    ),
    # Live pods that hang: their queues fill, and the kernel drops SYNs.
    Row(
        rule=Silence.OVERRUN,
        outcomes=_UNANSWERED,
        holds=(Flag.WHILE_HANGING,),
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        evidence="no answer (observed) while live pods took seconds over what they had accepted (observed): their "
        "queues were full (inferred)",
    ),
    Row(
        rule=Silence.LONE_UNACCEPTED,
        outcomes=_UNANSWERED,
        holds=(Way.UNACCEPTING, Flag.CHANCE, Flag.AT_STOPS),
        excludes=(Flag.BACKGROUND,),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence="no answer (observed), as others that were sent while pods stopped, and hardly any at other times "
        "(observed): a pod that stops and accepts no more has a full queue, or bursts were lost on their way: which "
        "cannot be told",
    ),
    # That a proxy keeps its period is no sight of it: what fails as a pod goes, and at no other time, shows no network.
    Row(
        rule=Silence.LONE_LOOSE,
        outcomes=_UNANSWERED,
        holds=(Way.LATE_VANISHED, Flag.CHANCE),
        excludes=(Flag.BACKGROUND,),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence=_LONE,
    ),
    Row(
        rule=Silence.LOST,
        outcomes=_UNANSWERED,
        holds=(Flag.CHANCE,),
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        unexplained=True,
        evidence="no answer (observed), alone among good connections or in a burst as they come at other times too "
        "(observed): a full queue dropped it, or it was lost on its way (inferred)",
    ),
    Row(
        rule=Silence.EVERYWHERE,
        outcomes=_UNANSWERED,
        holds=(Flag.EVERYWHERE,),
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        evidence="no answer (observed) while more connections stayed without one than went to pods that were stopping "
        "(observed): the network was down, or every pod hung (inferred)",
    ),
    Row(
        rule=Silence.NETWORK_GONE_LOOSE,
        outcomes=_UNANSWERED,
        holds=(Way.LOOSE_VANISHED, Flag.CHAIN),
        cause=Cause.TERMINATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT,),
        names=(Way.LOOSE_VANISHED,),
        evidence=_NETWORK_GONE,
    ),
)
