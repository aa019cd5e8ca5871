"""A host name into the addresses to connect to, in turn, looked up at most once a second."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import socket
from itertools import cycle
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.model.request import NAME_USED_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from harness.load.plan import Plan

    Address = tuple[str, int]


def destinations(plan: Plan) -> tuple[Address, ...]:
    """The hosts (names or IPs) and ports that a plan connects to, in turn."""
    parts = urlsplit(plan.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    given = plan.addresses or ((plan.address,) if plan.address else ())
    return tuple(_destination(address, port) for address in given) or ((parts.hostname or "", port),)


def _destination(text: str, port: int) -> Address:
    if text.count(":") > 1 and not text.startswith("["):
        return text, port  # a bare IPv6 address
    address = urlsplit(f"//{text}")
    return address.hostname or "", address.port or port


class Turns:
    """The addresses of several hosts, a host after another."""

    def __init__(self, hosts: Iterable[Address], *, clock: Callable[[], float]) -> None:
        self._all = [Resolver(*host, clock=clock) for host in hosts]
        self._resolvers, self._are_fixed = cycle(self._all), all(resolver.fixed for resolver in self._all)

    async def address(self) -> Address:
        """Where to connect to next. Raises socket.gaierror."""
        return await next(self._resolvers).address()

    @property
    def named(self) -> tuple[str, ...]:
        """The addresses that the names among them lead to, as last looked up; empty where there is no name."""
        return tuple(sorted({address for resolver in self._all for address in resolver.named}))

    def fixed(self) -> Address | None:
        """Where to connect to next, None where a name may have to be looked up first."""
        return next(self._resolvers).fixed if self._are_fixed else None


class Resolver:
    """Addresses of one host. An IP is its own address and costs nothing.

    A failed look-up is not kept: those who waited for it fail, the next one asks again.
    """

    def __init__(self, host: str, port: int, *, clock: Callable[[], float]) -> None:
        self._host, self._port, self._clock = host, port, clock
        self.fixed: Address | None = (host, port) if _is_ip(host) else None
        self._found: list[Address] = []
        self._turns: Iterator[Address] = iter(())
        self._found_at = -math.inf
        self._asking: asyncio.Future[None] | None = None

    @property
    def named(self) -> tuple[str, ...]:
        """What the name led to when it was last looked up; empty of an IP."""
        return tuple(address for address, _ in self._found)

    async def address(self) -> Address:
        """Where to connect to next. Raises socket.gaierror."""
        if self.fixed is not None:
            return self.fixed
        if self._clock() - self._found_at > NAME_USED_S:
            if self._asking is None:
                self._asking = asyncio.ensure_future(self._ask())
                self._asking.add_done_callback(_heard)
            # Shielded: one request's time-out must not take the look-up away from the others.
            await asyncio.shield(self._asking)
        return next(self._turns)

    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except UnicodeError:  # a label that no name can have
            raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None
        finally:
            self._asking = None
        self._found_at = self._clock()
        addresses = sorted({(str(entry[4][0]), self._port) for entry in found})  # servers turn them round themselves
        if addresses != self._found:
            self._found, self._turns = addresses, cycle(addresses)


def _heard(asked: asyncio.Future[None]) -> None:
    """A look-up that fails when nobody waits for it any more is no error of ours, which would end the worker."""
    if not asked.cancelled():
        asked.exception()


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
