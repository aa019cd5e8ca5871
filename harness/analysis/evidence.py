"""A failure and the rule that named its cause -> one sentence that says what is observed and what is inferred."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.analysis.possibilities import NOBODY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.analysis.causes import Causes, Facts
    from harness.analysis.pods import Life

TEMPLATES = {
    "listener-closed": "refused {ago} after {pods} began to terminate (observed); its listener had closed and the "
    "data plane still sent to it (inferred: {plane})",
    "network-gone": "no answer, sent {ago} after {pods} began to terminate (observed); its network was gone and the "
    "data plane still sent to it (inferred: {plane})",
    "accept-queue": "connected and reset at once (observed) as {pods} closed its listener: it had waited in the accept "
    "queue (inferred)",
    "cut": "accepted, and cut before the answer was complete (observed) while {pods} was stopping (inferred)",
    "ended-meanwhile": "accepted, never answered, and {pods} ended meanwhile (observed)",
    "not-listening-yet": "refused (observed) while {pods} was listed as ready and was not listening yet (inferred)",
    "rejected": "refused (observed) when no pod was listed and none was left that could refuse: the data plane rejects "
    "(inferred)",
    "silent": "no answer (observed) while the data plane had no endpoint: its rejection stayed silent, or it was being "
    "reprogrammed (inferred)",
    "idle-close": "sent on a kept connection and lost at once (observed): the server was closing it as idle (inferred)",
    "stale": "no answer, as at the previous use of source port {port} less than 120 s before (observed): the client "
    "host's conntrack entry led to a pod that is gone (inferred)",
    "stalled": "the worker did not run when the time-out was due (observed)",
    "crashed": "failed while a container of {pods} was down though nobody had asked for it (observed)",
    "cut-alive": "accepted and cut (observed) while no pod was stopping (observed)",
    "slow": "accepted and not answered in time (observed) by a live pod (inferred)",
    "status": "answered with status {status} (observed) by {pods}",
    "path-status": "answered with status {status} by what stands before the pods (observed) as one was ending "
    "(inferred)",
    "garbled": "the answer was no answer of the protocol (observed)",
    "several": "more than one cause was possible then: which one cannot be told (observed: {outcome})",
    "nothing": "nothing that the watch showed explains it (observed: {outcome})",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrator:
    """Writes evidence. `plane`: what is known of the data plane's period, in words."""

    pods: Sequence[Life]
    plane: str

    def sentences(self, facts: Facts, found: Causes, ports: Sequence[int | None]) -> list[str]:
        """One sentence a failure, in their order."""
        import numpy as np

        deletions = np.sort(np.array([pod.deletion for pod in self.pods if pod.deletion is not None], dtype=np.float64))
        before = np.searchsorted(deletions, facts.started, side="right")
        words = []
        for i, rule in enumerate(found.rule):
            position = int(found.pod[i])
            began = self.pods[position].deletion if position != NOBODY else None
            if began is None and before[i]:
                began = float(deletions[before[i] - 1])
            words.append(
                TEMPLATES[rule].format(
                    ago="just as" if began is None else f"{facts.started[i] - began:.2f} s",
                    pods=self.pods[position].name if position != NOBODY else "a pod (which one cannot be told)",
                    plane=self.plane,
                    port=ports[i],
                    status=facts.status[i],
                    outcome=facts.outcome[i],
                )
            )
        return words
