"""Requests below an object (`scale`, `binding`, `eviction`, `finalize`, `log`, `proxy`) -> what each of them does."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors, requests
from harness.sandbox.apiserver.applypatch import SCALES, check_options, configuration_of, is_apply, scaled_by
from harness.sandbox.apiserver.clock import rfc3339
from harness.sandbox.apiserver.decoding import decoded, decoded_as
from harness.sandbox.apiserver.evictions import evict
from harness.sandbox.apiserver.podlogs import logged
from harness.sandbox.apiserver.podproxy import proxied
from harness.sandbox.apiserver.reading import answer, encoded
from harness.sandbox.apiserver.registry import DeleteOptions
from harness.sandbox.apiserver.resources import NAMESPACES
from harness.sandbox.apiserver.scales import scale_of, set_replicas
from harness.sandbox.apiserver.store import freeze
from harness.sandbox.apiserver.tokenrequests import token_response
from harness.sandbox.apiserver.writing import with_warnings, write_options_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aiohttp import web

    from harness.sandbox.apiserver.requests import Target
    from harness.sandbox.apiserver.store import Object
    from harness.sandbox.apiserver.tokens import Tokens
    from harness.sandbox.apiserver.writing import Writer

_CREATED: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


class Subresources:
    """The subresources that are more than a part of the stored object."""

    def __init__(self, writer: Writer, state: Path, now: Callable[[], float], tokens: Tokens) -> None:
        self._writer, self._registry, self._state, self._now = writer, writer.registry, state, now
        self._tokens = tokens

    async def handle(self, target: Target, request: web.BaseRequest) -> web.StreamResponse:
        """Answers a request for a subresource other than status. Raises: StatusError."""
        match target.subresource, request.method:
            case "scale", "GET" | "PUT" | "PATCH":
                return await self._scale(target, request)
            case "binding", "POST":
                return await self._bind(target, request)
            case "eviction", "POST":
                return await self._evict(target, request)
            case "finalize", "PUT":
                return await self._finalize(target, request)
            case "log", "GET":
                return await logged(self._registry, self._state, target, request)
            case "proxy", _:
                return await proxied(self._registry, self._state, target, request)
            case "exec" | "attach" | "portforward", "GET" | "POST":
                from harness.sandbox.apiserver.podstreams import streamed  # SPDY and its like, which few need

                return await streamed(self._registry, self._state, target, request)
            case "token", "POST":
                return await token_response(self._registry, self._tokens, target, request)
            case "ephemeralcontainers", _:
                raise api_errors.not_implemented(f"{target.resource.plural}/{target.subresource}")
            case _:
                raise api_errors.method_not_allowed()

    async def _scale(self, target: Target, request: web.BaseRequest) -> web.Response:
        place = (target.resource, target.namespace, target.name)
        stored = self._registry.existing(*place)
        if request.method == "GET":
            scale = freeze(SCALES, scale_of(target.resource, stored.obj), stored.version)
            return self._writer.reader.one(SCALES, scale, request)
        change: Callable[[Object], Any]
        if is_apply(request):
            return await self._apply_scale(target, request)
        if request.method == "PUT":
            body = await requests.json_body(request, or_protobuf=True)
            change = lambda _: body  # noqa: E731
        else:
            change = await self._writer.patch_of(request, "V1Scale")

        def scaled(obj: Object) -> Object:
            wish = decoded_as("V1Scale", "Scale", "v1", change(scale_of(target.resource, obj)))
            _check_version(target, obj, wish)
            set_replicas(target.resource, obj, wish.get("spec", {}).get("replicas", 0))
            return obj

        options = replace(write_options_of(request)[0], through="scale")
        return answer(encoded(scale_of(target.resource, self._registry.update(*place, scaled, options).obj)))

    async def _apply_scale(self, target: Target, request: web.BaseRequest) -> web.Response:
        check_options(request, "PatchOptions")
        options, warnings = write_options_of(request)
        config = await configuration_of(request, options)
        force = requests.is_true(request, "force")
        scaled = scaled_by(
            target.resource, config, options.manager, force=force, scale_of=partial(scale_of, target.resource)
        )

        def changed(obj: Object) -> Object:
            scale, owners = scaled(obj)
            _check_version(target, obj, scale)
            applied = decoded_as("V1Scale", "Scale", "v1", scale)
            set_replicas(target.resource, obj, applied.get("spec", {}).get("replicas", 0))
            obj["metadata"]["managedFields"] = owners
            return obj

        place = (target.resource, target.namespace, target.name)
        stored = self._registry.update(*place, changed, replace(options, applied=True))
        return with_warnings(answer(encoded(scale_of(target.resource, stored.obj))), warnings)

    async def _bind(self, target: Target, request: web.BaseRequest) -> web.Response:
        body = decoded_as("V1Binding", "Binding", "v1", await requests.json_body(request, or_protobuf=True))
        node = body.get("target", {}).get("name")
        if not node:
            raise api_errors.bad_request("the body is not a Binding with a target")

        def bound(pod: Object) -> Object:
            if pod["metadata"].get("deletionTimestamp"):
                raise api_errors.conflict(target.resource, target.name, f"pod {target.name} is being deleted")
            if pod["spec"].get("nodeName"):
                why = f'pod {target.name} is already assigned to node "{pod["spec"]["nodeName"]}"'
                raise api_errors.conflict(target.resource, target.name, why)
            if pod["spec"].get("schedulingGates"):
                raise api_errors.conflict(
                    target.resource, target.name, f"pod {target.name} has non-empty .spec.schedulingGates"
                )
            pod["spec"]["nodeName"] = node
            return pod

        self._registry.bind(target.namespace, target.name, bound, rfc3339(self._now()))
        return answer(encoded(_CREATED), 201)

    async def _evict(self, target: Target, request: web.BaseRequest) -> web.Response:
        body = await requests.json_body(request, or_protobuf=True)
        eviction = decoded_as("V1Eviction", "Eviction", "v1", {} if body is None else body)
        if eviction.get("metadata", {}).get("name") != target.name:
            raise api_errors.bad_request("name in URL does not match name in Eviction object")
        asked = eviction.get("deleteOptions", {})
        conditions = asked.get("preconditions", {})
        options = DeleteOptions(
            grace_s=asked.get("gracePeriodSeconds"),
            uid=conditions.get("uid"),
            version=conditions.get("resourceVersion"),
            dry_run=requests.dry_run(request, asked),
        )
        evict(self._registry, target.namespace, target.name, options)
        return answer(encoded(_CREATED), 201)

    async def _finalize(self, target: Target, request: web.BaseRequest) -> web.Response:
        obj, _ = decoded(await requests.object_body(request, NAMESPACES))
        finalizers = obj.get("spec", {}).get("finalizers", [])

        def finalized(namespace: Object) -> Object:
            pinned = {key: obj["metadata"][key] for key in ("uid",) if obj["metadata"].get(key)}
            namespace["metadata"] |= pinned
            namespace["spec"]["finalizers"] = finalizers
            return namespace

        options = replace(write_options_of(request)[0], through="finalize")
        return answer(self._registry.update(NAMESPACES, "", target.name, finalized, options).raw)


def _check_version(target: Target, obj: Object, scale: Object) -> None:
    version = scale.get("metadata", {}).get("resourceVersion")
    if version and version != obj["metadata"]["resourceVersion"]:
        raise api_errors.conflict(target.resource, target.name)
