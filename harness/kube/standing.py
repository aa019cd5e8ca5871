"""What was created, and what was removed of it -> the commands that remove the rest."""

from __future__ import annotations

from collections import defaultdict

_NAMESPACE = "Namespace"


class Standing:
    """Objects of ours that are on the cluster, as far as is known: what may have been created, and was not removed."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str, str], None] = {}

    def add(self, kind: str, name: str, namespace: str | None = None) -> None:
        """It is about to be created."""
        self._objects[namespace or "", kind, name] = None

    def discard(self, kind: str, name: str, namespace: str | None = None) -> None:
        """It is gone, or on its way; a namespace takes along what is in it."""
        self._objects.pop((namespace or "", kind, name), None)
        if kind == _NAMESPACE:
            self._objects = {known: None for known in self._objects if known[0] != name}

    def commands(self, kubectl: str) -> tuple[str, ...]:
        """One for all namespaces, and one per namespace that was there before; the newest objects first."""
        own = [name for _, kind, name in self._objects if kind == _NAMESPACE]
        inside: dict[str, list[str]] = defaultdict(list)
        for namespace, kind, name in reversed(self._objects):
            if kind != _NAMESPACE and namespace not in own:
                inside[namespace].append(f"{kind.lower()}/{name}")
        whole = [f"{kubectl} delete namespace {' '.join(own)}"] if own else []
        return (*whole, *(f"{kubectl} -n {place} delete {' '.join(what)}" for place, what in inside.items()))
