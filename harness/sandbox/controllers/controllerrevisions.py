"""A StatefulSet's or DaemonSet's template -> ControllerRevisions: what it has, what it goes to, and a bounded past.

Source: kubernetes `pkg/controller/history`, `pkg/controller/statefulset/stateful_set_control.go`,
`pkg/controller/daemon/update.go`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError
from harness.sandbox.apiserver.resources import CONTROLLER_REVISIONS
from harness.sandbox.controllers.caches import key_of
from harness.sandbox.controllers.owners import controller_of, reference_to
from harness.sandbox.controllers.revisions import template_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.apiclient import ApiClient, Object
    from harness.sandbox.controllers.caches import Cache

HASH_LABEL = "controller.kubernetes.io/hash"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionsOfSet:
    """All of a set's revisions, oldest first, and the two that count."""

    all: tuple[Object, ...]
    current: Object
    update: Object


class ControllerRevisions:
    """The ControllerRevisions of every set of one kind; `hash_label` is where each has the hash of its template."""

    def __init__(self, client: ApiClient, cache: Cache, hash_label: str = HASH_LABEL) -> None:
        self._client, self._cache, self._hash_label = client, cache, hash_label
        self._written: dict[str, Object] = {}

    async def of(self, stateful_set: Object) -> RevisionsOfSet:
        """Finds or makes the revision of the present template; one that comes again gets the highest number."""
        known = self._known(stateful_set)
        data = {"spec": {"template": {**stateful_set["spec"]["template"], "$patch": "replace"}}}
        newest = max((item["revision"] for item in known), default=0)
        same = next((item for item in reversed(known) if item["data"] == data), None)
        if same is None:
            update = await self._create(stateful_set, data, newest + 1)
            known.append(update)
        elif same["revision"] < newest:
            body = {**same, "revision": newest + 1}
            update = self._note(await self._client.update(CONTROLLER_REVISIONS.path(*key_of(same)), body))
            known = [update if item is same else item for item in known]
        else:
            update = same
        name = stateful_set.get("status", {}).get("currentRevision")
        current = next((item for item in known if item["metadata"]["name"] == name), update)
        known.sort(key=lambda item: int(item["revision"]))
        return RevisionsOfSet(all=tuple(known), current=current, update=update)

    async def truncate(self, stateful_set: Object, lived_by: Iterable[str], revisions: RevisionsOfSet) -> None:
        """Deletes the oldest revisions beyond the limit, but for the two and those that pods live by."""
        limit = stateful_set["spec"].get("revisionHistoryLimit", 10)
        live = {*lived_by, revisions.current["metadata"]["name"], revisions.update["metadata"]["name"]}
        past = [item for item in revisions.all if item["metadata"]["name"] not in live]
        for item in past[: max(len(past) - limit, 0)]:
            await self._client.delete(CONTROLLER_REVISIONS.path(*key_of(item)))
            self._written.pop(item["metadata"]["uid"], None)

    def _known(self, stateful_set: Object) -> list[Object]:
        """What the cache shows, with what was written since."""
        uid = stateful_set["metadata"]["uid"]
        found = {item["metadata"]["uid"]: item for item in self._cache.all(stateful_set["metadata"]["namespace"])}
        for key, item in list(self._written.items()):
            seen = found.get(key)
            if seen is not None and int(seen["metadata"]["resourceVersion"]) >= int(
                item["metadata"]["resourceVersion"]
            ):
                del self._written[key]
            else:
                found[key] = item
        mine = [item for item in found.values() if (controller_of(item) or {}).get("uid") == uid]
        return sorted(mine, key=lambda item: int(item["revision"]))

    async def _create(self, stateful_set: Object, data: Object, number: int) -> Object:
        metadata, collisions = stateful_set["metadata"], None
        labels = (stateful_set["spec"]["template"].get("metadata") or {}).get("labels") or {}
        while True:
            digest = template_hash(data, collisions)
            body = {
                "metadata": {
                    "name": f"{metadata['name']}-{digest}",
                    "labels": {**labels, self._hash_label: digest},
                    "annotations": dict(metadata.get("annotations") or {}),  # of which `rollout history` shows one
                    "ownerReferences": [reference_to(stateful_set)],
                },
                "data": data,
                "revision": number,
            }
            try:
                return self._note(
                    await self._client.create(CONTROLLER_REVISIONS.collection(metadata["namespace"]), body)
                )
            except ApiError as error:
                if error.reason != "AlreadyExists":
                    raise
                collisions = 0 if collisions is None else collisions + 1

    def _note(self, written: Object) -> Object:
        self._written[written["metadata"]["uid"]] = written
        return written
