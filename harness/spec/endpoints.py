"""The endpoints of a Service's EndpointSlices -> which of them a proxy sends traffic to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from harness.spec.workload import Object

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointConditions:
    """The conditions of one endpoint, with nothing left open."""

    ready: bool
    serving: bool
    terminating: bool


def conditions(endpoint: Object) -> EndpointConditions:
    """The conditions of an endpoint; what is not said means ready, as serving as it is ready, and not terminating.

    https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/ (EndpointConditions)
    """
    said = endpoint.get("conditions") or {}
    ready = said.get("ready") is not False
    serving = said.get("serving")
    return _conditions(ready, ready if serving is None else bool(serving), bool(said.get("terminating")))


@cache
def _conditions(ready: bool, serving: bool, terminating: bool) -> EndpointConditions:
    """One of the eight that there are."""
    return EndpointConditions(ready=ready, serving=serving, terminating=terminating)


def usable(endpoints: Iterable[tuple[Key, EndpointConditions]]) -> frozenset[Key]:
    """Those that a proxy sends traffic to: the ready ones; where there is none, those that terminate and still serve.

    KEP-1669, pkg/proxy/topology.go (CategorizeEndpoints).
    """
    known = tuple(endpoints)
    ready = frozenset(key for key, is_ in known if is_.ready)
    return ready or frozenset(key for key, is_ in known if is_.serving and is_.terminating)
