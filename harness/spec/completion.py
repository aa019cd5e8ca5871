"""A Deployment or StatefulSet as the API shows it -> whether its rollout is complete, as `kubectl rollout status` says.

https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.spec.ordinals import first_ordinal, ordinal
from harness.spec.rolling import RolloutSpec, Strategy, rollout_spec, wanted_replicas
from harness.spec.workload import Object, spec_of

_TIMED_OUT = "ProgressDeadlineExceeded"


def is_complete(workload: Object, *, generation: int = 0) -> bool:
    """Whether the rollout is complete; `generation`: the one that an update made, where the object may be older.

    A StatefulSet with OnDelete never is: nobody rolls it.
    """
    status: Object = workload.get("status") or {}
    if not is_observed(workload, generation=generation):
        return False
    if workload["kind"] == "StatefulSet":
        return _stateful_set_is_complete(rollout_spec("StatefulSet", spec_of(workload)), workload, status)
    return _deployment_is_complete(wanted_replicas(spec_of(workload)), status)


def is_observed(workload: Object, *, generation: int = 0) -> bool:
    """Whether its controller has taken note of the present spec, and of that `generation`."""
    newest = int((workload.get("metadata") or {}).get("generation") or 0)
    observed = int((workload.get("status") or {}).get("observedGeneration") or 0)
    return observed > 0 and observed >= max(newest, generation)


def _deployment_is_complete(wanted: int, status: Object) -> bool:
    conditions = status.get("conditions") or ()
    if any(c.get("type") == "Progressing" and c.get("reason") == _TIMED_OUT for c in conditions):
        return False  # kubectl gives up here; a controller that gets on takes the reason away
    updated = _count(status, "updatedReplicas")
    old_pods = _count(status, "replicas") > updated
    return updated >= wanted and not old_pods and _count(status, "availableReplicas") >= updated


def _stateful_set_is_complete(spec: RolloutSpec, workload: Object, status: Object) -> bool:
    """Ready, not available: kubectl does not wait for the last pod's minReadySeconds.

    Nor does it look which ordinals are updated: going back to the revision that those below the partition kept, it
    counts them too, and is done that much earlier.
    """
    if spec.strategy != Strategy.ROLLING_UPDATE or _count(status, "readyReplicas") < spec.replicas:
        return False
    strategy = spec_of(workload).get("updateStrategy") or {}
    if strategy.get("rollingUpdate") is not None:  # the API's default has one, with partition 0
        return _count(status, "updatedReplicas") >= spec.replicas - spec.partition
    return bool(status.get("updateRevision") == status.get("currentRevision"))


def carries_update(workload: Object, pods: Iterable[Object]) -> bool:
    """Whether all pods that a StatefulSet's update replaces are of the revision that it goes to.

    kubectl counts the pods of that revision, whichever they are: where it goes back to the one that those below the
    partition kept, it is done before anything was replaced. Of a Deployment its status tells enough.
    """
    if workload["kind"] != "StatefulSet":
        return True
    spec, revision = spec_of(workload), (workload.get("status") or {}).get("updateRevision")
    first = first_ordinal(spec) + rollout_spec("StatefulSet", spec).partition
    return all(_revision(pod) == revision for pod in pods if (ordinal(_name(pod)) or 0) >= first)


def _name(pod: Object) -> str:
    return str((pod.get("metadata") or {}).get("name") or "")


def _revision(pod: Object) -> str | None:
    labels: Object = (pod.get("metadata") or {}).get("labels") or {}
    return labels.get("controller-revision-hash")


def _count(status: Object, field: str) -> int:
    return int(status.get(field) or 0)
