"""What was given as the target -> why its kind cannot be one, where that is known."""

from __future__ import annotations

_DAEMONS = ("daemonset", "daemonsets", "ds")


def not_a_target(target: str) -> str | None:
    """A sentence where the target is a DaemonSet, by any name of the kind; None of all others.

    >>> not_a_target("ds/agent")
    'a DaemonSet cannot be the target: only a Deployment or a StatefulSet is rolled and judged'
    """
    kind, _, name = target.lower().partition("/")
    if not name or kind.partition(".")[0] not in _DAEMONS:
        return None
    return "a DaemonSet cannot be the target: only a Deployment or a StatefulSet is rolled and judged"
