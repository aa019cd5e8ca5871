"""A namespace of a cluster -> what gives the last lines of its containers' logs."""

from __future__ import annotations

from harness.disruptions.last_words import Logs
from harness.disruptions.obstacle import LogPlace
from harness.kube.client import Kube
from harness.kube.logs import last_lines


def logs_in(kube: Kube, namespace: str) -> Logs:
    """What gives the last lines of the logs of a namespace's containers."""

    async def lines(place: LogPlace) -> tuple[str, ...]:
        # A container that has been started again since it was seen has its last run behind it.
        for previous in (place.previous, not place.previous):
            if found := await last_lines(kube, namespace, place.pod, place.container, previous=previous):
                return found
        return ()

    return lines
