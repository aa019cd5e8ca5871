"""Whose readiness gates a cluster has, and how late they are -> one frozen record among the balancer's settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class Keeper(StrEnum):
    """The controllers that are known to keep gates."""

    AWS = "aws-load-balancer-controller"
    NEG = "neg-controller"


class FailurePolicy(StrEnum):
    """What becomes of a new pod where the webhook that would give it its gates does not answer."""

    FAIL = "Fail"
    IGNORE = "Ignore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """The gates of one cluster.

    `poll_s`: how long after a look at a Service's targets the controller looks again, while one of them is not healthy.
    `fails_open_s`: after so long a pod's life its gate is opened whatever became of its target; None: never.
    `failure_policy`: the webhook's; `webhook`: whether it answers.
    """

    keeper: Keeper
    poll_s: float
    fails_open_s: float | None = None
    failure_policy: FailurePolicy = FailurePolicy.FAIL
    webhook: bool = True

    def to_json(self) -> dict[str, Any]:
        """As `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        made = {"keeper": Keeper(fields["keeper"]), "failure_policy": FailurePolicy(fields["failure_policy"])}
        return cls(**{**fields, **made})


# aws-load-balancer-controller pkg/targetgroupbinding/resource_manager.go: defaultRequeueDuration; config/webhook/
# manifests.yaml: failurePolicy Fail (its chart: a value, Ignore by default in versions after 2.11.0, says
# docs/deploy/pod_readiness_gate.md).
AWS_GATES = Gates(keeper=Keeper.AWS, poll_s=15.0)

# ingress-gce pkg/neg/readiness/reflector.go: unreadyTimeout. It polls again as soon as an answer has come, at the rate
# that the API allows; 5 s is a round guess. GKE gives the gates itself, so that its webhook is always there.
NEG_GATES = Gates(keeper=Keeper.NEG, poll_s=5.0, fails_open_s=600.0)
