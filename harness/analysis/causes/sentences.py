"""A failure and the rule that named its cause -> one sentence that says what is observed and what is inferred."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.analysis.causes.time_windows import NOBODY, Spans
from harness.analysis.observed.pods import WATCH_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.analysis.causes.rules import Causes, Facts
    from harness.analysis.observed.pods import Life

TEMPLATES = {
    "listener-closed": "refused, sent {ago} began to terminate (observed); its listener had closed, and the proxy "
    "had not synced yet (inferred; {plane})",
    "network-gone": "no answer, sent {ago} began to terminate (observed); its network was gone, and the proxy had not "
    "synced yet (inferred; {plane})",
    "accept-queue": "connected and reset at once, {ago} began to terminate (observed): it had waited in the accept "
    "queue as the listener closed (inferred)",
    "unread": "connected and reset without a byte, {ago} began to terminate (observed): from the accept queue as the "
    "listener closed, or taken and cut: which cannot be told",
    "cut": "accepted, and cut before the answer was complete, {ago} began to terminate (observed): the pod stopped "
    "(inferred)",
    "ended-meanwhile": "accepted and never answered, and {pods} ended meanwhile (observed)",
    "not-listening-yet": "refused (observed) while {pods} was listed as ready and not listening yet (inferred)",
    "rejected": "refused (observed) when no pod was listed and none was left that could refuse: the data plane "
    "rejected it (inferred)",
    "silent": "no answer (observed) while the data plane had no endpoint: its rejection stayed silent, or it was being "
    "reprogrammed (inferred)",
    "idle-close": "sent on a kept connection and lost at once (observed): the server was closing it as idle (inferred)",
    "idle-kill": "sent on a kept connection and lost at once (observed), as {pods} was killed at the end of its grace "
    "period (observed): no program had taken the request (inferred)",
    "stale": "no answer, as at the previous use of source port {port} less than 120 s before (observed): the client "
    "host's conntrack entry led to a pod that is gone (inferred)",
    "stalled": "the worker stood still while the request was under way (observed)",
    "crashed": "failed while a container of {pods} was down though nobody had asked for it (observed)",
    "overrun": "no answer (observed) while live pods took seconds over what they had accepted (observed): their queues "
    "were full (inferred)",
    "lost": "no answer (observed), alone among good connections, while every pod that may have been sent to was "
    "answering (observed): a full queue dropped it, or it was lost on its way (inferred)",
    "lone": "no answer (observed), alone among good connections (observed): it may have gone to a pod that was gone, "
    "or was lost on its way: which cannot be told",
    "cut-alive": "accepted and cut (observed) while no pod was stopping (observed)",
    "slow": "accepted and not answered in time (observed) by a live pod (inferred)",
    "status": "answered with status {status} (observed) by {pods}",
    "path-status": "answered with status {status} by what stands before the pods (observed): it still listed one that "
    "was ending, or did not know a new one yet (inferred)",
    "garbled": "the answer was no answer of the protocol (observed)",
    "either": "{outcome} (observed) by a pod that stopped, or by one that was not listening or not known yet: which "
    "cannot be told",
    "several": "more than one cause was possible then: which one cannot be told (observed: {outcome})",
    "nothing": "nothing that the watch showed explains it (observed: {outcome})",
}

_AT_THE_END = ("accept-queue", "cut", "unread", "idle-close")
"""The rules about pods that were stopping as the request ended; the others are about when it was sent."""

MOST_NAMED = 3
"""How many candidates a sentence lists; of more it gives the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrator:
    """Writes evidence. `plane`: what is known of the data plane's period, in words."""

    pods: Sequence[Life]
    plane: str

    def sentences(self, facts: Facts, found: Causes, ports: Sequence[int | None]) -> list[str]:
        """One sentence a failure, in their order."""
        possible = facts.possible
        ways = {
            "listener-closed": _Crowd(possible.refusing, possible.loose_refusing),
            "network-gone": _Crowd(possible.vanished, possible.loose_vanished),
            "accept-queue": _Crowd(possible.stopping, possible.loose_stopping),
            "cut": _Crowd(possible.stopping, possible.loose_stopping),
            "unread": _Crowd(possible.stopping, possible.loose_stopping),
            "not-listening-yet": _Crowd(possible.starting),
            "crashed": _Crowd(possible.crashed),
        }
        words = []
        for i, rule in enumerate(found.rule):
            t = float((facts.ended if rule in _AT_THE_END else facts.started)[i])
            crowd = ways[rule].at(t) if rule in ways else ()
            who = (int(found.pod[i]),) if found.pod[i] != NOBODY else crowd
            unread = rule == "idle-close" and facts.outcome[i] == "reset-before-response"
            words.append(
                TEMPLATES["idle-kill" if unread and self._killed(t, who) else rule].format(
                    ago=self._ago(t, who),
                    pods=self._names(who),
                    plane=self.plane,
                    port=ports[i],
                    status=facts.status[i],
                    outcome=facts.outcome[i],
                )
            )
        return words

    def _killed(self, t: float, who: tuple[int, ...]) -> bool:
        """Whether what ended at `t` ended with a pod that had to be killed; before that, its server still closed."""
        exits = [self.pods[at].exit for at in who if self.pods[at].killed]
        return len(who) == 1 and any(exit_ is not None and t >= exit_ - WATCH_S for exit_ in exits)

    def _names(self, who: tuple[int, ...]) -> str:
        if not who:
            return "a pod"
        if len(who) > MOST_NAMED:
            return f"one of {len(who)} pods"
        return ("one of " if len(who) > 1 else "") + ", ".join(self.pods[at].name for at in who)

    def _ago(self, t: float, who: tuple[int, ...]) -> str:
        """How long after the (first) pod began to terminate, as in "0.41 s after the first of web-a, web-b"."""
        begun = [deletion for at in who if (deletion := self.pods[at].deletion) is not None]
        names = self._names(who).replace("one of", "the first of", 1) if len(who) > 1 else self._names(who)
        if not begun:
            return f"as {names}"
        if t < min(begun):
            return f"{min(begun) - t:.2f} s before the watch showed that {names}"
        return f"{t - min(begun):.2f} s after {names}"


class _Crowd:
    """Which pods a possibility holds for, at a moment; the second spans where the first hold for none."""

    def __init__(self, *layers: Spans) -> None:
        self._layers = layers
        self._edges = sorted({edge for spans in layers for start, end, _ in spans for edge in (start, end)})
        self._known: dict[tuple[int, bool], tuple[int, ...]] = {}

    def at(self, t: float) -> tuple[int, ...]:
        """The positions of the pods, without asking twice between two edges."""
        place = bisect_left(self._edges, t)
        key = (place, place < len(self._edges) and self._edges[place] == t)
        if key not in self._known:
            crowds = (tuple(sorted({at for a, b, at in spans if a <= t <= b})) for spans in self._layers)
            self._known[key] = next((crowd for crowd in crowds if crowd), ())
        return self._known[key]
