"""POST, PUT, PATCH and DELETE requests -> changes of the store, answered as the real API answers them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors, requests, reviews
from harness.sandbox.apiserver.applypatch import (
    APPLY_PATCH,
    apply,
    check_options,
    configuration_of,
    is_apply,
    manager_of,
)
from harness.sandbox.apiserver.decoding import NotDecodedError, type_of
from harness.sandbox.apiserver.patches import json_patch, merge
from harness.sandbox.apiserver.podadmission import default_account_missing, default_account_pause_s
from harness.sandbox.apiserver.reading import answer, encoded, in_list
from harness.sandbox.apiserver.registry import WriteOptions
from harness.sandbox.apiserver.resources import NAMESPACES, PODS, SERVICE_ACCOUNTS, SERVICES
from harness.sandbox.apiserver.strategic import strategic
from harness.sandbox.apiserver.users import user_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from harness.sandbox.apiserver.reading import Reader
    from harness.sandbox.apiserver.registry import Registry
    from harness.sandbox.apiserver.requests import Target
    from harness.sandbox.apiserver.rights import Rights
    from harness.sandbox.apiserver.store import Object, Stored
    from harness.sandbox.apiserver.users import User

_PATCH_TYPES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    APPLY_PATCH,
)
_OF_CUSTOM_KINDS = tuple(kind for kind in _PATCH_TYPES if "strategic" not in kind)
_ACCOUNT_LOOKS = 10
_RETURNED_WHEN_GONE = (PODS, SERVICES, SERVICE_ACCOUNTS, NAMESPACES)


class Writer:
    """The writing half of the REST API."""

    def __init__(self, registry: Registry, reader: Reader, answers: reviews.Reviews, rights: Rights) -> None:
        self.registry, self.reader, self._reviews, self._rights = registry, reader, answers, rights

    async def create(self, target: Target, request: web.BaseRequest) -> web.Response:
        """A new object in the collection. Raises: StatusError."""
        obj = await requests.object_body(request, target.resource)
        if target.resource in reviews.RESOURCES:
            return answer(encoded(self._reviews.reviewed(obj, user_of(request), target.namespace)), 201)
        namespace = target.namespace
        if target.resource.namespaced and not namespace:
            raise api_errors.method_not_allowed()
        check_options(request, "CreateOptions")
        options, warnings = write_options_of(request)
        self._rights.check_grant(user_of(request), target.resource, namespace, obj)
        if target.resource is PODS:
            await self._await_default_account(namespace, obj)
        stored = self.registry.create(target.resource, namespace, obj, options)
        return with_warnings(self.reader.one(target.resource, stored, request, 201), warnings)

    async def _await_default_account(self, namespace: str, pod: Object) -> None:
        """A namespace's controller makes it in a moment: admission looks for it ten times in all."""
        for _ in range(_ACCOUNT_LOOKS - 1):
            if not default_account_missing(self.registry.store, namespace, pod):
                break
            if self.registry.store.get(NAMESPACES, "", namespace) is None:
                break
            await asyncio.sleep(default_account_pause_s())

    async def update(self, target: Target, request: web.BaseRequest) -> web.Response:
        """The whole object anew, or its status. Raises: StatusError."""
        check_options(request, "UpdateOptions")
        obj = await requests.object_body(request, target.resource)
        if target.resource.created_by_update and not target.subresource and self._is_absent(target):
            return self._created_by_update(target, request, obj)
        return self._change(target, request, lambda _: obj)

    def _is_absent(self, target: Target) -> bool:
        return self.registry.store.get(target.resource, target.namespace, target.name) is None

    def _created_by_update(self, target: Target, request: web.BaseRequest, obj: Object) -> web.Response:
        """The object that was not there. Raises: StatusError."""
        metadata = obj["metadata"]
        if metadata.setdefault("name", target.name) != target.name:
            why = f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
            raise api_errors.bad_request(why)
        if metadata.get("uid"):
            why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: "
            raise api_errors.conflict(target.resource, target.name, why)
        metadata.pop("resourceVersion", None)
        options, warnings = write_options_of(request)
        stored = self.registry.create(target.resource, target.namespace, obj, options)
        return with_warnings(self.reader.one(target.resource, stored, request, 201), warnings)

    async def patch(self, target: Target, request: web.BaseRequest) -> web.Response:
        """The object, or its status, with a patch of one of the four kinds applied. Raises: StatusError."""
        check_options(request, "PatchOptions")
        if is_apply(request):
            return await self._apply(target, request)
        change = await self.patch_of(request, type_of(target.resource.api_version, target.resource.kind))
        patched: list[Any] = []

        def noted(obj: Object) -> Any:
            patched[:] = [change(obj)]
            return patched[0]

        try:
            return self._change(target, request, noted)
        except NotDecodedError as error:
            raise api_errors.unpatchable(patched[0], error.why) from None

    async def patch_of(self, request: web.BaseRequest, type_name: str | None) -> Callable[[Object], Any]:
        """The function that the request's body describes; kinds without a published type take no strategic merge patch.

        Raises: StatusError (400, 415).
        """
        content_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
        body = await requests.json_body(request, _PATCH_TYPES if type_name is not None else _OF_CUSTOM_KINDS)
        requests.check_fields_once(request, "error decoding patch: ")
        if content_type == "application/json-patch+json":
            return lambda obj: json_patch(obj, body)
        if not isinstance(body, dict):
            raise api_errors.bad_request("error decoding patch: an object is expected")
        if content_type == "application/merge-patch+json":
            return lambda obj: merge(obj, body)
        return lambda obj: strategic(str(type_name), obj, body)

    async def _apply(self, target: Target, request: web.BaseRequest) -> web.Response:
        options, warnings = write_options_of(request)
        config = await configuration_of(request, options)
        force = requests.is_true(request, "force")
        stored, created = apply(self.registry, target, config, options, self.registry.stamp(), force=force)
        code = 201 if created else 200
        return with_warnings(self.reader.one(target.resource, stored, request, code), warnings)

    async def delete(self, target: Target, request: web.BaseRequest) -> web.Response:
        """One object gone, or marked for deletion. Raises: StatusError."""
        options = await requests.delete_options(request)
        stored, gone = self.registry.delete(target.resource, target.namespace, target.name, options)
        if gone and target.resource not in _RETURNED_WHEN_GONE:
            return answer(encoded(_success(target, stored)))
        return self.reader.one(target.resource, stored, request)

    async def delete_collection(self, target: Target, request: web.BaseRequest) -> web.Response:
        """Every selected object gone, or marked. Raises: StatusError."""
        options = await requests.delete_options(request)
        selector = requests.selector_of(request, target)
        items = self.reader.store.items(target.resource, target.namespace, selector)
        for stored in items:
            metadata = stored.obj["metadata"]
            self.registry.delete(target.resource, metadata.get("namespace", ""), metadata["name"], options)
        head = {"kind": target.resource.list_kind, "apiVersion": target.resource.api_version}
        metadata = {"resourceVersion": str(self.reader.store.version)}
        start = encoded({**head, "metadata": metadata, "items": []})
        return answer(start[:-2] + b",".join(in_list(target.resource, stored) for stored in items) + b"]}")

    def _change(self, target: Target, request: web.BaseRequest, change: Callable[[Object], Any]) -> web.Response:
        options, warnings = write_options_of(request)
        place = (target.resource, target.namespace, target.name)
        user = user_of(request)
        if not user.may_do_all:
            change = self._granted(target, user, change)
        stored = self.registry.update(*place, change, options, part=target.subresource)
        return with_warnings(self.reader.one(target.resource, stored, request), warnings)

    def _granted(self, target: Target, user: User, change: Callable[[Object], Any]) -> Callable[[Object], Any]:
        """The change, refused where it makes a role or binding give what its author does not have."""

        def checked(obj: Object) -> Any:
            changed = change(obj)
            if isinstance(changed, dict):
                self._rights.check_grant(user, target.resource, target.namespace, changed)
            return changed

        return checked


def write_options_of(request: web.BaseRequest) -> tuple[WriteOptions, list[str]]:
    """How the request wants to be carried out, and the list that its warnings go to. Raises: StatusError (400)."""
    validation, warnings = request.query.get("fieldValidation", "Warn"), requests.warnings_of(request)
    if validation not in ("Strict", "Warn", "Ignore", ""):
        known = ("", "Ignore", "Strict", "Warn")
        raise api_errors.unsupported_option(request.method, "fieldValidation", validation, known)
    warn = warnings.append if validation in ("Warn", "") else lambda _: None
    options = WriteOptions(
        dry_run=requests.dry_run(request), strict=validation == "Strict", warn=warn, manager=manager_of(request)
    )
    return options, warnings


def with_warnings(response: web.Response, warnings: list[str]) -> web.Response:
    """The response with one Warning header each, as kubectl prints them."""
    for warning in warnings:
        text = warning.encode("unicode_escape").decode().replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{text}"')
    return response


def _success(target: Target, stored: Stored) -> Object:
    details = {"name": target.name, "group": target.resource.group, "kind": target.resource.plural}
    details["uid"] = stored.obj["metadata"]["uid"]
    head: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    return {**head, "details": {key: value for key, value in details.items() if value}}
