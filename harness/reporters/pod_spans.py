"""Turns one pod into rows of time: what it was, what the API said, what balancers found, what the data plane did."""

from collections.abc import Iterable

from harness.model.race import PodRace, Race

Span = tuple[str, float, float]
"""What it was, from when to when, in seconds on the run's clock."""


POD, API, BALANCER, DATA_PLANE = ROWS = ("pod", "API", "balancer", "data plane")
"""The rows of a pod, in their order; that of the balancers only where readiness gates tell of them."""


def pod_spans(pod: PodRace, race: Race) -> dict[str, tuple[Span, ...]]:
    """By row; a later span lies over those before it. What was not seen ends with the picture."""
    gone = race.end if pod.gone is None else pod.gone
    found = {POD: tuple(_is(pod, race, gone)), API: tuple(_says(pod, race, gone))}
    if pod.up is not None:
        found[BALANCER] = tuple(_finds(pod, pod.up, gone))
    return found | {DATA_PLANE: tuple(_does(pod, race))}


def _is(pod: PodRace, race: Race, gone: float) -> Iterable[Span]:
    created = race.start if pod.created is None else pod.created
    ended = gone if pod.ended is None else min(pod.ended, gone)
    told = ended if pod.told is None else min(pod.told, ended)
    closed = ended if pod.closed is None else min(max(pod.closed, told), ended)
    if pod.never_listened_on:  # Ready or not, it never served
        yield "starting", created, created if pod.ready is None else min(max(pod.ready, created), told)
        yield "never listening", created if pod.ready is None else min(max(pod.ready, created), told), ended
        return
    listening = pod.ready if pod.listening is None else pod.listening
    listening = told if listening is None else min(max(listening, created), told)
    serving = listening if pod.ready is None else min(max(pod.ready, listening), told)
    yield "starting", created, listening
    yield "listening", listening, serving
    yield "serving", serving, told
    yield "told to stop", told, closed
    yield "closing", closed, ended


def _says(pod: PodRace, race: Race, gone: float) -> Iterable[Span]:
    created = race.start if pod.created is None else pod.created
    leaving = gone if pod.leaving is None else min(pod.leaving, gone)
    ready = leaving if pod.ready is None else min(max(pod.ready, created), leaving)
    yield "not ready", created, ready
    yield "ready", ready, leaving
    yield "terminating", leaving, gone
    for since, until in pod.listed:
        yield "in the EndpointSlice", since, until


def _finds(pod: PodRace, up: float, gone: float) -> Iterable[Span]:
    """Until the pod leaves: nothing tells when a balancer lets go of it (kubernetes/kubernetes#89263)."""
    leaving = gone if pod.leaving is None else min(pod.leaving, gone)
    healthy = leaving if pod.healthy is None else min(max(pod.healthy, up), leaving)
    yield "not found healthy", up, healthy
    yield "found healthy", healthy, leaving


def _does(pod: PodRace, race: Race) -> Iterable[Span]:
    if pod.never_listened_on:  # what was refused was sent to it
        yield from [] if pod.refused is None else [("sends", pod.refused.earliest, pod.refused.latest)]
        return
    first, last = pod.sent_from, pod.sent_until
    since = pod.listed[0][0] if pod.listed and pod.created is None else None
    start = since if first is None else first.latest
    if start is None:
        return
    if first is not None:
        yield "may send", first.earliest, first.latest
    until = last.earliest if last is not None else (race.end if pod.leaving is None else pod.leaving)
    yield "sends", start, until
    if last is not None:
        yield "may send", last.earliest, last.latest
