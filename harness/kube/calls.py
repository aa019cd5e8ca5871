"""One call of the Kubernetes API, made once -> its answer: a JSON object, or the lines of a long one.

The official client does addresses, certificates and credentials; its models are left out, because they lose fields that
they do not know, and what the harness records must be what the API sent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from kubernetes.aio import client as kubernetes_client

from harness.errors import ClusterError
from harness.inputs.shown import shown
from harness.kube.api_warnings import api_warnings
from harness.kube.credentials import Credentials
from harness.kube.errors import refusal
from harness.kube.no_answer import no_answer
from harness.kube.repetition import retry_after_s

CALL_TIMEOUT_S = 15.0
_LOST = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


@dataclass(slots=True)
class Calls:
    """One cluster's API. `proxy`: the HTTP proxy on the way. `credentials`: where a token that the API takes no
    more is had again.
    """

    _api: kubernetes_client.ApiClient
    server: str
    proxy: str | None = None
    credentials: Credentials | None = None

    async def made(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> dict[str, Any]:
        """A call that is answered with a JSON object; `warn` hears what the API warns of.

        Raises:
            ClusterError: it was refused (ApiRefusal), or not answered within CALL_TIMEOUT_S (NoAnswer).
        """
        tried = f"{method} {path} on {self.server}"
        try:
            response = await self._send(method, path, query, body, headers, CALL_TIMEOUT_S)
            data = await response.read()
        except _LOST as error:
            raise no_answer(tried, error, self.server, self.proxy) from error
        if response.status >= 300:
            after_s = retry_after_s(response.response.headers.get("Retry-After"))
            raise refusal(tried, response.status, data, after_s)
        if warn is not None:
            for text in api_warnings(response.response.headers.getall("Warning", ())):
                warn(text)
        return _object(tried, data)

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], *, deadline_s: float, keep_ends: bool = False
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of a long answer (a watch, a log) as they come.

        `keep_ends`: with their line ends, so that one that was cut short shows.

        Raises:
            ClusterError: no answer within CALL_TIMEOUT_S, the answer broke off, or it lasted longer than `deadline_s`.
        """
        tried = f"GET {path} on {self.server}"
        try:
            response = await self._send("GET", path, query, None, None, deadline_s)
            try:
                if response.status >= 300:
                    raise refusal(tried, response.status, await response.read())
                yield _lines(response.response.content, b"\n" if keep_ends else b"")
            finally:
                response.response.close()
        except _LOST as error:
            raise no_answer(tried, error, self.server, self.proxy) from error

    async def _send(self, method: str, path: str, query: Any, body: Any, headers: Any, timeout_s: float) -> Any:
        """The answer's head; a call that is refused because its token has expired is made again with a new one."""
        token = await self.credentials.current() if self.credentials else None
        response = await self._sent(method, path, query, body, headers, timeout_s)
        expired = response.status == HTTPStatus.UNAUTHORIZED and token is not None
        if expired and self.credentials and await self.credentials.renewed(token):
            response.response.close()
            return await self._sent(method, path, query, body, headers, timeout_s)
        return response

    async def _sent(self, method: str, path: str, query: Any, body: Any, headers: Any, timeout_s: float) -> Any:
        _, url, all_headers, data, _ = await self._api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", **(headers or {})},
            body=body,
            auth_settings=["BearerToken"],
        )
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(timeout_s, 10.0))
        return await self._api.call_api(method, url, all_headers, data, _request_timeout=timeout)


def _object(tried: str, data: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        begin = shown(data[:80].decode(errors="replace"))
        raise ClusterError(tried, f"the answer is no JSON object, but begins with {begin}", "Is it a Kubernetes API?")
    return answer


async def _lines(content: aiohttp.StreamReader, end: bytes) -> AsyncIterator[bytes]:
    # StreamReader.readline refuses lines longer than its buffer; a watch event may be longer.
    rest = b""
    async for chunk in content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + end
    if rest:
        yield rest
