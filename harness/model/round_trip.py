"""A request to a load worker and its answer -> how far its clock is from the run's, and within which bound.

RFC 5905, 8, has offset and round-trip delay of two clocks that are asked by turns; here one of them is asked, and its
answer holds one time. Linux slews its monotonic clock by 500 ppm at most (`MAXFREQ`, include/linux/timex.h), so that a
round trip is worth so much less for each second of its age.
"""

from __future__ import annotations

from dataclasses import dataclass

DRIFT = 500e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """A request that was answered: run clock as it was `sent` and `answered`, and the worker's time between the two."""

    sent: float
    answered: float
    said: float

    @property
    def offset_s(self) -> float:
        """What is to be added to the worker's times, as the middle of the round trip has it."""
        return (self.sent + self.answered) / 2 - self.said

    def bound_s(self, now: float) -> float:
        """How far off that is at `now`, at most."""
        return (self.answered - self.sent) / 2 + DRIFT * max(0.0, now - self.sent)
