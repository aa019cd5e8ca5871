"""Moments at which a load worker told its time -> what is added to its times, and how far off they can still be.

Two kinds of moments. A line of its output tells when it was written and arrives later, nobody knows how much. An answer
to a request of ours was written between the request and its arrival, so that half of the round trip bounds the error.

Clocks drift apart. What is added to a worker's times follows at no more than `SLEW_S` a second, so that its requests
stay as evenly spaced in the record as they were sent; what it is behind counts as not known.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from harness.model.round_trip import RoundTrip
from harness.model.run import WorkerClock

FASTEST_S = 0.05
"""How long the fastest line of a worker in a Pod takes to arrive, at most: written, read by the kubelet, streamed."""

SLEW_S = 0.001

SPAN_S = 30.0
_REMEMBERED = 64


@dataclass(slots=True)
class ClockEstimate:
    """How one worker's clock stands. `shift_s`: what is added to its times."""

    shift_s: float = 0.0
    _delays_s: dict[int, float] = field(default_factory=dict)  # the shortest time from a line to its arrival, by span
    _round_trips: deque[RoundTrip] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _worst_s: float = 0.0  # of what round trips said since the first request
    _adjusted: float | None = None

    @property
    def round_trips(self) -> int:
        """How many there have been, as far as they are remembered."""
        return len(self._round_trips)

    def take(self, trip: RoundTrip, *, sending: bool) -> None:
        """Take in a round trip; `sending`: requests have begun, whose times must not jump."""
        self._round_trips.append(trip)
        best = self._best(trip.answered)
        if sending:
            since_s = trip.answered - (trip.answered if self._adjusted is None else self._adjusted)
            step_s = SLEW_S * min(1.0, max(0.0, since_s))
            self.shift_s += min(max(best.offset_s - self.shift_s, -step_s), step_s)
            self._worst_s = max(self._worst_s, self._off_s(trip.answered))
        else:
            self.shift_s = best.offset_s
        self._adjusted = trip.answered

    def line(self, now: float, said: float, *, sending: bool) -> float:
        """Take in the time of a line that arrived at `now`; gives it on the run's clock."""
        if not sending and not self._round_trips:
            # Of the lines before the first request the one that arrived soonest tells the worker's clock.
            self.shift_s = min(self.shift_s, now - said) if self._delays_s else now - said
        if sending and self._round_trips:
            self._worst_s = max(self._worst_s, self._off_s(now))
        moment = said + self.shift_s
        span = int(now // SPAN_S)
        self._delays_s[span] = min(self._delays_s.get(span, math.inf), now - moment)
        return moment

    def known(self, worker: int) -> WorkerClock:
        """What was added to the worker's times, and how far off they can be.

        By round trips where there were any. Else by lines: one cannot arrive before it was written, and of all those of
        half a minute the fastest is taken to need no longer than `FASTEST_S`. So where the fastest of some other half
        minute needed more or less than that of the first, the two clocks have drifted apart by as much.
        """
        if self._round_trips:
            uncertainty_s = max(self._worst_s, self._off_s(self._round_trips[-1].answered))
        else:
            uncertainty_s = max((abs(delay_s) for delay_s in self._delays_s.values()), default=0.0) + FASTEST_S
        return WorkerClock(worker=worker, offset_s=self.shift_s, uncertainty_s=uncertainty_s)

    def _best(self, now: float) -> RoundTrip:
        return min(self._round_trips, key=lambda trip: trip.bound_s(now))

    def _off_s(self, now: float) -> float:
        """How far the times that are written now are off, at most."""
        best = self._best(now)
        return abs(best.offset_s - self.shift_s) + best.bound_s(now)
