"""Good answers by pod and size -> the streams whose bodies grow as a number in them gains a digit.

An uptime or a counter makes the bodies of a pod that has just started shorter than those of pods in service have ever
been. That is told from an error in the body by what it does all along: it goes on growing in service.
"""

from __future__ import annotations

import polars as pl

OUT_OF_STEP_S = 0.1
"""How far answers that were made one after the other may end in another order."""

LONGER = 5.0
"""How many times as long as one number of digits the next lasts, at least: ten times, as long as the rate is even."""

FEWEST_PODS = 2
"""How many pods must have grown in service: one alone may have changed for another reason."""


def growing(good: pl.DataFrame) -> frozenset[str]:
    """The streams in which the bodies of every pod grow with its age, by one byte each time, and in service too.

    `good`: answers with `stream`, `bytes`, `pod`, `ended`, `stopping` and `starting`. One answer that does not fit, of
    whatever pod, and the stream is not among them: lengths of 18, 19 and 20 bytes, in this order, each for much longer
    than the one before, are an uptime in milliseconds; 18 and then 19 for ever may be anything.
    """
    of_pod = ("stream", "pod")
    spans = (
        good.group_by(*of_pod, "bytes")
        .agg(
            first=pl.col("ended").min(),
            last=pl.col("ended").max(),
            served=(~pl.col("stopping") & ~pl.col("starting")).any(),
        )
        .sort(*of_pod, "bytes")
        .with_columns(lasted=pl.col("last") - pl.col("first"))
    )
    later = {name: pl.col(name).shift(-1).over(of_pod) for name in ("bytes", "first", "lasted", "served")}
    outgrown = pl.col("bytes").shift(-2).over(of_pod).is_not_null()  # so that the later size has had its whole time
    by_a_digit = (
        (later["bytes"] == pl.col("bytes") + 1)
        & (later["first"] >= pl.col("last") - OUT_OF_STEP_S)
        & (~outgrown | (later["lasted"] >= LONGER * pl.col("lasted")))
    )
    steps = spans.with_columns(fits=by_a_digit, in_service=pl.col("served") & later["served"]).drop_nulls("fits")
    streams = steps.group_by("stream").agg(
        fits=pl.col("fits").all(), pods=pl.col("pod").filter(pl.col("in_service")).n_unique()
    )
    found = streams.filter(pl.col("fits"), pl.col("pods") >= FEWEST_PODS)["stream"]
    return frozenset(map(str, found.to_list()))
