"""Good answers and the pods that they come from -> a doubt where pods that stop or start answered unlike the others.

Status 200 is no proof of an answer: a server says "shutting down" or "starting up" with it, what stands before the pods
says "sorry", and an answer that ends with its connection (HTTP/1.0, or without a length) looks whole when its server is
killed. No client sees a failure in that, but sizes tell that pods in service answer otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import polars as pl

from harness.analysis.causes.intervals import cover
from harness.analysis.causes.row import Way
from harness.analysis.causes.time_windows import TimeWindows
from harness.analysis.observed.observed import Observed
from harness.analysis.observed.told import told_by_name
from harness.analysis.statistics import excess
from harness.analysis.verdict.growing_bodies import growing
from harness.model.quantity import things

CHANCE = 0.001
"""How improbable it must be that pods in service would have answered with so many sizes that nobody had seen."""

STARTING_S = 2.0
"""A pod's first answers, held against its later ones: less than a quiet time, which leaves enough of those."""

DIGITS = 2
"""By how many bytes a body may be longer or shorter for a number in it alone."""

SETTLED_S = 1.0
"""At the end of a rollout's window, long after pods moved: what is given then is how it is answered now."""

_AT_ENDS = (Way.LOOSE_STOPPING, Way.LOOSE_REFUSING, Way.LOOSE_VANISHED)


def other_answers(seen: Observed, windows: TimeWindows) -> Iterator[str]:
    """Sentences on answers with a good status whose sizes pods in service never gave."""
    sent = seen.run.info.requests
    if (sent and all(one.contains for one in sent)) or not seen.windows.updates:
        return  # the body of every answer was looked at
    good = _good(seen)
    if good.n_unique(["status", "bytes"]) <= 1:
        return  # no answer is another than others
    good = _by_pod(seen, good) if seen.answers.named else _by_time(windows, good)
    yield from _odd(good, "stopping", "of pods as they stopped")
    grown = pl.col("stream").cast(pl.String).is_in(growing(good))
    yield from _odd(good.filter(~grown), "starting", "of pods just after they were Ready")
    yield from _odd(good, "nameless", "that named no pod, as the others do,")


def _good(seen: Observed) -> pl.DataFrame:
    """Good answers: `stream`, `status`, `bytes`, `pod` (a name; empty without one); `started`, `ended` in seconds."""
    columns = ("stream", "status", "bytes", "pod", "started", "ended")
    good = seen.requests.frame.lazy().filter(pl.col("outcome") == "ok").select(columns)
    return good.drop_nulls(["bytes", "ended"]).collect()


def _by_time(windows: TimeWindows, good: pl.DataFrame) -> pl.DataFrame:
    """With `stopping`: whether some pod that had been told to stop may have given it, or what stands before such a pod;
    and `starting` and `nameless`, which it never is, as new versions may answer otherwise."""
    stopping = cover(windows[Way.LOOSE_STOPPING], good["ended"].to_numpy()).count > 0
    stopping |= sum(cover(windows[way], good["started"].to_numpy()).count for way in _AT_ENDS) > 0
    no = pl.lit(value=False)
    return good.with_columns(stopping=pl.Series(stopping), starting=no, nameless=no)


def _by_pod(seen: Observed, good: pl.DataFrame) -> pl.DataFrame:
    """With `stopping`: whether it came from a pod that had been told to stop; `starting`: from one that had begun to
    answer just before, and went on for as long after that; and `nameless`: from nobody that says so, in a rollout."""
    names = Counter(pod.name for pod in seen.pods)
    pods = [pod for pod in seen.pods if names[pod.name] == 1]
    told = told_by_name(pods)
    known = pl.DataFrame(
        {
            "pod": [pod.name for pod in pods],
            "told": [told.get(pod.name) for pod in pods],
            "came": [pod.created is not None for pod in pods],
        },
        schema={"pod": pl.String, "told": pl.Float64, "came": pl.Boolean},
    ).with_columns(pl.col("pod").cast(pl.Categorical))
    first, last = pl.col("ended").min().over("pod"), pl.col("ended").max().over("pod")
    starts = pl.col("came") & (last >= first + 2 * STARTING_S) & (pl.col("ended") < first + STARTING_S)
    return (
        good.join(known, on="pod", how="left")
        .with_columns(stopping=(pl.col("ended") >= pl.col("told")).fill_null(value=False))
        .with_columns(starting=starts.fill_null(value=False) & ~pl.col("stopping"), nameless=_nameless(seen))
    )


def _nameless(seen: Observed) -> pl.Expr:
    """Whether an answer of a rollout names no pod, but for its last moments: a new version may not give its name."""
    rolling = pl.lit(value=False)
    for span in seen.windows.rollouts:
        rolling |= pl.col("ended").is_between(span.update, min(span.end, seen.windows.end) - SETTLED_S)
    return (pl.col("pod").cast(pl.String) == "") & rolling


def _odd(good: pl.DataFrame, state: str, whose: str) -> Iterator[str]:
    """A sentence where more answers than chance explains, of pods in that state, are such as none in service gives.

    How often an answer has a size that was never seen is told by those that were seen once (Good, 1953,
    doi:10.1093/biomet/40.3-4.237): bodies of many lengths, such as those that carry a time, are no doubt.
    """
    in_service = ~pl.col("stopping") & ~pl.col("starting") & ~pl.col("nameless")
    kinds = (
        good.group_by("stream", "status", "bytes")
        .agg(mine=pl.col(state).sum(), usual=in_service.sum())
        .with_columns(pl.col("stream").cast(pl.String))
        .sort("stream", "status", "bytes")
    )
    odd = kinds.filter(pl.col("usual") == 0, pl.col("mine") > 0)
    unseen, once = int(odd["mine"].sum()), int((kinds["usual"] == 1).sum())
    if excess(unseen, int(kinds["mine"].sum()), once, int(kinds["usual"].sum())) >= CHANCE:
        return
    stream, status, size, _, _ = odd.row(int(odd["mine"].arg_max() or 0))
    usual = kinds.filter(pl.col("usual") > 0).sort("usual", descending=True)
    of_pods = f"{things(unseen, 'answer')} {whose} had"
    if len(usual) and status not in usual["status"]:
        yield (
            f"{of_pods} a status that counts as a success and that pods in service never gave (most often {status}, "
            f"not {usual['status'][0]}, on stream {stream}): whether it is one to a client is for you to say "
            "(success, under request)"
        )
    else:
        yield f"{of_pods} {_sizes(stream, size, usual.filter(pl.col('stream') == stream)['bytes'])}"


def _sizes(stream: str, size: int, usual: pl.Series) -> str:
    """What an unusual size may be. `usual`: the sizes of pods in service, the most frequent first."""
    usually = f", not {usual[0]:,}" if len(usual) else ""
    near = any(abs(size - other) <= DIGITS for other in usual)
    what = "a body that was cut, or a number in it with a digit more or less," if near else "or a body that was cut,"
    tells = "tells them apart" if near else "says what a good body has"
    return (
        f"a good status and a size that pods in service never gave (most often {size:,} bytes{usually}, on stream "
        f"{stream}): an error in the body, {what} is no failure to a client that looks at the status alone "
        f"(request.contains {tells})"
    )
