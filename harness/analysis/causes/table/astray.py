"""A connection that went astray because the Service or its endpoints had been changed, by somebody else or the deploy.

A kept connection stays with its pod, whatever becomes of the Service.
"""

from __future__ import annotations

from enum import StrEnum

from harness.analysis.causes.row import Charge, Fault, Flag, Row
from harness.model.request import Outcome
from harness.model.result import Cause


class Astray(StrEnum):
    """The rules of connections that went astray."""

    REROUTED = "rerouted"
    REROUTED_BY_DEPLOY = "rerouted-by-deploy"


_ASTRAY = (Outcome.DNS_ERROR, Outcome.CONNECT_REFUSED, Outcome.CONNECT_TIMEOUT, Outcome.UNREACHABLE)

ASTRAY = (
    Row(
        rule=Astray.REROUTED,
        outcomes=_ASTRAY,
        holds=(Flag.REROUTED,),
        excludes=(Flag.REUSED,),
        cause=Cause.FOREIGN_CHANGE,
        fault=Fault.OTHERS,
        evidence="{outcome} (observed) while the Service or its endpoints were as somebody else had changed them "
        "(observed)",
    ),
    Row(
        rule=Astray.REROUTED_BY_DEPLOY,
        outcomes=_ASTRAY,
        holds=(Flag.REROUTED_BY_DEPLOY,),
        excludes=(Flag.REUSED,),
        cause=Cause.REROUTED,
        fault=Fault.ROLLOUT,
        charged=(Charge.SERVICE,),
        evidence="{outcome} (observed) after the deploy command, or somebody else while it ran, had changed where the "
        "Service leads, and before it led to new pods alone (observed)",
    ),
)
