"""A client host and a load -> the source addresses and ports of its worker, each at rest for as long as possible."""

from __future__ import annotations

import math

from harness.clusters.cluster import ClientHost
from harness.errors import UsageError
from harness.load import PORTS, TIME_WAIT_S, PortBudgetError, budget_per_s
from harness.model.load_settings import KeptStream, LoadSettings
from harness.model.providers import CONTEXT

Ports = tuple[tuple[int, int], ...]


def source_addresses(client: ClientHost, load: LoadSettings) -> tuple[str, ...]:
    """As few as the ports last for: with one of them a port alone tells a connection apart, also in the records."""
    return client.source_addresses[: _addresses_needed(load)]


def check_ports(client: ClientHost, load: LoadSettings) -> None:
    """Refuse a load that opens more connections than its source ports last for.

    Raises:
        PortBudgetError: says how many connections a second are possible.
    """
    pods = 1 if client.same_machine else load.workers  # each has an address of its own
    have, need = max(pods, len(client.source_addresses)), _addresses_needed(load)
    if need > have:
        raise PortBudgetError(
            f"planning {_new_per_s(load):g} new connections/s",
            f"{have} source addresses last for {budget_per_s(have, PORTS):.0f}/s, since the kernel may hold each port "
            f"for {TIME_WAIT_S:.0f} s",
            "Lower the rate of the streams that open a connection per request"
            + (f", or have {need} Pods send it (load.workers: {need})." if pods == have else "."),
        )


def check_rate(cluster: str, load: LoadSettings) -> None:
    """Refuse more than somebody else's cluster may get; `cluster`: its kind. What is ours alone may be driven hard.

    Raises:
        UsageError: says how much is asked for, and where it is raised on purpose.
    """
    asked = sum(stream.rate for stream in load.streams.values())
    if cluster.partition(":")[0] == CONTEXT and asked > load.max_rate:
        raise UsageError(
            f"planning {asked:g} requests/s",
            f"a cluster that others use too gets {load.max_rate:g}/s at most, all streams together",
            f"Lower the rates, or write `max_rate: {math.ceil(asked)}` under `load:` if that is meant.",
        )


def _addresses_needed(load: LoadSettings) -> int:
    return max(1, math.ceil(_new_per_s(load) / budget_per_s(1, PORTS)))


def _new_per_s(load: LoadSettings) -> float:
    return sum(stream.rate for stream in load.streams.values() if not isinstance(stream, KeptStream))


def rotated(ports: Ports, number: int, of: int) -> Ports:
    """The range begun at another place for every scenario, number `number` of `of`.

    One that began where the one before it did would use the ports again that left stale conntrack entries behind.

    >>> rotated(((10, 19),), 1, 2)
    ((15, 19), (10, 14))
    """
    ((low, high),) = ports
    start = low + (high - low + 1) * number // of
    return ((start, high), (low, start - 1)) if start > low else ports
