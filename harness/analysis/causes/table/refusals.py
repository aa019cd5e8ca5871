"""A refused connection: from a pod's kernel (its listener closed, or not open yet) or from the proxy's REJECT."""

from __future__ import annotations

from enum import StrEnum

from harness.analysis.causes.row import Charge, Fault, Flag, Row, Way, others
from harness.analysis.causes.table.words import CRASHED, EITHER, SEVERAL
from harness.model.request import Outcome
from harness.model.result import Cause


class Refusal(StrEnum):
    """The rules of refused connections."""

    REJECTED = "rejected"
    EITHER = "refused-by-either"
    EVERYWHERE = "refused-everywhere"
    LISTENER_CLOSED = "listener-closed"
    NEVER_LISTENED = "never-listened"
    NOT_LISTENING_YET = "not-listening-yet"
    CRASHED = "refused-by-crashed"
    MAYBE_REJECTED = "maybe-rejected"
    SEVERAL = "refused-by-several"
    LISTENER_CLOSED_LOOSE = "listener-closed-loose"


_REFUSED = (Outcome.CONNECT_REFUSED,)
_RIVALS = (Way.REFUSING, Way.STARTING, Way.CRASHED, Flag.MAYBE_NO_ENDPOINT)

_REJECTED = (
    "refused (observed) when no pod was listed and none was left that could refuse: the data plane rejected it "
    "(inferred)"
)
_LISTENER_CLOSED = (
    "refused, sent {ago} began to terminate (observed); its listener had closed, and {late} (inferred; {plane})"
)

REFUSALS = (
    Row(
        rule=Refusal.REJECTED,
        outcomes=_REFUSED,
        holds=(Flag.NO_ENDPOINT,),
        cause=Cause.NO_ENDPOINTS,
        fault=Fault.ROLLOUT,
        charged=(Charge.ENDPOINTS,),
        evidence=_REJECTED,
    ),
    # Both came with the rollout, so it has to answer for what one of them did, whichever it was.
    Row(
        rule=Refusal.EITHER,
        outcomes=_REFUSED,
        holds=(Way.REFUSING, Way.STARTING),
        excludes=others(_RIVALS, Way.REFUSING, Way.STARTING),
        cause=Cause.UNKNOWN,
        between=(Cause.TERMINATION_RACE, Cause.CREATION_RACE),
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT, Charge.PODS_THAT_CAME),
        evidence=EITHER,
    ),
    Row(
        rule=Refusal.EVERYWHERE,
        outcomes=_REFUSED,
        holds=(Flag.EVERYWHERE,),
        any_of=(Way.REFUSING, Way.LOOSE_REFUSING),
        excludes=others(_RIVALS, Way.REFUSING),
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence="refused (observed) while more connections were refused than went to pods that were stopping "
        "(observed): pods in service refused too, or what stands before them did (inferred)",
    ),
    Row(
        rule=Refusal.LISTENER_CLOSED,
        outcomes=_REFUSED,
        holds=(Way.REFUSING,),
        excludes=others(_RIVALS, Way.REFUSING),
        cause=Cause.TERMINATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT,),
        names=(Way.REFUSING,),
        evidence=_LISTENER_CLOSED,
    ),
    Row(
        rule=Refusal.NEVER_LISTENED,
        outcomes=_REFUSED,
        holds=(Way.STARTING, Way.NEVER_LISTENED),
        excludes=others(_RIVALS, Way.STARTING),
        cause=Cause.CREATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CAME,),
        names=(Way.NEVER_LISTENED,),
        evidence="refused (observed) while {pods} was listed as ready and accepted no connection on {target}, to which "
        "the Service sends, for as long as it was listed (observed): it does not listen there (inferred)",
    ),
    Row(
        rule=Refusal.NOT_LISTENING_YET,
        outcomes=_REFUSED,
        holds=(Way.STARTING,),
        excludes=others(_RIVALS, Way.STARTING),
        cause=Cause.CREATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CAME,),
        names=(Way.STARTING,),
        evidence="refused (observed) while {pods} was listed as ready and not listening yet (inferred)",
    ),
    Row(
        rule=Refusal.CRASHED,
        outcomes=_REFUSED,
        holds=(Way.CRASHED,),
        excludes=others(_RIVALS, Way.CRASHED),
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        names=(Way.CRASHED,),
        evidence=CRASHED,
    ),
    Row(
        rule=Refusal.MAYBE_REJECTED,
        outcomes=_REFUSED,
        holds=(Flag.MAYBE_NO_ENDPOINT,),
        excludes=others(_RIVALS, Flag.MAYBE_NO_ENDPOINT),
        cause=Cause.NO_ENDPOINTS,
        fault=Fault.ROLLOUT,
        charged=(Charge.ENDPOINTS,),
        evidence=_REJECTED,
    ),
    Row(
        rule=Refusal.SEVERAL,
        outcomes=_REFUSED,
        any_of=_RIVALS,
        cause=Cause.UNKNOWN,
        fault=Fault.UNTOLD,
        unexplained=True,
        evidence=SEVERAL,
    ),
    Row(
        rule=Refusal.LISTENER_CLOSED_LOOSE,
        outcomes=_REFUSED,
        holds=(Way.LOOSE_REFUSING,),
        excludes=(Flag.REFUSED_AS_EVER,),
        cause=Cause.TERMINATION_RACE,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_WENT,),
        names=(Way.LOOSE_REFUSING,),
        evidence=_LISTENER_CLOSED,
    ),
)
