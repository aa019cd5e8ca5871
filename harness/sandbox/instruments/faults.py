"""Rules that a test sets -> requests delayed, throttled, denied, forbidden, failed or hung up on; and outages.

Rules act on what comes over HTTPS; the sandbox's own components, on the unix socket, never meet them. They are set with
`PUT /sandbox/faults` on that socket, a list of objects such as
`{"do": "throttle", "methods": ["PATCH"], "resources": ["deployments"], "retry_after_s": 1, "times": 2}`.
`POST /sandbox/compaction` and `POST /sandbox/outage` there make the server forget its past and go away.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import api_errors, requests

if TYPE_CHECKING:
    from aiohttp import web

    from harness.sandbox.apiserver.interception import Interrupted
    from harness.sandbox.apiserver.requests import Target

_LONGEST_OUTAGE_S = 600.0
_VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Action(StrEnum):
    """What a rule does to a request."""

    DELAY = "delay"
    THROTTLE = "throttle"
    DENY = "deny"
    FORBID = "forbid"
    FAIL = "fail"
    HANG_UP = "hang-up"


@dataclass(slots=True, kw_only=True)
class Rule:
    """One rule; empty lists match everything. `times` is how often it still acts, None for ever."""

    do: Action
    methods: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    times: int | None = None
    delay_s: float = 0.0
    retry_after_s: int = 1
    message: str = "denied by the test"

    @classmethod
    def of(cls, body: Any) -> Rule:
        """Read from JSON. Raises: StatusError (400)."""
        known = {field.name for field in fields(cls)}
        if not isinstance(body, dict) or not set(body) <= known or body.get("do") not in set(Action):
            raise api_errors.bad_request(f"a fault is an object with `do` and some of {sorted(known)}, not {body!r}")
        lists = ("methods", "resources", "namespaces", "names")
        given: dict[str, Any] = {key: tuple(value) if key in lists else value for key, value in body.items()}
        return cls(**{**given, "do": Action(body["do"])})

    def matches(self, method: str, target: Target) -> bool:
        """Whether the request is meant."""
        asked = (method, target.resource.plural, target.namespace, target.name)
        wanted = (self.methods, self.resources, self.namespaces, self.names)
        return self.times != 0 and all(not words or word in words for word, words in zip(asked, wanted, strict=True))


class Faults:
    """The rules in force: an `apiserver.interception.Interception`."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def replace(self, body: Any) -> None:
        """Puts a new list of rules in force; an empty one ends all faults. Raises: StatusError (400)."""
        if not isinstance(body, list):
            raise api_errors.bad_request("faults are a list of rules")
        self._rules = [Rule.of(item) for item in body]

    async def command(self, request: web.BaseRequest, server: Interrupted) -> None:
        """Does what a test asks for on the unix socket: new rules, a compaction, an outage. Raises: StatusError."""
        match request.method, request.path:
            case "PUT", "/sandbox/faults":
                self.replace(await requests.json_body(request))
            case "POST", "/sandbox/compaction":
                server.store.compact()
            case "POST", "/sandbox/outage":
                await server.interrupt(_outage_s(await requests.json_body(request)))
            case _:
                raise api_errors.no_such_path()

    def forbids(self, verb: str, plural: str, namespace: str, name: str) -> bool:
        """Whether a rule takes this right away; nothing is used up. One that names objects takes it of those alone."""
        for rule in self._rules:
            verbs = {_VERBS.get(method, "") for method in rule.methods} | (
                {"list", "watch"} if "GET" in rule.methods else set()
            )
            asked = (verb, verbs), (plural, rule.resources), (name, rule.names)
            named = (not wanted or word in wanted for word, wanted in asked)
            if rule.do is Action.FORBID and all(named) and (not rule.namespaces or namespace in rule.namespaces):
                return True
        return False

    async def meet(self, request: web.BaseRequest, target: Target) -> None:
        """Does to the request what the first matching rule says. Raises: StatusError, ConnectionResetError."""
        rule = next((item for item in self._rules if item.matches(request.method, target)), None)
        if rule is None:
            return
        if rule.times is not None:
            rule.times -= 1
        match rule.do:
            case Action.DELAY:
                await asyncio.sleep(rule.delay_s)
            case Action.THROTTLE:
                raise api_errors.too_many_requests(rule.retry_after_s)
            case Action.DENY:
                why = f'admission webhook "deny.sandbox" denied the request: {rule.message}'
                raise api_errors.StatusError(403, "Forbidden", why)
            case Action.FORBID:
                raise api_errors.no_right(target.resource, _verb(request, target), target.namespace, target.name)
            case Action.FAIL:
                raise api_errors.StatusError(
                    503, "ServiceUnavailable", "the server is currently unable to handle the request"
                )
            case Action.HANG_UP:
                if request.transport is not None:
                    request.transport.abort()
                raise ConnectionResetError("hung up on, as the test wished")


def _outage_s(body: Any) -> float:
    span_s = body.get("for_s") if isinstance(body, dict) else None
    if not isinstance(span_s, int | float) or not 0 <= span_s <= _LONGEST_OUTAGE_S:
        raise api_errors.bad_request(f"an outage is an object with `for_s`, 0 to {_LONGEST_OUTAGE_S} seconds")
    return span_s


def _verb(request: web.BaseRequest, target: Target) -> str:
    if request.method == "GET" and not target.name:
        return "watch" if "watch" in request.query else "list"
    if request.method == "DELETE" and not target.name:
        return "deletecollection"
    return _VERBS.get(request.method, request.method.lower())
