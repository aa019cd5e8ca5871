"""Source addresses and port ranges into the local end of each new connection, each unused for as long as it must be.

Why: a SYN to a pod that is gone leaves a SYN_SENT conntrack entry for 120 s on the node. A new connection from the same
source address and port inside that time goes to the dead pod, long after the rollout, and renews the entry
(nf_conntrack_tcp_timeout_syn_sent, Documentation/networking/nf_conntrack-sysctl.rst). So a port rests whose SYN nobody
answered, or whose connection nobody ended with us. One that was closed in good order need not: its entry is in
TIME_WAIT, which a new SYN deletes before it is translated anew (net/netfilter/nf_conntrack_proto_tcp.c, "Attempt to
reopen a closed/aborted connection").
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import time
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.model.request import CONNECT_TIMEOUT_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.load.plan import Plan

REST_S = 120.0
"""How long a source port must rest after the last SYN from it that nobody answered (timeout_syn_sent)."""

CUT_REST_S = 240.0
"""... and after a connection that only we ended: the kernel sends its FIN again for some 100 s (tcp_orphan_retries),
and 120 s after the last one its entry is gone (timeout_fin_wait)."""

TIME_WAIT_S = 60.0
"""How long the kernel may hold on to a port whose connection was closed in good order (TCP_TIMEWAIT_LEN)."""

KERNEL_PORTS = ((32768, 60999),)
"""Linux's default ip_local_port_range: what the kernel chooses from where a plan names no ports."""

PORTS = ((10240, 59239),)
"""49,000 ports for a host that is all ours: 816 new connections/s from each source address."""

LocalEnd = tuple[str, int]


class PortBudgetError(UsageError):
    """More new connections per second than the source ports allow."""


class SourceAddressError(UsageError):
    """A plan names a source address that is not this host's."""


class NoPortError(OSError):
    """Every local port of the plan is in use at this moment."""


class PortCycle:
    """Local ends in cyclic order: none comes again before every other was taken, is still in use, or rests.

    Source addresses change fastest, so that each address's ports last equally long.
    """

    __slots__ = ("_addresses", "_clock", "_in_use", "_next", "_ports", "_resting")

    def __init__(
        self,
        addresses: tuple[str, ...],
        ports: tuple[tuple[int, int], ...],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._addresses, self._clock = addresses or ("",), clock
        self._ports = tuple(port for low, high in ports for port in range(low, high + 1))
        self._in_use: set[LocalEnd] = set()
        self._resting: dict[LocalEnd, float] = {}
        self._next = 0

    def take(self) -> LocalEnd:
        """The next local end; port 0 (the kernel's choice) where there are no ranges. Give it back with `release`.

        Raises NoPortError where all are in use or at rest.
        """
        addresses, ports = self._addresses, self._ports or (0,)
        for _ in range(len(addresses) * len(ports)):
            turn = self._next
            self._next = (turn + 1) % (len(addresses) * len(ports))
            end = (addresses[turn % len(addresses)], ports[turn // len(addresses)])
            if not ports[0]:
                return end
            if end not in self._in_use and not (self._resting and self._rests(end)):
                self._in_use.add(end)
                return end
        raise NoPortError(errno.EADDRINUSE, f"all {len(addresses) * len(ports)} local ends are in use or must rest")

    def release(self, end: LocalEnd, *, rest_s: float = 0.0) -> None:
        """This local end's connection is closed, or never came about; nobody gets it for so long."""
        self._in_use.discard(end)
        if rest_s and end[1]:
            self._resting[end] = max(self._resting.get(end, 0.0), self._clock() + rest_s)

    def _rests(self, end: LocalEnd) -> bool:
        until = self._resting.get(end)
        if until is None:
            return False
        if self._clock() < until:
            return True
        del self._resting[end]
        return False


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


def budget_per_s(addresses: int, ports: Iterable[tuple[int, int]]) -> float:
    """New connections per second for which there is always a port of our own, if all go well.

    The kernel may hold each for `TIME_WAIT_S`. Of those that fail, the ports rest for longer: as many are missing
    meanwhile, and where none is left a request is `unsent`.

    >>> int(budget_per_s(1, PORTS))
    816
    """
    return addresses * _number(ports) / TIME_WAIT_S


def kernel_budget_per_s(addresses: int, connect_timeout_s: float = CONNECT_TIMEOUT_S) -> float:
    """The same where the kernel chooses the ports, which does not know of any rest: so all of them must rest.

    It goes on sending a SYN until the connect time-out, and each of them renews the conntrack entry.

    >>> int(kernel_budget_per_s(1))
    230
    """
    return addresses * _number(KERNEL_PORTS) / (REST_S + connect_timeout_s)


def _number(ports: Iterable[tuple[int, int]]) -> int:
    return sum(high - low + 1 for low, high in ports)


def check_budget(plan: Plan, *, destination: str) -> None:
    """Refuse a plan for which there are too few source ports; to loopback, which no proxy serves, any will do.

    `destination`: the IP address that is connected to. Raises PortBudgetError.
    """
    if ipaddress.ip_address(destination).is_loopback:
        return
    rate, addresses = new_connections_per_s(plan), max(1, len(plan.source_addresses))
    if plan.ports:
        budget, why = budget_per_s(addresses, plan.ports), f"the kernel may hold each for {TIME_WAIT_S:.0f} s"
    else:
        budget = kernel_budget_per_s(addresses, plan.connect_timeout_s)
        why = f"each must rest {REST_S:.0f} s (stale conntrack entries)"
    if rate > budget:
        raise PortBudgetError(
            f"planning {rate:g} new connections/s from {addresses} source address{'es'[: 2 * (addresses > 1)]}",
            f"its ports last for {budget:.0f}/s when {why}",
            "Lower the rate of the streams that open a connection per request, or give the worker more addresses.",
        )
