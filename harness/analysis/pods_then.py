"""The pods around one moment -> what each was, what the API said of it, and what the data plane did, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.observed.observed import Observed
from harness.analysis.observed.pods import Life
from harness.model.explanation import PodThen
from harness.model.lags import Interval, Lag, Propagation
from harness.model.moment_words import listing, not_yet_sent_to, still_sent_to, told_to_stop

MOST_PODS = 4
"""How many pods are told of at one moment: those that may have taken the request first."""

NEAR_S = 2.0
"""A pod whose start or end is not farther than this from the moment is told of, where no pod is suspected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What was observed, and by pod (name and since when) how long its removal and its addition took."""

    seen: Observed
    removal: Mapping[str, Lag]
    addition: Mapping[str, Lag]

    def pods(self, t: float, suspects: Sequence[int]) -> tuple[PodThen, ...]:
        """The pods that matter at a moment: the suspects, else those that just came or went."""
        pods = self.seen.pods
        chosen = list(suspects) or [at for at, pod in enumerate(pods) if _is_changing(pod, t)]
        return tuple(self._then(pods[at], t, at in suspects) for at in chosen[:MOST_PODS])

    def could_serve(self, t: float, suspects: Sequence[int]) -> tuple[str, ...]:
        """The others that were Ready, listed and not told to stop: any of them could have answered."""
        others = (pod for at, pod in enumerate(self.seen.pods) if at not in suspects)
        return tuple(pod.name for pod in others if _in_service(pod, t) and self._is_listed(pod, t))

    def _then(self, pod: Life, t: float, suspect: bool) -> PodThen:
        return PodThen(
            name=pod.name,
            revision=pod.revision,
            suspect=suspect,
            pod=_was(pod, t),
            api=self._api(pod, t),
            data_plane=self._data_plane(pod, t),
        )

    def _is_listed(self, pod: Life, t: float) -> bool:
        return _within(self.seen.endpoints.listed.get(pod.uid, ()), t)

    def _api(self, pod: Life, t: float) -> str:
        return ", ".join((*_told_of(pod, t), listing(self.seen.endpoints.listed.get(pod.uid, ()), t)))

    def _data_plane(self, pod: Life, t: float) -> str:
        going, coming = self.removal.get(pod.uid), self.addition.get(pod.uid)
        if going is not None and going.since <= t:
            return _of_lag(going, t, still_sent_to)
        if coming is not None:
            return _of_lag(coming, t, not_yet_sent_to)
        first = self.seen.answers.first_new.get(pod.uid)
        if first is not None and first <= t:
            return "sent new connections to it"
        return "is not known to have sent it a connection by then"


def scene(seen: Observed, lags: Propagation) -> Scene:
    """All that the three views are made of."""
    return Scene(seen=seen, removal=_by_uid(seen, lags.removal.pods), addition=_by_uid(seen, lags.addition.pods))


def _by_uid(seen: Observed, lags: Sequence[Lag]) -> dict[str, Lag]:
    """A lag names its pod by name alone: of several of one name it is the one that lived then."""
    found = {}
    for lag in lags:
        bearers = [pod for pod in seen.pods if pod.name == lag.pod and pod.first_seen <= lag.since]
        if bearers:
            found[max(bearers, key=lambda pod: pod.first_seen).uid] = lag
    return found


def _is_changing(pod: Life, t: float) -> bool:
    moments = [moment for moment in (pod.created, pod.ready, pod.deletion, pod.ended, pod.gone) if moment is not None]
    if pod.created is None:
        moments = [moment for moment in moments if moment != pod.ready]  # it was there, and Ready, from the beginning
    return bool(moments) and min(moments) - NEAR_S <= t <= max(moments) + NEAR_S


def _in_service(pod: Life, t: float) -> bool:
    if pod.ready is None or pod.ready > t or (pod.end is not None and pod.end <= t):
        return False
    return not _within((*pod.unready, *pod.crashes), t)


def _was(pod: Life, t: float) -> str:
    """What the pod was, from the last stage of its life that had begun."""
    return next(_stages(pod, t))


def _stages(pod: Life, t: float) -> Iterator[str]:
    yield from _ends(pod, t)
    if _within(pod.crashes, t):
        yield "its container was down, and nobody had asked for that"
    yield from _starts(pod, t)
    if _within(pod.unready, t):
        yield "running, and not Ready"
    since_s = t - (pod.ready or 0.0)
    yield "running, since before the run began" if pod.created is None else f"running, Ready for {since_s:.2f} s"


def _ends(pod: Life, t: float) -> Iterator[str]:
    if pod.gone is not None and pod.gone <= t:
        yield f"gone for {t - pod.gone:.2f} s"
    if pod.ended is not None and pod.ended <= t:
        yield f"its containers had ended, as the API showed {t - pod.ended:.2f} s before"
    if pod.deletion is not None and pod.deletion <= t:
        yield f"{_told(pod.deletion, pod.promise.prestop_s, t)}{_stopping(pod, t)}"


def _starts(pod: Life, t: float) -> Iterator[str]:
    if pod.created is not None and pod.created > t:
        yield f"not there yet: created {pod.created - t:.2f} s later"
    if pod.ready is None:
        yield "starting: never seen Ready"
    elif pod.ready > t:
        yield f"starting: Ready {pod.ready - t:.2f} s later"


def _within(spans: Iterable[tuple[float, float]], t: float) -> bool:
    return any(since <= t < until for since, until in spans)


def _told(deletion: float, hold_s: float, t: float) -> str:
    """The stop signal comes after the hook: what a pod did with a request goes by that, not by the deletion."""
    if not hold_s:
        return told_to_stop(deletion, t)
    held_until = t - deletion - hold_s
    held = f", and held by its preStop hook until {held_until:.2f} s before" if held_until >= 0 else ""
    return f"deleted {t - deletion:.2f} s before{held}"


def _stopping(pod: Life, t: float) -> str:
    """How far it had come, as far as that is known."""
    deletion, hold_s = pod.deletion or 0.0, pod.promise.prestop_s
    if t < deletion + hold_s:
        return f"; its preStop hook held it for {deletion + hold_s - t:.2f} s more"
    if pod.exit is not None and pod.exit > t:
        return f"; its containers ended {pod.exit - t:.2f} s later at the earliest"
    return f"; its containers had ended, or did within {pod.ended - t:.2f} s" if pod.ended is not None else ""


def _told_of(pod: Life, t: float) -> Iterator[str]:
    shown = pod.deletion_shown if pod.deletion_shown is not None else pod.deletion
    if pod.gone is not None and pod.gone <= t:
        yield "deleted"
    elif shown is not None and shown <= t:
        yield f"terminating for {t - shown:.2f} s"
    elif _within(pod.unready, t):
        yield "not Ready"
    elif pod.ready is not None and pod.ready <= t:
        yield "Ready"
    else:
        yield "not Ready yet"


def _of_lag(lag: Lag, t: float, words: Callable[[float, float, float], str]) -> str:
    """What a lag says of that moment, or why it is not known."""
    if lag.lag is None:
        return lag.note
    return f"{words(lag.since + lag.lag.earliest_s, lag.since + lag.lag.latest_s, t)} ({_took(lag.lag)})"


def _took(lag: Interval) -> str:
    """How long the change took to reach the client."""
    least, most = lag.earliest_s, lag.latest_s
    return f"lag {most:.2f} s" if most - least < 0.005 else f"lag {least:.2f} to {most:.2f} s"
