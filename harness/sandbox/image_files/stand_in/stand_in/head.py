"""The head of a request of HTTP/1."""

from __future__ import annotations


def field(line: bytes) -> tuple[bytes, bytes]:
    """Name, in lower case, and value of a line of the head."""
    name, _, value = line.partition(b":")
    return name.strip().lower(), value.strip()


def body_length(fields: dict[bytes, bytes], rest: bytes) -> int | None:
    """How many bytes of `rest`, which came after the head, are the request's body; None where it has not all come."""
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        end = 0 if rest.startswith(b"0\r\n\r\n") else rest.find(b"\r\n0\r\n\r\n") + 2
        return end + 5 if end != 1 else None
    said = fields.get(b"content-length", b"0")
    length = int(said) if said.isdigit() else 0
    return length if len(rest) >= length else None
