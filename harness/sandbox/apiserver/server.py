"""HTTP requests -> answers of the API: authentication, discovery, dispatch by verb, errors as Status objects."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from typing import TYPE_CHECKING

from aiohttp import web

from harness.sandbox.apiserver import api_errors, bootstrap, discovery, health, requests, users
from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.authentication import Authentication
from harness.sandbox.apiserver.custom.serving import check_convertible, told_of_age
from harness.sandbox.apiserver.interception import Interception, Nobody
from harness.sandbox.apiserver.listening import Listening
from harness.sandbox.apiserver.openapi import Documents
from harness.sandbox.apiserver.reading import Reader, answer, encoded
from harness.sandbox.apiserver.registry import Registry
from harness.sandbox.apiserver.resources import ENDPOINTS
from harness.sandbox.apiserver.reviews import Reviews
from harness.sandbox.apiserver.rights import Rights
from harness.sandbox.apiserver.store import Store
from harness.sandbox.apiserver.subresources import Subresources
from harness.sandbox.apiserver.tables import Printer
from harness.sandbox.apiserver.tokens import Tokens
from harness.sandbox.apiserver.watching import watch
from harness.sandbox.apiserver.writing import Writer

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from harness.sandbox.apiserver.admission import PodWebhook
    from harness.sandbox.apiserver.requests import Target

_OPENAPI_PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
_ENDPOINTS_WARNING = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'
_NOBODY = Nobody()


class ApiServer:
    """The API over one store, with two ways in: HTTPS with the token, and the unix socket, trusted, without."""

    def __init__(
        self,
        state: Path,
        token: str,
        now: Callable[[], float] = time.time,
        interception: Interception = _NOBODY,
        mutate_pod: PodWebhook | None = None,
    ) -> None:
        self.store, self._interception = Store(), interception
        registry = Registry(self.store, now, mutate_pod)
        tokens, self._rights = Tokens(self.store, now), Rights(self.store)
        self._catalogue = registry.catalogue
        self._documents = Documents(registry.catalogue)
        self._authentication = Authentication(token, tokens, self._rights)
        reviews = Reviews(self._rights.rbac, self._authentication, interception)
        self._reader = Reader(self.store, Printer(now))
        self._writer = Writer(registry, self._reader, reviews, self._rights)
        self._below = Subresources(self._writer, state, now, tokens)
        self._state = state
        self._listening: Listening | None = None
        bootstrap.fill(registry)

    async def listen(self, context: ssl.SSLContext, inside: Callable[[], socket.socket] | None = None) -> Listening:
        """Serves HTTPS on a free port of the loopback, and on what `inside` makes; plain HTTP on `STATE/api.sock`."""
        path = self._state / "api.sock"
        self._listening = await Listening.open(self._guarded, context, self._trusted, path, inside=inside)
        return self._listening

    async def interrupt(self, span_s: float) -> None:
        """Is away for `span_s` seconds for whoever comes over HTTPS, as when an API server restarts."""
        if self._listening is not None:
            await self._listening.interrupt(span_s)

    async def _guarded(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            users.set_user(request, self._authentication.user_of(request))
        except StatusError as error:
            return answer(error.encoded(), error.code)
        return await self._answered(request, self._interception)

    async def _trusted(self, request: web.BaseRequest) -> web.StreamResponse:
        return await self._answered(request, None)

    async def _answered(self, request: web.BaseRequest, between: Interception | None) -> web.StreamResponse:
        """One answer; a StatusError becomes its Status, anything unforeseen a 500."""
        try:
            if between is None and request.path.startswith("/sandbox/"):
                await self._interception.command(request, self)
                return answer(b"{}")
            return await self._dispatch(request, between)
        except StatusError as error:
            if error.bare:
                return web.Response(text=f"{error.message}\n", status=error.code)
            return answer(error.encoded(), error.code, error.headers)
        except ConnectionResetError:
            return web.Response()  # to nobody
        except web.RequestPayloadError:
            unread = StatusError(400, "BadRequest", "the body of the request is no proper HTTP")
            return answer(unread.encoded(), 400)
        except web.HTTPException as error:
            return answer(StatusError(error.status, "BadRequest", error.reason).encoded(), error.status)
        except Exception:
            sys.stderr.write(f"apiserver: {request.method} {request.path}\n{traceback.format_exc()}")
            return answer(
                StatusError(500, "InternalError", f"Internal error occurred: {_unforeseen(request)}").encoded(), 500
            )

    async def _dispatch(self, request: web.BaseRequest, between: Interception | None) -> web.StreamResponse:
        target = requests.target_of(request.path, self._catalogue)
        self._rights.check(users.user_of(request), request, target)
        if target is not None:
            if between is not None:
                await between.meet(request, target)
            return _with_deprecation(target, told_of_age(target, await self._act(target, request)))
        if (told := health.answer(request)) is not None:
            return told
        if request.method != "GET":
            raise api_errors.no_such_path()
        if request.path.startswith("/openapi/v3"):
            return self._openapi(request)
        if request.path == "/openapi/v2":
            return await self._openapi_v2(request)
        document = discovery.document(request.path, request.headers.get("Accept", ""), self._catalogue.rows)
        if document is None:
            raise api_errors.no_such_path()
        response = answer(encoded(document))
        if document.get("kind") == "APIGroupDiscoveryList":
            response.headers["Content-Type"] = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        return response

    async def _act(self, target: Target, request: web.BaseRequest) -> web.StreamResponse:
        check_convertible(target)
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
            raise api_errors.method_not_allowed()
        answered = verb(target, request)
        return answered if isinstance(answered, web.StreamResponse) else await answered

    def _openapi(self, request: web.BaseRequest) -> web.Response:
        root = request.path.removeprefix("/openapi/v3").strip("/")
        body = self._documents.encoded(root) if root else encoded(self._documents.index())
        if body is None:
            raise api_errors.no_such_path()
        return answer(body)

    async def _openapi_v2(self, request: web.BaseRequest) -> web.Response:
        """Version 2, in protobuf for kubectl, else as JSON; of many definitions it takes seconds to make."""
        accepted = request.headers.get("Accept", "*/*")
        if _OPENAPI_PROTOBUF in accepted:
            body = await asyncio.to_thread(self._documents.encoded_v2_protobuf)
            return web.Response(body=body, headers={"Content-Type": _OPENAPI_PROTOBUF.replace("@", ".")})  # no @ there
        if not any(kind in accepted for kind in ("json", "*/*", "application/*")):
            raise api_errors.not_acceptable()
        return answer(await asyncio.to_thread(self._documents.encoded_v2))


def _unforeseen(request: web.BaseRequest) -> str:
    return f"{request.method} {request.path} met a fault of the sandbox; its log says where"


def _with_deprecation(target: Target, response: web.StreamResponse) -> web.StreamResponse:
    if target.resource is ENDPOINTS and not response.prepared:
        response.headers.add("Warning", _ENDPOINTS_WARNING)
    return response
