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

    from harness.sandbox.apiserver.field_errors import Findings
    from harness.sandbox.apiserver.store import Object

_OPERATORS = ("DoesNotExist", "Exists", "In", "NotIn")
_STATEFUL_MUTABLE = (
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
)  # fmt: skip
_NO_DEADLINE = 2**31 - 1


def check_deployment(findings: Findings, obj: Object, old: Object | None) -> None:
    """A Deployment."""
    spec = obj["spec"]
    for key in ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        findings.not_negative(f"spec.{key}", spec.get(key))
    if _selector(findings, spec, "deployment"):
        _template(findings, spec, ("Always",))
    _strategy(findings, spec["strategy"])
    deadline_s = spec["progressDeadlineSeconds"]
    if 0 <= deadline_s <= spec.get("minReadySeconds", 0):
        findings.invalid("spec.progressDeadlineSeconds", deadline_s, "must be greater than minReadySeconds")
    if old is not None:
        findings.immutable("spec.selector", spec.get("selector"), old["spec"].get("selector"))


def check_replica_set(findings: Findings, obj: Object, old: Object | None) -> None:
    """A ReplicaSet."""
    spec = obj["spec"]
    for key in ("replicas", "minReadySeconds"):
        findings.not_negative(f"spec.{key}", spec.get(key))
    if _selector(findings, spec, "replicaset"):
        _template(findings, spec, ("Always",))
    if old is not None:
        findings.immutable("spec.selector", spec.get("selector"), old["spec"].get("selector"))


def check_stateful_set(findings: Findings, obj: Object, old: Object | None) -> None:
    """A StatefulSet."""
    spec = obj["spec"]
    for key in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        findings.not_negative(f"spec.{key}", spec.get(key))
    findings.one_of("spec.podManagementPolicy", spec["podManagementPolicy"], ("OrderedReady", "Parallel"))
    strategy = spec["updateStrategy"]
    findings.one_of("spec.updateStrategy.type", strategy["type"], ("OnDelete", "RollingUpdate"))
    if strategy["type"] == "OnDelete" and strategy.get("rollingUpdate") is not None:
        findings.invalid(
            "spec.updateStrategy.rollingUpdate",
            strategy["rollingUpdate"],
            "only allowed for updateStrategy 'RollingUpdate'",
        )
    findings.not_negative(
        "spec.updateStrategy.rollingUpdate.partition", (strategy.get("rollingUpdate") or {}).get("partition")
    )
    if _selector(findings, spec, "statefulset"):
        _template(findings, spec, ("Always",))
    if old is not None and _without(spec, _STATEFUL_MUTABLE) != _without(old["spec"], _STATEFUL_MUTABLE):
        listed = ", ".join(f"'{key}'" for key in _STATEFUL_MUTABLE[:-1]) + f" and '{_STATEFUL_MUTABLE[-1]}'"
        findings.forbidden("spec", f"updates to statefulset spec for fields other than {listed} are forbidden")


def check_job(findings: Findings, obj: Object, old: Object | None) -> None:
    """A Job."""
    spec = obj["spec"]
    for key in ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"):
        findings.not_negative(f"spec.{key}", spec.get(key))
    findings.one_of("spec.completionMode", spec["completionMode"], ("Indexed", "NonIndexed"))
    if spec["completionMode"] == "Indexed" and spec.get("completions") is None:
        findings.required("spec.completions", "when completion mode is Indexed")
    _template(findings, spec, ("OnFailure", "Never"))
    if old is not None:
        for key in ("completionMode", "selector", "template"):
            findings.immutable(f"spec.{key}", spec.get(key), old["spec"].get(key))
        if spec["completionMode"] != "Indexed":
            findings.immutable("spec.completions", spec.get("completions"), old["spec"].get("completions"))


def _selector(findings: Findings, spec: Object, kind: str) -> bool:
    """Whether there is one that can be matched with the template."""
    selector = spec.get("selector")
    if selector is None:
        findings.required("spec.selector")
        return True
    findings.labels("spec.selector.matchLabels", selector.get("matchLabels") or {})
    known = True
    for n, term in enumerate(selector.get("matchExpressions") or ()):
        at = f"spec.selector.matchExpressions[{n}]"
        if term.get("operator") not in _OPERATORS:
            findings.invalid(f"{at}.operator", term.get("operator", ""), "not a valid selector operator")
            known = False
        if not term.get("key"):
            findings.required(f"{at}.key")
            known = False
        listed, wanted = bool(term.get("values")), term.get("operator") in ("In", "NotIn")
        if wanted and not listed:
            findings.required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        findings.invalid("spec.selector", {}, f"empty selector is invalid for {kind}")
    return known


def _template(findings: Findings, spec: Object, policies: Iterable[str]) -> None:
    template = spec.get("template")
    if template is None:
        findings.required("spec.template")
        return
    labels = (template.get("metadata") or {}).get("labels") or {}
    findings.labels("spec.template.labels", labels)
    if not all(term.matches(labels) for term in selectors.of_object(spec.get("selector"))):
        findings.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    pod = template["spec"]
    check_pod_spec(findings, pod, "spec.template.spec")
    if pod["restartPolicy"] not in tuple(policies):
        findings.unsupported("spec.template.spec.restartPolicy", pod["restartPolicy"], policies)


def _strategy(findings: Findings, strategy: Object) -> None:
    findings.one_of("spec.strategy.type", strategy["type"], ("Recreate", "RollingUpdate"))
    rates = strategy.get("rollingUpdate")
    if strategy["type"] == "Recreate" and rates is not None:
        why = "may not be specified when strategy `type` is 'Recreate'"
        findings.forbidden("spec.strategy.rollingUpdate", why)
    if strategy["type"] != "RollingUpdate" or rates is None:
        return
    at = "spec.strategy.rollingUpdate"
    proper = [_rate(findings, f"{at}.{key}", rates[key]) for key in ("maxUnavailable", "maxSurge")]
    if proper == [0, 0]:
        findings.invalid(f"{at}.maxUnavailable", rates["maxUnavailable"], "may not be 0 when `maxSurge` is 0")
    if isinstance(rates["maxUnavailable"], str) and (proper[0] or 0) > 100:
        findings.invalid(f"{at}.maxUnavailable", rates["maxUnavailable"], "must not be greater than 100%")


def _rate(findings: Findings, field: str, value: Any) -> int | None:
    """The number in `3` or `25%`; None where it is neither."""
    if isinstance(value, int):
        findings.not_negative(field, value)
        return value
    if not re.fullmatch(r"[0-9]+%", value):
        why = (
            "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', "
            "regex used for validation is '[0-9]+%')"
        )
        findings.invalid(field, value, why)
        return None
    return int(value[:-1])


def _without(spec: Object, keys: Iterable[str]) -> Object:
    return {key: value for key, value in spec.items() if key not in tuple(keys)}
