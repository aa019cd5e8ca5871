"""Bytes of HTTP/1.1 answers into calls on a connection: httptools' parser where it is installed, else h11's."""

from __future__ import annotations

__all__ = ["UNREADABLE", "HttpResponseParser"]

try:
    from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
except ImportError:  # a Python without anything of ours
    from harness.load.h11_parser import HttpParserError, HttpResponseParser  # type: ignore[assignment]  # by its calls

    UNREADABLE: tuple[type[Exception], ...] = (HttpParserError,)
    """What `feed_data` raises: bytes that are not HTTP, or another protocol that the peer changes to unasked."""
else:
    UNREADABLE = (HttpParserError, HttpParserUpgrade)
