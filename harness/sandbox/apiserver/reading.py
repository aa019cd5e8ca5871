"""GET requests for objects and collections -> the object, the list, or a table of either."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from harness.sandbox.apiserver import api_errors, paging, requests
from harness.sandbox.apiserver.custom.serving import in_version

if TYPE_CHECKING:
    from harness.sandbox.apiserver.requests import Encoding, Target
    from harness.sandbox.apiserver.resources import Resource
    from harness.sandbox.apiserver.store import Store, Stored
    from harness.sandbox.apiserver.tables import Printer

META = "meta.k8s.io/v1"


def encoded(obj: Any) -> bytes:
    """Compact JSON."""
    return json.dumps(obj, separators=(",", ":")).encode()


def answer(raw: bytes, code: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """JSON bytes as a response."""
    return web.Response(body=raw, status=code, content_type="application/json", headers=headers)


class Reader:
    """The reading half of the REST API."""

    def __init__(self, store: Store, printer: Printer) -> None:
        self.store, self._printer = store, printer

    def get(self, target: Target, request: web.BaseRequest) -> web.Response:
        """One object. Raises: StatusError (400, 404, 504)."""
        paging.check_not_ahead(self.store, paging.version_of(request.query.get("resourceVersion", "")))
        stored = self.store.get(target.resource, target.namespace, target.name)
        if stored is None:
            raise api_errors.not_found(target.resource, target.name)
        return self.one(target.resource, stored, request)

    def one(self, resource: Resource, stored: Stored, request: web.BaseRequest, code: int = 200) -> web.Response:
        """An object in the form that the request accepts."""
        return answer(self.in_form(resource, stored, requests.encoding_of(request)), code)

    def list(self, target: Target, request: web.BaseRequest) -> web.Response:
        """A collection, or the page of it that is asked for. Raises: StatusError (400, 410, 422, 504)."""
        selector, encoding = requests.selector_of(request, target), requests.encoding_of(request)
        page = paging.page(self.store, target, selector, request)
        items, metadata = [in_version(target.resource, stored) for stored in page.items], page.metadata
        if encoding.form == "table":
            table = self._printer.table(target.resource, items, encoding.include)
            return answer(encoded({**table, "metadata": metadata}))
        if encoding.form == "metadata":
            head = {"kind": "PartialObjectMetadataList", "apiVersion": META}
            bodies = [encoded(_metadata(stored)) for stored in items]
        else:
            head = {"kind": target.resource.list_kind, "apiVersion": target.resource.api_version}
            bodies = [in_list(target.resource, stored) for stored in items]
        start = encoded({**head, "metadata": metadata, "items": []})
        return answer(start[:-2] + b",".join(bodies) + b"]}")

    def in_form(self, resource: Resource, stored: Stored, encoding: Encoding) -> bytes:
        """An object as JSON in the form asked for: itself, a Table of one row, or its metadata alone."""
        stored = in_version(resource, stored)
        if encoding.form == "table":
            table = self._printer.table(resource, [stored], encoding.include)
            return encoded({**table, "metadata": {"resourceVersion": str(stored.version)}})
        if encoding.form == "metadata":
            return encoded(_metadata(stored))
        return stored.raw


def in_list(resource: Resource, stored: Stored) -> bytes:
    """An object as a list carries it: those of custom kinds say their kind, as the real API's do."""
    stored = in_version(resource, stored)
    return stored.bare if resource.custom is None else stored.raw


def _metadata(stored: Stored) -> dict[str, Any]:
    return {"kind": "PartialObjectMetadata", "apiVersion": META, "metadata": stored.obj["metadata"]}
