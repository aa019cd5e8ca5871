"""A kind of objects -> everything that happens to them: list, watch, and list again where the watch was lost."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import anyio

from harness.errors import ClusterError
from harness.inputs.shown import shown
from harness.kube.client import Kube, Resource, label_selector
from harness.kube.errors import ApiRefusal

_GONE = 410
_SERVER_ENDS_AFTER_S = 290
_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 4.0
_SHOWN = 200


class EventType(StrEnum):
    """Kubernetes' watch event types that say something of an object, and our own for a lost watch."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    GAP = "GAP"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """What happened to one object; for GAP `object` says why what happened before the next events is not known."""

    type: EventType
    object: dict[str, Any]


@dataclass(slots=True)
class _Position:
    resource_version: str = ""
    pause_s: float = _PAUSE_S
    known: dict[str, dict[str, Any]] | None = None  # by uid; None before the first list


def _nothing() -> None:
    pass


async def watch(
    kube: Kube,
    api_version: str,
    kind: str,
    *,
    namespace: str | None = None,
    selector: Mapping[str, str] | str | None = None,
    name: str | None = None,
    listed: Callable[[], None] = _nothing,
) -> AsyncGenerator[WatchEvent, None]:
    """What exists as ADDED, then every change, without end; `listed` is called when all that exists has been given.

    A watch that the API ends is taken up where it was. One that breaks too, after a GAP: what follows may come late.
    Where the API no longer knows the place (410), a GAP is given and the objects are listed anew: those that went
    meanwhile come as DELETED, the others as ADDED or MODIFIED.

    Raises:
        ClusterError: the first list is refused or not answered.
    """
    resource = await kube.resource(api_version, kind)
    path = resource.path(namespace)
    query = {}
    if selector:
        query["labelSelector"] = label_selector(selector)
    if name:
        query["fieldSelector"] = f"metadata.name={name}"
    position = _Position()
    while True:
        try:
            if not position.resource_version:
                async for event in _relist(kube, resource, path, query, position, kind):
                    yield event
                listed()
                listed = _nothing
            # Closed here: a connection that a collector closes one day complains where nobody listens.
            async with aclosing(_watch_once(kube, path, query, position)) as events:
                async for event in events:
                    yield event
        except ApiRefusal as refused:
            if position.known is None:
                raise
            if refused.status == _GONE:
                position.resource_version = ""
                yield WatchEvent(type=EventType.GAP, object={"kind": kind, "why": str(refused)})
        except ClusterError as lost:
            if position.known is None:
                raise
            yield WatchEvent(type=EventType.GAP, object={"kind": kind, "why": str(lost)})
        await anyio.sleep(position.pause_s)
        position.pause_s = min(position.pause_s * 2, _LONGEST_PAUSE_S)


async def _relist(
    kube: Kube, resource: Resource, path: str, query: Mapping[str, str], position: _Position, kind: str
) -> AsyncGenerator[WatchEvent, None]:
    answer = await kube.request("GET", path, query=query)
    api_version = resource.prefix.split("/", 1)[1]
    before = position.known or {}
    try:
        version = answer["metadata"]["resourceVersion"]
        now = {item["metadata"]["uid"]: item for item in answer["items"]}
    except (LookupError, TypeError):
        raise ClusterError(f"listing {path}", f"what came is no list: {shown(answer)}") from None
    for uid, gone in before.items():
        if uid not in now:
            yield WatchEvent(type=EventType.DELETED, object=gone)
    for uid, item in now.items():
        item |= {"apiVersion": api_version, "kind": kind}  # items of a list do not carry them
        if uid not in before:
            yield WatchEvent(type=EventType.ADDED, object=item)
        elif before[uid]["metadata"]["resourceVersion"] != item["metadata"].get("resourceVersion"):
            yield WatchEvent(type=EventType.MODIFIED, object=item)
    position.known = now
    position.resource_version = version


async def _watch_once(
    kube: Kube, path: str, query: Mapping[str, str], position: _Position
) -> AsyncGenerator[WatchEvent, None]:
    assert position.known is not None
    watch_query = {
        **query,
        "watch": "true",
        "resourceVersion": position.resource_version,
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(_SERVER_ENDS_AFTER_S),
    }
    async with kube.stream(path, watch_query, deadline_s=_SERVER_ENDS_AFTER_S + 30) as lines:
        async for line in lines:
            try:
                event = _taken_in(line, position, path)
            except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
                # Its place is not counted as reached, so that the event is asked for again.
                raise ClusterError(
                    f"watching {path}", f"what came is no event: {shown(line[:_SHOWN].decode(errors='replace'))}"
                ) from None
            if event is not None:
                yield event


def _taken_in(line: bytes, position: _Position, path: str) -> WatchEvent | None:
    """What the line says of an object; None for a bookmark, which says of none.

    Raises:
        ApiRefusal: it is the API's word that the watch is over.
        ValueError, LookupError, TypeError, AttributeError, RecursionError: it is no event.
    """
    event = json.loads(line)
    kind, changed = event["type"], event["object"]
    if kind == "ERROR":
        code = int(changed.get("code", 0))
        raise ApiRefusal(f"watching {path}", code, changed.get("reason", ""), changed.get("message", ""))
    version, uid = changed["metadata"]["resourceVersion"], changed["metadata"].get("uid")
    known = {} if position.known is None else position.known
    told = None
    if kind != "BOOKMARK":
        told = WatchEvent(type=EventType(kind), object=changed)
        if kind == "DELETED":
            known.pop(uid, None)
        else:
            known[changed["metadata"]["uid"]] = changed
    position.pause_s, position.resource_version = _PAUSE_S, version
    return told
