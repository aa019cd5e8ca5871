"""Attempts into what a Python client sees: httpx, for low rates; the same records as the default engine's.

httpx and httpcore do the HTTP; only the sockets come from us, so that source ports are planned and known here too.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpcore
import httpx

from harness.load.attempt import HeaderReader, outcome_of
from harness.load.dial import Dialer
from harness.load.httpx_sockets import FLIGHT, Backend, Flight
from harness.load.outcomes import Phase, ProtocolError, classify
from harness.load.tls import learn_trouble, server_name, tls_context
from harness.load.wire import Form, forms, host_header

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from harness.load.attempt import Attempt
    from harness.load.plan import Plan, Stream
    from harness.model.request import Outcome

    Done = Callable[[Attempt, Outcome], None]


class HttpxSender:
    """The second engine: httpx's transport, without redirects, cookies, proxies and retries.

    Each kept connection is a transport of its own, so that they take turns; httpx alone would use the first.
    """

    def __init__(self, plan: Plan, *, clock: Callable[[], float]) -> None:
        self.replaced = 0
        self._plan, self._clock, self._headers = plan, clock, HeaderReader(plan)
        self._tls = tls_context(plan)
        self._dialer = Dialer(plan, clock=clock)
        self._backend = Backend(self._dialer, clock=clock, replaced=self._count_replaced)
        self._transports = {
            stream.name: deque(self._transport(stream) for _ in range(max(1, stream.connections)))
            for stream in plan.streams
        }
        self._forms = {stream.name: forms(plan, stream) for stream in plan.streams}
        self._sending: set[asyncio.Task[None]] = set()

    def send(self, stream: Stream, attempt: Attempt, done: Done) -> None:
        """Send in a task of its own."""
        transports = self._transports[stream.name]
        transports.rotate(-1)
        task = asyncio.get_running_loop().create_task(self._send(transports[0], stream, attempt, done))
        self._sending.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        task.result()  # an error of our own goes to the loop's handler, which ends the worker

    async def close(self) -> None:
        """Close all transports."""
        for transports in self._transports.values():
            for transport in transports:
                await transport.aclose()

    @property
    def named(self) -> tuple[str, ...]:
        """The addresses that a name leads to, as last looked up."""
        return self._dialer.named

    def _count_replaced(self) -> None:
        self.replaced += 1

    def _transport(self, stream: Stream) -> httpx.AsyncHTTPTransport:
        transport = httpx.AsyncHTTPTransport(trust_env=False)
        # httpx has no parameter for httpcore's network backend, so the pool it made is replaced by one that has ours.
        transport._pool = httpcore.AsyncConnectionPool(
            ssl_context=self._tls,
            max_connections=None,
            max_keepalive_connections=1 if stream.connections else 0,
            http1=True,
            http2=self._plan.http2,
            network_backend=self._backend,
        )
        return transport

    def _request(self, form: Form) -> httpx.Request:
        plan = self._plan
        url = f"{urlsplit(plan.url).scheme}://{urlsplit(plan.url).netloc.rpartition('@')[2]}{form.target}"
        # The engine's deadlines are the only ones; httpx's count anew with every read.
        extensions = {"timeout": {}, "sni_hostname": server_name(plan) or host_header(plan)}
        body = form.body or None
        return httpx.Request(form.method, url, headers=list(form.headers), content=body, extensions=extensions)

    async def _send(self, transport: httpx.AsyncHTTPTransport, stream: Stream, attempt: Attempt, done: Done) -> None:
        plan = self._plan
        try:
            async with asyncio.timeout(plan.connect_timeout_s) as deadline:
                flight = Flight(attempt, deadline=deadline, read_timeout_s=plan.read_timeout_of(stream))
                FLIGHT.set(flight)
                outcome = await self._exchange(transport, stream, attempt)
            attempt.close_delimited = flight.eof and not plan.http2
        except httpx.RemoteProtocolError as error:
            outcome = _classified(attempt, _what_ended(error, flight), flight)
        except Exception as error:
            outcome = _classified(attempt, error, flight)
        done(attempt, outcome)

    async def _exchange(self, transport: httpx.AsyncHTTPTransport, stream: Stream, attempt: Attempt) -> Outcome:
        form = self._forms[stream.name][attempt.seq % len(self._forms[stream.name])]
        attempt.wanted = form.wanted
        response = await transport.handle_async_request(self._request(form))
        try:
            if attempt.first_byte is None:
                attempt.first_byte, attempt.phase = self._clock(), Phase.ANSWER
            attempt.status, attempt.bytes = response.status_code, 0
            for name, value in response.headers.raw:
                self._headers.read(attempt, name, value)
            if self._tls is not None and not attempt.reused:
                self._tls.keep_of(_ssl_object(response))
            assert isinstance(response.stream, httpx.AsyncByteStream)
            async for part in response.stream:
                attempt.bytes += len(part)
                if attempt.wanted is not None:
                    attempt.wanted.read(part)
        finally:
            await response.aclose()
        return outcome_of(attempt, form.success)


def _ssl_object(response: httpx.Response) -> ssl.SSLObject | None:
    stream = response.extensions.get("network_stream")
    return None if stream is None else stream.get_extra_info("ssl_object")


def _classified(attempt: Attempt, error: Exception, flight: Flight) -> Outcome:
    """The outcome, with what is known of the connection that it ended."""
    if flight.sent:
        attempt.learn(**flight.facts)
    elif attempt.phase is Phase.AWAIT:  # connected, and lost again before anything could be sent
        attempt.learn(acked=0)
    outcome = classify(attempt.phase, error)
    learn_trouble(attempt, outcome, error)
    return outcome


def _what_ended(error: httpx.RemoteProtocolError, flight: Flight) -> Exception:
    """httpx calls an early end, a reset HTTP/2 stream and garbage all the same; its text is not to be relied on."""
    if flight.eof and not flight.foreign:
        return EOFError()
    below = error.__cause__
    if (
        isinstance(below, httpcore.RemoteProtocolError)
        and below.args
        and not isinstance(below.args[0], str | Exception)
    ):
        return ConnectionResetError()  # an h2 event: RST_STREAM or GOAWAY
    return ProtocolError()
