"""A request's path, query, headers and body -> what it asks for: target, selectors, options, encoding, object."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from harness.sandbox.apiserver import api_errors, jsonbody, protobuf, selectors
from harness.sandbox.apiserver.api_errors import shown
from harness.sandbox.apiserver.decoding import type_of
from harness.sandbox.apiserver.registry import DeleteOptions
from harness.sandbox.apiserver.resources import NAMESPACES

if TYPE_CHECKING:
    from harness.sandbox.apiserver.catalogue import Catalogue
    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.selectors import Selector

BODY_LIMIT_BYTES = 3 * 1024 * 1024
_JSON_TYPES = ("application/json", "application/yaml", "")
# Where a request keeps what its body says twice.
_TWICE = "fields that stand twice"
DEEPEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path names; `name` is empty for a collection, `namespace` for all of them or a cluster-wide kind.

    `rest`: what comes after `proxy`, the only subresource with something below it.
    """

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the answer is wanted: as the object itself, as a Table, or as its metadata alone."""

    form: str = "object"
    include: str = "Metadata"


def target_of(path: str, catalogue: Catalogue) -> Target | None:
    """The target of `/api/v1/...` or `/apis/GROUP/VERSION/...`; None where the path names none.

    Raises: StatusError (404) where a custom kind has no such subresource.
    """
    steps = path.strip("/").split("/")
    if steps[0] == "api" and len(steps) >= 3:
        group, version, rest = "", steps[1], steps[2:]
    elif steps[0] == "apis" and len(steps) >= 4:
        group, version, rest = steps[1], steps[2], steps[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in NAMESPACES.subresources:
        namespace, rest = rest[1], rest[2:]
    resource = catalogue.at(group, version, rest[0])
    below = ""
    if len(rest) > 2 and rest[2] == "proxy":
        rest, below = rest[:3], "/".join(rest[3:])
    if resource is None or len(rest) > 3 or (namespace and not resource.namespaced) or "" in rest:
        return None
    name, subresource = (*rest[1:], "", "")[:2]
    if subresource and subresource not in resource.subresources:
        if resource.custom is not None:
            raise api_errors.not_found(resource, name)  # as of the object, for all that the real API tells
        return None
    return Target(resource=resource, namespace=namespace, name=name, subresource=subresource, rest=below)


def encoding_of(request: web.BaseRequest) -> Encoding:
    """The first acceptable form that the server can give. Raises: StatusError (406)."""
    accept = request.headers.get("Accept", "*/*")
    for part in accept.split(","):
        kind, *options = (item.strip() for item in part.split(";"))
        if kind not in ("application/json", "application/*", "*/*"):
            continue
        asked = dict(option.partition("=")[::2] for option in options if "=" in option)
        form = {"Table": "table", "PartialObjectMetadata": "metadata", "PartialObjectMetadataList": "metadata"}
        if asked.get("as") is None:
            return Encoding()
        if asked["as"] in form and asked.get("v", "v1") == "v1":
            return Encoding(form[asked["as"]], request.query.get("includeObject", "Metadata"))
    raise api_errors.not_acceptable()


def selector_of(request: web.BaseRequest, target: Target) -> Selector:
    """The label and field selector of the query; a name in the path counts as a field selector."""
    query = request.query
    fields = query.get("fieldSelector", "")
    if target.name:
        fields = ",".join(filter(None, (fields, f"metadata.name={target.name}")))
    return selectors.parse(target.resource, query.get("labelSelector", ""), fields)


def is_true(request: web.BaseRequest, name: str) -> bool:
    """Whether the query carries `name` as a true boolean: as anything but false or 0, as the real API reads it."""
    return request.query.get(name, "false").lower() not in ("false", "0")


def dry_run(request: web.BaseRequest, body: Any = None) -> bool:
    """Whether nothing is to be stored: `dryRun=All` in the query or the options. Raises: StatusError (422)."""
    asked = request.query.getall("dryRun", [])
    if isinstance(body, dict) and isinstance(listed := body.get("dryRun"), list):
        asked = [*asked, *listed]
    if any(item != "All" for item in asked):
        raise api_errors.unsupported_option(request.method, "dryRun", asked, ("All",))
    return bool(asked)


async def json_body(
    request: web.BaseRequest, types: tuple[str, ...] = _JSON_TYPES, *, or_protobuf: bool = False
) -> Any:
    """The decoded body, None where it is empty; protobuf only where it may be. Raises: StatusError (400, 413, 415)."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not request.body_exists:
        return None
    if kind not in types and not (or_protobuf and kind == protobuf.MEDIA_TYPE):
        raise api_errors.unsupported_media_type([known for known in types if known])
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise api_errors.too_large(f"limit is {BODY_LIMIT_BYTES}") from None
    if kind == protobuf.MEDIA_TYPE:
        return protobuf.decoded(raw)
    if not raw.strip():
        return None
    try:
        from harness.sandbox.apiserver import yamlbody

        body, request[_TWICE] = yamlbody.loads(raw) if kind == "application/yaml" else jsonbody.loads(raw)
        if _LONE_SURROGATE.search(raw):
            body = json.loads(_LONE.sub("\ufffd", json.dumps(body, ensure_ascii=False)))
        if deeper_than(body, DEEPEST):
            raise api_errors.bad_request(f"the body is nested more than {DEEPEST} levels deep")
    except (ValueError, RecursionError) as error:
        raise api_errors.bad_request(f"the object provided is unrecognized: {_why(error)}") from None
    return body


def _why(error: ValueError | RecursionError) -> str:
    """Without what this program's own parser would say of itself."""
    text = str(error)
    if isinstance(error, RecursionError | UnicodeDecodeError):
        text = "it is nested too deep, or no UTF-8"
    elif isinstance(error, json.JSONDecodeError):
        text = jsonbody.why(error)
    return text if text.startswith("error converting YAML") else f"couldn't decode JSON: {text}"


def check_fields_once(request: web.BaseRequest, subject: str) -> None:
    """With strict validation, no field may stand twice in the body. Raises: StatusError (400)."""
    if request.query.get("fieldValidation") == "Strict" and (twice := request.get(_TWICE)):
        raise api_errors.bad_request(f"{subject}strict decoding error: {', '.join(twice)}")


def warnings_of(request: web.BaseRequest) -> list[str]:
    """What is to be told of the body beside its unknown fields."""
    return list(request.get(_TWICE, ()))


async def object_body(request: web.BaseRequest, resource: Resource) -> dict[str, Any]:
    """The object in the body, of the kind that the path names; custom resources have no protobuf.

    Raises: StatusError (400, 413, 415).
    """
    kind, version = resource.kind, resource.version
    published = type_of(resource.api_version, resource.kind) is not None
    obj = await json_body(request, or_protobuf=published)
    if not isinstance(obj, dict):
        raise api_errors.bad_request(f"the body is not a {resource.kind}")
    if (said := obj.get("apiVersion")) not in (None, "", resource.api_version):
        why = f"({said}) does not match the expected API version ({resource.api_version})"
        raise api_errors.bad_request(f"the API version in the data {why}")
    if obj.get("kind") not in (None, "", kind):
        raise api_errors.bad_request(f'{obj["kind"]} in version "{version}" cannot be handled as a {kind}')
    if not isinstance(obj.setdefault("metadata", {}), dict):
        raise api_errors.bad_request(f"{resource.kind}.metadata: an object is expected")
    obj["kind"], obj["apiVersion"] = resource.kind, resource.api_version
    check_fields_once(request, f'{kind} in version "{version}" cannot be handled as a {kind}: ')
    return obj


async def delete_options(request: web.BaseRequest) -> DeleteOptions:
    """DeleteOptions from body and query. Raises: StatusError (400)."""
    body = await json_body(request, or_protobuf=True)
    body = {} if body is None else body
    if not isinstance(body, dict) or not isinstance(conditions := body.get("preconditions") or {}, dict):
        raise api_errors.bad_request("the body is not a DeleteOptions")
    grace = body.get("gracePeriodSeconds", request.query.get("gracePeriodSeconds"))
    try:
        grace_s = None if grace is None else int(grace)
    except (TypeError, ValueError):
        raise api_errors.bad_request(f"gracePeriodSeconds: a whole number is expected, not {shown(grace)}") from None
    propagation = body.get("propagationPolicy", request.query.get("propagationPolicy"))
    if propagation is None and (orphan := body.get("orphanDependents")) is not None:
        propagation = "Orphan" if orphan else "Background"
    if propagation not in (None, "Background", "Foreground", "Orphan"):
        known = ("Foreground", "Background", "Orphan", "nil")
        raise api_errors.unsupported_option(request.method, "propagationPolicy", propagation, known)
    return DeleteOptions(
        grace_s=grace_s,
        propagation=propagation,
        uid=conditions.get("uid"),
        version=conditions.get("resourceVersion"),
        dry_run=dry_run(request, body),
    )


# Half of a UTF-16 pair: Go's decoder, and so the real API, takes the replacement character for it. First what can be
# one in a body, then what is one in its text.
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]|\xed")
_LONE = re.compile("[\ud800-\udfff]")


def deeper_than(value: Any, levels: int) -> bool:
    """Whether lists and objects stand in one another more than so many times; without recursion, for any depth."""
    layer = [value]
    for _ in range(levels):
        layer = [
            child
            for item in layer
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not layer:
            return False
    return True
