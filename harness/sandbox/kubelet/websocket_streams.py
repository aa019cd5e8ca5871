"""The messages of a WebSocket -> the streams of a command; the first byte of each says whose it is.

`channel.k8s.io` and `v4.channel.k8s.io` carry bytes, their `base64.` forms text; v5 can also say that a stream ended.
Source: apimachinery `pkg/util/httpstream/wsstream`.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from aiohttp import WSMsgType

from harness.sandbox.kubelet.remotecommand import Channel, Streams

if TYPE_CHECKING:
    from aiohttp import web

V5 = "v5.channel.k8s.io"
PROTOCOLS = (V5, "v4.channel.k8s.io", "v4.base64.channel.k8s.io", "channel.k8s.io", "base64.channel.k8s.io")
_CLOSE = 255


class WebSocketChannels:
    """Messages with the number of a channel before them."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket
        self._base64 = "base64." in (socket.ws_protocol or "")

    async def send(self, channel: int, chunk: bytes) -> None:
        """Sends a message. Raises: ConnectionError where the client has gone."""
        if self._base64:
            await self._socket.send_str(chr(ord("0") + channel) + base64.b64encode(chunk).decode())
        else:
            await self._socket.send_bytes(bytes([channel]) + chunk)

    async def receive(self) -> tuple[int, bytes] | None:
        """The next message and its channel; None at the end."""
        while True:
            message = await self._socket.receive()
            if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
                return None
            # The protocol says how it is to be read, not the kind of message: the Python client sends text for bytes.
            data = message.data.encode() if isinstance(message.data, str) else bytes(message.data)
            if data:
                return (data[0] - ord("0"), _plain(data[1:])) if self._base64 else (data[0], data[1:])


class WebSocketStreams(Streams):
    """The streams of one command over one WebSocket."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._protocol = socket.ws_protocol or ""
        super().__init__(in_json=self._protocol.startswith("v"), nested_errors=self._protocol == V5)
        self._channels = WebSocketChannels(socket)

    async def serve(self) -> None:
        """Takes what the client sends, until it goes."""
        while (message := await self._channels.receive()) is not None:
            channel, chunk = message
            if channel == _CLOSE and self._protocol == V5:
                if chunk == bytes([Channel.STDIN]):
                    self.stdin.end()
            else:
                await self._take(channel, chunk)

    async def write(self, channel: Channel, chunk: bytes) -> None:
        """Sends it. Raises: ConnectionError where the client has gone."""
        await self._channels.send(channel, chunk)


def _plain(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""  # no base64: nothing that could be passed on
