"""A plan, one JSON object on one line, into the frozen record that a load worker follows, and back."""

import base64
import ipaddress
import json
import math
import re
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from harness.errors import LoadError
from harness.model.request import CONNECT_TIMEOUT_S

OWN_DESCRIPTORS = 32
"""What a Python with an event loop and its pipes has open before it opens a connection."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2


class PlanError(LoadError):
    """A load worker's plan cannot be followed as written."""


class Engine(StrEnum):
    """What sends the requests."""

    ASYNCIO = "asyncio"  # our own: sees every raw outcome, thousands of requests/s
    HTTPX = "httpx"  # what a Python client sees; a few hundred requests/s at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One population of requests.

    `connections` = 0 opens a connection per request; n > 0 keeps n connections alive and takes them in turn (a request
    that finds all of them busy opens one more for itself, so that slow answers do not close the open loop).
    `offset_s` shifts the stream against others of the same rate. `slots` bounds the requests in flight; None: as many
    as the rate and the time-outs can bring about, so that only a worker in trouble runs out.
    """

    name: str
    rate_per_s: float
    connections: int = 0
    path: str | None = None
    read_timeout_s: float | None = None
    offset_s: float = 0.0
    slots: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One kind of request of a mix. `headers` are beside the plan's, or in their place; `body`: in base64."""

    method: str = "GET"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    weight: int = 1
    success: tuple[tuple[int, int], ...] = ((200, 299),)
    contains: str = ""


Part = TypeVar("Part", Stream, Message)

GREETING_S = 0.5
"""For how long a worker with a clock of its own says the time before its first request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one worker does.

    All times of its records are seconds since `t0_monotonic_ns` (CLOCK_MONOTONIC, same machine). With `own_clock`
    (another machine, whose wall clock may say anything) it starts `GREETING_S` before `start_s`, by its own
    account, and whoever reads its lines puts its times right. Requests start at `start_s` on that clock and go on
    for `duration_s` (None: until stopped). `address` ("IP" or "IP:port", IPv6 in brackets) is connected to in place of
    the URL's host. `ports` are inclusive ranges, used in turn with each of `source_addresses`; without them the kernel
    chooses. `addresses`: several in place of one `address`, taken in turn, a connection each. `success` are inclusive
    ranges of status codes; `contains`: text that the body of a good answer has. `headers` hold values as they are sent;
    they are never written anywhere. `messages`: a mix, in place of `method`, the URL's path and `success`.
    `client_pem`: the certificate that the client shows, and its key. `server_name`: what TLS asks for, in the host's
    place. `session_reuse`: connections go on with the session of an earlier one. `sign_port`: where a worker without a
    parent hears that its harness is still there (`signs`). `hold_s`: for so long at most it waits there to be told when
    to begin; 0: it begins as planned.
    """

    url: str
    streams: tuple[Stream, ...]
    worker: int = 0
    address: str = ""
    addresses: tuple[str, ...] = ()
    t0_monotonic_ns: int | None = None
    own_clock: bool = False
    start_s: float = 0.0
    duration_s: float | None = None
    source_addresses: tuple[str, ...] = ()
    ports: tuple[tuple[int, int], ...] = ()
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    read_timeout_s: float = 5.0
    method: str = "GET"
    host: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    success: tuple[tuple[int, int], ...] = ((200, 299),)
    contains: str = ""
    messages: tuple[Message, ...] = ()
    pod_header: str | None = "X-Pod"
    engine: Engine = Engine.ASYNCIO
    http2: bool = False
    ca_pem: str = ""
    client_pem: str = ""
    insecure: bool = False
    server_name: str = ""
    session_reuse: bool = False
    sign_port: int | None = None
    hold_s: float = 0.0

    def __post_init__(self) -> None:
        for wrong in _faults(self):
            raise PlanError("reading the plan of a load worker", wrong, "Correct the plan.")

    def read_timeout_of(self, stream: Stream) -> float:
        """Seconds from sending until a request of `stream` must be answered completely."""
        return self.read_timeout_s if stream.read_timeout_s is None else stream.read_timeout_s

    def slots_of(self, stream: Stream) -> int:
        """How many requests of `stream` may be in flight."""
        if stream.slots is not None:
            return stream.slots
        return math.ceil(stream.rate_per_s * (self.connect_timeout_s + self.read_timeout_of(stream))) + 16


def descriptors(plan: Plan) -> int:
    """How many open files a worker of the plan needs at most: a socket a request in flight, kept ones, and its own."""
    return sum(plan.slots_of(stream) + stream.connections for stream in plan.streams) + OWN_DESCRIPTORS


def _faults(plan: Plan) -> list[str]:
    """What is wrong with a plan, in words."""
    parts = urlsplit(plan.url)
    names = [stream.name for stream in plan.streams]
    headers = [*plan.headers, ("Host", plan.host or ""), *(h for message in plan.messages for h in message.headers)]
    checks = (
        (parts.scheme in ("http", "https") and bool(parts.hostname), f"url {plan.url!r} is not http:// or https://"),
        (bool(names) and len(set(names)) == len(names), f"stream names {names} are empty or not unique"),
        (all(map(_NAME.fullmatch, names)), f"a stream name in {names} has other characters than letters, digits, _.-"),
        (all(0 < s.rate_per_s < math.inf for s in plan.streams), "a stream's rate is not above 0"),
        (all(s.connections >= 0 for s in plan.streams), "a stream's number of connections is below 0"),
        (all((s.path or "/")[0] in "/?" for s in plan.streams), "a stream's path does not begin with /"),
        (min((plan.connect_timeout_s, *map(plan.read_timeout_of, plan.streams))) > 0, "a time-out is not above 0"),
        (_TOKEN.fullmatch(plan.method) is not None, f"method {plan.method!r} is not one"),
        (all(_TOKEN.fullmatch(n) for n, _ in headers), "a header's name has characters that HTTP does not allow"),
        (not any(c in v for _, v in headers for c in "\r\n\0"), "a header's value has a line break in it"),
        (all(0 < low <= high < 65536 for low, high in plan.ports), f"port ranges {plan.ports} are not within 1-65535"),
        (not (plan.address and plan.addresses), "address and addresses are both given"),
        (plan.t0_monotonic_ns is None or not plan.own_clock, "t0_monotonic_ns is given, and a clock of its own"),
        (all(map(_is_address, plan.source_addresses)), f"a source address in {plan.source_addresses} is not an IP"),
    )
    return [text for holds, text in (*checks, *_of_signs(plan), *_of_messages(plan.messages)) if not holds]


def _of_signs(plan: Plan) -> tuple[tuple[bool, str], ...]:
    """What must hold of the port at which it hears of its harness, and what is wrong where it does not."""
    return (
        (plan.sign_port is None or 0 < plan.sign_port < 65536, f"sign port {plan.sign_port} is not within 1-65535"),
        (not plan.hold_s or plan.sign_port is not None, "hold_s is given, and no sign_port at which it could end"),
    )


def _of_messages(messages: tuple[Message, ...]) -> tuple[tuple[bool, str], ...]:
    """What must hold of a mix, and what is wrong where it does not."""
    methods = [message.method for message in messages]
    return (
        (all(map(_TOKEN.fullmatch, methods)), f"a method in {methods} is not one"),
        (all(message.path[:1] == "/" for message in messages), "a message's path does not begin with /"),
        (all(message.weight > 0 for message in messages), "a message's weight is not above 0"),
        (all(_is_base64(message.body) for message in messages), "a message's body is not in base64"),
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def plan_json(plan: Plan) -> str:
    """One line of JSON (no line break at its end), as `python -m harness.load` reads it. Holds header values."""
    return json.dumps(asdict(plan), separators=(",", ":"))


def read_plan(text: str) -> Plan:
    """The plan in a line of JSON. Raises PlanError where it is not one."""
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise TypeError(f"this is a JSON {type(found).__name__}")
        streams = tuple(_record(Stream, stream) for stream in found.pop("streams"))
        messages = tuple(_record(Message, message) for message in found.pop("messages", ()))
        return Plan(**_known(Plan, found), streams=streams, messages=messages)
    except PlanError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        seen = f"{type(error).__name__}: {error}"
        raise PlanError("reading the plan of a load worker", seen, "Give one JSON object on one line.") from None


def _record(kind: type[Part], found: dict[str, Any]) -> Part:
    return kind(**_known(kind, found))


def _known(kind: type[Any], found: dict[str, Any]) -> dict[str, Any]:
    """The object's values with JSON's lists as tuples. Raises ValueError for keys that the record does not have."""
    if unknown := sorted(set(found) - {field.name for field in fields(kind)}):
        raise ValueError(f"unknown keys {unknown}")
    made = {name: _frozen(value) for name, value in found.items()}
    return made | ({"engine": Engine(made["engine"])} if "engine" in made else {})


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def split(plan: Plan, workers: int) -> tuple[Plan, ...]:
    """The plans of `workers` workers that together do what `plan` says, evenly interleaved.

    Rates are divided and the schedules shifted against each other, so that the sum is as even as one worker's; kept
    connections and ports are dealt out (the port ranges are disjoint). Raises ValueError for fewer than one worker,
    and where a stream has fewer kept connections than there are workers.
    """
    if workers < 1 or any(0 < stream.connections < workers for stream in plan.streams):
        raise ValueError(f"{workers} workers cannot share the streams of this plan")
    return tuple(
        replace(
            plan,
            worker=plan.worker + index,
            streams=tuple(_share(stream, index, workers) for stream in plan.streams),
            ports=tuple(_part(low, high, index, workers) for low, high in plan.ports if high - low + 1 >= workers),
        )
        for index in range(workers)
    )


def _share(stream: Stream, index: int, workers: int) -> Stream:
    return replace(
        stream,
        rate_per_s=stream.rate_per_s / workers,
        connections=stream.connections // workers + (index < stream.connections % workers),
        offset_s=stream.offset_s + index / stream.rate_per_s,
        slots=None if stream.slots is None else max(1, stream.slots // workers),
    )


def _part(low: int, high: int, index: int, workers: int) -> tuple[int, int]:
    size = high - low + 1
    return low + size * index // workers, low + size * (index + 1) // workers - 1
