"""A failed request, and what the proxy on its way met behind it -> its true cause and the detail of it.

The proxy's own connection is explained as a client's is (`causes`); what is different is what it then tells its client.
Details beyond those of `causes`: `no-target`, `unregistered`, `draining-over`, `backend-keepalive-close`,
`keepalive-close-at-stop`, `not-logged`, `no-route`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness.sandbox.instruments.truth.causes import Attempt, Cause, cause
from harness.sandbox.instruments.truth.proxied import End
from harness.sandbox.instruments.truth.world import Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.sandbox.instruments.truth.proxied import Passed
    from harness.sandbox.instruments.truth.world import Pod, World

_OUTCOMES = {
    End.ANSWERED: "status",
    End.REFUSED: "connect-refused",
    End.UNCONNECTED: "connect-timeout",
    End.CLOSED: "eof-before-response",
    End.CUT: "eof-mid-response",
    End.LATE: "read-timeout",
}
_WATCH_S = 0.3
# HAProxy writes whole milliseconds, and not whether a kept connection was reset or ended: a request that was out for
# longer had reached the program, for none gets the processor that late.
_READ_S = 0.1
# The client's word of its time-out and the proxy's of its having been left: two programs, and whole milliseconds.
_SAME_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What was behind the proxy: by its own address, the world as its connections met it. `by_node`: its targets are
    nodes, so that their tables tell to which pod a connection went. `removal_s`: how long it may still send to what has
    left."""

    worlds: Mapping[str, World]
    by_node: bool
    removal_s: float

    def world(self, passed: Passed | None) -> World:
        """The one that a connection of the proxy met."""
        known = None if passed is None or passed.source is None else self.worlds.get(passed.source[0])
        return known or next(iter(self.worlds.values()))

    def entry(self, passed: Passed) -> Entry | None:
        """Where the proxy's connection really ended; None where nothing took it."""
        if passed.target is None:
            return None
        if not self.by_node:
            client = passed.source or ("", 0)
            return Entry(client=client, answering=passed.target, began=passed.began)
        if passed.source is None:
            return None
        world = self.world(passed)
        return world.entry(passed.source[1], passed.began, passed.ended, reused=passed.reused)

    def pod(self, passed: Passed | None) -> Pod | None:
        """The pod to which a request went."""
        entry = None if passed is None else self.entry(passed)
        if passed is None or entry is None:
            return None
        return self.world(passed).pod_at(entry.answering[0], max(entry.began, passed.began))

    def cause(self, passed: Passed | None, given_up: float | None = None) -> Cause:
        """Why a failed request failed; `given_up`: when its client had waited for long enough, where it had."""
        if passed is None:
            return "unknown", "not-logged"
        if given_up is not None and passed.ended >= given_up - _SAME_S:
            end = End.UNCONNECTED if passed.end in (End.UNCONNECTED, End.REFUSED) else End.LATE
            passed = replace(passed, ended=given_up, end=end)
        world = self.world(passed)
        if passed.end is End.NO_TARGET:
            always = world.always_ready(passed.began - self.removal_s, passed.began)
            return ("creation-race", "unregistered") if always else ("no-endpoints", "no-target")
        if passed.end is End.TURNED_AWAY:
            return "application", "no-route"
        if passed.end is End.DRAINED:
            return "in-flight-kill", "draining-over"
        own = Attempt(
            started=passed.began,
            connected=passed.began,
            ended=passed.ended,
            port=passed.source[1] if passed.source else 0,
            reused=passed.reused,
            outcome=_outcome(passed),
        )
        pod = self.pod(passed)
        told = cause(own, self.entry(passed), pod, world)
        if passed.end is not End.CLOSED or not passed.reused or pod is None:
            return told
        # While its preStop hook runs, a pod that is being deleted serves, and closes what is idle as ever.
        stopping = pod.deletion is not None and _closed(pod, self.entry(passed), passed.ended + _WATCH_S)
        read = passed.ended - passed.began > _READ_S and told[0] != "idle-close"
        idle = not read and told[0] != "application"
        if stopping and (idle or _closed(pod, self.entry(passed), passed.began)):
            return "termination-race", "keepalive-close-at-stop"
        return ("backend-close", "keepalive-close-race") if idle else told


def _closed(pod: Pod, entry: Entry | None, t: float) -> bool:
    """Whether its listener had closed before `t`: what came on a connection that it still had came too late."""
    spans = pod.listening.get(entry.answering[1], ()) if entry else ()
    return any(span.end is not None and span.end <= t for span in spans)


def _outcome(passed: Passed) -> str:
    """What a client would have seen in the proxy's place. It does not write whether a connection was reset or ended: a
    new one that was not accepted is always reset."""
    if passed.end is End.CLOSED and not passed.reused:
        return "reset-before-response"
    return _OUTCOMES[passed.end]
