"""A connection that was there and was closed or reset: by a stopping pod, a crashed one, or a live one.

Killed in flight is what had been accepted, as bytes of an answer show, or a FIN after the request was acknowledged. A
kept connection whose end was under way before the request arrived counts as an idle one, be it that its server closed
it or was killed. A kernel resets what no program has read, and ends with a FIN what was read.
"""

from __future__ import annotations

from enum import StrEnum

from harness.analysis.causes.row import Charge, Fault, Flag, Moment, Named, Row, Way
from harness.analysis.causes.table.words import CRASHED, SEVERAL
from harness.model.request import Outcome
from harness.model.result import Cause


class Cut(StrEnum):
    """The rules of connections that were cut."""

    CRASHED = "cut-by-crash"
    CLOSED_ON_REQUEST = "closed-on-request"
    READ_OR_HALF_CLOSED = "read-or-half-closed"
    IDLE_KILL = "idle-kill"
    IDLE_CLOSE = "idle-close"
    UNACKNOWLEDGED = "unacknowledged"
    IDLE_UNTOLD = "idle-untold"
    SEVERAL = "cut-by-several"
    EVERYWHERE = "cut-everywhere"
    ACCEPT_QUEUE = "accept-queue"
    NEVER_READ = "never-read"
    UNREAD = "unread"
    IN_FLIGHT = "cut"
    DRAINED = "cut-drained"
    RESET_AS_EVER = "reset-as-ever"
    GIVEN_UP = "cut-on-the-way"
    IDLE_LATE = "idle-late"
    OFF_LISTS = "cut-off-lists"
    ALIVE = "cut-alive"


_RESET = (Outcome.RESET_BEFORE_RESPONSE,)
_BEFORE = (Outcome.RESET_BEFORE_RESPONSE, Outcome.EOF_BEFORE_RESPONSE)
_MID = (Outcome.RESET_MID_RESPONSE, Outcome.EOF_MID_RESPONSE)
_ANY = (*_BEFORE, *_MID)
_CLOSED = (Way.REFUSING, Way.VANISHED, Way.LOOSE_REFUSING, Way.LOOSE_VANISHED)
_STOPPED = (Way.STOPPING, Way.LOOSE_STOPPING)

CUTS = (
    Row(
        rule=Cut.CRASHED,
        outcomes=_ANY,
        moment=Moment.ENDED,
        holds=(Way.CRASHED,),
        excludes=(Way.STOPPING,),
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        names=(Way.CRASHED,),
        evidence=CRASHED,
    ),
    Row(
        rule=Cut.CLOSED_ON_REQUEST,
        outcomes=_BEFORE,
        moment=Moment.ENDED,
        holds=(Flag.REUSED, Flag.UNDER_WAY, Flag.MET_CLOSINGS),
        any_of=_STOPPED,
        cause=Cause.IN_FLIGHT_KILL,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=_STOPPED,
        evidence="sent on a kept connection and lost at once, {ago} began to terminate, as were requests on more "
        "connections than ends that come by themselves would meet (observed): on its way out it closes a connection as "
        "the next request comes, and does not answer that (inferred)",
    ),
    Row(
        rule=Cut.READ_OR_HALF_CLOSED,
        outcomes=(Outcome.EOF_BEFORE_RESPONSE,),
        moment=Moment.ENDED,
        holds=(Flag.REUSED, Flag.UNDER_WAY, Flag.MAYBE_READ),
        any_of=_STOPPED,
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        names=_STOPPED,
        evidence="sent on a kept connection, all of it acknowledged, and the connection closed in good order at once, "
        "{ago} began to terminate (observed): the program had read it and closed instead of answering, or it closes "
        "for writing first and then reads on, and was closing it as idle; which cannot be told",
    ),
    Row(
        rule=Cut.IDLE_KILL,
        outcomes=_RESET,
        moment=Moment.ENDED,
        holds=(Flag.REUSED, Flag.UNDER_WAY, Flag.POD_KILLED),
        cause=Cause.IDLE_CLOSE,
        fault=Fault.CLIENT,
        names=_STOPPED,
        evidence="sent on a kept connection and lost at once (observed), as {pods} was killed at the end of its grace "
        "period (observed): no program had taken the request (inferred)",
    ),
    Row(
        rule=Cut.IDLE_CLOSE,
        outcomes=_BEFORE,
        moment=Moment.ENDED,
        holds=(Flag.REUSED, Flag.UNDER_WAY),
        cause=Cause.IDLE_CLOSE,
        fault=Fault.CLIENT,
        names=_STOPPED,
        evidence="sent on a kept connection and lost at once (observed): the server was closing it as idle (inferred)",
    ),
    Row(
        rule=Cut.UNACKNOWLEDGED,
        outcomes=_BEFORE,
        moment=Moment.ENDED,
        holds=(Flag.REUSED, Flag.UNACKNOWLEDGED),
        cause=Cause.IDLE_CLOSE,
        fault=Fault.CLIENT,
        names=_STOPPED,
        evidence="sent on a kept connection that its server closed, and nothing of it was acknowledged (observed): it "
        "never arrived (inferred)",
    ),
    Row(
        rule=Cut.IDLE_UNTOLD,
        outcomes=_BEFORE,
        moment=Moment.ENDED,
        holds=(Flag.REUSED, Flag.MAYBE_IDLE),
        cause=Cause.IDLE_CLOSE,
        fault=Fault.CLIENT,
        names=_STOPPED,
        evidence="sent on a kept connection and lost without a byte (observed), later than answers take: its server "
        "was closing it as idle, and was slow to, or was killed before it read it; which cannot be told",
    ),
    Row(
        rule=Cut.SEVERAL,
        outcomes=_ANY,
        moment=Moment.ENDED,
        holds=(Way.CRASHED, Way.STOPPING),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence=SEVERAL,
    ),
    Row(
        rule=Cut.EVERYWHERE,
        outcomes=_BEFORE,
        moment=Moment.ENDED,
        holds=(Flag.EVERYWHERE,),
        any_of=_STOPPED,
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        evidence="connected and cut at once (observed) while more connections were than went to pods that were "
        "stopping (observed): pods in service did so too, or what stands before them (inferred)",
    ),
    Row(
        rule=Cut.ACCEPT_QUEUE,
        outcomes=_RESET,
        moment=Moment.ENDED,
        holds=(Flag.INSTANT,),
        any_of=_STOPPED,
        excludes=(Flag.REUSED, Flag.OFF_STOPPING_LISTS),
        cause=Cause.TERMINATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT,),
        names=_STOPPED,
        evidence="connected and reset at once, {ago} began to terminate (observed): it had waited in the accept queue "
        "as the listener closed (inferred)",
    ),
    Row(
        rule=Cut.RESET_AS_EVER,
        outcomes=_RESET,
        moment=Moment.ENDED,
        holds=(Flag.REUSED, Flag.RESET_AS_EVER),
        any_of=_STOPPED,
        excludes=(Flag.POD_KNOWN,),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence="sent on a kept connection and reset without a byte while pods were stopping, as happened no less "
        "often while none was (observed): one of them, or a live pod that was closing it as idle, which cannot be told",
    ),
    Row(
        rule=Cut.NEVER_READ,
        outcomes=_RESET,
        moment=Moment.ENDED,
        holds=(Flag.REUSED,),
        any_of=_STOPPED,
        cause=Cause.IN_FLIGHT_KILL,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=_STOPPED,
        evidence="sent on a kept connection and reset without a byte, {ago} began to terminate (observed): its kernel "
        "had taken it, and the program had not read it, or not answered it yet (inferred)",
    ),
    Row(
        rule=Cut.UNREAD,
        outcomes=_RESET,
        moment=Moment.ENDED,
        any_of=_STOPPED,
        excludes=(Flag.REUSED, Flag.OFF_STOPPING_LISTS),
        cause=Cause.TERMINATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=_STOPPED,
        evidence="connected and reset without a byte, {ago} began to terminate (observed): its kernel had taken it, "
        "and the program never read it, in the accept queue until the listener closed (inferred)",
    ),
    Row(
        rule=Cut.IN_FLIGHT,
        outcomes=_ANY,
        moment=Moment.ENDED,
        any_of=_STOPPED,
        excludes=(Flag.OFF_STOPPING_LISTS,),
        cause=Cause.IN_FLIGHT_KILL,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=_STOPPED,
        evidence="accepted, and cut before the answer was complete, {ago} began to terminate (observed): the pod "
        "stopped (inferred)",
    ),
    Row(
        rule=Cut.DRAINED,
        outcomes=_MID,
        moment=Moment.ENDED,
        holds=(Way.DRAINING,),
        cause=Cause.IN_FLIGHT_KILL,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=(Named.OWN, Way.DRAINING),
        evidence="accepted, and cut before the answer was complete, {ago} began to terminate (observed), before that "
        "was told to stop: what stands before the pods ended what was still open as it deregistered that (inferred)",
    ),
    Row(
        rule=Cut.GIVEN_UP,
        outcomes=_BEFORE,
        holds=(Flag.CUT_ON_THE_WAY,),
        any_of=_CLOSED,
        excludes=(Flag.OFF_STOPPING_LISTS,),
        cause=Cause.TERMINATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT,),
        names=_CLOSED,
        evidence="cut without an answer by what stands before the pods (observed), sent {ago} began to terminate "
        "(observed): it tried that in vain, and gave up (inferred; {plane})",
    ),
    Row(
        rule=Cut.IDLE_LATE,
        outcomes=_RESET,
        moment=Moment.ENDED,
        holds=(Flag.REUSED, Flag.LATE_IDLE),
        cause=Cause.IDLE_CLOSE,
        fault=Fault.CLIENT,
        names=(Named.OWN,),
        evidence="sent on a kept connection and reset without a byte while no pod was stopping, as others were lost at "
        "once (observed): its server was closing it as idle, and had not come to read it (inferred)",
    ),
    Row(
        rule=Cut.OFF_LISTS,
        outcomes=_ANY,
        moment=Moment.ENDED,
        holds=(Flag.OFF_STOPPING_LISTS,),
        any_of=_STOPPED,
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        names=(Named.OWN,),
        evidence="accepted and cut (observed) by a pod in service: it was sent when none that was stopping was sent to "
        "any more (inferred: answers show it, or the data plane keeps its period)",
    ),
    Row(
        rule=Cut.ALIVE,
        outcomes=_ANY,
        moment=Moment.ENDED,
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        names=(Named.OWN,),
        evidence="accepted and cut (observed) while no pod was stopping (observed)",
    ),
)
