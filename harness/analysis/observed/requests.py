"""The rows of requests.csv -> the requests of a run: cleaned, the failed ones apart."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from harness.model.quantity import things
from harness.model.request import CUT_SHORT, Outcome

KEY = ("stream", "worker", "seq")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """All requests of a run.

    `frame`: one row a request, with `failed` and `unsent` (Boolean). `failures`: the failed rows alone, sorted by
    `started`, then worker and seq, with `met`: the outcome that it would have had without TLS, by which its cause is
    sought, and `tls_trouble` (empty where nothing is known). `notes`: what had to be left out, in words. `misnamed`: a
    name that answers gave where none of theirs is a pod's, and `pod` is empty for that.
    """

    frame: pl.DataFrame
    failures: pl.DataFrame
    notes: tuple[str, ...] = ()
    misnamed: str = ""

    @property
    def first(self) -> float:
        """When the first request was scheduled; 0 without any."""
        return float(self.frame["scheduled"].min() or 0.0) if len(self.frame) else 0.0  # type: ignore[arg-type]

    @property
    def last(self) -> float:
        """When the last request was scheduled; 0 without any."""
        return float(self.frame["scheduled"].max() or 0.0) if len(self.frame) else 0.0  # type: ignore[arg-type]


def clean(rows: pl.DataFrame) -> Requests:
    """Clean the rows of requests.csv.

    A row without its schedule or with an unknown outcome is left out, the second of two rows with one key too; both
    are said. `started` falls back on `scheduled`, `ended` on `started`: a failed request has a place in time, always.
    """
    notes: list[str] = []
    known = [str(outcome) for outcome in Outcome]
    texts = [name for name in ("stream", "outcome", "pod", "via") if rows.schema[name] != pl.Categorical]
    rows = rows.with_columns(pl.col(texts).cast(pl.Categorical)) if texts else rows
    whole = pl.col("scheduled").is_finite() & pl.col("outcome").is_in(known) & pl.col("stream").is_not_null()
    good = rows.select(whole.fill_null(False).alias("good"))["good"]
    frame = rows if bool(good.all()) else rows.filter(good)
    if len(frame) < len(rows):
        notes.append(f"{things(len(rows) - len(frame), 'row')} of requests.csv without a schedule or a known outcome")
    frame, doubled = _without_doubles(frame)
    if doubled:
        notes.append(f"{things(doubled, 'row')} of requests.csv came twice")
    frame = frame.with_columns(
        pl.col("reused").fill_null(False),
        unsent=pl.col("outcome") == str(Outcome.UNSENT),
        failed=~pl.col("outcome").is_in([str(Outcome.OK), str(Outcome.UNSENT)]),
    )
    backwards = frame.select((pl.col("ended") < pl.col("started")).sum()).item() or 0
    if backwards:
        notes.append(f"{things(backwards, 'request')} ended before the start: the worker's clock went backwards")
    failures = (
        frame.filter(pl.col("failed"))
        .with_columns(
            pl.col("outcome", "stream", "pod", "via").cast(pl.String).fill_null(""),
            pl.col("started").fill_null(pl.col("scheduled")),
        )
        .with_columns(pl.col("ended").fill_null(pl.col("started")).clip(lower_bound=pl.col("started")))
        .with_columns(tls_trouble=_trouble(frame))
        .with_columns(met=_met())
        .sort("started", "worker", "stream", "seq")
    )
    return Requests(frame=frame, failures=failures, notes=tuple(notes))


def _trouble(frame: pl.DataFrame) -> pl.Expr:
    if "tls_trouble" not in frame.columns:
        return pl.lit("")
    return pl.col("tls_trouble").cast(pl.String).fill_null("")


def _met() -> pl.Expr:
    of_tls = pl.col("outcome") == str(Outcome.TLS_ERROR)
    plain = pl.col("tls_trouble").replace_strict(
        {str(cut): str(outcome) for cut, outcome in CUT_SHORT.items()}, default=str(Outcome.TLS_ERROR)
    )
    return pl.when(of_tls).then(plain).otherwise(pl.col("outcome"))


def _without_doubles(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Only rows whose key is new, and how many were not."""
    keys = frame.select(
        pl.col("stream").to_physical().cast(pl.Int64) * 2**52
        + pl.col("worker").fill_null(0).cast(pl.Int64) * 2**32
        + pl.col("seq").fill_null(0).cast(pl.Int64)
    )
    ordered = keys.to_series().to_numpy(writable=True)
    ordered.sort()
    if not (ordered[1:] == ordered[:-1]).any():
        return frame, 0
    once = frame.unique(list(KEY), keep="first", maintain_order=True)
    return once, len(frame) - len(once)
