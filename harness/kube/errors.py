"""An answer or a failure of the API -> an error for people."""

from __future__ import annotations

import json
from http import HTTPStatus

from harness.errors import ClusterError


class ApiRefusal(ClusterError):
    """The API answered, and not with success.

    `status`: the HTTP status code. `reason`: the API's own (NotFound, AlreadyExists, Conflict, Invalid, Forbidden ...).
    """

    def __init__(self, tried: str, status: int, reason: str, message: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(tried, f"the API answered {status} {reason}: {message}", _ADVICE.get(status, ""))


_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Renew the credentials of this context.",
    HTTPStatus.FORBIDDEN: "Ask for that right, or use a context that has it.",
    HTTPStatus.NOT_IMPLEMENTED: "The embedded sandbox knows what a rollout needs and no more.",
}


def refusal(tried: str, status: int, body: bytes) -> ApiRefusal:
    """The error for an answer of the API; `body` is a Status object, or whatever a proxy in between wrote."""
    try:
        answer = json.loads(body)
        reason, message = str(answer.get("reason") or ""), str(answer.get("message") or "")
    except (ValueError, AttributeError):
        reason, message = "", body[:200].decode(errors="replace")
    if not reason:
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "unknown"
    return ApiRefusal(tried, status, reason, message)
