"""A Deployment, ReplicaSet, StatefulSet or Job -> what is wrong with it.

Source: kubernetes `pkg/apis/apps/validation`, `pkg/apis/batch/validation`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import selectors
from harness.sandbox.apiserver.podvalidation import check_pod_spec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.apiserver.field_errors import FieldErrors
    from harness.sandbox.apiserver.store import Object

_OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")
_STATEFUL_MUTABLE = (
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
)  # fmt: skip
_NO_DEADLINE = 2**31 - 1


def check_deployment(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A Deployment."""
    spec = obj["spec"]
    for key in ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        errors.not_negative(f"spec.{key}", spec.get(key))
    if _selector(errors, spec, "deployment"):
        _template(errors, spec, ("Always",))
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
        _template(errors, spec, ("Always",))
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
        _template(errors, spec, ("Always",), claims)
    if old is not None and _without(spec, _STATEFUL_MUTABLE) != _without(old["spec"], _STATEFUL_MUTABLE):
        listed = ", ".join(f"'{key}'" for key in _STATEFUL_MUTABLE[:-1]) + f" and '{_STATEFUL_MUTABLE[-1]}'"
        errors.forbidden("spec", f"updates to statefulset spec for fields other than {listed} are forbidden")


def check_job(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A Job."""
    spec = obj["spec"]
    for key in ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"):
        errors.not_negative(f"spec.{key}", spec.get(key))
    errors.one_of("spec.completionMode", spec["completionMode"], ("Indexed", "NonIndexed"))
    if spec["completionMode"] == "Indexed" and spec.get("completions") is None:
        errors.required("spec.completions", "when completion mode is Indexed")
    if spec.get("selector") is None or _terms(errors, spec["selector"]):
        _template(errors, spec, ("OnFailure", "Never"))
    if old is not None:
        for key in ("completionMode", "selector", "template"):
            errors.immutable(f"spec.{key}", spec.get(key), old["spec"].get(key))
        if spec["completionMode"] != "Indexed":
            errors.immutable("spec.completions", spec.get("completions"), old["spec"].get("completions"))


def _selector(errors: FieldErrors, spec: Object, kind: str) -> bool:
    """Whether there is one that can be matched with the template."""
    selector = spec.get("selector")
    if selector is None:
        errors.required("spec.selector")
        return True
    known = _terms(errors, selector)
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        errors.invalid("spec.selector", {}, f"empty selector is invalid for {kind}")
    return known


def _terms(errors: FieldErrors, selector: Object) -> bool:
    """Whether all of a selector's terms can be matched."""
    errors.labels("spec.selector.matchLabels", selector.get("matchLabels") or {})
    known = True
    for n, term in enumerate(selector.get("matchExpressions") or ()):
        at = f"spec.selector.matchExpressions[{n}]"
        if term.get("operator") not in _OPERATORS:
            errors.invalid(f"{at}.operator", term.get("operator", ""), "not a valid selector operator")
            known = False
        if not term.get("key"):
            errors.required(f"{at}.key")
            known = False
        listed, wanted = bool(term.get("values")), term.get("operator") in ("In", "NotIn")
        if wanted and not listed:
            errors.required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    return known


def _template(errors: FieldErrors, spec: Object, policies: Iterable[str], claims: Iterable[str] = ()) -> None:
    template = spec.get("template")
    if template is None:
        errors.required("spec.template")
        return
    labels = (template.get("metadata") or {}).get("labels") or {}
    errors.labels("spec.template.labels", labels)
    if not all(term.matches(labels) for term in selectors.of_object(spec.get("selector"))):
        errors.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    pod = template["spec"]
    check_pod_spec(errors, pod, "spec.template.spec", claims)
    if pod["restartPolicy"] not in tuple(policies):
        errors.unsupported("spec.template.spec.restartPolicy", pod["restartPolicy"], policies)


def _strategy(errors: FieldErrors, strategy: Object) -> None:
    errors.one_of("spec.strategy.type", strategy["type"], ("Recreate", "RollingUpdate"))
    rates = strategy.get("rollingUpdate")
    if strategy["type"] == "Recreate" and rates is not None:
        why = "may not be specified when strategy `type` is 'Recreate'"
        errors.forbidden("spec.strategy.rollingUpdate", why)
    if strategy["type"] != "RollingUpdate" or rates is None:
        return
    at = "spec.strategy.rollingUpdate"
    proper = [_rate(errors, f"{at}.{key}", rates[key]) for key in ("maxUnavailable", "maxSurge")]
    if proper == [0, 0]:
        errors.invalid(f"{at}.maxUnavailable", rates["maxUnavailable"], "may not be 0 when `maxSurge` is 0")
    if isinstance(rates["maxUnavailable"], str) and (proper[0] or 0) > 100:
        errors.invalid(f"{at}.maxUnavailable", rates["maxUnavailable"], "must not be greater than 100%")


def _rate(errors: FieldErrors, field: str, value: Any) -> int | None:
    """The number in `3` or `25%`; None where it is neither."""
    if isinstance(value, int):
        errors.not_negative(field, value)
        return value
    if not re.fullmatch(r"[0-9]+%", value):
        why = (
            "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', "
            "regex used for validation is '[0-9]+%')"
        )
        errors.invalid(field, value, why)
        return None
    return int(value[:-1])


def _without(spec: Object, keys: Iterable[str]) -> Object:
    return {key: value for key, value in spec.items() if key not in tuple(keys)}
