"""An answer or a failure of the API -> an error for people."""

from __future__ import annotations

import json
import re
from http import HTTPStatus

from harness.errors import ClusterError
from harness.exit_codes import ExitCode


class ApiRefusal(ClusterError):
    """The API answered, and not with success.

    `status`: the HTTP status code. `reason`: the API's own (NotFound, AlreadyExists, Conflict, Invalid, Forbidden ...).
    `message`: its words. `retry_after_s`: for how long it wants not to be asked again. `causes`: by reason, in its
    words (Status.details).
    """

    def __init__(
        self,
        tried: str,
        status: int,
        reason: str,
        message: str,
        retry_after_s: float = 0.0,
        causes: dict[str, str] | None = None,
    ) -> None:
        self.status, self.reason, self.retry_after_s, self.message = status, reason, retry_after_s, message
        self.causes = causes or {}
        super().__init__(tried, f"the API answered {status} {reason}: {message}", _advice(status, message))


def is_not_found(error: BaseException) -> bool:
    """Whether the API answered that there is no such object."""
    return isinstance(error, ApiRefusal) and error.status == HTTPStatus.NOT_FOUND


class NoAnswer(ClusterError):
    """The API was not reached, or its answer was lost: what was asked for may have been done."""


class NoSuchKind(ClusterError):
    """The cluster does not serve objects of that kind."""


class LeftBehind(ClusterError):
    """A clean-up could not remove everything; says what is left and the commands that remove it."""

    exit_code = ExitCode.INCONCLUSIVE


_SAID: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"exceeded quota: "), "Ask for a larger quota, want less, or use another namespace."),
    (re.compile(r"failed quota: "), "Write resources into the manifest, or use another namespace."),
    (re.compile(r"violates PodSecurity"), "Change what it names in the pod template, or use another namespace."),
    (re.compile(r"is being terminated"), "Wait until the namespace is gone, or use another."),
    (re.compile(r"admission webhook \"|denied (?:the )?request"), "Do what it asks for, or ask who runs that policy."),
    (re.compile(r"failed calling webhook"), "Is the webhook's own Service up? Ask who runs it."),
    (re.compile(r"(?:minimum|maximum) \S+ usage per|limit to request ratio"), "Keep to the namespace's LimitRange."),
)
"""What admission plugins say, and what to do about it: they all come as 403 Forbidden, like a lack of rights.

Sources: kubernetes plugin/pkg/admission/{resourcequota,limitranger,security/podsecurity,namespace/lifecycle},
staging/src/k8s.io/apiserver/pkg/admission/plugin/{webhook,policy}.
"""

_ADVICE: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Renew the credentials of this context.",
    HTTPStatus.FORBIDDEN: "Ask for that right, or use a context that has it.",
    HTTPStatus.NOT_IMPLEMENTED: "The embedded sandbox knows what a rollout needs and no more.",
}


def admission_advice(message: str) -> str:
    """What to do about a refusal by admission, known by its words; empty where it is none.

    >>> admission_advice('pods "a" is forbidden: exceeded quota: few, requested: pods=1, used: pods=3, limited: pods=3')
    'Ask for a larger quota, want less, or use another namespace.'
    """
    return next((advice for said, advice in _SAID if said.search(message)), "")


def _advice(status: int, message: str) -> str:
    return admission_advice(message) or _ADVICE.get(status, "")


def refusal(tried: str, status: int, body: bytes, retry_after_s: float = 0.0) -> ApiRefusal:
    """The error for an answer of the API; `body` is a Status object, or whatever a proxy in between wrote."""
    causes: dict[str, str] = {}
    try:
        answer = json.loads(body)
        reason, message = str(answer.get("reason") or ""), str(answer.get("message") or "")
        for cause in (answer.get("details") or {}).get("causes") or ():
            causes.setdefault(str(cause.get("reason")), str(cause.get("message")))
    except (ValueError, AttributeError):
        reason, message = "", body[:200].decode(errors="replace")
    if not reason:
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "unknown"
    return ApiRefusal(tried, status, reason, message, retry_after_s, causes)
