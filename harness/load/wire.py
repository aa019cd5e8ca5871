"""A plan into the bytes of its requests."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from harness.load.body import Wanted
from harness.load.mix import in_turn
from harness.load.plan import Message

if TYPE_CHECKING:
    from harness.load.plan import Plan, Stream

_PATH_SAFE = "/%:=&?~#+!$,;'@()*[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A request as it goes out, again and again. `data`: the whole of it in HTTP/1.1."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    data: bytes
    success: tuple[tuple[int, int], ...]
    contains: bytes = b""

    @property
    def wanted(self) -> Wanted | None:
        """What looks through the body of one answer, where its status alone does not tell whether it is good."""
        return Wanted(self.contains) if self.contains else None

    @property
    def is_head(self) -> bool:
        """Whether its answer has no body, whatever that says of one."""
        return self.method == "HEAD"


def forms(plan: Plan, stream: Stream) -> tuple[Form, ...]:
    """The requests of a stream in turn: one, or a round of the plan's mix."""
    if not plan.messages:
        parts = urlsplit(plan.url)
        path = stream.path or (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        one = Message(method=plan.method, path=path, success=plan.success, contains=plan.contains)
        return (_form(plan, stream, one),)
    each = [_form(plan, stream, message) for message in plan.messages]
    return in_turn(each, [message.weight for message in plan.messages])


def _form(plan: Plan, stream: Stream, message: Message) -> Form:
    path = message.path if message.path.startswith("/") else "/" + message.path
    target, body = quote(path, safe=_PATH_SAFE), base64.b64decode(message.body)
    headers = request_headers(plan, stream, message, len(body))
    lines = [f"{message.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return Form(
        method=message.method,
        target=target,
        headers=tuple(headers),
        body=body,
        data=("\r\n".join(lines) + "\r\n\r\n").encode() + body,
        success=message.success,
        contains=message.contains.encode(),
    )


def host_header(plan: Plan) -> str:
    """The Host header: as asked for, else the URL's host and port."""
    return plan.host or urlsplit(plan.url).netloc.rpartition("@")[2]


def request_headers(plan: Plan, stream: Stream, message: Message, length: int) -> list[tuple[str, str]]:
    """All headers of a request, Host first; those of the plan replace ours, and those of the message the plan's."""
    ours = [("Host", host_header(plan)), ("User-Agent", "rollout-harness"), ("Accept", "*/*")]
    if not stream.connections:
        ours.append(("Connection", "close"))
    if length or message.method in ("POST", "PUT", "PATCH"):
        ours.append(("Content-Length", str(length)))
    its_own = {name.lower() for name, _ in message.headers}
    given = [(name, value) for name, value in plan.headers if name.lower() not in its_own] + list(message.headers)
    replaced = {name.lower() for name, _ in given}
    return [(name, value) for name, value in ours if name.lower() not in replaced] + given
