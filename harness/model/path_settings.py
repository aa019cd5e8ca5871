"""`path:` of an experiment -> by which way the load reaches the application."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from harness.model.record import Choice, LongDuration, Record

ALL_NODES = "all"

PathWord = Literal["clusterip", "nodeport", "loadbalancer", "ingress", "gateway"]
"""A path that needs no more than its name."""


_SERVICE = r"^([a-z0-9.-]+/)?[a-z0-9.-]+$"


def _origin(value: str) -> str:
    """A URL that is a place and no page: the requests have paths of their own."""
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - out of range, it raises
    except ValueError as error:
        raise ValueError(f"it is no URL ({error}): write one such as https://shop.example.com") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it is no URL of HTTP: write one such as https://shop.example.com")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("it has a path: leave that to request.path")
    if parts.username is not None:
        raise ValueError("it has a user or password: give them as request.headers, from `env` or `file`")
    return value.rstrip("/")


class NodePortSettings(Record):
    """The Service's node port, on one node or on all of them in turn."""

    node: Annotated[str, Field(min_length=1)] = Field(ALL_NODES, description="a node's name, or `all` in turn")


class LoadBalancerSettings(Record):
    """The address that a load balancer has for the Service."""

    wait_s: LongDuration = Field(
        120.0, alias="wait", description="for the balancer's address, and for its first answer"
    )


class IngressSettings(Record):
    """The address that an Ingress has, which leads to the Service."""

    name: Annotated[str, Field(min_length=1)] | None = Field(None, description="which, where several lead there")
    controller: Annotated[str, Field(pattern=_SERVICE)] | None = Field(
        None,
        description="the Service of what serves it, NAME or NAMESPACE/NAME, to which the load goes by its type; "
        "else it goes to the address in the Ingress' status",
    )
    wait_s: LongDuration = Field(120.0, alias="wait", description="for its address, and for its first answer")


class GatewaySettings(Record):
    """The address of the Gateway of an HTTPRoute, which leads to the Service."""

    route: Annotated[str, Field(min_length=1)] | None = Field(None, description="which, where several lead there")
    controller: Annotated[str, Field(pattern=_SERVICE)] | None = Field(
        None, description="as for an Ingress; else it goes to the address in the Gateway's status"
    )
    wait_s: LongDuration = Field(120.0, alias="wait", description="for route and address, and for its first answer")


class PathSettings(Choice):
    """One way in, with its settings: exactly one of these."""

    clusterip: dict[str, Any] | None = Field(None, max_length=0, description="the Service's own address")
    nodeport: NodePortSettings | None = None
    loadbalancer: LoadBalancerSettings | None = None
    ingress: IngressSettings | None = None
    gateway: GatewaySettings | None = None
    url: Annotated[str, AfterValidator(_origin)] | None = Field(None, description="what stands before the application")

    @property
    def wait_s(self) -> float:
        """How long the way in may take to come up, beside the application."""
        waiting = self.loadbalancer or self.ingress or self.gateway
        return 0.0 if waiting is None else waiting.wait_s


def written_path(path: PathWord | PathSettings) -> PathSettings:
    """The settings, also of a path of which only the name is written."""
    return path if isinstance(path, PathSettings) else PathSettings.model_validate({path: {}})
