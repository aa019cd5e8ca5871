"""A client's streams and a pod's network -> connections to ports of its loopback, as `kubectl port-forward` has them.

kubectl opens a pair of SPDY streams for every connection; the Python client has one connection a port for each
WebSocket, on two channels. Source: k8s.io/kubelet `pkg/cri/streaming/portforward`.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

import anyio

from harness.sandbox.kubelet.descriptors import CHUNK_BYTES
from harness.sandbox.kubelet.pipe import Pipe
from harness.sandbox.kubelet.spdy_session import SpdySession, SpdyStream
from harness.sandbox.own_namespace import NEW_NETWORK, enter

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable
    from pathlib import Path

    from harness.sandbox.kubelet.container import Network
    from harness.sandbox.kubelet.websocket_streams import WebSocketChannels

_CONNECT_TIMEOUT_S = 5.0
_LOOPBACKS = (("tcp4", socket.AF_INET, "127.0.0.1"), ("tcp6", socket.AF_INET6, "::1"))


class ClientEnd(Protocol):
    """Where a connection's bytes come from and go to."""

    input: Pipe
    dropped: anyio.Event

    async def send(self, chunk: bytes) -> None: ...
    async def end(self) -> None: ...


class _ChannelEnd:
    """A port's data channel of a WebSocket, which cannot be ended apart."""

    def __init__(self, number: int, channels: WebSocketChannels) -> None:
        self._number, self._channels = number, channels
        self.input = Pipe(1)
        self.dropped = anyio.Event()

    async def send(self, chunk: bytes) -> None:
        await self._channels.send(self._number, chunk)

    async def end(self) -> None:
        return None


async def forward_streams(
    pod: Network, name: str, chunks: AsyncIterable[bytes], send: Callable[[bytes], Awaitable[None]]
) -> None:
    """Serves SPDY: a connection for each pair of streams, `data` and `error`, with the same `requestid`."""
    waiting: dict[tuple[str, str], SpdyStream] = {}
    async with anyio.create_task_group() as group:

        def opened(stream: SpdyStream) -> None:
            request, kind = stream.headers.get("requestid", ""), stream.headers.get("streamtype", "")
            other = waiting.pop((request, "error" if kind == "data" else "data"), None)
            if other is None:
                waiting[request, kind] = stream
                return
            data, error = (stream, other) if kind == "data" else (other, stream)
            group.start_soon(_forward, pod, name, data.headers.get("port", ""), data, error)

        await SpdySession(send, opened).serve(chunks)
        group.cancel_scope.cancel()


async def forward_channels(pod: Network, name: str, ports: list[int], channels: WebSocketChannels) -> None:
    """Serves one connection for each of `ports`, on the channels 2n (data) and 2n + 1 (error)."""
    data = [_ChannelEnd(2 * n, channels) for n in range(len(ports))]
    error = [_ChannelEnd(2 * n + 1, channels) for n in range(len(ports))]
    for end, port in zip((*data, *error), (*ports, *ports), strict=True):
        await end.send(port.to_bytes(2, "little"))
    async with anyio.create_task_group() as group:

        async def serve() -> None:
            while (message := await channels.receive()) is not None:
                number, chunk = message
                if number % 2 == 0 and 0 <= number // 2 < len(data) and chunk:
                    await data[number // 2].input.put(chunk)
            group.cancel_scope.cancel()

        group.start_soon(serve)
        async with anyio.create_task_group() as forwards:
            for port, ends in zip(ports, zip(data, error, strict=True), strict=True):
                forwards.start_soon(_forward, pod, name, str(port), *ends)
        group.cancel_scope.cancel()


async def _forward(pod: Network, name: str, port: str, data: ClientEnd, error: ClientEnd) -> None:
    """One connection, to its end; why there is none goes to the error stream."""
    try:
        with suppress(ConnectionError):
            try:
                reader, writer = await _connected(pod.namespace, port)
            except OSError as why:
                await error.send(f"error forwarding port {port} to pod {name}, uid : {why}".encode())
            else:
                await _joined(reader, writer, data)
            await data.end()
            await error.end()
    finally:
        data.input.drop()
        error.input.drop()


async def _joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: ClientEnd) -> None:
    """Passes bytes on both ways, until the pod ends the connection or the client drops it."""

    async def to_pod() -> None:
        try:
            async for chunk in data.input:
                writer.write(chunk)
                await writer.drain()
            writer.write_eof()
        except OSError:
            return  # the pod has closed it: its end comes on the other way

    async def until_dropped(scope: anyio.CancelScope) -> None:
        await data.dropped.wait()
        scope.cancel()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(to_pod)
            group.start_soon(until_dropped, group.cancel_scope)
            while chunk := await _read(reader):
                await data.send(chunk)
            group.cancel_scope.cancel()
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(CHUNK_BYTES)
    except OSError:
        return b""  # reset by the pod


async def _connected(namespace: Path, port: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the port of the pod's loopback. Raises: OSError with containerd's words."""
    failed = []
    for kind, family, host in _LOOPBACKS:
        sock = _socket_in(namespace, family)
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
            return await asyncio.open_connection(sock=sock)
        except (OSError, OverflowError, ValueError) as error:
            sock.close()
            number = error.errno if isinstance(error, OSError) else None
            shown = f"[{host}]" if ":" in host else host
            why = os.strerror(number).lower() if number else str(error) or "i/o timeout"
            failed.append(f"dial {kind} {shown}:{port}: connect: {why}")
        except BaseException:
            sock.close()
            raise
    where = f'failed to connect to localhost:{port} inside namespace "{namespace.name}"'
    raise OSError(f"{where}, IPv4: {failed[0]} IPv6 {failed[1]} ")


def _socket_in(namespace: Path, family: int) -> socket.socket:
    """A socket of another network namespace: it belongs to where this thread was when it was made."""
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        other = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            enter(other, NEW_NETWORK)
            try:
                sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            finally:
                enter(own, NEW_NETWORK)
        finally:
            os.close(other)
    finally:
        os.close(own)
    return sock
