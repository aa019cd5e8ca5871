"""A connection that went astray because somebody else had changed the Service or its endpoints.

A kept connection stays with its pod, whatever becomes of the Service.
"""

from __future__ import annotations

from enum import StrEnum

from harness.analysis.causes.row import Fault, Flag, Row
from harness.model.request import Outcome
from harness.model.result import Cause


class Astray(StrEnum):
    """The rules of connections that went astray."""

    REROUTED = "rerouted"


ASTRAY = (
    Row(
        rule=Astray.REROUTED,
        outcomes=(Outcome.DNS_ERROR, Outcome.CONNECT_REFUSED, Outcome.CONNECT_TIMEOUT, Outcome.UNREACHABLE),
        holds=(Flag.REROUTED,),
        excludes=(Flag.REUSED,),
        cause=Cause.FOREIGN_CHANGE,
        fault=Fault.OTHERS,
        evidence="{outcome} (observed) while the Service or its endpoints were as somebody else had changed them "
        "(observed)",
    ),
)
