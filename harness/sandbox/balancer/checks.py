"""A target and its health check -> whether it passes, by real packets from where this runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from harness.sandbox.balancer.settings import Check

_LINE_BYTES = 256


async def passes(check: Check, address: str, port: int) -> bool:
    """Whether TCP connects in time, or HTTP answers with a status that the check wants."""
    try:
        with anyio.fail_after(check.timeout_s):
            async with await anyio.connect_tcp(address, port) as stream:
                if check.path is None:
                    return True
                await stream.send(f"GET {check.path} HTTP/1.0\r\nHost: {address}\r\n\r\n".encode())
                return check.codes[0] <= _status(await stream.receive(_LINE_BYTES)) <= check.codes[1]
    except (OSError, TimeoutError, anyio.BrokenResourceError, anyio.EndOfStream):
        return False


def _status(answer: bytes) -> int:
    """
    >>> _status(b"HTTP/1.1 503 Service Unavailable"), _status(b"SSH-2.0-x")
    (503, 0)
    """
    parts = answer.split()
    return int(parts[1]) if answer.startswith(b"HTTP/") and len(parts) > 1 and parts[1].isdigit() else 0
