"""The metadata of a wish -> which object it means, and what of that object is the server's alone.

Source: apiserver `pkg/registry/rest/{create,update}.go`.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.apiserver.generated_names import with_suffix
from harness.sandbox.apiserver.strategy import status_metadata

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Object, Stored

_SERVER_OWNED = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")
_NAME_TRIES = 8


def identity(
    resource: Resource, namespace: str, metadata: Object, is_taken: Callable[[str], bool], now_s: float
) -> Object:
    """Name, uid and time of a new object; a name that is to be made is one that is not taken. Raises: StatusError."""
    named = metadata.get("namespace")
    if resource.namespaced and named and named != namespace:
        raise api_errors.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    name = metadata.get("name")
    if not name and isinstance(prefix := metadata.get("generateName"), str):
        tries = (with_suffix(prefix) for _ in range(_NAME_TRIES))
        name = next((free for free in tries if not is_taken(free)), "")
    if not name:
        why = "Required value: name or generateName is required"
        cause = api_errors.Cause(field="metadata.name", reason="FieldValueRequired", message=why)
        raise api_errors.invalid(resource, "", [cause])
    found = {"name": name, "uid": str(uuid.uuid4()), "creationTimestamp": rfc3339(now_s)}
    if resource.namespaced:
        found["namespace"] = namespace
    else:
        metadata.pop("namespace", None)
    return found


def check_identity(resource: Resource, stored: Stored, new: Object) -> None:
    """Refuses a change that is meant for another object, or for another version of it. Raises: StatusError."""
    metadata, name = new["metadata"], stored.obj["metadata"]["name"]
    for key, where in (("name", "name on the URL"), ("namespace", "namespace on the request")):
        seen, expected = metadata.get(key), stored.obj["metadata"].get(key)
        if seen is not None and seen != expected:
            raise api_errors.bad_request(f"the {key} of the object ({seen}) does not match the {where} ({expected})")
    if metadata.get("uid") and metadata["uid"] != stored.obj["metadata"]["uid"]:
        why = (
            f"Precondition failed: UID in precondition: {metadata['uid']}, "
            f"UID in object meta: {stored.obj['metadata']['uid']}"
        )
        raise api_errors.conflict(resource, name, why)
    version = metadata.get("resourceVersion")
    if version and version not in ("0", stored.obj["metadata"]["resourceVersion"]):
        raise api_errors.conflict(resource, name)
    if not version and not resource.updates_unconditionally:
        raise api_errors.version_missing(resource, name)


def keep_what_clients_cannot_change(resource: Resource, old: Object, new: Object, part: str) -> None:
    """Puts that back into `new`; `part`: "status" where only that was to be changed."""
    metadata = new["metadata"] = dict(new["metadata"])
    for key in ("name", "namespace", "resourceVersion", "generateName", *_SERVER_OWNED):
        if key in old["metadata"]:
            metadata[key] = old["metadata"][key]
        else:
            metadata.pop(key, None)
    metadata.pop("managedFields", None)
    new["kind"], new["apiVersion"] = resource.kind, resource.api_version
    if part == "status":
        status = {"status": new["status"]} if new.get("status") is not None else {}
        kept = {key: value for key, value in old.items() if key != "status"}
        new.clear()
        new.update({**kept, "metadata": status_metadata(resource, old["metadata"], metadata), **status})
    elif "status" in resource.subresources:
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]
