"""A Deployment, ReplicaSet, StatefulSet or DaemonSet -> what is wrong with it.

Source: kubernetes `pkg/apis/apps/validation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver import selectors
from harness.sandbox.apiserver.podvalidation import check_pod_spec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.apiserver.field_errors import FieldErrors
    from harness.sandbox.apiserver.store import Object

_STATEFUL_MUTABLE = (
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
)  # fmt: skip


def check_deployment(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A Deployment."""
    spec = obj["spec"]
    for key in ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        errors.not_negative(f"spec.{key}", spec.get(key))
    if _selector(errors, spec, "deployment"):
        check_template(errors, spec, ("Always",))
    _no_deadline(errors, spec, "ReplicaSet")
    _strategy(errors, spec["strategy"])
    deadline_s = spec["progressDeadlineSeconds"]
    if 0 <= deadline_s <= spec.get("minReadySeconds", 0):
        errors.invalid("spec.progressDeadlineSeconds", deadline_s, "must be greater than minReadySeconds")
    if old is not None:
        errors.immutable("spec.selector", spec.get("selector"), old["spec"].get("selector"))


def check_replica_set(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A ReplicaSet."""
    spec = obj["spec"]
    for key in ("replicas", "minReadySeconds"):
        errors.not_negative(f"spec.{key}", spec.get(key))
    if _selector(errors, spec, "replicaset"):
        check_template(errors, spec, ("Always",))
    _no_deadline(errors, spec, "ReplicaSet")
    if old is not None:
        errors.immutable("spec.selector", spec.get("selector"), old["spec"].get("selector"))


def check_stateful_set(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A StatefulSet."""
    spec = obj["spec"]
    for key in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        errors.not_negative(f"spec.{key}", spec.get(key))
    errors.one_of("spec.podManagementPolicy", spec["podManagementPolicy"], ("OrderedReady", "Parallel"))
    strategy = spec["updateStrategy"]
    errors.one_of("spec.updateStrategy.type", strategy["type"], ("OnDelete", "RollingUpdate"))
    if strategy["type"] == "OnDelete" and strategy.get("rollingUpdate") is not None:
        errors.invalid(
            "spec.updateStrategy.rollingUpdate",
            strategy["rollingUpdate"],
            "only allowed for updateStrategy 'RollingUpdate'",
        )
    errors.not_negative(
        "spec.updateStrategy.rollingUpdate.partition", (strategy.get("rollingUpdate") or {}).get("partition")
    )
    if _selector(errors, spec, "statefulset"):
        claims = [
            (template.get("metadata") or {}).get("name", "") for template in spec.get("volumeClaimTemplates") or ()
        ]
        check_template(errors, spec, ("Always",), claims)
    _no_deadline(errors, spec, "StatefulSet")
    errors.not_negative("spec.ordinals.start", (spec.get("ordinals") or {}).get("start"))
    for key, word in (spec.get("persistentVolumeClaimRetentionPolicy") or {}).items():
        errors.one_of(f"spec.persistentVolumeClaimRetentionPolicy.{key}", word, ("Delete", "Retain"))
    if old is None and spec.get("serviceName"):
        errors.label("spec.serviceName", spec["serviceName"])
    if old is not None and without(spec, _STATEFUL_MUTABLE) != without(old["spec"], _STATEFUL_MUTABLE):
        listed = ", ".join(f"'{key}'" for key in _STATEFUL_MUTABLE[:-1]) + f" and '{_STATEFUL_MUTABLE[-1]}'"
        errors.forbidden("spec", f"updates to statefulset spec for fields other than {listed} are forbidden")


def check_daemon_set(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A DaemonSet."""
    spec, strategy = obj["spec"], obj["spec"]["updateStrategy"]
    for key in ("minReadySeconds", "revisionHistoryLimit"):
        errors.not_negative(f"spec.{key}", spec.get(key))
    if _selector(errors, spec, "daemonset"):
        check_template(errors, spec, ("Always",))
    _no_deadline(errors, spec, "DaemonSet")
    errors.one_of("spec.updateStrategy.type", strategy["type"], ("OnDelete", "RollingUpdate"))
    if strategy["type"] == "RollingUpdate":
        _daemon_rates(errors, strategy["rollingUpdate"])
    if old is not None:
        errors.immutable("spec.selector", spec.get("selector"), old["spec"].get("selector"))


def _daemon_rates(errors: FieldErrors, rates: Object) -> None:
    """Exactly one of the two is not zero."""
    at = "spec.updateStrategy.rollingUpdate"
    proper = {key: errors.int_or_percent(f"{at}.{key}", rates[key]) for key in ("maxUnavailable", "maxSurge")}
    for key in proper:
        errors.at_most_all(f"{at}.{key}", rates[key])
    if proper["maxUnavailable"] and proper["maxSurge"]:
        errors.invalid(f"{at}.maxSurge", rates["maxSurge"], "may not be set when maxUnavailable is non-zero")
    elif not proper["maxUnavailable"] and not proper["maxSurge"]:
        errors.required(f"{at}.maxUnavailable", "cannot be 0 when maxSurge is 0")


def _selector(errors: FieldErrors, spec: Object, kind: str) -> bool:
    """Whether there is one that can be matched with the template."""
    selector = spec.get("selector")
    if selector is None:
        errors.required("spec.selector")
        return True
    known = errors.selector("spec.selector", selector)
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        errors.invalid("spec.selector", {}, f"empty selector is invalid for {kind}")
    return known


def check_template(errors: FieldErrors, spec: Object, policies: Iterable[str], claims: Iterable[str] = ()) -> None:
    """A template of pods that the selector is to match."""
    labels, selector = spec["template"]["metadata"].get("labels"), spec.get("selector")
    if selector is None or not all(term.matches(labels or {}) for term in selectors.of_object(selector)):
        errors.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    check_pods(errors, spec, policies, claims)


def check_pods(errors: FieldErrors, spec: Object, policies: Iterable[str], claims: Iterable[str] = ()) -> None:
    """A template of pods by itself."""
    template = spec["template"]
    errors.labels("spec.template.labels", template["metadata"].get("labels") or {})
    errors.annotations("spec.template.annotations", template["metadata"].get("annotations") or {})
    pod = template["spec"]
    check_pod_spec(errors, pod, "spec.template.spec", claims)
    policy, allowed = pod["restartPolicy"], tuple(policies)
    if policy == "Always" and policy not in allowed:  # what it is where nothing is said
        listed = ", ".join(f'"{each}"' for each in allowed)
        errors.required("spec.template.spec.restartPolicy", f"valid values: {listed}")
    elif policy not in allowed:
        errors.unsupported("spec.template.spec.restartPolicy", policy, allowed)
    if pod.get("ephemeralContainers"):
        errors.forbidden("spec.template.spec.ephemeralContainers", "ephemeral containers not allowed in pod template")


def _no_deadline(errors: FieldErrors, spec: Object, kind: str) -> None:
    if ((spec.get("template") or {}).get("spec") or {}).get("activeDeadlineSeconds") is not None:
        field = "spec.template.spec.activeDeadlineSeconds"
        errors.forbidden(field, f"activeDeadlineSeconds in {kind} is not Supported")


def _strategy(errors: FieldErrors, strategy: Object) -> None:
    errors.one_of("spec.strategy.type", strategy["type"], ("Recreate", "RollingUpdate"))
    rates = strategy.get("rollingUpdate")
    if strategy["type"] == "Recreate" and rates is not None:
        why = "may not be specified when strategy `type` is 'Recreate'"
        errors.forbidden("spec.strategy.rollingUpdate", why)
    if strategy["type"] != "RollingUpdate" or rates is None:
        return
    at = "spec.strategy.rollingUpdate"
    proper = [errors.int_or_percent(f"{at}.{key}", rates[key]) for key in ("maxUnavailable", "maxSurge")]
    if proper == [0, 0]:
        errors.invalid(f"{at}.maxUnavailable", rates["maxUnavailable"], "may not be 0 when `maxSurge` is 0")
    errors.at_most_all(f"{at}.maxUnavailable", rates["maxUnavailable"])


def without(spec: Object, keys: Iterable[str]) -> Object:
    """All but these fields."""
    return {key: value for key, value in spec.items() if key not in tuple(keys)}
