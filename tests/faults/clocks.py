"""How far a clock is off -> a `sitecustomize` that makes a Python process live by it.

Python reads that module before anything else, so that whatever asks for the time of day gets the shifted one, as on a
machine whose clock is off; the monotonic clock goes on as it does there.
"""

from __future__ import annotations

_SHIFTED = """\
import datetime, sys, time

def shift(off_s, after_s, module):
    real, real_ns, of, began = time.time, time.time_ns, time.clock_gettime, time.monotonic()
    def off():
        return off_s if module in sys.orig_argv and time.monotonic() - began >= after_s else 0.0
    time.time = lambda: real() + off()
    time.time_ns = lambda: real_ns() + int(off() * 1e9)
    time.clock_gettime = lambda clock: of(clock) + (off() if clock == time.CLOCK_REALTIME else 0.0)
    class Shifted(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(time.time(), tz)
    datetime.datetime = Shifted
"""


def worker_clock(off_s: float, after_s: float) -> str:
    """For a load worker; `after_s`: the clock steps so many seconds after the process began."""
    return f"{_SHIFTED}\nshift({off_s!r}, {after_s!r}, 'harness.load')\n"


def node_clock(off_s: float) -> str:
    """For a node's processes alone: those of the control plane find it too, and keep their time.

    Which of them it is shows later than it is read: all are forked from the supervisor.
    """
    return f"{_SHIFTED}\nshift({off_s!r}, 0.0, 'harness.sandbox.node')\n"
