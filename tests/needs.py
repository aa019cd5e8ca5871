"""What the sandbox lacks on this machine, tried once in a process: a try starts ten programs, thirty modules ask."""

from functools import cache

from harness.sandbox.preflight import missing as tried


@cache
def missing(*, http_balancer: bool = False) -> tuple[str, ...]:
    """One sentence for each thing that keeps the sandbox from running here; empty where nothing does."""
    return tried(http_balancer=http_balancer)
