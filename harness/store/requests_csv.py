"""requests.csv -> the rows that can be requests, and in words, with their lines, those that cannot.

A row is a line: a stray quote must not swallow the ones after it. The whole file is read at once, strictly; only where
something in it is not as it should be, its lines are looked at one by one (`csv_lines`).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DamagedRunError
from harness.model.request import COLUMNS
from harness.store.csv_lines import Lines, good_lines
from harness.store.impossible import impossible
from harness.store.presence import is_there

if TYPE_CHECKING:
    import polars as pl

NEEDED = ("stream", "seq", "scheduled", "outcome")
_OLDEST = COLUMNS[: COLUMNS.index("acked")]
_TEXTS = ("stream", "outcome", "pod", "via", "tls_trouble")
_FLAGS = ("reused", "resumed", "close_delimited")
_CHUNK_BYTES = 1 << 20
_NAMED = 5
"""So many lines are named; of more, how many they are."""


@dataclass(frozen=True, slots=True)
class _Census:
    """What the bytes of a file say of its rows: lines and commas of all whole lines, and whether a torn one follows."""

    lines: int
    commas: int
    torn: bool


def read_requests(path: Path, damage: list[str]) -> pl.DataFrame:
    """The rows as a narrow frame (ten million take less than a gigabyte); columns that an older run lacks are null.

    `damage` takes, in words, which lines were left out and why.

    Raises:
        DamagedRunError: it is no table of requests, or most of its rows cannot be read.
    """
    import polars as pl

    if not is_there(path, damage) or _is_empty(path, damage):
        return _shaped(pl.DataFrame(schema={name: _schema()[name] for name in COLUMNS}))
    names = _columns(path, damage)
    census = _census(path)
    if census.torn:
        damage.append(f"the last line of {path.name} is torn")
    frame = _at_once(path, names, census)
    found = Lines(numbers=range(2, census.lines + 1))
    if frame is None:
        found = good_lines(path, names)
        frame = _strict(io.BytesIO(found.text), names)
    rows, why = impossible(frame)
    wrong = [found.numbers[row] for row in rows]
    if bad := len(found.bad) + len(wrong):
        _refuse_most(path, bad, len(found.bad) + len(frame), f"line {[*found.bad, *wrong][0]}: {found.why or why}")
    if found.bad:
        damage.append(f"{_lines(found.bad)} of {path.name} cannot be read ({found.why})")
    if wrong:
        damage.append(f"{_lines(wrong)} of {path.name} cannot be true ({why})")
        frame = frame.with_row_index("row").filter(~pl.col("row").is_in(rows)).drop("row")
    return _shaped(frame)


def _refuse_most(path: Path, bad: int, rows: int, first: str) -> None:
    if 2 * bad > rows:
        raise DamagedRunError(
            f"reading {path}",
            f"{bad} of its {rows} rows are no requests ({first})",
            "Is it damaged, or are its columns under each other's names?",
        )


def _lines(numbers: Sequence[int]) -> str:
    """`line 7`, `3 lines (7, 9, 12)`, `64 lines (7, 9, 12, 13, 14 and 59 more)`.

    >>> _lines([7]), _lines([7, 9])
    ('line 7', '2 lines (7, 9)')
    """
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return f"{len(numbers)} lines ({', '.join(map(str, numbers[:_NAMED]))}{more})"


def _schema() -> dict[str, Any]:
    import polars as pl

    text = dict.fromkeys(_TEXTS, pl.Categorical)
    times = dict.fromkeys(("scheduled", "started", "connected", "first_byte", "ended"), pl.Float64)
    spans = dict.fromkeys(("min_rtt", "seen_late", "handshake"), pl.Float32)
    whole = dict.fromkeys(("worker", "seq", "local_port", "acked", "request_bytes"), pl.Int32)
    small = {**dict.fromkeys(_FLAGS, pl.Int8), "status": pl.Int16, "retransmits": pl.Int16}
    return {**text, **times, **spans, **whole, **small, "bytes": pl.Int64}


def _is_empty(path: Path, damage: list[str]) -> bool:
    if path.stat().st_size:
        return False
    damage.append(f"{path.name} is empty")
    return True


def _columns(path: Path, damage: list[str]) -> list[str]:
    """The names in the first line; one that is not known, where one that always was there is not, is damage."""
    with path.open("rb") as file:
        names = file.readline().decode("utf-8-sig", errors="replace").strip().split(",")
    if missing := [name for name in NEEDED if name not in names]:
        raise DamagedRunError(
            f"reading {path}", f"its first line names no {', '.join(missing)}", "Is it a run directory's requests.csv?"
        )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DamagedRunError(f"reading {path}", f"its first line names {twice[:80]!r} twice")
    absent = [name for name in _OLDEST if name not in names]
    if absent and (unknown := [name for name in names if name not in COLUMNS]):
        damage.append(f"line 1 of {path.name} names no {', '.join(absent)}, and has {unknown[0][:80]!r}")
    return names


def _census(path: Path) -> _Census:
    import numpy as np

    lines = commas = tail = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found = np.frombuffer(chunk, dtype=np.uint8)
            commas += int(np.count_nonzero(found == ord(",")))
            lines += int(np.count_nonzero(found == ord("\n")))
            last = chunk.rfind(b"\n")
            tail = chunk.count(b",", last + 1) + (tail if last < 0 else 0)
            torn = not chunk.endswith(b"\n")
    return _Census(lines=lines, commas=commas - tail, torn=torn)


def _at_once(path: Path, names: list[str], census: _Census) -> pl.DataFrame | None:
    """All rows, where every one of them has all of its cells and each can be read; else None."""
    import polars as pl

    if census.lines < 1 or census.commas != census.lines * (len(names) - 1) or not _is_utf8(path):
        return None
    try:
        frame = _strict(path, names, rows=census.lines - 1)
    except (pl.exceptions.PolarsError, OSError):
        return None
    whole = len(frame) == census.lines - 1 and all(map(_is_one_cell, _texts(frame)))
    return frame if whole else None


def _is_utf8(path: Path) -> bool:
    """Whether polars can be told of it: on Linux a path may be of any bytes."""
    try:
        return bool(str(path).encode())
    except UnicodeEncodeError:
        return False


def _strict(source: Path | io.BytesIO, names: list[str], *, rows: int | None = None) -> pl.DataFrame:
    """The columns that we know; a cell that cannot be read is an error.

    Raises:
        PolarsError: there is one.
    """
    import polars as pl

    schema = _schema()
    read = pl.scan_csv(source, schema={name: schema.get(name, pl.String) for name in names}, n_rows=rows, glob=False)
    absent = [pl.lit(None, dtype=schema[name]).alias(name) for name in COLUMNS if name not in names]
    return read.with_columns(absent).select(COLUMNS).collect(engine="streaming")


def _shaped(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    return frame.with_columns(
        pl.col(_FLAGS).cast(pl.Boolean), pl.col("pod", "via").fill_null(""), pl.col("worker").fill_null(0)
    )


def _texts(frame: pl.DataFrame) -> list[str]:
    """Every text in it, once a column."""
    import polars as pl

    columns = (frame[name].unique().cast(pl.String) for name in _TEXTS)
    return [text for column in columns for text in column.drop_nulls()]


def _is_one_cell(text: str) -> bool:
    """Whether nothing in it can be another cell, or another row, that a stray quote drew in."""
    return not any(letter in ',"' or ord(letter) < 32 or ord(letter) == 127 for letter in text)
