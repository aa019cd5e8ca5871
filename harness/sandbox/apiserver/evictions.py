"""An Eviction -> the pod deleted, or 429 where its PodDisruptionBudget does not allow it.

Source: kubernetes `pkg/registry/core/pod/storage/eviction.go`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors, selectors
from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.apiserver.registry import DeleteOptions
from harness.sandbox.apiserver.resources import BUDGETS, PODS

if TYPE_CHECKING:
    from harness.sandbox.apiserver.registry import Registry
    from harness.sandbox.apiserver.store import Object, Stored

_FREE_PHASES = ("Succeeded", "Failed", "Pending")
_MOST_DISRUPTED = 2000
_RETRY_S = 10
_REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget."
_SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."


def evict(registry: Registry, namespace: str, name: str, options: DeleteOptions) -> None:
    """Deletes the pod, with the reason on it, once its budget has been asked and charged.

    Raises: StatusError (404, 409, 429, 500).
    """
    pod = registry.existing(PODS, namespace, name)
    if pod.obj.get("status", {}).get("phase") not in _FREE_PHASES and not pod.obj["metadata"].get("deletionTimestamp"):
        budgets = [each for each in registry.store.items(BUDGETS, namespace) if selects(each.obj, pod.obj)]
        if len(budgets) > 1:
            raise api_errors.StatusError(500, "", _SEVERAL)
        if budgets and not _may_go_unready(budgets[0].obj, pod.obj):
            _charge(registry, budgets[0], pod, dry_run=options.dry_run)
    if not options.dry_run:
        pod = _marked(registry, pod)
    if options.version is not None:  # the mark has changed it; what was asked for was looked at before
        options = replace(options, version=None)
    registry.delete(PODS, namespace, name, options)


def selects(budget: Object, pod: Object) -> bool:
    """Whether the budget is for this pod; an empty selector of policy/v1 selects every pod of its namespace."""
    selector = budget.get("spec", {}).get("selector")
    if selector is None:
        return False
    labels = pod["metadata"].get("labels") or {}
    return all(term.matches(labels) for term in selectors.of_object(selector))


def _may_go_unready(budget: Object, pod: Object) -> bool:
    """Whether a pod that is not ready may go without being counted."""
    conditions = pod.get("status", {}).get("conditions") or ()
    if any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions):
        return False
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status", {})
    healthy, wanted = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    return bool(healthy >= wanted and wanted > 0)


def _charge(registry: Registry, budget: Stored, pod: Stored, *, dry_run: bool) -> None:
    metadata, status = budget.obj["metadata"], budget.obj.get("status") or {}
    name = metadata["name"]
    if status.get("observedGeneration", 0) < metadata.get("generation", 0):
        raise _refused(f"The disruption budget {name} is still being processed by the server.", _RETRY_S)
    if len(status.get("disruptedPods") or {}) > _MOST_DISRUPTED:
        why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise api_errors.forbidden(BUDGETS, name, why)
    if status.get("disruptionsAllowed", 0) <= 0:
        wanted, healthy = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        raise _refused(f"The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently", 0)
    if dry_run:
        return

    def charged(obj: Object) -> Object:
        obj["status"]["disruptionsAllowed"] -= 1
        gone = obj["status"].setdefault("disruptedPods", {})
        gone[pod.obj["metadata"]["name"]] = rfc3339(registry.now())
        return obj

    registry.update(BUDGETS, metadata["namespace"], name, charged, part="status")


def _refused(why: str, retry_after_s: int) -> api_errors.StatusError:
    details: dict[str, Any] = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    headers = {}
    if retry_after_s:
        details["retryAfterSeconds"], headers["Retry-After"] = retry_after_s, str(retry_after_s)
    return api_errors.StatusError(429, "TooManyRequests", _REFUSAL, details, headers)


def _marked(registry: Registry, pod: Stored) -> Stored:
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
        "lastTransitionTime": rfc3339(registry.now()),
    }

    def marked(obj: Object) -> Object:
        status = obj.setdefault("status", {})
        kept = [item for item in status.get("conditions", ()) if item.get("type") != "DisruptionTarget"]
        status["conditions"] = [*kept, condition]
        return obj

    metadata = pod.obj["metadata"]
    return registry.update(PODS, metadata["namespace"], metadata["name"], marked, part="status")
