"""`balancer:` of a sandbox -> which cloud's load balancer it is to have, and how late that is to be."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from harness.model.record import Duration, LongDuration, Record

BalancerProfile = Literal[
    "aws-nlb-ip", "aws-nlb-ip-slow", "aws-nlb-instance", "gke-l4", "none", "aws-alb-ip", "aws-alb-instance", "gke-neg"
]
"""Those of `harness.sandbox.balancer.profiles`."""


class DelayRange(Record):
    """A time that is drawn anew each time, evenly between two bounds."""

    from_s: Duration = Field(alias="from", description="the shortest")
    to_s: Duration = Field(alias="to", description="the longest")

    @model_validator(mode="after")
    def _in_order(self) -> DelayRange:
        if self.from_s > self.to_s:
            raise ValueError("from is above to")
        return self


def _delay(value: Any) -> Any:
    return {"from": value, "to": value} if isinstance(value, str) else value


Delay = Annotated[DelayRange, BeforeValidator(_delay, json_schema_input_type=Duration | DelayRange)]
"""Written "3s", or {from: 2s, to: 5s}."""


class GateSettings(Record):
    """The readiness gates that the balancer's controller keeps, where the profile has such."""

    poll_s: LongDuration | None = Field(None, alias="poll", description="between two looks at targets not yet healthy")
    failure_policy: Literal["Fail", "Ignore"] | None = Field(
        None, alias="failurePolicy", description="of new pods while the webhook is away"
    )
    webhook: Literal["up", "away"] = Field("up", description="whether what gives new pods their gates answers")


class BalancerSettings(Record):
    """A profile, and what is to be otherwise than there."""

    profile: BalancerProfile = Field(description="whose balancer it is to be as late as; the rest is as there")
    controller: Delay | None = Field(None, description="from the watch to the cloud's API being asked")
    registration: Delay | None = Field(None, description="from then to a new target's first health check")
    propagation: Delay | None = Field(None, description="from healthy, or unhealthy, to new connections going by it")
    deregistration: Delay | None = Field(None, description="from the cloud's being asked to the last new connection")
    interval_s: LongDuration | None = Field(None, alias="interval", description="between two health checks of a target")
    timeout_s: LongDuration | None = Field(None, alias="timeout", description="of a health check")
    healthy: int | None = Field(None, ge=1, le=100, description="good checks in a row that bring a target in")
    unhealthy: int | None = Field(None, ge=1, le=100, description="bad checks in a row that take it out")
    gates: GateSettings | None = Field(None, description="readiness gates, where the profile has such")
    draining_s: LongDuration | None = Field(
        None, alias="draining", description="of layer 7: from a target's last request to the end of what is still open"
    )
    seed: int = Field(0, ge=0, description="of all that is drawn")
