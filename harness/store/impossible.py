"""Requests that could be read -> those that cannot have been as they stand: times out of order, no such port."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.model.request import Outcome

if TYPE_CHECKING:
    import polars as pl

_ROUNDED_S = 0.001
"""Recorders round times, each by itself: so far one that came later may stand before one that came sooner."""

_FAR_S = 1e9
_LAST_PORT = 65535
_STATUS = (100, 599)
"""RFC 9110, 15: there are no others."""

_NOT_SENT = (Outcome.CONNECT_REFUSED, Outcome.CONNECT_TIMEOUT, Outcome.UNREACHABLE, Outcome.DNS_ERROR)


def impossible(frame: pl.DataFrame) -> tuple[list[int], str]:
    """The rows, counted from 0, that no worker can have written, and what is wrong with the first of them."""
    import polars as pl

    rules = _rules(frame)
    broken = frame.lazy().select(rule.any().alias(words) for words, rule in rules.items()).collect()
    wrong = {words: rules[words] for words in broken.columns if broken[words][0]}
    if not wrong:
        return [], ""
    found = frame.lazy().select(rule.fill_null(False).alias(words) for words, rule in wrong.items()).collect()
    rows = found.select(pl.any_horizontal(pl.all()).arg_true()).to_series().to_list()
    first = found.row(rows[0], named=True)
    return rows, next(words for words, broke in first.items() if broke)


def _rules(frame: pl.DataFrame) -> dict[str, pl.Expr]:
    """What is wrong, in words -> whether it is so in a row; null where the row does not say."""
    return _keys(frame) | _times(frame) | _numbers(frame) | _contradictions(frame)


def _keys(frame: pl.DataFrame) -> dict[str, pl.Expr]:
    import polars as pl

    needed = _given(frame, "stream", "worker", "seq", "scheduled", "outcome")
    rules = {f"it has no {name}": pl.col(name).is_null() for name in needed}
    outcomes = frame["outcome"].unique().cast(pl.String).drop_nulls().to_list()
    if foreign := sorted(set(outcomes) - set(map(str, Outcome))):
        rules[f"outcome is none that there is, such as {foreign[0][:40]!a}"] = pl.col("outcome").is_in(foreign)
    return rules


def _times(frame: pl.DataFrame) -> dict[str, pl.Expr]:
    import polars as pl

    given = _given(frame, "scheduled", "started", "connected", "first_byte", "ended")
    rules = {f"{name} is no moment of a run": ~(pl.col(name).abs() < _FAR_S) for name in given}
    for at, later in enumerate(given):
        for sooner in given[:at]:
            rules[f"{later} before {sooner}"] = pl.col(later) < pl.col(sooner) - _ROUNDED_S
    return rules


def _numbers(frame: pl.DataFrame) -> dict[str, pl.Expr]:
    import polars as pl

    limits: dict[str, tuple[int, int | None]]
    limits = {"seq": (0, None), "worker": (0, None), "local_port": (0, _LAST_PORT), "status": _STATUS}
    limits |= dict.fromkeys(("reused", "resumed", "close_delimited"), (0, 1)) | {"handshake": (0, None)}
    rules = {}
    for name in _given(frame, *limits):
        least, most = limits[name]
        rules[f"{name} is below {least}"] = pl.col(name) < least
        if most is not None:
            rules[f"{name} is above {most}"] = pl.col(name) > most
    return rules


def _contradictions(frame: pl.DataFrame) -> dict[str, pl.Expr]:
    import polars as pl

    unsent = pl.col("outcome") == str(Outcome.UNSENT)
    answered = pl.col("outcome").is_in([str(Outcome.OK), str(Outcome.STATUS)])
    refused = pl.col("outcome").is_in(list(map(str, _NOT_SENT)))
    rules = {
        f"it was sent, and has no {name}": ~unsent & pl.col(name).is_null()
        for name in _given(frame, "started", "ended")
    }
    for name in _given(frame, "started"):
        rules["it was not sent, and has a time of that"] = unsent & pl.col(name).is_not_null()
    for name in _given(frame, "status"):
        rules["it was answered, and has no status"] = answered & pl.col(name).is_null()
    for name in _given(frame, "first_byte"):
        rules["it did not connect, and was answered"] = refused & pl.col(name).is_not_null()
    if _given(frame, "reused", "connected"):
        rules["it went out on a kept connection, and connected"] = (pl.col("reused") == 1) & pl.col(
            "connected"
        ).is_not_null()
    return rules


def _given(frame: pl.DataFrame, *names: str) -> list[str]:
    """Those of the columns that the file has: one without any value is one that an older run lacks."""
    return [name for name in names if frame[name].null_count() < len(frame)]
