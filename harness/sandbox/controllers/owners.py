"""ownerReferences -> whose an object is; a selector and candidates -> those that a controller claims.

Source: kubernetes `pkg/controller/controller_ref_manager.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError, ChangeType
from harness.sandbox.apiserver import selectors
from harness.sandbox.controllers.caches import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.apiclient import ApiClient, Object
    from harness.sandbox.controllers.caches import Cache, Key, Update
    from harness.sandbox.controllers.expectations import Expectations
    from harness.sandbox.controllers.workqueue import WorkQueue


def controller_of(obj: Object) -> Object | None:
    """The ownerReference that is the object's controller."""
    for item in obj["metadata"].get("ownerReferences") or ():
        if item.get("controller"):
            found: Object = item
            return found
    return None


def reference_to(owner: Object) -> Object:
    """An ownerReference that makes `owner` the controller."""
    metadata = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def owner_in(cache: Cache, obj: Object) -> Object | None:
    """The object's controller, where it is of the cache's kind and still the very one."""
    reference = controller_of(obj)
    if reference is None or reference["kind"] != cache.resource.kind:
        return None
    owner = cache.get(obj["metadata"].get("namespace", ""), reference["name"])
    return owner if owner is not None and owner["metadata"]["uid"] == reference["uid"] else None


def adopters(cache: Cache, update: Update) -> list[Object]:
    """Those in the cache that may adopt what has changed: it is there, an orphan, and they select it."""
    if update.type is ChangeType.DELETED or controller_of(update.new) is not None:
        return []
    return [owner for owner in cache.all(update.new["metadata"]["namespace"]) if matches(owner, update.new)]


def on_pod(update: Update, owners: Cache, expected: Expectations, queue: WorkQueue[Key]) -> None:
    """A pod that changed: has its owner looked at, the one that it had before, or those that may adopt it."""
    owner = owner_in(owners, update.new)
    if update.old is not None and controller_of(update.old) != controller_of(update.new):
        former = owner_in(owners, update.old)
        if former is not None:
            queue.add(key_of(former))
    if owner is None:
        for candidate in adopters(owners, update):
            queue.add(key_of(candidate))
        return
    expected.seen(key_of(owner), update)
    queue.add(key_of(owner))


def matches(owner: Object, obj: Object) -> bool:
    """Whether the owner's spec.selector selects the object; an empty selector selects nothing here."""
    return _selected(selectors.of_object(owner["spec"].get("selector")), obj)


def _selected(terms: tuple[selectors.Requirement, ...], obj: Object) -> bool:
    labels = obj["metadata"].get("labels") or {}
    return bool(terms) and all(term.matches(labels) for term in terms)


async def claim(client: ApiClient, resource_cache: Cache, owner: Object, candidates: Iterable[Object]) -> list[Object]:
    """The candidates that are the owner's: its own that still match are kept, those that do not are released, orphans
    that match are adopted. An owner that is being deleted adopts nothing.
    """
    claimed, terms = [], selectors.of_object(owner["spec"].get("selector"))
    for obj in candidates:
        reference = controller_of(obj)
        if reference is not None and reference["uid"] != owner["metadata"]["uid"]:
            continue
        selected = _selected(terms, obj)
        if reference is not None and selected:
            claimed.append(obj)
            continue
        path = resource_cache.resource.path(obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        if reference is None:
            if selected and not _going(owner) and not _going(obj):
                claimed.extend(await _adopted(client, path, owner, obj))
        elif not _going(owner):
            await _release(client, path, owner, obj)
    return claimed


async def _adopted(client: ApiClient, path: str, owner: Object, obj: Object) -> list[Object]:
    references = [*(obj["metadata"].get("ownerReferences") or ()), reference_to(owner)]
    try:
        body = {"metadata": {"ownerReferences": references, "uid": obj["metadata"]["uid"]}}
        return [await client.patch(path, body)]
    except ApiError as error:
        if error.status in (404, 409, 422):
            return []
        raise


async def _release(client: ApiClient, path: str, owner: Object, obj: Object) -> None:
    references = [
        item for item in obj["metadata"].get("ownerReferences") or () if item["uid"] != owner["metadata"]["uid"]
    ]
    try:
        await client.patch(path, {"metadata": {"ownerReferences": references or None, "uid": obj["metadata"]["uid"]}})
    except ApiError as error:
        if error.status not in (404, 409, 422):
            raise


def _going(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))
