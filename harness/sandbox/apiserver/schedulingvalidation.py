"""What a pod asks of the node it runs on (tolerations, affinity, spreading), and classes of priority -> what is wrong.

Source: kubernetes `pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.apiserver.field_errors import FieldErrors
    from harness.sandbox.apiserver.store import Object

SYSTEM_CLASSES = ("system-cluster-critical", "system-node-critical")
TAINT_EFFECTS = ("NoExecute", "NoSchedule", "PreferNoSchedule")
_HIGHEST_PRIORITY = 1000000000
_NODE_OPERATORS = ("DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn")
_WHEN_UNSATISFIABLE = ("DoNotSchedule", "ScheduleAnyway")
_REQUIRED, _PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)


def check_scheduling(errors: FieldErrors, spec: Object, at: str) -> None:
    """Everything in a pod's spec that its scheduler reads, but for the requests."""
    errors.labels(f"{at}.nodeSelector", spec.get("nodeSelector") or {})
    for n, toleration in enumerate(spec.get("tolerations") or ()):
        _toleration(errors, toleration, f"{at}.tolerations[{n}]")
    affinity = spec.get("affinity") or {}
    _node_affinity(errors, affinity.get("nodeAffinity") or {}, f"{at}.affinity.nodeAffinity")
    for kind in ("podAffinity", "podAntiAffinity"):
        _pod_affinity(errors, affinity.get(kind) or {}, f"{at}.affinity.{kind}")
    for n, constraint in enumerate(spec.get("topologySpreadConstraints") or ()):
        _spread(errors, constraint, f"{at}.topologySpreadConstraints[{n}]")
    gates: set[str] = set()
    for n, gate in enumerate(spec.get("schedulingGates") or ()):
        name = gate.get("name", "")
        errors.qualified(f"{at}.schedulingGates[{n}]", name)
        if name in gates:
            errors.duplicate(f"{at}.schedulingGates[{n}]", name)
        gates.add(name)


def _toleration(errors: FieldErrors, toleration: Object, at: str) -> None:
    key, operator = toleration.get("key", ""), toleration.get("operator") or "Equal"
    effect, value = toleration.get("effect", ""), toleration.get("value", "")
    if key:
        errors.qualified(f"{at}.key", key)
    elif operator != "Exists":
        why = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        errors.invalid(f"{at}.operator", operator, why)
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        errors.invalid(f"{at}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
    if operator == "Exists" and value:
        errors.invalid(f"{at}.operator", value, "value must be empty when `operator` is 'Exists'")
    elif operator == "Equal":
        errors.label_value(f"{at}.operator", value)
    errors.one_of(f"{at}.operator", operator, errors.toleration_operators)
    if effect:
        errors.one_of(f"{at}.effect", effect, TAINT_EFFECTS)


def _node_affinity(errors: FieldErrors, affinity: Object, at: str) -> None:
    required = affinity.get(_REQUIRED)
    if required is not None:
        terms = required.get("nodeSelectorTerms") or []
        if not terms:
            errors.required(f"{at}.{_REQUIRED}.nodeSelectorTerms", "must have at least one node selector term")
        for n, term in enumerate(terms):
            _node_term(errors, term, f"{at}.{_REQUIRED}.nodeSelectorTerms[{n}]")
    for n, wish in enumerate(affinity.get(_PREFERRED) or ()):
        _weight(errors, wish, f"{at}.{_PREFERRED}[{n}]")
        _node_term(errors, wish.get("preference") or {}, f"{at}.{_PREFERRED}[{n}].preference")


def _weight(errors: FieldErrors, wish: Object, at: str) -> None:
    if not 1 <= wish.get("weight", 0) <= 100:
        errors.invalid(f"{at}.weight", wish.get("weight", 0), "must be in the range 1-100")


def _node_term(errors: FieldErrors, term: Object, at: str) -> None:
    for n, each in enumerate(term.get("matchExpressions") or ()):
        where, operator = f"{at}.matchExpressions[{n}]", each.get("operator", "")
        values = each.get("values") or []
        if operator not in _NODE_OPERATORS:
            errors.invalid(f"{where}.operator", operator, "not a valid selector operator")
        elif operator in ("In", "NotIn") and not values:
            errors.required(f"{where}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator in ("Exists", "DoesNotExist") and values:
            errors.forbidden(f"{where}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        elif operator in ("Gt", "Lt") and len(values) != 1:
            errors.required(f"{where}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
        errors.qualified(f"{where}.key", each.get("key", ""))
    for n, each in enumerate(term.get("matchFields") or ()):
        where = f"{at}.matchFields[{n}]"
        errors.one_of(f"{where}.operator", each.get("operator", ""), ("In", "NotIn"))
        if each.get("key") != "metadata.name":
            errors.invalid(f"{where}.key", each.get("key", ""), "not a valid field selector key")


def _pod_affinity(errors: FieldErrors, affinity: Object, at: str) -> None:
    for n, term in enumerate(affinity.get(_REQUIRED) or ()):
        _pod_term(errors, term, f"{at}.{_REQUIRED}[{n}]")
    for n, wish in enumerate(affinity.get(_PREFERRED) or ()):
        _weight(errors, wish, f"{at}.{_PREFERRED}[{n}]")
        _pod_term(errors, wish.get("podAffinityTerm") or {}, f"{at}.{_PREFERRED}[{n}].podAffinityTerm")


def _pod_term(errors: FieldErrors, term: Object, at: str) -> None:
    for field in ("labelSelector", "namespaceSelector"):
        errors.selector(f"{at}.{field}", term.get(field))
    for n, namespace in enumerate(term.get("namespaces") or ()):
        errors.label(f"{at}.namespaces[{n}]", namespace)
    if term.get("topologyKey"):
        errors.qualified(f"{at}.topologyKey", term["topologyKey"])
    else:
        errors.required(f"{at}.topologyKey", "can not be empty")


def _spread(errors: FieldErrors, constraint: Object, at: str) -> None:
    if constraint.get("maxSkew", 0) <= 0:
        errors.invalid(f"{at}.maxSkew", constraint.get("maxSkew", 0), "must be greater than zero")
    if not constraint.get("topologyKey"):
        errors.required(f"{at}.topologyKey", "can not be empty")
    errors.one_of(f"{at}.whenUnsatisfiable", constraint.get("whenUnsatisfiable", ""), _WHEN_UNSATISFIABLE)
    least = constraint.get("minDomains")
    if least is not None and least <= 0:
        errors.invalid(f"{at}.minDomains", least, "must be greater than zero")
    errors.selector(f"{at}.labelSelector", constraint.get("labelSelector"))


def check_priority_class(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A PriorityClass: its name, its value and what may not change."""
    value = obj.get("value", 0)
    if obj["metadata"]["name"].startswith("system-"):
        if obj["metadata"]["name"] not in SYSTEM_CLASSES:
            errors.forbidden(
                "metadata.name", "priority class names with 'system-' prefix are reserved for system use only"
            )
    elif value > _HIGHEST_PRIORITY:
        errors.forbidden("value", f"maximum allowed value of a user defined priority is {_HIGHEST_PRIORITY}")
    if old is not None:
        for key in ("value", "preemptionPolicy"):
            if obj.get(key) != old.get(key):
                errors.forbidden(key, "may not be changed in an update.")
