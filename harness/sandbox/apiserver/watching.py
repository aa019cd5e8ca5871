"""A watch request -> a stream of events, one JSON object a line, until its time is over or its client is too slow."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from aiohttp import web

from harness.sandbox.apiserver import paging, requests
from harness.sandbox.apiserver.reading import META, encoded

if TYPE_CHECKING:
    from harness.sandbox.apiserver.reading import Reader
    from harness.sandbox.apiserver.requests import Encoding, Target
    from harness.sandbox.apiserver.store import Subscription

_BOOKMARK_EVERY_S = 60.0
_SHORTEST_DEFAULT_S = 1800.0
_LINES_PER_WRITE = 100
_INITIAL_END = {"k8s.io/initial-events-end": "true"}


async def watch(reader: Reader, target: Target, request: web.BaseRequest) -> web.StreamResponse:
    """Streams what changes in the collection.

    From the query: `resourceVersion` (none or 0: the present objects first), `timeoutSeconds`, `allowWatchBookmarks`,
    `sendInitialEvents` (a list as a stream, ended by a bookmark), selectors. Raises: StatusError (400, 410).
    """
    selector, encoding = requests.selector_of(request, target), requests.encoding_of(request)
    asked = request.query.get("resourceVersion", "")
    since = paging.version_of(asked) or None
    initial, timeout_s = requests.is_true(request, "sendInitialEvents"), _timeout_s(request)
    subscription = reader.store.subscribe(target.resource, target.namespace, selector, None if initial else since)
    stream = _Stream(reader, target, encoding, request)
    try:
        await stream.run(subscription, timeout_s, initial=initial)
    except ConnectionResetError:
        pass  # the client went away, or was dropped
    finally:
        reader.store.unsubscribe(subscription)
    return stream.response


class _Stream:
    def __init__(self, reader: Reader, target: Target, encoding: Encoding, request: web.BaseRequest) -> None:
        self._reader, self._resource, self._encoding, self._request = reader, target.resource, encoding, request
        self._bookmarks = requests.is_true(request, "allowWatchBookmarks")
        self.response = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache"})

    async def run(self, subscription: Subscription, timeout_s: float, *, initial: bool) -> None:
        """Streams until the end."""
        first, version = len(subscription.queue), self._reader.store.version
        if (transport := self._request.transport) is not None:
            subscription.on_drop = transport.abort
        await self.response.prepare(self._request)
        if initial:
            await self._send(subscription, first)
            await self._bookmark(version, _INITIAL_END)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while not subscription.dropped:
            await self._send(subscription, len(subscription.queue))
            rest_s = deadline - loop.time()
            if rest_s <= 0 or (subscription.ended and not subscription.queue):
                break
            try:
                async with asyncio.timeout(min(rest_s, _BOOKMARK_EVERY_S)):
                    await subscription.wait()
            except TimeoutError:
                if not subscription.queue:
                    await self._bookmark(self._reader.store.version)

    async def _send(self, subscription: Subscription, count: int) -> None:
        while count and subscription.queue:
            lines: list[bytes] = []
            while subscription.queue and len(lines) < min(count, _LINES_PER_WRITE):
                kind, stored = subscription.queue.popleft()
                body = self._reader.in_form(self._resource, stored, self._encoding)
                lines.append(b'{"type":"%b","object":%b}\n' % (kind.encode(), body))
            count -= len(lines)
            await self.response.write(b"".join(lines))

    async def _bookmark(self, version: int, annotations: dict[str, str] | None = None) -> None:
        if not self._bookmarks:
            return
        metadata: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        partial = {"kind": "PartialObjectMetadata", "apiVersion": META, "metadata": metadata}
        obj: dict[str, Any]
        if self._encoding.form == "table":
            rows = [{"cells": [], "object": partial}]
            head = {"kind": "Table", "apiVersion": META, "metadata": {"resourceVersion": str(version)}}
            obj = {**head, "columnDefinitions": [], "rows": rows}
        elif self._encoding.form == "metadata":
            obj = partial
        else:
            obj = {"kind": self._resource.kind, "apiVersion": self._resource.api_version, "metadata": metadata}
        await self.response.write(encoded({"type": "BOOKMARK", "object": obj}) + b"\n")


def _timeout_s(request: web.BaseRequest) -> float:
    asked = paging.integer(request.query.get("timeoutSeconds", ""))
    if asked > 0:
        return float(min(asked, 10**9))
    return _SHORTEST_DEFAULT_S * random.uniform(1, 2)
