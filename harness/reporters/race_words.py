"""Turns one rollout's pods and lost requests into sentences: how long its races took, why a request was lost."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from harness.model.moment_words import listing, not_yet_sent_to, still_sent_to, told_to_stop
from harness.model.quantity import things
from harness.model.race import LostRequest, PodRace, Race
from harness.reporters.escaping import visible
from harness.reporters.figures import count, interval, number_ms

Facts = tuple[tuple[str, str], ...]
"""What a panel shows, label by label."""


class Kind(StrEnum):
    """What a time of disagreement did to requests."""

    LATE = "late"  # nothing: the pod still served, or others did
    RACE = "race"  # what was sent to the pod was lost
    MAYBE = "maybe"  # what was sent to it would have been lost, and whether anything was cannot be told


class Gap(NamedTuple):
    """A time in which API, pod and data plane disagree, in words where it ends."""

    start: float
    end: float
    words: str
    kind: Kind


def gaps(pod: PodRace) -> tuple[Gap, ...]:
    """The races of one pod, each measured: as it came, and as it left."""
    return (*_coming(pod), *_leaving(pod))


def _coming(pod: PodRace) -> Iterable[Gap]:
    if pod.never_listened_on and pod.refused is not None:
        words = f"sent to, never listening on {visible(pod.never_listened_on)}"
        yield Gap(pod.refused.earliest, pod.refused.latest, words, Kind.RACE)
        return
    first = pod.sent_from
    if first is None or pod.ready is None:
        return
    if pod.listening is not None and first.latest < pod.listening:
        words = f"{pod.listening - first.latest:.2f} s: sent to, not listening yet"
        yield Gap(first.latest, pod.listening, words, Kind.RACE)
    elif first.latest > pod.ready:
        yield Gap(pod.ready, first.latest, f"{_long(pod.ready, first)}: ready, not sent to yet", Kind.LATE)


def _leaving(pod: PodRace) -> Iterable[Gap]:
    last = None if pod.never_listened_on else pod.sent_until
    if last is None or pod.leaving is None or last.latest <= pod.leaving:
        return
    words = f"{_long(pod.leaving, last)}: deleted, still sent to"
    closed = last.latest if pod.closed is None else max(pod.closed, pod.leaving)
    if last.latest <= closed:
        yield Gap(pod.leaving, last.latest, f"{words}, still listening", Kind.LATE)
        return
    if pod.leaving < closed:
        yield Gap(pod.leaving, closed, "", Kind.LATE)
    if closed < last.earliest:
        yield Gap(closed, last.earliest, "", Kind.RACE)
    yield Gap(max(closed, last.earliest), last.latest, words, Kind.MAYBE)


def _long(start: float, moment: object) -> str:
    earliest, latest = (max(0.0, getattr(moment, name) - start) for name in ("earliest", "latest"))
    return interval(earliest, latest)


def pod_table(race: Race) -> tuple[tuple[str, ...], ...]:
    """The picture of the pods as rows of a table, times in seconds after the update."""
    return tuple(_pod_row(pod, race.update) for pod in race.pods)


POD_HEADERS = (
    "pod",
    "created",
    "ready",
    "first sent to",
    "told to stop",
    "left the EndpointSlice",
    "listener closed, at the earliest",
    "last sent to",
    "gone",
    "races",
)


def _pod_row(pod: PodRace, update: float) -> tuple[str, ...]:
    def at(moment: float | None) -> str:
        return "-" if moment is None else f"{moment - update:+.2f} s"

    def between(moment: object) -> str:
        if moment is None:
            return "-"
        ends = dict.fromkeys(f"{getattr(moment, name) - update:+.2f}" for name in ("earliest", "latest"))
        return f"{' to '.join(ends)} s"

    races = "; ".join(gap.words for gap in gaps(pod) if gap.words)
    return (
        pod.name,
        at(pod.created),
        at(pod.ready),
        between(pod.sent_from),
        at(pod.told),
        at(pod.leaving),
        at(pod.closed),
        between(pod.sent_until),
        at(pod.gone),
        races or pod.untold or "none",
    )


def lost_title(lost: LostRequest) -> str:
    """What a request is called: "request 606 of stream new, worker 0"."""
    return f"request {count(lost.seq)} of stream {lost.stream}, worker {lost.worker}"


def lost_facts(lost: LostRequest, race: Race, rules: Mapping[str, str]) -> Facts:
    """All that is known of one lost request."""
    pods = {pod.name: pod for pod in race.pods}
    return tuple(
        (label, words)
        for label, words in (
            ("outcome", _outcome(lost)),
            ("cause", lost.cause),
            ("evidence", lost.evidence),
            (f"rule {lost.rule}", rules.get(lost.rule, "")),
            ("could have taken it", _candidates(lost, pods)),
            ("then", " ".join(_then(pods[name], lost) for name in lost.candidates[:3] if name in pods)),
            ("due", f"{lost.scheduled - race.update:+.3f} s after the update, {lost.scheduled:.3f} s into the run"),
            ("times", _times(lost)),
            ("connection", _connection(lost)),
            ("client port", str(lost.local_port) if lost.local_port is not None else "not recorded"),
            ("client node", lost.client_node),
            ("answered by", lost.via),
        )
        if words
    )


def _candidates(lost: LostRequest, pods: Mapping[str, PodRace]) -> str:
    def named(name: str) -> str:
        node = pods[name].node if name in pods else ""
        return f"{name} on {node}" if node else name

    words = ", ".join(map(named, lost.candidates))
    if not words:
        return "no pod that is known of"
    return f"only {words}" if len(lost.candidates) == 1 else f"one of {words}"


def _then(pod: PodRace, lost: LostRequest) -> str:
    """What the three said of the pod when the request was sent."""
    t = lost.started
    told = told_to_stop(pod.told, t) if pod.told is not None and pod.told <= t else "not told to stop"
    return f"{pod.name}: {told}; {listing(pod.listed, t)}; the data plane {_sent(pod, t)}."


def _sent(pod: PodRace, t: float) -> str:
    last, first = pod.sent_until, pod.sent_from
    if last is not None and (pod.leaving is None or pod.leaving <= t):
        return still_sent_to(last.earliest, last.latest, t)
    if first is not None:
        return not_yet_sent_to(first.earliest, first.latest, t)
    return "is not known to have sent it a connection by then" if last is None else "sent new connections to it"


def _outcome(lost: LostRequest) -> str:
    if lost.tls_trouble:
        return f"{lost.outcome}: {lost.tls_trouble}"
    return f"{lost.outcome} {lost.status}" if lost.status else lost.outcome


def _times(lost: LostRequest) -> str:
    """Phase by phase, as far as it came: "started 1.20 ms late; connected in 0.40 ms; then lost after 3.10 ms"."""
    parts = [f"sent {number_ms(1000 * (lost.started - lost.scheduled))} ms after it was due"]
    last = lost.started
    for moment, words in (
        (lost.connected, "connected in {} ms"),
        (_secured(lost), "TLS in {} ms"),
        (lost.first_byte, "the answer began {} ms after that"),
    ):
        if moment is not None and moment >= last and not (lost.reused and words.startswith("connected")):
            parts.append(words.format(number_ms(1000 * (moment - last))))
            last = moment
    parts.append(f"lost {number_ms(1000 * (lost.ended - last))} ms later")
    return "; ".join(parts)


def _secured(lost: LostRequest) -> float | None:
    """When TLS was up, and the request went out."""
    return None if lost.connected is None or lost.handshake is None else lost.connected + lost.handshake


def _connection(lost: LostRequest) -> str:
    if not lost.reused:
        return "new, for this request"
    if lost.earlier is None:
        return "kept alive; what it carried before is not known"
    before = lost.earlier
    by = f", by {before.pod}" if before.pod else ""
    return (
        f"kept alive, opened {lost.started - before.opened:.2f} s before: {things(before.requests, 'request')} on it, "
        f"the last answered {lost.started - before.last:.2f} s before{by}"
    )
