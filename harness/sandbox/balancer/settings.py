"""What a load balancer is late about -> one frozen record, which travels as JSON with the sandbox's settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from harness.sandbox.gates.settings import Gates

if TYPE_CHECKING:
    import random


class Targets(StrEnum):
    """What a balancer sends to."""

    PODS = "pods"
    NODES = "nodes"


@dataclass(frozen=True, slots=True)
class Delay:
    """A time that is drawn anew each time, evenly between two bounds (the same: always that)."""

    least_s: float
    most_s: float

    @classmethod
    def of(cls, seconds: float) -> Self:
        """Always so long."""
        return cls(seconds, seconds)

    def drawn(self, random_: random.Random) -> float:
        """One of its times."""
        return self.least_s if self.least_s == self.most_s else random_.uniform(self.least_s, self.most_s)

    def __add__(self, other: Delay) -> Delay:
        return Delay(self.least_s + other.least_s, self.most_s + other.most_s)

    def __str__(self) -> str:
        return f"{self.least_s:g} s" if self.least_s == self.most_s else f"{self.least_s:g} to {self.most_s:g} s"


NONE = Delay.of(0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A health check: `healthy` passed ones in a row bring a target in, `unhealthy` failed ones take it out.

    `path` of HTTP, where a status in `codes` passes; without it, whether TCP connects. `port`: None for where the
    traffic goes, 0 for the Service's healthCheckNodePort. `first`: passed ones that a new target needs, where that is
    another number (0: the same).
    """

    interval_s: float
    timeout_s: float
    healthy: int
    unhealthy: int
    path: str | None = None
    port: int | None = None
    codes: tuple[int, int] = (200, 399)
    first: int = 0

    @property
    def passing(self) -> Delay:
        """From the first check of a new target that passes them to its being healthy."""
        return Delay.of(((self.first or self.healthy) - 1) * self.interval_s)

    @property
    def turning_healthy(self) -> Delay:
        """From a target's recovery, at any moment between two checks, to its being healthy."""
        return Delay((self.healthy - 1) * self.interval_s, self.healthy * self.interval_s)

    @property
    def failing(self) -> Delay:
        """From a target's end, at any moment between two checks, to its being unhealthy."""
        least_s = (self.unhealthy - 1) * self.interval_s
        return Delay(least_s, self.unhealthy * self.interval_s + self.timeout_s)

    def __str__(self) -> str:
        what = "TCP" if self.path is None else f"HTTP {self.path}"
        new = f" ({self.first} a new one)" if self.first else ""
        times = f"every {self.interval_s:g} s, {self.healthy} good bring in{new}, {self.unhealthy} bad take out"
        return f"{what} {times}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """What a balancer of layer 7 does with connections and requests.

    `connect_s`: to a target, at most. `idle_s`: for so long it keeps a client's connection. `answer_s`: for so long it
    waits for a target's answer. `kept_s`: for so long it keeps a connection to a target that nothing uses.
    `draining_s`: from a target's last new request to the end of what is still open. `retries`: whether a request
    without a body goes out once more, to another target, after a 502, 503 or 504. `own`: a header of its own answers,
    `added`: of all answers that pass. `unclassed`: whether it also serves Ingresses that name no class.
    """

    connect_s: float
    idle_s: float
    answer_s: float
    kept_s: float
    draining_s: float
    retries: bool = False
    own: tuple[str, str] | None = None
    added: tuple[str, str] | None = None
    unclassed: bool = False

    @property
    def answers_as(self) -> str:
        """What a request's record has for who answered, where that was the balancer itself."""
        if self.own is not None:
            return self.own[1]
        return "" if self.added is None else f"{self.added[0].lower()} {self.added[1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancerSettings:
    """One load balancer, for all Services of type LoadBalancer; one of layer 7, for all Ingresses of its classes.

    `controller`: from what the watch shows to the cloud's API being asked. `registration`: from then to a new target's
    first health check. `propagation`: from a target's being found healthy, or unhealthy, to the data plane's going by
    it. `deregistration`: from the cloud's being asked to the last new connection. `check`, of nodes with
    `externalTrafficPolicy: Local` `local_check`; None: targets are not checked. `fail_open`: where no target is
    healthy, all of them are sent to. `vip`: nodes answer at its address themselves. `announced`: by one node at a time,
    without a balancer between. `classes`: the loadBalancerClass that it serves, beside none, or the classes of an
    Ingress. `http`: of one of layer 7. `seed`: of all draws. `gates`: the readiness gates that its controller keeps;
    None: none.
    """

    profile: str
    targets: Targets
    provisioning: Delay = NONE
    controller: Delay = NONE
    registration: Delay = NONE
    propagation: Delay = NONE
    deregistration: Delay = NONE
    check: Check | None = None
    local_check: Check | None = None
    fail_open: bool = True
    vip: bool = False
    announced: bool = False
    classes: tuple[str, ...] = ()
    http: Http | None = None
    seed: int = 0
    gates: Gates | None = None

    @property
    def removal(self) -> Delay:
        """From an endpoint's leaving the EndpointSlice to the last new connection: of pods, or of a node's last pod."""
        if self.targets is Targets.PODS:
            return self.controller + self.deregistration
        return self.propagation + (self.local_check.failing if self.local_check else NONE)

    @property
    def addition(self) -> Delay:
        """From an endpoint's being ready to the first new connection: of pods, or of a node's first pod."""
        if self.targets is Targets.NODES:
            return self.propagation + (self.local_check.turning_healthy if self.local_check else NONE)
        checked = self.check.passing if self.check else NONE
        return self.controller + self.registration + checked + self.propagation

    @property
    def words(self) -> dict[str, str]:
        """What it was set to, for people."""
        delays = {name: getattr(self, name) for name in ("controller", "registration", "propagation", "deregistration")}
        drawn = any(delay.least_s != delay.most_s for delay in delays.values())
        check = self.check if self.targets is Targets.PODS or self.local_check is None else None
        return {
            "targets": self.targets.value,
            **{name: str(delay) for name, delay in delays.items()},
            **({"health check": str(check)} if check else {}),
            **({"health check with Local": str(self.local_check)} if self.local_check else {}),
            **({} if self.http is None else _http_words(self.http)),
            **({"seed": str(self.seed)} if drawn else {}),
        }

    def to_json(self) -> dict[str, Any]:
        """As `from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """The inverse of `to_json`."""
        delays = ("provisioning", "controller", "registration", "propagation", "deregistration")
        made = dict(fields)
        made |= {name: Delay(**made[name]) for name in delays}
        made |= {name: _check(made[name]) for name in ("check", "local_check")}
        made["http"] = _http(made["http"])
        made["gates"] = None if made["gates"] is None else Gates.from_json(made["gates"])
        return cls(**{**made, "targets": Targets(made["targets"]), "classes": tuple(made["classes"])})


def _http_words(http: Http) -> dict[str, str]:
    return {
        "draining": f"{http.draining_s:g} s",
        "kept for clients": f"{http.idle_s:g} s",
        "answer": f"{http.answer_s:g} s",
        "kept to a target": f"{http.kept_s:g} s",
        "connect": f"{http.connect_s:g} s",
        "retries": "once, without a body" if http.retries else "never",
    }


def _check(fields: dict[str, Any] | None) -> Check | None:
    return None if fields is None else Check(**{**fields, "codes": tuple(fields["codes"])})


def _http(fields: dict[str, Any] | None) -> Http | None:
    if fields is None:
        return None
    headers = {name: tuple(fields[name]) if fields[name] else None for name in ("own", "added")}
    return Http(**{**fields, **headers})
