"""A control plane of one's own for each test: a process, a socket, and where wanted a pretended kubelet."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from planes import Plane, control_plane

from harness.sandbox.apiclient import ApiClient, ChangeType

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

Object = dict[str, Any]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def plane() -> Iterator[Plane]:
    """A control plane for this test alone."""
    with control_plane() as started:
        yield started


@pytest.fixture
async def client(plane: Plane) -> AsyncIterator[ApiClient]:
    """A client over the control plane's unix socket."""
    async with ApiClient(plane.socket) as opened:
        yield opened


@pytest.fixture
def eventually(client: ApiClient) -> Callable[..., Any]:
    """Waits on a collection's watch until a predicate on its objects holds; else says what was seen last."""

    async def wait(path: str, holds: Callable[[list[Object]], bool], timeout_s: float = 60.0) -> list[Object]:
        informer = client.informer(path)
        try:
            async with asyncio.timeout(timeout_s), aclosing(aiter(informer)) as changes:
                synced = False
                async for kind, _ in changes:
                    synced = synced or kind is ChangeType.SYNCED
                    objects = list(informer.objects.values())
                    if synced and holds(objects):
                        return objects
        except TimeoutError:
            seen = json.dumps(list(informer.objects.values()), indent=1)[:4000]
            raise AssertionError(f"not within {timeout_s} s at {path}; last seen: {seen}") from None
        raise AssertionError("the informer ended")

    return wait
