"""A Deployment's or StatefulSet's spec -> how it rolls: its strategy, how many pods at once, what it waits for.

Fields: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/. Defaults: pkg/apis/apps/v1/defaults.go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from harness.spec.ordinals import first_ordinal
from harness.spec.workload import Object

PROGRESS_DEADLINE_DEFAULT_S = 600
_SHARE_DEFAULT = "25%"


class Strategy(StrEnum):
    """How old pods give way to new ones; the first is the default of both kinds."""

    ROLLING_UPDATE = "RollingUpdate"
    RECREATE = "Recreate"
    ON_DELETE = "OnDelete"


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSpec:
    """What a workload's spec says about its rollouts, with the API's defaults where it is silent.

    `max_surge`, `max_unavailable`: resolved to pods; a StatefulSet replaces one at a time, unless a feature gate of its
    cluster honours `stateful_unavailable`, its own maxUnavailable. `partition`: so many of the lowest
    ordinals, which count from `first`, keep their revision.
    `progress_deadline_s`: None for a StatefulSet, which has none. `ordered`: a StatefulSet creates its pods one after
    another.
    """

    kind: str = "Deployment"
    replicas: int = 1
    strategy: str = Strategy.ROLLING_UPDATE
    max_surge: int = 1
    max_unavailable: int = 0
    min_ready_s: float = 0.0
    progress_deadline_s: float | None = PROGRESS_DEADLINE_DEFAULT_S
    partition: int = 0
    first: int = 0
    ordered: bool = True
    paused: bool = False
    stateful_unavailable: int | str | None = None

    @property
    def replaced(self) -> int:
        """How many pods a rollout replaces: all but those that a StatefulSet's partition keeps."""
        return max(0, self.replicas - self.partition)

    @property
    def steps(self) -> int:
        """How many times pods are replaced one after another: a step is as large as surge and unavailable allow."""
        if self.strategy == Strategy.RECREATE:
            return 1
        return max(1, math.ceil(self.replaced / max(1, self.max_surge + self.max_unavailable)))

    @property
    def steps_are_certain(self) -> bool:
        """Whether at most one pod may move at a time, so that every run takes the same steps."""
        return self.strategy == Strategy.RECREATE or self.max_surge + self.max_unavailable == 1

    @property
    def brings_first(self) -> bool:
        """Whether no old pod goes before a new one has come and is available."""
        rolls = self.kind == "Deployment" and self.strategy == Strategy.ROLLING_UPDATE
        return rolls and self.max_surge > 0 and not self.max_unavailable

    @property
    def waits_for_stop(self) -> bool:
        """Whether a step begins only when the old pods of the one before have ended."""
        return self.strategy == Strategy.RECREATE or self.kind == "StatefulSet"


def rollout_spec(kind: str, spec: Object, *, replicas: int | None = None) -> RolloutSpec:
    """What the spec of a workload of that kind says, with `replicas` instead of its own number where given."""
    deployment = kind == "Deployment"
    strategy = spec.get("strategy" if deployment else "updateStrategy") or {}
    rolling = strategy.get("rollingUpdate") or {}
    count = wanted_replicas(spec) if replicas is None else replicas
    kind_of_strategy = str(strategy.get("type") or Strategy.ROLLING_UPDATE)
    surge, unavailable = (0, 1) if not deployment else _bounds(kind_of_strategy, rolling, count)
    deadline_s = spec.get("progressDeadlineSeconds")
    return RolloutSpec(
        kind=kind,
        replicas=count,
        strategy=kind_of_strategy,
        max_surge=surge,
        max_unavailable=unavailable,
        min_ready_s=float(spec.get("minReadySeconds") or 0),
        progress_deadline_s=float(PROGRESS_DEADLINE_DEFAULT_S if deadline_s is None else deadline_s)
        if deployment
        else None,
        partition=int(rolling.get("partition") or 0),
        first=first_ordinal(spec),
        ordered=(spec.get("podManagementPolicy") or "OrderedReady") == "OrderedReady",
        paused=bool(spec.get("paused")),
        stateful_unavailable=None if deployment else rolling.get("maxUnavailable"),
    )


def wanted_replicas(spec: Object) -> int:
    """How many pods a workload's or ReplicaSet's spec asks for.

    >>> wanted_replicas({}), wanted_replicas({"replicas": 0})
    (1, 0)
    """
    replicas = spec.get("replicas")
    return 1 if replicas is None else int(replicas)


def _bounds(strategy: str, rolling: Object, replicas: int) -> tuple[int, int]:
    """(surge, unavailable) of a Deployment; only a rolling update has any (upstream: MaxSurge, MaxUnavailable)."""
    if strategy == Strategy.RECREATE:
        return 0, 0
    surge, unavailable = rolling.get("maxSurge"), rolling.get("maxUnavailable")
    surge, unavailable = fenceposts(
        _SHARE_DEFAULT if surge is None else surge, _SHARE_DEFAULT if unavailable is None else unavailable, replicas
    )
    return surge, min(unavailable, replicas)


def fenceposts(surge: int | str, unavailable: int | str, replicas: int) -> tuple[int, int]:
    """How many pods more than `replicas`, and how many fewer, a rolling update may have.

    Percentages round maxSurge up and maxUnavailable down; where both come to zero, one may be unavailable, since
    nothing would ever move (pkg/controller/deployment/util/deployment_util.go, ResolveFenceposts).

    >>> fenceposts("25%", "25%", 3), fenceposts("7%", "29%", 100), fenceposts(0, "10%", 4)
    ((1, 0), (7, 29), (0, 1))
    """
    more, fewer = _scaled(surge, replicas, up=True), _scaled(unavailable, replicas, up=False)
    return (more, fewer) if more or fewer else (0, 1)


def _scaled(value: int | str, of: int, *, up: bool) -> int:
    """A number, or a percentage of `of` in whole numbers: 7 % of 100 is 7, which 0.07 * 100 is not."""
    if isinstance(value, str) and value.endswith("%"):
        part = int(value[:-1]) * of
        return -(-part // 100) if up else part // 100
    return int(value)
