"""PATCH requests that apply a configuration -> the object created or changed by it, and who its fields belong to.

Source: apiserver `pkg/endpoints/handlers/patch.go`, apimachinery `pkg/apis/meta/v1/validation`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.fieldmanager.applying import Conflicts, applied, first_applied
from harness.sandbox.apiserver.fieldmanager.scales import SCALE_VERSION, applied_to_scale
from harness.sandbox.apiserver.fieldmanager.shapes import published
from harness.sandbox.apiserver.fieldmanager.tracking import SCALE, nothing_of, operation_of, shape_of
from harness.sandbox.apiserver.fieldmanager.validation import misfits
from harness.sandbox.apiserver.resources import Resource
from harness.sandbox.apiserver.scales import replicas_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.sandbox.apiserver.fieldmanager.ownership import Operation
    from harness.sandbox.apiserver.fieldmanager.shapes import Shape
    from harness.sandbox.apiserver.registry import Registry, WriteOptions
    from harness.sandbox.apiserver.requests import Target
    from harness.sandbox.apiserver.store import Object, Stored

APPLY_PATCH = "application/apply-patch+yaml"
_LONGEST_MANAGER = 128
SCALES = Resource(group="autoscaling", version="v1", kind="Scale", plural="scales")


def is_apply(request: web.BaseRequest) -> bool:
    """Whether the body is a configuration to apply."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower() == APPLY_PATCH


def manager_of(request: web.BaseRequest) -> str:
    """Who the request's changes belong to: `fieldManager`, else what its User-Agent says before the first slash."""
    asked = request.query.get("fieldManager", "")
    if asked:
        return asked
    agent = request.headers.get("User-Agent", "").partition("/")[0]
    return "".join(sign for sign in agent if sign.isprintable())[:_LONGEST_MANAGER] or "unknown"


def check_options(request: web.BaseRequest, options_kind: str) -> None:
    """Raises: StatusError (422) where `fieldManager` or `force` cannot stand as they are."""
    manager, causes = request.query.get("fieldManager", ""), []
    if options_kind == "PatchOptions" and is_apply(request):
        if not manager:
            causes.append(("fieldManager", "FieldValueRequired", "Required value: is required for apply patch"))
    elif options_kind == "PatchOptions" and "force" in request.query:
        causes.append(("force", "FieldValueForbidden", "Forbidden: may not be specified for non-apply patch"))
    if len(manager.encode()) > _LONGEST_MANAGER:
        why = f"Too long: may not be more than {_LONGEST_MANAGER} bytes"
        causes.append(("fieldManager", "FieldValueTooLong", why))
    for at, sign in enumerate(manager):
        if not sign.isprintable():
            why = f"Invalid value: {api_errors.shown(manager)}: invalid character U+{ord(sign):04X} (at position {at})"
            causes.append(("fieldManager", "FieldValueInvalid", why))
    if causes:
        raise _invalid_options(options_kind, causes)


def _invalid_options(kind: str, causes: list[tuple[str, str, str]]) -> api_errors.StatusError:
    texts = [f"{field}: {why}" for field, _, why in causes]
    listed = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    details = {
        "group": "meta.k8s.io",
        "kind": kind,
        "causes": [{"reason": reason, "message": why, "field": field} for field, reason, why in causes],
    }
    return api_errors.StatusError(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {listed}', details)


async def configuration_of(request: web.BaseRequest, options: WriteOptions) -> Object:
    """The configuration in the body, YAML or JSON. Raises: StatusError (400, 413)."""
    from harness.sandbox.apiserver import yamlbody  # PyYAML, which most control planes never need

    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise api_errors.too_large("limit is 3145728") from None
    try:
        config, twice = yamlbody.loads(raw)
    except ValueError as error:
        raise api_errors.bad_request(f"error decoding YAML: {error}") from None
    for why in twice:
        if options.strict:
            raise api_errors.bad_request(f"error strict decoding YAML: {why}")
        options.warn(why)
    if not isinstance(config, dict):
        raise api_errors.bad_request("error decoding YAML: an object is expected")
    return config


def apply(
    registry: Registry, target: Target, config: Object, options: WriteOptions, now: str, *, force: bool
) -> tuple[Stored, bool]:
    """Creates or changes the object as the configuration says; second: whether it is new. Raises: StatusError."""
    resource = target.resource
    operation = operation_of(resource, options.manager, target.subresource, now)
    shape = shape_of(resource)
    check_configuration(resource, shape, config)
    place, options = (resource, target.namespace, target.name), replace(options, applied=True)
    if registry.store.get(*place) is None and not target.subresource:
        return _created(registry, target, first_applied(shape, config, operation), options), True
    change = changed_by(shape, nothing_of(resource), config, operation, force=force)
    return registry.update(*place, change, options, part=target.subresource), False


def changed_by(
    shape: Shape, nothing: Object, config: Object, operation: Operation, *, force: bool
) -> Callable[[Object], Any]:
    """The function that lays a configuration over the present object; it raises StatusError (409) on conflicts."""

    def change(live: Object) -> Object:
        try:
            return applied(shape, live, config, nothing=nothing, operation=operation, force=force)
        except Conflicts as conflicts:
            details = {"causes": conflicts.causes()}
            raise api_errors.StatusError(409, "Conflict", conflicts.message, details) from None
        except ValueError as error:
            raise api_errors.StatusError(400, "", f"failed to create typed live object: {error}") from None

    return change


def scaled_by(
    resource: Resource, config: Object, manager: str, *, force: bool, scale_of: Callable[[Object], Object]
) -> Callable[[Object], tuple[Object, list[Object]]]:
    """The function that lays a Scale over that of an object: the new one, and the object's managedFields with it.

    Raises: StatusError where the configuration is no Scale.
    """
    shape = published("V1Scale")
    check_configuration(SCALES, shape, config)
    there = operation_of(resource, manager, SCALE, "")
    here = replace(there, api_version=SCALE_VERSION, ignored={"f:status": {}})
    lay = changed_by(shape, {"metadata": {}, "spec": {}, "status": {}}, config, here, force=force)
    path = replicas_path(resource)
    return lambda obj: applied_to_scale(obj, scale_of(obj), lay, there, path)


def check_configuration(resource: Resource, shape: Shape, config: Object) -> None:
    """Raises: StatusError where the configuration is of another kind, or does not fit this one's shape.

    The latter is a 400 without a reason. The real API answers 500 up to 1.36 at least, which counts as a bug there too
    (kubernetes issue 139253); with no reason, kubectl prints the same line of either.
    """
    if (config.get("apiVersion"), config.get("kind")) != (resource.api_version, resource.kind):
        version, kind = str(config.get("apiVersion") or "/"), str(config.get("kind") or "")
        shown = version if "/" in version else f"/{version}"
        raise api_errors.bad_request(f"invalid object type: {shown}, Kind={kind}")
    metadata = config.get("metadata") or {}
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise api_errors.bad_request("metadata.managedFields must be nil")
    if wrong := misfits(shape, config):
        metadata = metadata if isinstance(metadata, dict) else {}
        place = f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}"
        kind = f"{resource.group}/{resource.version}, Kind={resource.kind}"
        raise api_errors.StatusError(400, "", f"failed to create typed patch object ({place}; {kind}): {wrong}")


def _created(registry: Registry, target: Target, obj: Object, options: WriteOptions) -> Stored:
    metadata, name = obj["metadata"], target.name
    if metadata.get("name") != name:
        given = metadata.get("name")
        if not given:
            why = f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        else:
            why = f"the name of the object ({given}) does not match the name on the URL ({name})"
        raise api_errors.bad_request(why)
    if metadata.get("uid"):
        why = f"uid mismatch: the provided object specified uid {metadata['uid']}, and no existing object was found"
        raise api_errors.conflict(target.resource, name, why)
    return registry.create(target.resource, target.namespace, obj, options)
