"""How long the load goes on after the old pods are gone: failures can come long after the API says complete."""

import math

from harness.model.paths import hops
from harness.model.run import ClusterFacts

_AT_LEAST_S = 5.0
_PERIODS = 1.5
_PERIOD_UNKNOWN_S = 15.0
_BALANCER_S = 60.0
_BALANCED = ("loadbalancer", "ingress", "gateway")
CAP_S = 60.0
"""While failures go on quiet time is extended, up to this."""

_P_VALUE = 0.05


def quiet_s(given: float | None, facts: ClusterFacts, path: str) -> float:
    """Seconds of quiet time: the experiment's, else what the path to the pods asks for (docs/verdict.md).

    >>> from harness.model.run import ProxyFacts
    >>> quiet_s(None, ClusterFacts(kind="sandbox", proxy=ProxyFacts(min_sync_period_s=10.0)), "clusterip")
    15.0
    """
    if given is not None:
        return given
    period_s = facts.proxy.min_sync_period_s
    if not hops(path).node_first:
        removal = facts.balancer.removal if facts.balancer is not None and path in _BALANCED else None
        if removal is None or period_s is None:
            return _BALANCER_S
        return max(_AT_LEAST_S, _PERIODS * (removal.most_s + period_s))
    return _PERIOD_UNKNOWN_S if period_s is None else max(_AT_LEAST_S, _PERIODS * period_s)


def is_above(bad: int, seconds: int, share: float) -> bool:
    """Whether so many bad ones of these seconds are more than a background of `share` bad seconds would give.

    Without any background one is. Else it is asked how often chance gives as many or more (binomial); losses come in
    bursts, so seconds are counted and not requests.

    >>> is_above(1, 5, 0.0), is_above(2, 5, 0.3), is_above(5, 5, 0.3)
    (True, False, True)
    """
    if bad == 0 or share >= 1.0:
        return False
    tail = sum(math.comb(seconds, n) * share**n * (1 - share) ** (seconds - n) for n in range(bad, seconds + 1))
    return tail < _P_VALUE
