"""A controller's wish for pods -> pods created and deleted, with the Events that tell of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from harness.sandbox.apiclient import ApiError
from harness.sandbox.apiserver.resources import PODS
from harness.sandbox.controllers.pods import from_template

if TYPE_CHECKING:
    from harness.sandbox.apiclient import ApiClient, Object
    from harness.sandbox.controllers.eventrecorder import EventRecorder


class PodControl:
    """Creates and deletes pods on behalf of their owners."""

    def __init__(self, client: ApiClient, events: EventRecorder) -> None:
        self._client, self._events = client, events

    async def create(self, owner: Object, pod: Object) -> Object:
        """One pod in the owner's namespace. Raises: ApiError."""
        namespace = owner["metadata"]["namespace"]
        try:
            created = await self._client.create(PODS.collection(namespace), pod)
        except ApiError as error:
            if "because it is being terminated" not in error.message:
                self._events.warning(owner, "FailedCreate", f"Error creating: {error.message}")
            raise
        self._events.normal(owner, "SuccessfulCreate", f"Created pod: {created['metadata']['name']}")
        return created

    async def create_many(self, owner: Object, template: Object, count: int) -> tuple[int, ApiError | None]:
        """Slow start: batches of 1, 2, 4 ... until `count` are made or one fails. How many were, and the failure."""
        made, batch = 0, 1
        while made < count:
            batch = min(batch, count - made)
            calls = (self.create(owner, from_template(template, owner)) for _ in range(batch))
            results = await asyncio.gather(*calls, return_exceptions=True)
            failures = [item for item in results if isinstance(item, BaseException)]
            made += len(results) - len(failures)
            for failure in failures:
                if not isinstance(failure, ApiError):
                    raise failure
            if failures:
                refused = failures[0]
                return made, refused if isinstance(refused, ApiError) else None
            batch *= 2
        return made, None

    async def delete(self, owner: Object, pod: Object) -> None:
        """One pod, with its own grace period; one that is gone already is no failure. Raises: ApiError."""
        metadata = pod["metadata"]
        try:
            await self._client.delete(PODS.path(metadata["namespace"], metadata["name"]), uid=metadata["uid"])
        except ApiError as error:
            if error.status in (404, 409):
                raise
            self._events.warning(owner, "FailedDelete", f"Error deleting: {error.message}")
            raise
        self._events.normal(owner, "SuccessfulDelete", f"Deleted pod: {metadata['name']}")
