"""Turns one pod into three rows of time: what it was, what the API said of it, what the data plane did."""

from collections.abc import Iterable

from harness.model.race import PodRace, Race

Span = tuple[str, float, float]
"""What it was, from when to when, in seconds on the run's clock."""


def pod_spans(pod: PodRace, race: Race) -> tuple[tuple[Span, ...], ...]:
    """The three rows; a later span lies over those before it. What was not seen ends with the picture."""
    gone = race.end if pod.gone is None else pod.gone
    return tuple(_is(pod, race, gone)), tuple(_says(pod, race, gone)), tuple(_does(pod, race))


def _is(pod: PodRace, race: Race, gone: float) -> Iterable[Span]:
    created = race.start if pod.created is None else pod.created
    ended = gone if pod.ended is None else min(pod.ended, gone)
    told = ended if pod.told is None else min(pod.told, ended)
    closed = ended if pod.closed is None else min(max(pod.closed, told), ended)
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


def _does(pod: PodRace, race: Race) -> Iterable[Span]:
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
