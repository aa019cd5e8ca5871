"""A Job's podFailurePolicy -> what is wrong with it.

Source: kubernetes `pkg/apis/batch/validation` (validatePodFailurePolicy).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.apiserver.field_errors import FieldErrors
    from harness.sandbox.apiserver.store import Object

_ACTIONS = ("Count", "FailIndex", "FailJob", "Ignore")
_OPERATORS = ("In", "NotIn")
_STATUSES = ("False", "True", "Unknown")
_MOST_RULES = _MOST_PATTERNS = 20
_MOST_CODES = 255


def check_pod_failure_policy(errors: FieldErrors, spec: Object) -> None:
    """The policy of a Job's spec, where it has one."""
    if spec.get("podFailurePolicy") is None:
        return
    rules, path = spec["podFailurePolicy"].get("rules") or [], "spec.podFailurePolicy.rules"
    pod = (spec.get("template") or {}).get("spec") or {}
    names = [each.get("name") for part in ("containers", "initContainers") for each in pod.get(part) or ()]
    if len(rules) > _MOST_RULES:
        errors.too_many(path, len(rules), _MOST_RULES)
    for index, rule in enumerate(rules):
        _rule(errors, f"{path}[{index}]", rule, names, per_index=spec.get("backoffLimitPerIndex") is not None)


def _rule(errors: FieldErrors, path: str, rule: Object, names: list[str], *, per_index: bool) -> None:
    if rule.get("action") == "FailIndex" and not per_index:
        errors.invalid(f"{path}.action", "FailIndex", "requires the backoffLimitPerIndex to be set")
    _word(errors, f"{path}.action", rule.get("action"), _ACTIONS)
    codes, patterns = rule.get("onExitCodes"), rule.get("onPodConditions") or []
    if codes is not None:
        _exit_codes(errors, f"{path}.onExitCodes", codes, names)
    if len(patterns) > _MOST_PATTERNS:
        errors.too_many(f"{path}.onPodConditions", len(patterns), _MOST_PATTERNS)
    for index, pattern in enumerate(patterns):
        here = f"{path}.onPodConditions[{index}]"
        errors.qualified(f"{here}.type", pattern.get("type", ""))
        _word(errors, f"{here}.status", pattern.get("status"), _STATUSES)
    if codes is not None and patterns:
        errors.invalid_whole(path, "specifying both OnExitCodes and OnPodConditions is not supported")
    if codes is None and not patterns:
        errors.invalid_whole(path, "specifying one of OnExitCodes and OnPodConditions is required")


def _exit_codes(errors: FieldErrors, path: str, codes: Object, names: list[str]) -> None:
    _word(errors, f"{path}.operator", codes.get("operator"), _OPERATORS)
    if codes.get("containerName") is not None and codes["containerName"] not in names:
        why = "must be one of the container or initContainer names in the pod template"
        errors.invalid(f"{path}.containerName", codes["containerName"], why)
    values = codes.get("values") or []
    if not values:
        errors.invalid(f"{path}.values", values, "at least one value is required")
    elif len(values) > _MOST_CODES:
        errors.too_many(f"{path}.values", len(values), _MOST_CODES)
    for index, value in enumerate(values):
        if value == 0 and codes.get("operator") == "In":
            errors.invalid(f"{path}.values[{index}]", value, "must not be 0 for the In operator")
        if value in values[:index]:
            errors.duplicate(f"{path}.values[{index}]", value)
    if sorted(values) != values:
        errors.invalid(f"{path}.values", values, "must be ordered")


def _word(errors: FieldErrors, path: str, value: str | None, known: tuple[str, ...]) -> None:
    if not value:
        errors.required(path, "valid values: [" + " ".join(f'"{word}"' for word in known) + "]")
    else:
        errors.one_of(path, value, known)
