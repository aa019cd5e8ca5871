"""What a run is going to do to a cluster, as far as the cluster must allow it and bear it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.manifests.application import Application
from harness.spec.workload import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One scenario. `namespace`: the one that is named; None where a new one is made.

    `there`: the application stands in that namespace already, and is rolled as it is. `disruption`: by its name in the
    experiment; `node`: which one is drained, where it is named. `churn`: whether a Service of our own is changed beside
    it. `worker_pods`: manifests of the Pods from which load comes, as far as they are known beforehand. `restores`: the
    commands that put back what earlier runs changed of the application, as far as this machine knows of them.
    """

    application: Application
    namespace: str | None = None
    there: bool = False
    disruption: str = "restart"
    node: str | None = None
    churn: bool = False
    worker_pods: tuple[Object, ...] = ()
    restores: tuple[str, ...] = ()

    @property
    def worker(self) -> bool:
        """Whether load comes from Pods."""
        return bool(self.worker_pods)
