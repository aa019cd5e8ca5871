"""An established CustomResourceDefinition -> the resources that the API serves for it, one a served version.

No conversion is done: an object is in every version what it is in one, under another apiVersion, as with the strategy
`None` of the real API. Where a definition wants its webhook to convert, only the stored version is served.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.custom import structural
from harness.sandbox.apiserver.custom.jsonpath import path_of
from harness.sandbox.apiserver.resources import Resource

if TYPE_CHECKING:
    from harness.sandbox.apiserver.api_errors import Cause
    from harness.sandbox.apiserver.custom.schemavalidation import SchemaValidator

Object = dict[str, Any]

_ANYTHING: Object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": ""}
_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")


@dataclass(frozen=True, kw_only=True)
class CustomKind:
    """What one version of a definition says of its kind.

    `schema` is its OpenAPI v3 schema; `scale` the paths of its scale subresource, where it has one; `columns` those of
    `kubectl get` after the name. `storage` is the stored version, `webhook` whether others were to be converted.
    """

    singular: str
    list_kind: str
    schema: Object
    columns: tuple[Object, ...] = (_AGE,)
    scale: Object | None = None
    selectable: tuple[str, ...] = ()
    deprecation: str = ""
    storage: str = ""
    webhook: bool = False
    terminating: bool = False

    @cached_property
    def _validator(self) -> SchemaValidator:
        from harness.sandbox.apiserver.custom.schemavalidation import SchemaValidator  # 0.3 s, for those who need it

        return SchemaValidator(self.schema)

    def pruned(self, obj: Object) -> tuple[Object, list[str]]:
        """The object without unknown fields, and the paths of those."""
        return structural.pruned(obj, self.schema)

    def defaulted(self, obj: Object) -> Object:
        """The object with its defaults."""
        return structural.defaulted(obj, self.schema)

    def causes(self, obj: Object, old: Object | None) -> list[Cause]:
        """What is wrong with the object."""
        return self._validator.causes(obj, old)

    def unevaluated(self) -> list[str]:
        """A sentence for each rule that cannot be evaluated here."""
        return self._validator.unevaluated() if "x-kubernetes-validations" in json.dumps(self.schema) else []

    def fields(self, obj: Object) -> dict[str, str]:
        """The fields that selectors can see, as text."""
        return {path.removeprefix("."): _text(path_of(path).found(obj)) for path in self.selectable}


def schema_of(resource: Resource) -> Object | None:
    """The OpenAPI v3 schema of a custom resource's objects; None for kinds of the API's own."""
    return None if resource.custom is None else resource.custom.schema


def resources_of(definition: Object) -> tuple[Resource, ...]:
    """The resources of a definition, under its accepted names; the preferred version comes first."""
    spec, names = definition["spec"], definition["status"]["acceptedNames"]
    versions = [version for version in spec["versions"] if version.get("served")]
    return tuple(_resource(definition, version, names) for version in sorted(versions, key=_priority))


def resource_to_follow(definition: Object) -> Resource | None:
    """The version by which a component follows all objects of an established definition; None where it is not one."""
    conditions = definition.get("status", {}).get("conditions") or ()
    if not any(item.get("type") == "Established" and item.get("status") == "True" for item in conditions):
        return None
    rows, stored = resources_of(definition), stored_version(definition["spec"])
    return next((row for row in rows if row.version == stored), rows[0] if rows else None)


def unevaluated(definition: Object) -> list[str]:
    """A sentence for each rule in the definition's schemas that cannot be evaluated here, each once."""
    names = definition["spec"]["names"]
    kinds = [_custom(definition, version, names) for version in definition["spec"]["versions"]]
    return list(dict.fromkeys(told for kind in kinds for told in kind.unevaluated()))


def stored_version(spec: Object) -> str:
    """The version that is marked as stored; empty where none is, or where it has no name, which is refused later."""
    return next((str(version.get("name", "")) for version in spec.get("versions") or () if version.get("storage")), "")


def priority(name: str) -> tuple[int, int, int, str]:
    """Sorts versions as the real API does: v2, v1, v1beta2, v1alpha1, then others by name."""
    match = _VERSION.fullmatch(name)
    if match is None:
        return (3, 0, 0, name)
    stage = {None: 0, "beta": 1, "alpha": 2}[match[2]]
    return (stage, -int(match[1]), -int(match[3] or 0), name)


def _priority(version: Object) -> tuple[int, int, int, str]:
    return priority(version["name"])


def _resource(definition: Object, version: Object, names: Object) -> Resource:
    spec = definition["spec"]
    parts = version.get("subresources") or {}
    return Resource(
        group=spec["group"],
        version=version["name"],
        kind=names["kind"],
        plural=names["plural"],
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(part for part in ("status", "scale") if parts.get(part) is not None),
        custom=_custom(definition, version, names),
    )


def _custom(definition: Object, version: Object, names: Object) -> CustomKind:
    spec = definition["spec"]
    deprecation = (
        version.get("deprecationWarning") or f"{spec['group']}/{version['name']} {names['kind']} is deprecated"
    )
    return CustomKind(
        singular=names.get("singular") or names["kind"].lower(),
        list_kind=names.get("listKind") or f"{names['kind']}List",
        schema=(version.get("schema") or {}).get("openAPIV3Schema") or _ANYTHING,
        columns=tuple(version.get("additionalPrinterColumns") or (_AGE,)),
        scale=(version.get("subresources") or {}).get("scale"),
        selectable=tuple(item["jsonPath"] for item in version.get("selectableFields") or ()),
        deprecation=deprecation if version.get("deprecated") else "",
        storage=stored_version(spec),
        webhook=(spec.get("conversion") or {}).get("strategy") == "Webhook",
        terminating=bool(definition["metadata"].get("deletionTimestamp")),
    )


def _text(found: list[Any]) -> str:
    if not found or found[0] is None:
        return ""
    return str(found[0]).lower() if isinstance(found[0], bool) else str(found[0])
