"""Endpoints by their ports, and the slices there are -> what is to become of each slice, and which are to be made.

Source: kubernetes `staging/src/k8s.io/endpointslice/reconciler.go`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.sandbox.controllers.endpoints import Port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sandbox.apiclient import Object

MOST_ENDPOINTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to become of one slice: `present` is None where it is to be made."""

    present: Object | None
    ports: tuple[Port, ...]
    endpoints: tuple[Object, ...]
    drop: bool = False


def planned(groups: dict[tuple[Port, ...], dict[str, Object]], present: Sequence[Object]) -> tuple[Plan, ...]:
    """Slices for the groups, with as little change as can be.

    Endpoints stay in the slice and at the place where they are; new ones fill up slices, then open more; a slice that
    would be dropped while another would be made becomes that other.
    """
    plans: list[Plan] = []
    spare = [item for item in present if ports_of(item) not in groups]
    for ports, wanted in groups.items():
        waiting = dict(wanted)
        filled = _filled([item for item in present if ports_of(item) == ports], waiting)
        spare += [item for item, endpoints in filled if not endpoints]
        plans += [Plan(present=item, ports=ports, endpoints=tuple(kept)) for item, kept in filled if kept]
        while waiting or (not wanted and not plans):
            reused = spare.pop(0) if spare else None
            plans.append(Plan(present=reused, ports=ports, endpoints=tuple(_taken(waiting, MOST_ENDPOINTS))))
    return (*plans, *(Plan(present=item, ports=(), endpoints=(), drop=True) for item in spare))


def ports_of(item: Object) -> tuple[Port, ...]:
    """The ports of a slice."""
    return tuple(sorted(Port.of(port) for port in item.get("ports") or ()))


def _filled(slices: Sequence[Object], waiting: dict[str, Object]) -> list[tuple[Object, list[Object]]]:
    """Each slice with the endpoints that stay in it and as many others as fit, all taken out of `waiting`."""
    uids = [[_uid(endpoint) for endpoint in item.get("endpoints") or ()] for item in slices]
    kept = [[waiting.pop(uid) for uid in each if uid in waiting] for each in uids]
    for endpoints in kept:
        endpoints += _taken(waiting, MOST_ENDPOINTS - len(endpoints))
    return list(zip(slices, kept, strict=True))


def _taken(waiting: dict[str, Object], count: int) -> list[Object]:
    return [waiting.pop(uid) for uid in list(waiting)[: max(count, 0)]]


def _uid(endpoint: Object) -> str:
    return str((endpoint.get("targetRef") or {}).get("uid", ""))
