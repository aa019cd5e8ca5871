"""What the server will not do -> the `Status` object that the real API answers, with its reason, message and code.

    StatusError(code, reason, message, details)
        not_found, already_exists, conflict, invalid, bad_request, forbidden, expired, method_not_allowed,
        unsupported_media_type, not_acceptable, too_large, too_many_requests, not_implemented, unauthorized

Source: apimachinery `pkg/api/errors`, whose texts kubectl prints and clients compare.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sandbox.apiserver.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One field that is wrong: `field` as a path, `reason` such as FieldValueInvalid, `message` for people."""

    field: str
    reason: str
    message: str


class StatusError(Exception):
    """An answer with an HTTP code of 400 and more; a `bare` one is text, for what is outside of the API's resources."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        *,
        bare: bool = False,
    ) -> None:
        self.bare = bare
        self.code, self.reason, self.message = code, reason, message
        self.details, self.headers = details or {}, headers or {}
        self.metadata: dict[str, Any] = {}
        super().__init__(f"{code} {reason}: {message}")

    def status(self) -> dict[str, Any]:
        """The `Status` object."""
        head = {"kind": "Status", "apiVersion": "v1", "metadata": self.metadata}
        status = {**head, "status": "Failure", "message": self.message}
        if self.reason:
            status["reason"] = self.reason
        if self.details:
            status["details"] = self.details
        return {**status, "code": self.code}

    def encoded(self) -> bytes:
        """The `Status` object as JSON."""
        return json.dumps(self.status(), separators=(",", ":")).encode()


def qualified(resource: Resource) -> str:
    """`pods` or `deployments.apps`, as messages name a resource."""
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


def shown(value: Any) -> str:
    """A value as messages of the real API show it: strings quoted, objects as JSON."""
    return json.dumps(value, separators=(",", ":"))


def _details(resource: Resource, name: str) -> dict[str, Any]:
    details = {"name": name, "group": resource.group, "kind": resource.plural}
    return {key: value for key, value in details.items() if value}


def not_found(resource: Resource, name: str) -> StatusError:
    return StatusError(404, "NotFound", f'{qualified(resource)} "{name}" not found', _details(resource, name))


def no_such_path() -> StatusError:
    """What no part of the real API answers for: clients make a message of their own of it."""
    return StatusError(404, "NotFound", "404 page not found", bare=True)


def already_exists(resource: Resource, name: str) -> StatusError:
    return StatusError(409, "AlreadyExists", f'{qualified(resource)} "{name}" already exists', _details(resource, name))


def conflict(resource: Resource, name: str, why: str = "") -> StatusError:
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {qualified(resource)} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(resource, name))


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> StatusError:
    """422 with one cause a field; the message lists them all."""
    texts = [f"{cause.field}: {cause.message}" for cause in causes]
    listed = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    details = {
        **_details(resource, name),
        "kind": resource.kind,
        "causes": [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes],
    }
    return StatusError(422, "Invalid", f'{kind} "{name}" is invalid: {listed}', details)


# How Go writes the metadata of an object, which is how the text of a patched one begins.
_METADATA = ("name", "generateName", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp")


def unpatchable(patched: Any, why: str) -> StatusError:
    """422 for a patch that makes of an object what is none of its kind any more."""
    if isinstance(patched, dict):
        patched = {key: patched[key] for key in sorted(patched)}
        if isinstance(metadata := patched.get("metadata"), dict):
            patched["metadata"] = {key: metadata[key] for key in _METADATA if key in metadata} | metadata
    message = f"Invalid value: {shown(shown(patched))}: {why}"
    cause = {"reason": "FieldValueInvalid", "message": message, "field": "patch"}
    return StatusError(422, "Invalid", f' "" is invalid: patch: {message}', {"causes": [cause]})


_OPTIONS = {"POST": "CreateOptions", "PUT": "UpdateOptions", "PATCH": "PatchOptions", "DELETE": "DeleteOptions"}


def unsupported_option(method: str, field: str, value: Any, supported: Sequence[str]) -> StatusError:
    """422 for an option of a request that is none of the few there are."""
    kind, listed = _OPTIONS.get(method, "ListOptions"), ", ".join(shown(word) for word in supported)
    message = f"Unsupported value: {shown(value)}: supported values: {listed}"
    cause = {"reason": "FieldValueNotSupported", "message": message, "field": field}
    details = {"group": "meta.k8s.io", "kind": kind, "causes": [cause]}
    return StatusError(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {field}: {message}', details)


def version_of_new() -> StatusError:
    """Without a reason, as the storage below the real API says it; there with a code of 500, though it is no fault."""
    return StatusError(400, "", "resourceVersion should not be set on objects to be created")


def version_missing(resource: Resource, name: str) -> StatusError:
    """For the kinds that are only changed by who knows what they were."""
    why = "Invalid value: 0x0: must be specified for an update"
    return invalid(resource, name, [Cause(field="metadata.resourceVersion", reason="FieldValueInvalid", message=why)])


def bad_request(message: str) -> StatusError:
    return StatusError(400, "BadRequest", message)


def unauthorized() -> StatusError:
    return StatusError(401, "Unauthorized", "Unauthorized")


def forbidden(resource: Resource, name: str, why: str, cause: str = "") -> StatusError:
    details = _details(resource, name)
    if cause:
        details["causes"] = [{"reason": cause, "message": why}]
    return StatusError(403, "Forbidden", f'{qualified(resource)} "{name}" is forbidden: {why}', details)


def no_right(
    resource: Resource, verb: str, namespace: str, name: str, user: str = "sandbox", subresource: str = ""
) -> StatusError:
    """403 as of RBAC."""
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    subject = f'{qualified(resource)} "{name}"' if name else qualified(resource)
    asked = f"{resource.plural}/{subresource}" if subresource else resource.plural
    why = f'User "{user}" cannot {verb} resource "{asked}" in API group "{resource.group}" {where}'
    return StatusError(403, "Forbidden", f"{subject} is forbidden: {why}", _details(resource, name))


def no_right_to_path(user: str, verb: str, path: str) -> StatusError:
    return StatusError(403, "Forbidden", f'forbidden: User "{user}" cannot {verb} path "{path}"')


def method_not_allowed() -> StatusError:
    return StatusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def not_acceptable() -> StatusError:
    message = "only the following media types are accepted: application/json"
    return StatusError(406, "NotAcceptable", message)


def expired(message: str, *, following: str = "") -> StatusError:
    """410; `following`: the token with which a list may go on all the same."""
    error = StatusError(410, "Expired", message)
    if following:
        error.metadata["continue"] = following
    return error


def invalid_options(kind: str, causes: Sequence[Cause]) -> StatusError:
    """422 for what a query asks, as `invalid` has it of an object."""
    texts = [f"{cause.field}: {cause.message}" for cause in causes]
    listed = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    found = [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes]
    details = {"group": "meta.k8s.io", "kind": kind, "causes": found}
    return StatusError(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {listed}', details)


def unsupported_media_type(accepted: Sequence[str]) -> StatusError:
    message = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted)
    return StatusError(415, "UnsupportedMediaType", message)


def too_large(why: str) -> StatusError:
    return StatusError(413, "RequestEntityTooLarge", f"Request entity too large: {why}")


def too_many_requests(retry_after_s: int) -> StatusError:
    message = "the server has received too many requests and has asked us to try again later"
    details = {"retryAfterSeconds": retry_after_s}
    return StatusError(429, "TooManyRequests", message, details, {"Retry-After": str(retry_after_s)})


def not_implemented(what: str) -> StatusError:
    """501: the sandbox is a small Kubernetes, and this is not in it."""
    return StatusError(501, "NotImplemented", f"the sandbox does not do this: {what}")
