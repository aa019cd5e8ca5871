"""What may stand between a request and the API -> the questions that the server asks of it; as a rule nobody is there.

The server is given its interception by whoever makes it, and knows no more of it than this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from harness.sandbox.apiserver import api_errors

if TYPE_CHECKING:
    from aiohttp import web

    from harness.sandbox.apiserver.requests import Target
    from harness.sandbox.apiserver.store import Store


class Interrupted(Protocol):
    """The server as an interception sees it."""

    store: Store

    async def interrupt(self, span_s: float) -> None: ...


class Interception(Protocol):
    """Stands before what comes over HTTPS; the sandbox's own components, on the unix socket, never meet it."""

    def forbids(self, verb: str, plural: str, namespace: str, name: str) -> bool:
        """Whether it takes this right away; nothing is used up."""

    async def meet(self, request: web.BaseRequest, target: Target) -> None:
        """Lets the request pass, sooner or later. Raises: StatusError, ConnectionResetError."""

    async def command(self, request: web.BaseRequest, server: Interrupted) -> None:
        """Does what a request below `/sandbox/` on the unix socket asks for. Raises: StatusError."""


class Nobody:
    """Lets everything pass."""

    def forbids(self, verb: str, plural: str, namespace: str, name: str) -> bool:
        """Never."""
        return False

    async def meet(self, request: web.BaseRequest, target: Target) -> None:
        """Lets it pass."""

    async def command(self, request: web.BaseRequest, server: Interrupted) -> None:
        """There is nothing below `/sandbox/`. Raises: StatusError (404)."""
        raise api_errors.no_such_path()
