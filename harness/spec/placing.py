"""A pod template -> what keeps its pods from ever starting on a node, or from standing beside each other.

Sources: pkg/kubelet/kuberuntime/security_context.go (verifyRunAsNonRoot), distribution/reference (the grammar of an
image's name), kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.spec.selector import matches
from harness.spec.workload import Object, containers

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_REVISION = "pod-template-hash"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])"
_TAIL = r"(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?"
_PATH = rf"{_PART}(?:/{_PART})*"
_IMAGE = re.compile(rf"(?:{_PATH}|{_HOST}(?::[0-9]+)?/{_PATH}){_TAIL}")


def started(pod: Object) -> tuple[Object, ...]:
    """All containers that a node must start, those that only initialise too."""
    first = tuple(each for each in pod.get("initContainers") or () if each not in containers(pod))
    return (*first, *containers(pod))


def unnameable(pod: Object) -> tuple[str, ...]:
    """The images whose names are none: their containers wait with InvalidImageName for ever.

    >>> names = "shop:1", "Shop:1", "registry.example:5000/Shop", "Acme/shop", "nginx:1.28@sha256:" + "a" * 64
    >>> unnameable({"containers": [{"image": name} for name in names]})
    ('Shop:1', 'registry.example:5000/Shop')
    """
    named = (str(container.get("image") or "") for container in started(pod))
    return tuple(dict.fromkeys(image for image in named if image and not _IMAGE.fullmatch(image)))


def root_by_number(pod: Object) -> tuple[str, ...]:
    """The names of containers that must not be root (runAsNonRoot) and are told to be (runAsUser: 0).

    >>> root_by_number({"securityContext": {"runAsNonRoot": True}, "containers": [
    ...     {"name": "a", "securityContext": {"runAsUser": 0}}, {"name": "b"}]})
    ('a',)
    """
    own = pod.get("securityContext") or {}
    found = []
    for container in started(pod):
        context = own | (container.get("securityContext") or {})
        if context.get("runAsNonRoot") and context.get("runAsUser") == 0:
            found.append(str(container.get("name")))
    return tuple(found)


def apart_by(template: Object) -> str:
    """By what the template's pods must be apart, old ones and new ones alike; empty where they need not be.

    A term that goes by the pods' own revision keeps only those of one revision apart.
    """
    labels: Mapping[str, str] = (template.get("metadata") or {}).get("labels") or {}
    affinity = ((template.get("spec") or {}).get("affinity") or {}).get("podAntiAffinity") or {}
    for term in affinity.get(_REQUIRED) or ():
        selector = term.get("labelSelector")
        if selector is not None and _REVISION not in (term.get("matchLabelKeys") or ()) and matches(selector, labels):
            return str(term.get("topologyKey") or "")
    return ""
