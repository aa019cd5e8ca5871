"""What a scheduler says of a pod that no node takes -> what lets one take it.

Words: pkg/scheduler/framework/plugins of kubernetes (interpodaffinity, podtopologyspread, nodeports, volumebinding,
nodeaffinity, noderesources, tainttoleration).
"""

from __future__ import annotations

import re

_OTHERWISE = "Make room on a node that fits, or change what the pod asks for."

_MENDS = (
    (
        r"anti-affinity rules",
        "It must be apart from pods like it: add a node, let an old pod go first (maxSurge: 0, maxUnavailable: 1), or "
        "make the anti-affinity a preference.",
    ),
    (
        r"topology spread constraints",
        "Add a node in another domain, let an old pod go first (maxSurge: 0, maxUnavailable: 1), or make the spread a "
        "wish (whenUnsatisfiable: ScheduleAnyway).",
    ),
    (
        r"free ports for the requested pod ports",
        "A port of a node is one pod's: add a node, let an old pod go first (maxSurge: 0, maxUnavailable: 1), or do "
        "without hostPort.",
    ),
    (r"persistentvolumeclaim \"([^\"]+)\" not found", "Put PersistentVolumeClaim {} into the manifests."),
    (r"unbound immediate PersistentVolumeClaims", "See why its claim is not bound (kubectl describe pvc)."),
    (r"pod affinity rules", "The pods that it must stand beside are on no node that fits: bring them, or ask less."),
    (
        r"node affinity/selector",
        "Give a node the labels that its nodeSelector or affinity asks for, or ask for others.",
    ),
    (r"Insufficient (\S+)", "Make room on a node that fits, or request less {}."),
    (r"untolerated taint", "Let it tolerate a taint of those nodes, or take the taint away."),
)
"""By what is said, the one to be mended first: what keeps pods apart is told of the nodes that would else do."""


def mend_for(said: str) -> str:
    """What to do about it.

    >>> mend_for("0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).")
    'Make room on a node that fits, or request less cpu.'
    """
    for pattern, mend in _MENDS:
        if found := re.search(pattern, said):
            return mend.format(*(each.rstrip(".,") for each in found.groups()))
    return _OTHERWISE
