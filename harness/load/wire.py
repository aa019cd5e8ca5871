"""A plan into the bytes of its requests and the TLS context they go through."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from harness.load.plan import Plan, Stream

_PATH_SAFE = "/%:=&?~#+!$,;'@()*[]"


def target(plan: Plan, stream: Stream) -> str:
    """The request target: the stream's path, else the URL's, with its query."""
    parts = urlsplit(plan.url)
    path = stream.path or (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return quote(path if path.startswith("/") else "/" + path, safe=_PATH_SAFE)


def host_header(plan: Plan) -> str:
    """The Host header: as asked for, else the URL's host and port."""
    return plan.host or urlsplit(plan.url).netloc.rpartition("@")[2]


def request_headers(plan: Plan, stream: Stream) -> list[tuple[str, str]]:
    """All headers of a request, Host first; those of the plan replace ours."""
    ours = [("Host", host_header(plan)), ("User-Agent", "rollout-harness"), ("Accept", "*/*")]
    if not stream.connections:
        ours.append(("Connection", "close"))
    if plan.method in ("POST", "PUT", "PATCH"):
        ours.append(("Content-Length", "0"))
    given = {name.lower() for name, _ in plan.headers}
    return [(name, value) for name, value in ours if name.lower() not in given] + list(plan.headers)


def request_bytes(plan: Plan, stream: Stream) -> bytes:
    """A whole HTTP/1.1 request without a body."""
    lines = [f"{plan.method} {target(plan, stream)} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request_headers(plan, stream)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def server_name(plan: Plan) -> str:
    """The name that TLS asks for and checks: the Host header's, else the URL's."""
    return urlsplit(f"//{host_header(plan)}").hostname or ""


def tls_context(plan: Plan) -> ssl.SSLContext | None:
    """The context of an https:// plan, None for http://. With `ca_pem`, nothing else is trusted."""
    if urlsplit(plan.url).scheme != "https":
        return None
    context = ssl.create_default_context(cadata=plan.ca_pem or None)
    if plan.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
