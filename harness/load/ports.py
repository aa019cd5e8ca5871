"""Source addresses and port ranges into the local end of each new connection, each unused for as long as possible.

Why: a SYN to a pod that is gone leaves a SYN_SENT conntrack entry for 120 s on the node. A new connection from the same
source address and port inside that time goes to the dead pod, long after the rollout, and renews the entry
(nf_conntrack_tcp_timeout_syn_sent, Documentation/networking/nf_conntrack-sysctl.rst).
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.model.request import CONNECT_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.load.plan import Plan

REST_S = 120.0
"""How long a source port must rest after the last SYN from it before it is used again."""

KERNEL_PORTS = ((32768, 60999),)
"""Linux's default ip_local_port_range: what the kernel chooses from where a plan names no ports."""

PORTS = ((10240, 59239),)
"""49,000 ports for a host that is all ours: 400 new connections/s from each source address."""

LocalEnd = tuple[str, int]


class PortBudgetError(UsageError):
    """More new connections per second than the source ports allow."""


class SourceAddressError(UsageError):
    """A plan names a source address that is not this host's."""


class NoPortError(OSError):
    """Every local port of the plan is in use at this moment."""


class PortCycle:
    """Local ends in cyclic order: none comes again before every other was taken, or is still in use.

    Source addresses change fastest, so that each address's ports last equally long.
    """

    __slots__ = ("_addresses", "_in_use", "_next", "_ports")

    def __init__(self, addresses: tuple[str, ...], ports: tuple[tuple[int, int], ...]) -> None:
        self._addresses = addresses or ("",)
        self._ports = tuple(port for low, high in ports for port in range(low, high + 1))
        self._in_use: set[LocalEnd] = set()
        self._next = 0

    def take(self) -> LocalEnd:
        """The next local end; port 0 (the kernel's choice) where there are no ranges. Give it back with `release`.

        Raises NoPortError where all are in use.
        """
        addresses, ports = self._addresses, self._ports or (0,)
        for _ in range(len(addresses) * len(ports)):
            turn = self._next
            self._next = (turn + 1) % (len(addresses) * len(ports))
            end = (addresses[turn % len(addresses)], ports[turn // len(addresses)])
            if not ports[0]:
                return end
            if end not in self._in_use:
                self._in_use.add(end)
                return end
        raise NoPortError(errno.EADDRINUSE, f"all {len(addresses) * len(ports)} local ends are in use")

    def release(self, end: LocalEnd) -> None:
        """This local end's connection is closed, or never came about."""
        self._in_use.discard(end)


def check_sources(plan: Plan) -> None:
    """Refuse source addresses that this host, or network namespace, does not have. Raises SourceAddressError."""
    for address in plan.source_addresses:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            try:
                probe.bind((address, 0))
            except OSError as error:
                raise SourceAddressError(
                    f"sending from {address}",
                    error.strerror or str(error),
                    "Give this host the address, or leave it out.",
                ) from None


def new_connections_per_s(plan: Plan) -> float:
    """How many connections per second the plan opens for good; those kept alive are not among them."""
    return sum(stream.rate_per_s for stream in plan.streams if not stream.connections)


def budget_per_s(
    addresses: int, ports: Iterable[tuple[int, int]], connect_timeout_s: float = CONNECT_TIMEOUT_S
) -> float:
    """New connections per second at which every port of every source address rests `REST_S`.

    The kernel goes on sending a SYN until the connect time-out, and each of them renews the conntrack entry.

    >>> int(budget_per_s(1, KERNEL_PORTS)), int(budget_per_s(1, PORTS))
    (230, 400)
    """
    return addresses * sum(high - low + 1 for low, high in ports) / (REST_S + connect_timeout_s)


def check_budget(plan: Plan, *, destination: str) -> None:
    """Refuse a plan that would use a source port again within 120 s; to loopback, which no proxy serves, any will do.

    `destination`: the IP address that is connected to. Raises PortBudgetError.
    """
    if ipaddress.ip_address(destination).is_loopback:
        return
    rate, addresses = new_connections_per_s(plan), max(1, len(plan.source_addresses))
    budget = budget_per_s(addresses, plan.ports or KERNEL_PORTS, plan.connect_timeout_s)
    if rate > budget:
        raise PortBudgetError(
            f"planning {rate:g} new connections/s from {addresses} source address{'es'[: 2 * (addresses > 1)]}",
            f"its ports last for {budget:.0f}/s when each must rest {REST_S:.0f} s (stale conntrack entries)",
            "Lower the rate of the streams that open a connection per request, or give the worker more addresses.",
        )
