"""Calls of the sandbox's own components -> requests to its API server, over the unix socket or HTTPS.

Controllers, scheduler, kubelet and kube-proxy know the cluster through this file alone, as their models know it through
client-go: get, list, create, patch, delete, and an informer that lists, watches, relists after 410 and reconnects.
"""

from __future__ import annotations

import asyncio
import base64
import json
import random
import ssl
from contextlib import aclosing
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

Object = dict[str, Any]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 5.0
_LONGEST_CLOSE_S = 5.0
_CALL_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=5)
_WATCH_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=None)


class PatchType(StrEnum):
    """The content types of the three kinds of patch."""

    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    JSON = "application/json-patch+json"


class Propagation(StrEnum):
    """What a deletion does to the objects that the deleted one owns."""

    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


class ChangeType(StrEnum):
    """What an informer says of an object; SYNCED, once after every list, carries no object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    SYNCED = "SYNCED"


class Change(NamedTuple):
    """One step of an informer: `async for type, object in client.informer(path)`."""

    type: ChangeType
    object: Object


class ApiError(Exception):
    """The API server's refusal: its HTTP status, the machine-readable reason, the message for people."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        self.status, self.reason, self.message = status, reason, message
        super().__init__(f"{status} {reason}: {message}")


class ApiClient:
    """A client of the sandbox's API server; an asynchronous context manager.

    Paths are the API's own, for example `/api/v1/namespaces/default/pods/web-0` or `/apis/apps/v1/deployments`.
    `agent`: the component that speaks, which owns what it writes. With `socket` it speaks over the unix socket,
    trusted, from any network namespace; else to `url` with `token` and the authority `ca` (PEM). Every call raises
    ApiError where the server refuses, and aiohttp.ClientError or TimeoutError where it does not answer.
    """

    def __init__(
        self,
        socket: Path | None = None,
        *,
        url: str = "http://api",
        token: str | None = None,
        ca: str | None = None,
        agent: str = "sandbox",
    ) -> None:
        self._agent = agent
        self._socket, self._url, self._token, self._ca = socket, url.rstrip("/"), token, ca
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def of_kubeconfig(cls, kubeconfig: Object) -> Self:
        """From outside, as `Sandbox.kubeconfig` has it."""
        cluster, user = kubeconfig["clusters"][0]["cluster"], kubeconfig["users"][0]["user"]
        ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        return cls(url=cluster["server"], token=user["token"], ca=ca)

    async def __aenter__(self) -> Self:
        connector: aiohttp.BaseConnector
        if self._socket is not None:
            connector = aiohttp.UnixConnector(path=str(self._socket), limit=0)
        else:
            context = ssl.create_default_context(cadata=self._ca) if self._ca else True
            connector = _TlsConnector(ssl=context, limit=0)
        headers = {"User-Agent": f"{self._agent}/v1.36"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        self._session = aiohttp.ClientSession(connector=connector, headers=headers, timeout=_CALL_TIMEOUT)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, path: str, **params: str) -> Object:
        """The object at `path`."""
        return await self._call("GET", path, params)

    async def list(self, path: str, **params: str) -> Object:
        """The list at `path`; `params` as the API spells them (`labelSelector`, `fieldSelector`, `limit` ...)."""
        return await self._call("GET", path, params)

    async def create(self, path: str, obj: Object) -> Object:
        """Posts `obj` to the collection (or subresource) at `path`; returns it as stored."""
        return await self._call("POST", path, {}, obj)

    async def update(self, path: str, obj: Object) -> Object:
        """Replaces the object at `path`; 409 Conflict where its resourceVersion is no longer the newest."""
        return await self._call("PUT", path, {}, obj)

    async def patch(self, path: str, body: Object | tuple[Object, ...], kind: PatchType = PatchType.MERGE) -> Object:
        """Patches the object or subresource (`.../status`, `.../scale`) at `path`; returns it as stored."""
        return await self._call("PATCH", path, {}, body, str(kind))

    async def delete(
        self,
        path: str,
        *,
        grace_s: int | None = None,
        propagation: Propagation | None = None,
        uid: str | None = None,
    ) -> Object:
        """Deletes the object at `path`; with `uid` only that very object (409 Conflict where another took its place).

        Grace in seconds counts for pods only; 0 removes at once, which is how a kubelet ends a pod's life.
        """
        options: Object = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        if propagation is not None:
            options["propagationPolicy"] = str(propagation)
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        return await self._call("DELETE", path, {}, options)

    def informer(self, path: str, *, label_selector: str = "", field_selector: str = "") -> Informer:
        """An informer on the collection at `path`, for as long as it is iterated."""
        params = {"labelSelector": label_selector, "fieldSelector": field_selector}
        return Informer(self, path, {name: value for name, value in params.items() if value})

    async def watch(self, path: str, params: dict[str, str]) -> AsyncGenerator[tuple[str, Object], None]:
        """Raw watch events (type, object), bookmarks and errors too, until the server ends the stream."""
        url, query = self._url + path, {**params, "watch": "true"}
        async with self._open().get(url, params=query, timeout=_WATCH_TIMEOUT) as response:
            if response.status >= 400:
                raise _error(response.status, await response.read())
            torn = b""
            async for chunk in response.content.iter_any():
                *lines, torn = (torn + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    yield event["type"], event["object"]

    async def _call(self, method: str, path: str, params: dict[str, str], body: Any = None, kind: str = "") -> Object:
        headers, data = {}, None
        if body is not None:
            headers["Content-Type"] = kind or "application/json"
            data = json.dumps(body, separators=(",", ":")).encode()
        async with self._open().request(
            method, self._url + path, params=params, data=data, headers=headers
        ) as response:
            answer = await response.read()
        if response.status >= 400:
            raise _error(response.status, answer)
        obj: Object = json.loads(answer)
        return obj

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("ApiClient is used outside its `async with` block")
        return self._session


class _TlsConnector(aiohttp.TCPConnector):
    """Closed with all its connections.

    One that is dropped in the middle of an answer, as every watch is, first says goodbye to its peer, and aiohttp
    forgets it meanwhile: where the event loop ends sooner, its socket is left open and collected one day.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._lasting: dict[asyncio.Future[None], asyncio.Transport] = {}

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> Any:
        protocol = await super()._create_connection(req, traces, timeout)
        transport, closed = protocol.transport, protocol.closed
        if isinstance(transport, asyncio.Transport) and closed is not None:
            self._lasting[closed] = transport
            closed.add_done_callback(self._forget)
        return protocol

    def _forget(self, closed: asyncio.Future[None]) -> None:
        self._lasting.pop(closed, None)
        if not closed.cancelled():
            closed.exception()  # that it was lost is told to whoever uses it

    async def close(self, *, abort_ssl: bool = False) -> None:
        await super().close(abort_ssl=abort_ssl)
        for transport in self._lasting.values():
            transport.abort()
        if self._lasting:
            await asyncio.wait(tuple(self._lasting), timeout=_LONGEST_CLOSE_S)


class Informer:
    """Everything that happens in one collection, as an endless iterator of changes, with a cache beside it.

    First the list as ADDED, then SYNCED, then the watch. After 410 Gone it lists again: what is new or differs comes as
    ADDED or MODIFIED, what vanished as DELETED with its last known state, then SYNCED again. A lost connection is
    taken up again after a pause. `objects` maps uid to object and is up to date with the change last yielded.
    """

    def __init__(self, client: ApiClient, path: str, params: dict[str, str]) -> None:
        self.objects: dict[str, Object] = {}
        self._client, self._path, self._params = client, path, params
        self._version: str | None = None
        self._pause_s = _FIRST_PAUSE_S

    async def __aiter__(self) -> AsyncGenerator[Change, None]:
        while True:
            try:
                if self._version is None:
                    for change in self._relisted(await self._client.list(self._path, **self._params)):
                        yield self._remember(change)
                    yield Change(ChangeType.SYNCED, {})
                async with aclosing(self._client.watch(self._path, self._watch_params())) as events:
                    async for kind, obj in events:
                        self._pause_s = _FIRST_PAUSE_S
                        if kind == "ERROR":
                            raise ApiError(int(obj.get("code", 500)), obj.get("reason", ""), obj.get("message", ""))
                        self._version = obj["metadata"]["resourceVersion"]
                        if kind != "BOOKMARK":
                            yield self._remember(Change(ChangeType(kind), obj))
            except ApiError as error:
                if error.status == 410:
                    self._version = None
                    continue
            except (aiohttp.ClientError, TimeoutError, OSError, json.JSONDecodeError):
                pass  # the server restarts or cut us off: what was missed comes with the next watch
            await asyncio.sleep(self._pause_s * random.uniform(0.75, 1.25))
            self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def _watch_params(self) -> dict[str, str]:
        return {**self._params, "resourceVersion": self._version or "", "allowWatchBookmarks": "true"}

    def _relisted(self, answer: Object) -> tuple[Change, ...]:
        self._version = answer["metadata"]["resourceVersion"]
        kind, api_version = answer["kind"].removesuffix("List"), answer["apiVersion"]
        now = {obj["metadata"]["uid"]: {"kind": kind, "apiVersion": api_version, **obj} for obj in answer["items"]}
        changes = [Change(ChangeType.DELETED, obj) for uid, obj in self.objects.items() if uid not in now]
        for uid, obj in now.items():
            known = self.objects.get(uid)
            if known is None:
                changes.append(Change(ChangeType.ADDED, obj))
            elif known["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
                changes.append(Change(ChangeType.MODIFIED, obj))
        return tuple(changes)

    def _remember(self, change: Change) -> Change:
        uid = change.object["metadata"]["uid"]
        if change.type is ChangeType.DELETED:
            self.objects.pop(uid, None)
        else:
            self.objects[uid] = change.object
        return change


def _error(status: int, body: bytes) -> ApiError:
    try:
        answer = json.loads(body)
        return ApiError(status, str(answer.get("reason", "")), str(answer.get("message", "")))
    except (ValueError, AttributeError):
        return ApiError(status, "", body[:200].decode(errors="replace"))
