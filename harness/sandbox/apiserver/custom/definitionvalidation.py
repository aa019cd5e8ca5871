"""A CustomResourceDefinition -> what is wrong with it, in the words of the real API.

Source: apiextensions-apiserver `pkg/apis/apiextensions/validation`. What its schemas may say is `schemarules`' to tell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.custom.jsonpath import PathError, path_of
from harness.sandbox.apiserver.custom.schemarules import check_schema

if TYPE_CHECKING:
    from harness.sandbox.apiserver.field_errors import FieldErrors

Object = dict[str, Any]

_SCOPES = ("Cluster", "Namespaced")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_APPROVAL = "api-approved.kubernetes.io"
_APPROVAL_AT = f"metadata.annotations[{_APPROVAL}]"
_APPROVAL_WHERE = "see https://github.com/kubernetes/enhancements/pull/1111"
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_MOST_SELECTABLE = 8
_IN_SPEC = re.compile(r"\.spec(\.[^.\[\]]+)+")
_IN_STATUS = re.compile(r"\.status(\.[^.\[\]]+)+")


def check_definition(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """Adds what is wrong; `old` is the stored definition that this is to replace."""
    spec, names = obj.get("spec") or {}, (obj.get("spec") or {}).get("names") or {}
    name, wanted = obj["metadata"]["name"], f"{names.get('plural', '')}.{spec.get('group', '')}"
    if name != wanted:
        errors.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    group = spec.get("group", "")
    if not group:
        errors.required("spec.group")
    else:
        errors.subdomain("spec.group", group)
        if "." not in group:
            errors.invalid("spec.group", group, "should be a domain with at least one dot")
    if not spec.get("scope"):
        errors.required("spec.scope")
    else:
        errors.one_of("spec.scope", spec["scope"], _SCOPES)
    _names(errors, names)
    _versions(errors, spec)
    _conversion(errors, spec.get("conversion") or {})
    if spec.get("preserveUnknownFields"):
        why = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        errors.invalid("spec.preserveUnknownFields", True, why)
    _approval(errors, obj, group)
    if old is not None:
        _changes(errors, obj, old)


def _names(errors: FieldErrors, names: Object) -> None:
    for key in ("plural", "singular", "kind", "listKind"):
        at, value = f"spec.names.{key}", names.get(key) or ""
        if not value:
            errors.required(at)
        elif not _LABEL_1035.fullmatch(value.lower()) or len(value) > 63:
            mixed = "may have mixed case, but should otherwise match: " if key in ("kind", "listKind") else ""
            errors.invalid(at, value, mixed + _label_1035_text(value))
        elif value != value.lower() and not key.lower().endswith("kind"):
            errors.invalid(at, value, _label_1035_text(value))
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        errors.invalid("spec.names.listKind", names["listKind"], "kind and listKind may not be the same")
    for key in ("shortNames", "categories"):
        for n, value in enumerate(names.get(key) or ()):
            if not _LABEL_1035.fullmatch(value):
                errors.invalid(f"spec.names.{key}[{n}]", value, _label_1035_text(value))


def _label_1035_text(value: str) -> str:
    return (
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
        "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation "
        "is '[a-z]([-a-z0-9]*[a-z0-9])?')"
    )


def _versions(errors: FieldErrors, spec: Object) -> None:
    versions = spec.get("versions") or []
    named = [version.get("name", "") for version in versions]
    for n, version in enumerate(versions):
        _version(errors, f"spec.versions[{n}]", version)
    if len({*named}) < len(named):
        errors.invalid("spec.versions", versions, "must contain unique version names")
    if sum(bool(version.get("storage")) for version in versions) != 1:
        errors.invalid("spec.versions", versions, "must have exactly one version marked as storage version")


def _version(errors: FieldErrors, at: str, version: Object) -> None:
    name = version.get("name", "")
    if not _LABEL_1035.fullmatch(name) or len(name) > 63:
        errors.invalid(f"{at}.name", name, _label_1035_text(name))
    if version.get("deprecationWarning") is not None and not version.get("deprecated"):
        warning = version["deprecationWarning"]
        errors.invalid(f"{at}.deprecationWarning", warning, "can only be set for deprecated versions")
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if schema is None:
        errors.required(f"{at}.schema.openAPIV3Schema")
    else:
        check_schema(errors, f"{at}.schema.openAPIV3Schema", schema)
    _scale(errors, f"{at}.subresources.scale", (version.get("subresources") or {}).get("scale"))
    for n, column in enumerate(version.get("additionalPrinterColumns") or ()):
        _column(errors, f"{at}.additionalPrinterColumns[{n}]", column)
    _selectable(errors, f"{at}.selectableFields", version.get("selectableFields") or [])


def _scale(errors: FieldErrors, at: str, scale: Object | None) -> None:
    if scale is None:
        return
    for key, pattern, part in (("specReplicasPath", _IN_SPEC, ".spec"), ("statusReplicasPath", _IN_STATUS, ".status")):
        value = scale.get(key) or ""
        if not value:
            errors.required(f"{at}.{key}")
        elif not pattern.fullmatch(value):
            errors.invalid(f"{at}.{key}", value, f"should be a json path under {part}")
    selector = scale.get("labelSelectorPath") or ""
    if selector and not (_IN_SPEC.fullmatch(selector) or _IN_STATUS.fullmatch(selector)):
        errors.invalid(f"{at}.labelSelectorPath", selector, "should be a json path under either .spec or .status")


def _column(errors: FieldErrors, at: str, column: Object) -> None:
    if not column.get("name"):
        errors.required(f"{at}.name")
    kinds = f"must be one of {','.join(_COLUMN_TYPES)}"
    if not column.get("type"):
        errors.required(f"{at}.type", kinds)
    elif column["type"] not in _COLUMN_TYPES:
        errors.invalid(f"{at}.type", column["type"], kinds)
    if column.get("format") and column["format"] not in _COLUMN_FORMATS:
        errors.invalid(f"{at}.format", column["format"], f"must be one of {','.join(_COLUMN_FORMATS)}")
    _path(errors, f"{at}.JSONPath", column.get("jsonPath") or "")


def _path(errors: FieldErrors, at: str, path: str) -> None:
    if not path:
        errors.required(at)
        return
    if not path.startswith("."):
        errors.invalid(at, path, "must be a simple json path starting with .")
        return
    try:
        path_of(path)
    except PathError as error:
        errors.invalid(at, path, f"is an invalid path: {error}")


def _selectable(errors: FieldErrors, at: str, fields: list[Object]) -> None:
    if len(fields) > _MOST_SELECTABLE:
        errors.invalid(at, len(fields), f"must have at most {_MOST_SELECTABLE} items")
    seen: set[str] = set()
    for n, item in enumerate(fields):
        where, path = f"{at}[{n}].jsonPath", item.get("jsonPath") or ""
        if path.startswith(".metadata."):
            errors.invalid(where, path, "must not point to fields in metadata")
        elif path in seen:
            errors.duplicate(where, path)
        else:
            _path(errors, where, path)
        seen.add(path)


def _conversion(errors: FieldErrors, conversion: Object) -> None:
    at, strategy = "spec.conversion", conversion.get("strategy") or ""
    if not strategy:
        errors.required(f"{at}.strategy")
        return
    errors.one_of(f"{at}.strategy", strategy, ("None", "Webhook"))
    webhook = conversion.get("webhook")
    if strategy == "None" and webhook is not None:
        errors.forbidden(f"{at}.webhook", "should not be set when strategy is not set to Webhook")
    if strategy == "Webhook":
        client = (webhook or {}).get("clientConfig")
        if client is None:
            errors.required(f"{at}.webhookClientConfig", "required when strategy is set to Webhook")
        elif bool(client.get("url")) == bool(client.get("service")):
            errors.required(f"{at}.webhookClientConfig", "exactly one of url or service is required")


def _approval(errors: FieldErrors, obj: Object, group: str) -> None:
    """Groups of Kubernetes itself need its word."""
    if not any(group == owner or group.endswith(f".{owner}") for owner in ("k8s.io", "kubernetes.io")):
        return
    value = (obj["metadata"].get("annotations") or {}).get(_APPROVAL) or ""
    if not value:
        why = f'protected groups must have approval annotation "{_APPROVAL}", {_APPROVAL_WHERE}'
        errors.required(_APPROVAL_AT, why)
    elif not (value.startswith("unapproved") or re.match(r"https?://[^/]+", value)):
        why = (
            f'protected groups must have approval annotation "{_APPROVAL}" with either a URL or a reason starting with '
            f'"unapproved", {_APPROVAL_WHERE}'
        )
        errors.invalid(_APPROVAL_AT, value, why)


def _changes(errors: FieldErrors, obj: Object, old: Object) -> None:
    new, before = obj.get("spec") or {}, old["spec"]
    conditions = old.get("status", {}).get("conditions") or ()
    if any(item.get("type") == "Established" and item.get("status") == "True" for item in conditions):
        errors.immutable("spec.scope", new.get("scope"), before["scope"])
        for key in ("kind", "plural"):
            errors.immutable(f"spec.names.{key}", (new.get("names") or {}).get(key), before["names"].get(key))
    errors.immutable("spec.group", new.get("group"), before["group"])
    named = {version.get("name") for version in new.get("versions") or ()}
    stored = (obj.get("status") or {}).get("storedVersions") or []
    for n, version in enumerate(stored):
        if version not in named:
            why = (
                f"missing from spec.versions; {version} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {version} and removes "
                f"{version} from status.storedVersions"
            )
            errors.invalid(f"status.storedVersions[{n}]", version, why)
