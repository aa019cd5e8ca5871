"""An Event of the core group <-> the same in events.k8s.io, and what is wrong with it in either.

Both groups serve one store, as in the real API: kubernetes `pkg/apis/events/v1/conversion.go`. The checks are those of
`pkg/apis/core/validation/events.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.field_errors import FieldErrors
from harness.sandbox.apiserver.resources import EVENTS, MODERN_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from harness.sandbox.apiserver.store import Object

_NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_BACK = {modern: core for core, modern in _NAMES.items()}
_LONGEST, _LONGEST_NOTE = 128, 1024
_SETTLED = (
    "involvedObject",
    "reason",
    "message",
    "type",
    "action",
    "eventTime",
    "reportingComponent",
    "reportingInstance",
)


def modern(event: Object) -> Object:
    """An Event of the core group as events.k8s.io has it."""
    named = {_NAMES.get(key, key): value for key, value in event.items()}
    return named | {"apiVersion": MODERN_EVENTS.api_version}


def core(event: Object) -> Object:
    """An Event of either group as the core group has it."""
    if event.get("apiVersion") != MODERN_EVENTS.api_version:
        return event
    return {_BACK.get(key, key): value for key, value in event.items()} | {"apiVersion": EVENTS.api_version}


def changed_as_modern(change: Callable[[Object], Any], shaped: Callable[[Any], Object]) -> Callable[[Object], Object]:
    """A change of an Event of events.k8s.io as a change of the one that is stored; what tells it apart stays.

    `shaped` makes of what the change gives an object in its kind's shape. Raises there: StatusError.
    """

    def changed(stored: Object) -> Object:
        old, new = stored, core(shaped(change(modern(stored))))
        errors = FieldErrors()
        for key in _SETTLED:
            if (old.get(key) or None) != (new.get(key) or None):
                errors.immutable(_NAMES.get(key, key), new.get(key), old.get(key))
        if errors.causes:
            raise api_errors.invalid(MODERN_EVENTS, old["metadata"]["name"], errors.causes)
        return new

    return changed


def check_modern(event: Object) -> None:
    """An Event that is made in events.k8s.io: the time in `eventTime`, and nothing in the old fields.

    Raises: StatusError (422).
    """
    errors = FieldErrors()
    old = core(event)
    _reported(errors, old, "reportingController")
    if not event.get("eventTime"):
        errors.required("eventTime")
    if event.get("type") not in ("Normal", "Warning"):
        errors.invalid("type", "", f"has invalid value: {event.get('type', '')}")
    for key in ("firstTimestamp", "lastTimestamp", "count"):
        if old.get(key):
            errors.invalid(key, "", "needs to be unset")
    if any((old.get("source") or {}).values()):
        errors.invalid("source", "", "needs to be unset")
    if errors.causes:
        raise api_errors.invalid(MODERN_EVENTS, event["metadata"].get("name", ""), errors.causes)


def check_event(errors: FieldErrors, obj: Object, old: Object | None) -> None:
    """An Event of the core group."""
    namespace, about = obj["metadata"].get("namespace", ""), (obj.get("involvedObject") or {}).get("namespace", "")
    anywhere = ("default", "kube-system") if obj.get("eventTime") else ("default",)
    agrees = namespace == about or (not about and namespace in anywhere)
    if not agrees and not (about and obj.get("eventTime")):
        errors.invalid("involvedObject.namespace", about, "does not match event.namespace")
    if obj.get("eventTime"):
        _reported(errors, obj, "reportingComponent")


def _reported(errors: FieldErrors, event: Object, controller: str) -> None:
    """Who reports, what was done, and why: none of it too long."""
    if not event.get("reportingComponent"):
        errors.required(controller)
    else:
        errors.qualified(controller, event["reportingComponent"])
    for key in ("reportingInstance", "action", "reason"):
        if not event.get(key):
            errors.required(key)
        elif len(event[key]) > _LONGEST:
            errors.invalid(key, "", f"can have at most {_LONGEST} characters")
    if len(event.get("message") or "") > _LONGEST_NOTE:
        errors.invalid("message", "", f"can have at most {_LONGEST_NOTE} characters")
