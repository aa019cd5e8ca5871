"""A version of Kubernetes as its API says it -> major and minor, and how its kube-proxy spaces its syncs."""

from __future__ import annotations

import re

Version = tuple[int, int]
_VERSION = re.compile(r"v?(\d+)\.(\d+)")

_NO_BURST_SINCE: Version = (1, 34)
_BURST = 2


def version_of(text: str) -> Version | None:
    """Major and minor.

    >>> version_of("v1.29.3-eks-4f4795d"), version_of("unknown")
    ((1, 29), None)
    """
    found = _VERSION.match(text)
    return (int(found[1]), int(found[2])) if found else None


def syncs_at_once(kubernetes: str | None) -> int | None:
    """How many syncs kube-proxy may make one right after the other, after quiet; None where the version is not known.

    Until 1.33 its runs were limited by a bucket of two tokens, one more each minSyncPeriod (burstSyncs in
    pkg/proxy/iptables/proxier.go, ipvs and nftables alike; pkg/util/async, BoundedFrequencyRunner). Since 1.34
    (kubernetes/kubernetes#131615) the period lies between any two (pkg/proxy/runner). That a change waits for a period
    at most holds of both. The version is the API server's: a kube-proxy may be older than that.

    >>> syncs_at_once("v1.33.12"), syncs_at_once("v1.34.0+k3s1"), syncs_at_once(None)
    (2, 1, None)
    """
    version = None if kubernetes is None else version_of(kubernetes)
    if version is None:
        return None
    return 1 if version >= _NO_BURST_SINCE else _BURST


def applied_at_once(kubernetes: str | None) -> str:
    """The same in words: which changes a kube-proxy that was at rest applies at once."""
    return _APPLIED_AT_ONCE[syncs_at_once(kubernetes)]


_APPLIED_AT_ONCE = {
    1: "a proxy applies the first change at once",
    _BURST: "a proxy applies the first two changes at once (before Kubernetes 1.34)",
    None: "a proxy applies the first change at once (the first two before Kubernetes 1.34; this version is not known)",
}
