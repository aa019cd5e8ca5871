"""`labelSelector` and `fieldSelector` of a request, and `matchLabels` of an object -> a predicate on labels and fields.

Grammar: kubernetes.io/docs/concepts/overview/working-with-objects/labels. Fields that can be selected are few per kind,
as in the real API; any other is a 400.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.api_errors import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.sandbox.apiserver.resources import Resource

_FIELDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "Pod"): (
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
        "status.phase", "status.podIP", "status.nominatedNodeName",
    ),
    ("", "Event"): (
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
        "reportingComponent", "source", "type",
    ),
    ("events.k8s.io", "Event"): (
        "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "regarding.apiVersion",
        "regarding.resourceVersion", "regarding.fieldPath", "reason", "reportingController", "type",
    ),
    ("", "Namespace"): ("status.phase",),
    ("", "Node"): ("spec.unschedulable",),
    ("", "Secret"): ("type",),
    ("", "Service"): ("spec.clusterIP", "spec.type"),
    ("apps", "ReplicaSet"): ("status.replicas",),
    ("batch", "Job"): ("status.successful",),
}  # fmt: skip

_TERM = re.compile(
    r"\s*(!?)\s*([A-Za-z0-9][\w./-]*)\s*(?:(==|=|!=|>|<)\s*([\w.-]*)|(in|notin)\s*\(([^)]*)\))?\s*(?:,|$)"
)
_VALUE = re.compile(r"^(?:[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)?$")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term: `operator` is one of = != in notin exists !exists > <."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, having: Mapping[str, str]) -> bool:
        """Whether the labels or fields in `having` satisfy the term. A missing key satisfies != and notin."""
        value = having.get(self.key)
        match self.operator:
            case "=" | "in":
                return value in self.values
            case "!=" | "notin":
                return value not in self.values
            case "exists":
                return value is not None
            case "!exists":
                return value is None
            case _:
                return _compares(value, self.operator, self.values[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """All terms of a request."""

    labels: tuple[Requirement, ...] = ()
    fields: tuple[Requirement, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether nothing is asked for."""
        return not self.labels and not self.fields

    def matches(self, view: View) -> bool:
        """Whether an object with this view is selected."""
        return all(term.matches(view.labels) for term in self.labels) and all(
            term.matches(view.fields) for term in self.fields
        )


@dataclass(frozen=True, slots=True)
class View:
    """What selectors can see of an object."""

    labels: Mapping[str, str]
    fields: Mapping[str, str]


def view(resource: Resource, obj: dict[str, Any]) -> View:
    """The labels and selectable fields of `obj`; a field that is not set is the empty string."""
    metadata = obj["metadata"]
    fields = {"metadata.name": metadata["name"], "metadata.namespace": metadata.get("namespace", "")}
    for path in _FIELDS.get((resource.group, resource.kind), ()):
        fields[path] = _field(obj, path)
    if resource.custom is not None:
        fields |= resource.custom.fields(obj)
    return View(metadata.get("labels") or {}, fields)


def parse(resource: Resource, labels: str, fields: str) -> Selector:
    """The selector of a request.

    Raises: StatusError (400) for a term that cannot be read or a field that cannot be selected.
    """
    return Selector(labels=parse_labels(labels), fields=_parse_fields(resource, fields))


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """The terms of a label selector such as `app=web,tier in (a, b),!canary`."""
    terms, at = [], 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None or match.end() == at:
            raise api_errors.bad_request(
                f"unable to parse requirement: found {shown(text[at:])}, expected a label selector"
            )
        negated, key, operator, value, group, members = match.groups()
        if negated and (operator or group):
            raise api_errors.bad_request(f"unable to parse requirement: {shown(match.group().strip())}")
        if operator:
            name, values = operator.replace("==", "="), [value]
        elif group:
            name, values = group, [member.strip() for member in members.split(",")]
        else:
            name, values = ("!exists" if negated else "exists"), []
        if bad := next((value for value in values if not _VALUE.match(value)), None):
            raise api_errors.bad_request(f"values: Invalid value: {shown(bad)}: a valid label value is needed")
        terms.append(Requirement(key, name, tuple(values)))
        at = match.end()
    return tuple(terms)


def of_object(selector: Mapping[str, Any] | None) -> tuple[Requirement, ...]:
    """The terms of an object's own `matchLabels` and `matchExpressions`."""
    selector = selector or {}
    terms = [Requirement(key, "=", (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    names = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!exists"}
    terms.extend(
        Requirement(term["key"], names[term["operator"]], tuple(term.get("values") or ()))
        for term in selector.get("matchExpressions") or ()
    )
    return tuple(terms)


def _parse_fields(resource: Resource, text: str) -> tuple[Requirement, ...]:
    known: tuple[str, ...] = ("metadata.name", "metadata.namespace")
    known += _FIELDS.get((resource.group, resource.kind), ())
    if resource.custom is not None:
        known += tuple(path.removeprefix(".") for path in resource.custom.selectable)
    terms = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.match(r"^([\w.]+)\s*(==|=|!=)\s*(.*)$", part)
        if match is None:
            raise api_errors.bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
        key, operator, value = match.groups()
        if key not in known:
            raise api_errors.bad_request(f"field label not supported: {key}")
        terms.append(Requirement(_kept_as(resource, key), operator.replace("==", "="), (value,)))
    return tuple(terms)


def _kept_as(resource: Resource, field: str) -> str:
    """The field of the object that is stored: Events of both groups are those of the core group there."""
    if resource.group != "events.k8s.io":
        return field
    return field.replace("regarding.", "involvedObject.").replace("reportingController", "reportingComponent")


def _field(obj: Mapping[str, Any], path: str) -> str:
    if path == "source":
        path = "source.component"
    value: Any = obj
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return {"status.replicas": "0", "status.successful": "0", "spec.unschedulable": "false"}.get(path, "")
    return str(value)


def _compares(value: str | None, operator: str, bound: str) -> bool:
    try:
        number, limit = int(value or ""), int(bound)
    except ValueError:
        return False
    return number > limit if operator == ">" else number < limit


def label_text(selector: Mapping[str, Any] | None) -> str:
    """An object's own selector as the text of a label selector."""
    texts = []
    for term in of_object(selector):
        match term.operator:
            case "=":
                texts.append(f"{term.key}={term.values[0]}")
            case "in" | "notin":
                texts.append(f"{term.key} {term.operator} ({','.join(term.values)})")
            case "exists":
                texts.append(term.key)
            case _:
                texts.append(f"!{term.key}")
    return ",".join(sorted(texts))
