"""How quickly an application's pods come and go -> how long what is done to it takes, predicted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds. `rollout_s`: of a rolling update, until it is settled.

    `start_s`: from a pod's creation until it is available; `stop_s`: from its deletion to its end. `ordered`: pods are
    created and deleted one after the other; `in_place`: a pod is created only when the one of its name has ended.
    """

    rollout_s: float
    start_s: float
    stop_s: float
    ordered: bool = False
    in_place: bool = False

    def replaced_s(self, *, stop_s: float | None = None) -> float:
        """Until pods that are taken at once are back elsewhere, and gone; `stop_s`: in place of their own."""
        stop_s = self.stop_s if stop_s is None else stop_s
        return stop_s + self.start_s if self.in_place else max(stop_s, self.start_s)

    def scaled_s(self, before: int, after: int) -> float:
        """Until there is another number of pods, and no other."""
        each_s, pods = (self.start_s, after - before) if after > before else (self.stop_s, before - after)
        return each_s * (pods if self.ordered else min(pods, 1))
