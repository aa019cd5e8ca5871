"""How long the load goes on after the old pods are gone: failures can come long after the API says complete."""

from harness.model.run import ClusterFacts

_AT_LEAST_S = 5.0
_PERIODS = 1.5
_PERIOD_UNKNOWN_S = 15.0
_BALANCER_S = 60.0
CAP_S = 60.0
"""While failures go on quiet time is extended, up to this."""

_INSIDE = frozenset({"clusterip", "nodeport"})


def quiet_s(given: float | None, facts: ClusterFacts, path: str) -> float:
    """Seconds of quiet time: the experiment's, else what the path to the pods asks for (DESIGN.md).

    >>> from harness.model.run import ProxyFacts
    >>> quiet_s(None, ClusterFacts(kind="sandbox", proxy=ProxyFacts(min_sync_period_s=10.0)), "clusterip")
    15.0
    """
    if given is not None:
        return given
    if path not in _INSIDE:
        return _BALANCER_S
    period_s = facts.proxy.min_sync_period_s
    return _PERIOD_UNKNOWN_S if period_s is None else max(_AT_LEAST_S, _PERIODS * period_s)
