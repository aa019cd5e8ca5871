"""Roles and bindings -> what is wrong with them.

Source: kubernetes `pkg/apis/rbac/validation/validation.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.apiserver.field_errors import FieldErrors
    from harness.sandbox.apiserver.store import Object

GROUP = "rbac.authorization.k8s.io"
_SUBJECTS = {"ServiceAccount": "", "User": GROUP, "Group": GROUP}


def fill_in(obj: Object) -> None:
    """The API groups that a binding may leave out (pkg/apis/rbac/v1/defaults.go)."""
    reference = obj.get("roleRef")
    if isinstance(reference, dict) and not reference.get("apiGroup"):
        reference["apiGroup"] = GROUP
    for subject in obj.get("subjects") or ():
        if isinstance(subject, dict) and not subject.get("apiGroup") and subject.get("kind") in ("User", "Group"):
            subject["apiGroup"] = GROUP


def check_role(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A Role or ClusterRole."""
    for n, rule in enumerate(obj.get("rules") or ()):
        at = f"rules[{n}]"
        if not rule.get("verbs"):
            errors.required(f"{at}.verbs", "verbs must contain at least one value")
        if paths := rule.get("nonResourceURLs"):
            if obj["kind"] == "Role":
                errors.invalid(f"{at}.nonResourceURLs", paths, "namespaced rules cannot apply to non-resource URLs")
            elif rule.get("apiGroups") or rule.get("resources") or rule.get("resourceNames"):
                why = "rules cannot apply to both regular resources and non-resource URLs"
                errors.invalid(f"{at}.nonResourceURLs", paths, why)
            continue
        if not rule.get("apiGroups"):
            errors.required(f"{at}.apiGroups", "resource rules must supply at least one api group")
        if not rule.get("resources"):
            errors.required(f"{at}.resources", "resource rules must supply at least one resource")


def check_binding(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """A RoleBinding or ClusterRoleBinding; the role stays what it was."""
    reference, namespaced = obj.get("roleRef") or {}, obj["kind"] == "RoleBinding"
    if reference.get("apiGroup") != GROUP:
        errors.unsupported("roleRef.apiGroup", reference.get("apiGroup", ""), (GROUP,))
    kinds = ("ClusterRole", "Role") if namespaced else ("ClusterRole",)
    if reference.get("kind") not in kinds:
        errors.unsupported("roleRef.kind", reference.get("kind", ""), kinds)
    if not reference.get("name"):
        errors.required("roleRef.name")
    if old is not None and old.get("roleRef") != obj.get("roleRef"):
        errors.invalid("roleRef", reference, "cannot change roleRef")
    for n, subject in enumerate(obj.get("subjects") or ()):
        _subject(errors, subject, f"subjects[{n}]", namespaced=namespaced)


def _subject(errors: FieldErrors, subject: Object, at: str, *, namespaced: bool) -> None:
    """An account without a namespace is one of the binding's."""
    kind = subject.get("kind", "")
    if not subject.get("name"):
        errors.required(f"{at}.name")
    if kind not in _SUBJECTS:
        errors.unsupported(f"{at}.kind", kind, sorted(_SUBJECTS))
        return
    if (subject.get("apiGroup") or "") != _SUBJECTS[kind]:
        errors.unsupported(f"{at}.apiGroup", subject.get("apiGroup", ""), (_SUBJECTS[kind],))
    if kind == "ServiceAccount" and not namespaced and not subject.get("namespace"):
        errors.required(f"{at}.namespace")
