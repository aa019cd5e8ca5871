"""The ResourceQuotas of a namespace, and the pods that a run adds at once -> those that leave too little.

Counts and sums as pkg/quota/v1/evaluator/core/pods.go has them; quotas of a scope are left to the API's own dry run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from harness.kube.quantities import exact
from harness.model.disruption_table import row
from harness.preflight.finding import Finding, Weight
from harness.preflight.intent import Intent
from harness.preflight.surroundings import Object, Surroundings
from harness.spec.rolling import rollout_spec
from harness.spec.workload import pod_spec, spec_of

_PODS = ("pods", "count/pods")


def pods_added(intent: Intent) -> int:
    """How many pods of the application a run adds at once: all, if it deploys it, and what a rollout surges."""
    workload = intent.application.target
    rollout = rollout_spec(intent.application.kind, spec_of(workload))
    return rollout.max_surge + (0 if intent.there else rollout.replicas)


def too_small_among(manifests: Iterable[Object], intent: Intent) -> Iterator[Finding]:
    """The same of quotas that the run brings itself: those with which no rollout can get on.

    One that may take an old pod away first goes on without its surge, and what rolls nothing has none.
    """
    rollout = rollout_spec(intent.application.kind, spec_of(intent.application.target))
    quotas = tuple(each for each in manifests if each["kind"] == "ResourceQuota")
    surge = rollout.max_surge if rollout.brings_first and row(intent.disruption).rolls else 0
    around = Surroundings(objects={"ResourceQuota": quotas})
    return too_small(intent, around, {}, added=rollout.replicas + surge)


def too_small(
    intent: Intent, around: Surroundings, pods: Mapping[str, Object], *, added: int | None = None
) -> Iterator[Finding]:
    """A finding for each quota that does not hold the run. `pods`: as the API would make them, where it said so;
    `added`: how many come at once, where that is not `pods_added`."""
    added = pods_added(intent) if added is None else added
    application = spec_of(pods.get("application")) or pod_spec(intent.application.target)
    workers = [spec_of(pods.get("worker")) or spec_of(worker) for worker in intent.worker_pods]
    for quota in around.of("ResourceQuota"):
        if spec_of(quota).get("scopes") or spec_of(quota).get("scopeSelector"):
            continue
        used = (quota.get("status") or {}).get("used") or {}
        over = []
        for name, hard in (spec_of(quota).get("hard") or {}).items():
            wanted = added * _usage(name, application) + sum(_usage(name, worker) for worker in workers)
            left = exact(hard) - exact(used.get(name, 0))
            if wanted > left:
                over.append(f"{name} for {_shown(max(left, Decimal(0)))} more, and the run takes {_shown(wanted)}")
        if over:
            yield Finding(
                weight=Weight.BLOCKS,
                words=f"ResourceQuota {quota['metadata']['name']} leaves {'; '.join(over)} ({_pods(added, workers)})",
                mend="Ask for a larger quota, want less, or use another namespace.",
            )


def _pods(added: int, workers: list[Object]) -> str:
    mine = f"{len(workers)} of the load" if workers else ""
    return " and ".join(filter(None, (f"{added} of its pods at once", mine)))


def _usage(name: str, pod: Object) -> Decimal:
    """What one pod takes of a quota's resource: of main containers the sum, of init containers the largest."""
    if name in _PODS:
        return Decimal(1)
    part, dot, resource = name.partition(".")
    if part not in ("requests", "limits") or not dot:
        part, resource = "requests", name
    if resource not in ("cpu", "memory", "ephemeral-storage"):
        return Decimal(0)
    main = sum((_asked(each, part, resource) for each in pod.get("containers") or ()), Decimal(0))
    first = max((_asked(each, part, resource) for each in pod.get("initContainers") or ()), default=Decimal(0))
    return max(main, first)


def _asked(container: Object, part: str, resource: str) -> Decimal:
    resources = container.get("resources") or {}
    asked = (resources.get(part) or {}).get(resource)
    if asked is None and part == "requests":  # the API fills requests in from limits
        asked = (resources.get("limits") or {}).get(resource)
    return Decimal(0) if asked is None else exact(asked)


def _shown(number: Decimal) -> str:
    """As a quantity: 3, 250m, 64Mi.

    >>> [_shown(Decimal(text)) for text in ("3", "0.25", "67108864")]
    ['3', '250m', '64Mi']
    """
    if number != int(number):
        return f"{int(number * 1000)}m"
    for unit, size in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if number and number % size == 0:
            return f"{int(number) // size}{unit}"
    return str(int(number))
