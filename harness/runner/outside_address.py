"""An object whose status gets the address of a balancer -> that address, once it has one; or why it has none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anyio

from harness.errors import ClusterError
from harness.kube.client import Kube
from harness.model.paths import Hop

_LOOK_S = 0.25
_EVENTS_TOLD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where the load goes. `origin`: "https://shop.example.com" where it is a URL's; else `addresses`, in turn."""

    addresses: tuple[str, ...] = ()
    origin: str | None = None
    hops: tuple[Hop, ...] = ()


def at(host: str, port: int) -> str:
    """
    >>> at("10.96.0.7", 80), at("fd00::7", 80)
    ('10.96.0.7:80', '[fd00::7]:80')
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def balancer_address(kube: Kube, service: dict[str, Any], wait_s: float) -> str:
    """The address of a Service's load balancer, which is waited for.

    Raises:
        ClusterError: it did not come in time.
    """
    if address := await status_address(kube, service, wait_s):
        return address
    name, wanted = service["metadata"]["name"], (service.get("spec") or {}).get("loadBalancerClass")
    raise ClusterError(
        f"waiting for the load balancer{f' of class {wanted}' if wanted else ''} of Service {name}",
        f"it was still without an address after {wait_s:g} s{await said_of(kube, service)}",
        "Does the cluster have a controller for Services of type LoadBalancer? Take another path where it has none.",
    )


async def status_address(kube: Kube, owner: dict[str, Any], wait_s: float) -> str | None:
    """The address of a load balancer in an object's status, which is waited for; None where none came."""
    entry = await status_entry(kube, owner, wait_s)
    return None if entry is None else str(entry.get("ip") or entry.get("hostname"))


async def status_entry(kube: Kube, owner: dict[str, Any], wait_s: float) -> dict[str, Any] | None:
    """The first entry with an address, with its ports where it has any; waited for as above."""
    metadata = owner["metadata"]
    with anyio.move_on_after(wait_s):
        while True:
            for entry in ((owner.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
                if entry.get("ip") or entry.get("hostname"):
                    return dict(entry)
            await anyio.sleep(_LOOK_S)
            owner = await kube.get(owner["apiVersion"], owner["kind"], metadata["name"], metadata["namespace"])
    return None


async def said_of(kube: Kube, owner: dict[str, Any]) -> str:
    """What the newest events say of an object, as the end of a sentence."""
    kind, name = owner["kind"], owner["metadata"]["name"]
    try:
        events = await kube.list("v1", "Event", owner["metadata"]["namespace"])
    except ClusterError:
        return ", and no event says why"
    told = [
        f"{event.get('reason')}: {event.get('message')}"
        for event in events
        if (about := event.get("involvedObject") or {}).get("kind") == kind and about.get("name") == name
    ]
    return f" ({'; '.join(dict.fromkeys(told[-_EVENTS_TOLD:]))})" if told else ", and no event says why"
