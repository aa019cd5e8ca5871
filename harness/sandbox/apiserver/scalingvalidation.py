"""A HorizontalPodAutoscaler or PodDisruptionBudget -> what is wrong with it.

Source: kubernetes `pkg/apis/autoscaling/validation`, `pkg/apis/policy/validation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver.quantities import amount

if TYPE_CHECKING:
    from harness.sandbox.apiserver.field_errors import FieldErrors
    from harness.sandbox.apiserver.store import Object

# A metric's type -> the field that holds its source.
_SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_TARGETS = ("AverageValue", "Utilization", "Value")
_VALUES = ("averageUtilization", "averageValue", "value")
# The values of which a source must have one.
_WANTED = {
    "containerResource": ("averageUtilization", "averageValue"),
    "external": ("value", "averageValue"),
    "object": ("value", "averageValue"),
    "pods": ("averageValue",),
    "resource": ("averageUtilization", "averageValue"),
}
_MISSING = {
    "containerResource": "must set either a target raw value or a target utilization",
    "external": "must set either a target value for metric or a per-pod target",
    "object": "must set either a target value or averageValue",
    "pods": "must specify a positive target averageValue",
    "resource": "must set either a target raw value or a target utilization",
}
_LONGEST_WINDOW_S, _LONGEST_PERIOD_S = 3600, 1800


def check_autoscaler(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A HorizontalPodAutoscaler."""
    spec = obj.get("spec") or {}
    least, most = spec.get("minReplicas"), spec.get("maxReplicas", 0)
    if least is not None and least < errors.fewest_scaled:
        errors.invalid("spec.minReplicas", least, f"must be greater than or equal to {errors.fewest_scaled}")
    if most < 1:
        errors.invalid("spec.maxReplicas", most, "must be greater than 0")
    if least is not None and most < least:
        errors.invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    _named(errors, spec.get("scaleTargetRef") or {}, "spec.scaleTargetRef")
    for n, metric in enumerate(spec.get("metrics") or ()):
        _metric(errors, metric, f"spec.metrics[{n}]")
    for name in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(name)
        if rules is not None:
            _scaling(errors, rules, f"spec.behavior.{name}")


def _named(errors: FieldErrors, reference: Object, at: str) -> None:
    for field in ("kind", "name"):
        errors.segment(f"{at}.{field}", reference.get(field, ""))


def _metric(errors: FieldErrors, metric: Object, at: str) -> None:
    kind = metric.get("type", "")
    if not kind:
        errors.required(f"{at}.type", "must specify a metric source type")
    errors.one_of(f"{at}.type", kind, _SOURCES)
    given = [field for field in _SOURCES.values() if metric.get(field) is not None]
    expected = _SOURCES.get(kind, kind.lower())
    if expected not in given:
        errors.required(f"{at}.{expected}", "must populate information for the given metric source")
    for field in given:
        if field != expected:
            errors.forbidden(f"{at}.{field}", "must populate the given metric source only")
    if len(given) == 1:
        _source(errors, metric[given[0]], given[0], f"{at}.{given[0]}")


def _source(errors: FieldErrors, source: Object, field: str, at: str) -> None:
    if field in ("resource", "containerResource"):
        if not source.get("name"):
            errors.required(f"{at}.name", "must specify a resource name")
        if field == "containerResource" and not source.get("container"):
            errors.required(f"{at}.container", "must specify a container")
    else:
        errors.segment(f"{at}.metric.name", (source.get("metric") or {}).get("name", ""))
        errors.selector(f"{at}.metric.selector", (source.get("metric") or {}).get("selector"))
    if field == "object":
        _named(errors, source.get("describedObject") or {}, f"{at}.describedObject")
    _target(errors, source.get("target") or {}, field, f"{at}.target")


def _target(errors: FieldErrors, target: Object, field: str, at: str) -> None:
    if not target.get("type"):
        errors.required(f"{at}.type", "must specify a metric target type")
    errors.one_of(f"{at}.type", target.get("type", ""), _TARGETS)
    for name in _VALUES:
        value = target.get(name)
        if isinstance(value, str) and amount(value) <= 0:
            errors.invalid(f"{at}.{name}", value, "must be positive")
        elif isinstance(value, int) and value < 1:
            errors.invalid(f"{at}.{name}", value, "must be greater than 0")
    given = [name for name in _WANTED[field] if target.get(name) is not None]
    if not given:
        errors.required(f"{at}.{_WANTED[field][0]}", _MISSING[field])
    elif len(given) > 1:
        errors.forbidden(f"{at}.{given[1]}", "may not set both a target raw value and a target utilization")


def _scaling(errors: FieldErrors, rules: Object, at: str) -> None:
    window_s = rules.get("stabilizationWindowSeconds")
    errors.not_negative(f"{at}.stabilizationWindowSeconds", window_s)
    if window_s is not None and window_s > _LONGEST_WINDOW_S:
        why = f"must be less than or equal to {_LONGEST_WINDOW_S}"
        errors.invalid(f"{at}.stabilizationWindowSeconds", window_s, why)
    if rules.get("selectPolicy") is not None:
        errors.one_of(f"{at}.selectPolicy", rules["selectPolicy"], ("Disabled", "Max", "Min"))
    for n, policy in enumerate(rules.get("policies") or ()):  # where none is said there are defaults
        errors.one_of(f"{at}.policies[{n}].type", policy.get("type", ""), ("Percent", "Pods"))
        for field in ("value", "periodSeconds"):
            if policy.get(field, 0) <= 0:
                errors.invalid(f"{at}.policies[{n}].{field}", policy.get(field, 0), "must be greater than zero")
        if policy.get("periodSeconds", 0) > _LONGEST_PERIOD_S:
            why = f"must be less than or equal to {_LONGEST_PERIOD_S}"
            errors.invalid(f"{at}.policies[{n}].periodSeconds", policy["periodSeconds"], why)


def check_disruption_budget(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A PodDisruptionBudget."""
    spec = obj.get("spec") or {}
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None and most is not None:
        # Kubernetes' own type is shown, which has no names for JSON.
        shown = {"MinAvailable": least, "Selector": spec.get("selector"), "MaxUnavailable": most}
        shown["UnhealthyPodEvictionPolicy"] = spec.get("unhealthyPodEvictionPolicy")
        errors.invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set")
    for field in ("minAvailable", "maxUnavailable"):
        if spec.get(field) is not None:
            errors.int_or_percent(f"spec.{field}", spec[field])
            errors.at_most_all(f"spec.{field}", spec[field])
    if spec.get("unhealthyPodEvictionPolicy") is not None:
        policies = ("AlwaysAllow", "IfHealthyBudget")
        errors.one_of("spec.unhealthyPodEvictionPolicy", spec["unhealthyPodEvictionPolicy"], policies)
    errors.selector("spec.selector", spec.get("selector"))
    for field in ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"):
        errors.not_negative(f"status.{field}", (obj.get("status") or {}).get(field))
