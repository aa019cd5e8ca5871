"""HTTP requests -> answers of the API: authentication, discovery, dispatch by verb, errors as Status objects."""

from __future__ import annotations

import hmac
import sys
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from harness.sandbox.apiserver import discovery, openapi, refusals, requests
from harness.sandbox.apiserver.reading import Reader, answer, encoded
from harness.sandbox.apiserver.refusals import Refusal
from harness.sandbox.apiserver.registry import Registry
from harness.sandbox.apiserver.resources import NAMESPACES, SERVICE_ACCOUNTS
from harness.sandbox.apiserver.store import Store
from harness.sandbox.apiserver.subresources import Subresources
from harness.sandbox.apiserver.tables import Printer
from harness.sandbox.apiserver.watching import watch
from harness.sandbox.apiserver.writing import Writer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from harness.sandbox.apiserver.requests import Target

_FIRST_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_HEALTH = ("/readyz", "/healthz", "/livez")
_SOCKET_MODE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """The sites of a server that is up."""

    port: int
    runners: tuple[web.ServerRunner, ...]

    async def close(self) -> None:
        """Ends every connection and site."""
        for runner in self.runners:
            await runner.cleanup()


class ApiServer:
    """The API over one store. `handle` answers trusted requests; over HTTPS each must carry the token."""

    def __init__(self, state: Path, token: str, now: Callable[[], float] = time.time) -> None:
        self.store = Store()
        self._token = token
        self._registry = Registry(self.store, now)
        self._reader = Reader(self.store, Printer(now))
        self._writer = Writer(self._registry, self._reader)
        self._below = Subresources(self._writer, state, now)
        self._state = state
        for name in _FIRST_NAMESPACES:
            self._registry.create(NAMESPACES, "", {"metadata": {"name": name}, "spec": {}})
            self._registry.create(SERVICE_ACCOUNTS, name, {"metadata": {"name": "default"}})

    async def listen(self, context: ssl.SSLContext) -> Listening:
        """Serves HTTPS on a free port of the loopback and plain HTTP on `STATE/api.sock`, the trusted way in."""
        guarded, trusted = await _runner(self._authenticated), await _runner(self.handle)
        site = web.TCPSite(guarded, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        socket = self._state / "api.sock"
        await web.UnixSite(trusted, str(socket)).start()
        socket.chmod(_SOCKET_MODE)
        port = guarded.addresses[0][1]
        return Listening(port=port, runners=(guarded, trusted))

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers one request; a Refusal becomes its Status, anything unforeseen a 500."""
        try:
            return await self._dispatch(request)
        except Refusal as refusal:
            return answer(refusal.encoded(), refusal.code, refusal.headers)
        except web.HTTPException as error:
            return answer(Refusal(error.status, "BadRequest", error.reason).encoded(), error.status)
        except Exception as error:
            sys.stderr.write(f"apiserver: {request.method} {request.path}\n{traceback.format_exc()}")
            return answer(Refusal(500, "InternalError", f"Internal error occurred: {error!r}").encoded(), 500)

    async def _authenticated(self, request: web.BaseRequest) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._token.encode()):
            return answer(refusals.unauthorized().encoded(), 401)
        return await self.handle(request)

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path in _HEALTH:
            return web.Response(text="ok")
        target = requests.target_of(request.path)
        if target is not None:
            return await self._act(target, request)
        if request.path.startswith("/openapi/v3"):
            return _openapi(request)
        document = discovery.document(request.path, request.headers.get("Accept", ""))
        if document is None:
            raise refusals.no_such_path()
        if request.method != "GET":
            raise refusals.method_not_allowed()
        response = answer(encoded(document))
        if document.get("kind") == "APIGroupDiscoveryList":
            response.headers["Content-Type"] = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        return response

    async def _act(self, target: Target, request: web.BaseRequest) -> web.StreamResponse:
        if target.subresource not in ("", "status"):
            return await self._below.handle(target, request)
        if request.method in ("GET", "HEAD") and requests.is_true(request, "watch"):
            return await watch(self._reader, target, request)
        verbs: dict[str, Callable[[Target, web.BaseRequest], Awaitable[web.StreamResponse] | web.StreamResponse]]
        if not target.name:
            verbs = {
                "GET": self._reader.list,
                "POST": self._writer.create,
                "DELETE": self._writer.delete_collection,
            }
        else:
            verbs = {"GET": self._reader.get, "PUT": self._writer.update, "PATCH": self._writer.patch}
            if not target.subresource:
                verbs["DELETE"] = self._writer.delete
        verb = verbs.get(request.method)
        if verb is None:
            raise refusals.method_not_allowed()
        answered = verb(target, request)
        return answered if isinstance(answered, web.StreamResponse) else await answered


def _openapi(request: web.BaseRequest) -> web.Response:
    root = request.path.removeprefix("/openapi/v3").strip("/")
    body = openapi.encoded_document(root) if root else encoded(openapi.index())
    if body is None:
        raise refusals.no_such_path()
    return answer(body)


async def _runner(handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> web.ServerRunner:
    server = web.Server(handler, handler_cancellation=True)
    runner = web.ServerRunner(server, access_log=None)
    await runner.setup()
    return runner
