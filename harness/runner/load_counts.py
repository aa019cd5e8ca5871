"""Rows of requests.csv -> counts of what is happening now: requests, failures by kind and second, since when."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from harness.model.request import COLUMNS, Outcome

_TIMES = slice(COLUMNS.index("scheduled"), COLUMNS.index("ended") + 1)
_ENDED = COLUMNS.index("ended")
_OUTCOME, _STATUS, _TROUBLE = (COLUMNS.index(name) for name in ("outcome", "status", "tls_trouble"))
_UNCOUNTED = frozenset({Outcome.OK.value, Outcome.UNSENT.value})


@dataclass(slots=True, kw_only=True)
class LoadCounts:
    """What the requests of all workers came to so far.

    `last_lost`: run clock of the newest failure on the level of connections. Answers with a wrong status do not count
    there: an application may give them all day.
    """

    requests: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)  # HTTP's, of the answers that failed by it
    troubles: Counter[str] = field(default_factory=Counter)  # what broke TLS, in OpenSSL's words
    first: float | None = None  # run clock of the first request's end
    last_lost: float | None = None
    lost: dict[int, float] = field(default_factory=dict)  # second of the run clock -> its last such failure
    background: float = 0.0  # the share of seconds with such a failure while nothing was done to the application
    seconds: dict[int, tuple[int, int]] = field(default_factory=dict)  # of the requests' ends -> how many; failed

    @property
    def failed(self) -> int:
        """Requests that failed so far."""
        return sum(count for outcome, count in self.outcomes.items() if outcome not in _UNCOUNTED)

    def count(self, cells: list[bytes], now: float, shift_s: float) -> None:
        """Take in the row, heard of `now`; `shift_s` puts its times on the run's clock."""
        if self.first is None:
            self.first = now
        outcome = cells[_OUTCOME].decode()
        self.requests += 1
        self.outcomes[outcome] += 1
        self._count_second(cells[_ENDED], outcome, shift_s)
        if outcome == Outcome.STATUS.value:
            self.statuses[cells[_STATUS].decode()] += 1
        elif outcome not in _UNCOUNTED:
            self.last_lost = now
            if outcome == Outcome.TLS_ERROR.value:
                self.troubles[cells[_TROUBLE].decode()] += 1
            self.lost[int(self.last_lost)] = self.last_lost

    def _count_second(self, ended: bytes, outcome: str, shift_s: float) -> None:
        """By when it ended, not by when that was heard: lines may come late, and many at once."""
        if outcome != Outcome.UNSENT.value and ended:
            second = int(float(ended) + shift_s)
            requests, failed = self.seconds.get(second, (0, 0))
            self.seconds[second] = requests + 1, failed + (outcome not in _UNCOUNTED)

    def measure_background(self, start: float, end: float) -> None:
        """Take what was lost in [start, end) for what this network and application lose at any time."""
        bad = sum(start <= moment < end for moment in self.lost.values())
        self.background = min(1.0, bad / max(1.0, end - start))


def shifted(cells: list[bytes], shift_s: float) -> bytes:
    """A row of requests.csv with all of its times later by that much."""
    times = [b"%.6f" % (float(cell) + shift_s) if cell else cell for cell in cells[_TIMES]]
    return b",".join([*cells[: _TIMES.start], *times, *cells[_TIMES.stop :]])
