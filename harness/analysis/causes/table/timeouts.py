"""Accepted, and not answered in time.

A pod that ends closes its connections, and its client hears of it; so silence comes from a live pod. Only where the
request's own pod is known and ended meanwhile, its network went first.
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
    SLOW = "slow"


_TIMED_OUT = (Outcome.READ_TIMEOUT,)

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
        holds=(Flag.POD_KNOWN, Way.ENDS),
        cause=Cause.IN_FLIGHT_KILL,
        fault=Fault.ROLLOUT,
        charged=(Charge.PODS_THAT_CUT,),
        names=(Named.OWN,),
        evidence="accepted and never answered, and {pods} ended meanwhile (observed)",
    ),
    Row(
        rule=Timeout.SLOW,
        outcomes=_TIMED_OUT,
        cause=Cause.APPLICATION,
        fault=Fault.APPLICATION,
        names=(Named.OWN,),
        evidence="accepted and not answered in time (observed) by a live pod (inferred)",
    ),
)
