"""A run that dropped calls, damaged in each of the ways that files are: never `seamless`, and what is wrong is named.

Every damage is done to a copy of a recording on disk, as a broken disk, a cut transfer or an editor would do it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from examples import EXAMPLES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.analysis import judge
from harness.errors import DamagedRunError, RunFormatError
from harness.model.result import Verdict
from harness.spec.observed_shape import observed_fault
from harness.store.reader import read_run

from .recordings import SMALL

RECORDING = SMALL / "default-3replicas-sync1s"
FILES = ("run.json", "requests.csv", "timeline.jsonl")
Row = dict[str, str]


def lost(row: Row) -> bool:
    return row["outcome"] not in ("ok", "unsent")


class Folder:
    """A copy of the recording, and what can be done to it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for name in FILES:
            shutil.copyfile(RECORDING / name, place / name)

    def bytes(self, name: str, change: Callable[[bytes], bytes]) -> None:
        path = self.place / name
        path.write_bytes(change(path.read_bytes()))

    def rows(self, change: Callable[[list[Row]], Sequence[Row] | None]) -> None:
        path = self.place / "requests.csv"
        head, *lines = path.read_text().splitlines()
        names = head.split(",")
        rows = [dict(zip(names, line.split(","), strict=True)) for line in lines]
        rows = list(change(rows) or rows)
        path.write_text("\n".join([head, *(",".join(row.values()) for row in rows)]) + "\n")

    def of_lost(self, **cells: Callable[[str], str]) -> None:
        """Change these cells of every request that was lost."""

        def change(rows: list[Row]) -> None:
            for row in filter(lost, rows):
                row |= {name: new(row[name]) for name, new in cells.items()}

        self.rows(change)

    def info(self, **changes: Any) -> None:
        path = self.place / "run.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    def judged(self) -> tuple[Verdict, str]:
        """The verdict, and all that was said."""
        result = judge(read_run(self.place, fault_of=observed_fault))
        return result.verdict, " ".join((result.sentence, *result.notes))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def without(keep: Callable[[Row], bool]) -> Callable[[Folder], None]:
    return lambda folder: folder.rows(lambda rows: [row for row in rows if keep(row)])


def renumbered(rows: list[Row]) -> list[Row]:
    """Without the lost ones, and with numbers that hide it."""
    counts: dict[str, int] = {}
    kept = sorted((row for row in rows if not lost(row)), key=lambda row: (row["stream"], int(row["seq"])))
    for row in kept:
        row["seq"] = str(counts.get(row["stream"], 0))
        counts[row["stream"]] = int(row["seq"]) + 1
    return kept


def quotes(rows: list[Row]) -> None:
    """Two of them, around all that was lost: a reader of CSV takes what is between them for one cell."""
    at = [place for place, row in enumerate(rows) if lost(row)]
    rows[at[0] - 1]["pod"] = '"' + rows[at[0] - 1]["pod"]
    rows[at[-1] + 1]["pod"] += '"'


def zeros(text: bytes) -> bytes:
    first, last = text.index(b"connect-"), text.rindex(b"connect-")
    return text[:first] + bytes(last - first) + text[last:]


def renamed(old: bytes, new: bytes) -> Callable[[Folder], None]:
    return lambda folder: folder.bytes("requests.csv", lambda text: text.replace(old, new, 1))


def constant(text: str) -> Callable[[str], str]:
    return lambda _: text


def sooner(by: float) -> Callable[[str], str]:
    return lambda text: f"{float(text) - by:.4f}"


INCONCLUSIVE: dict[str, tuple[Callable[[Folder], None], str]] = {
    "lost rows are gone": (without(lambda row: not lost(row)), r"requests of stream new have no row (seq "),
    "a stream is gone": (without(lambda row: row["stream"] != "new"), "stream new has no request at all"),
    "a stream ends early": (
        without(lambda row: row["stream"] != "new" or float(row["scheduled"]) < 8.0),
        "stream new ends",
    ),
    "a stream begins late": (
        without(lambda row: not lost(row) and (row["stream"] != "new" or float(row["scheduled"]) > 12.0)),
        "stream new begins",
    ),
    "the load ends early": (without(lambda row: float(row["scheduled"]) < 8.1), "the load ended at 8."),
    "a hole in time": (without(lambda row: not 8.1 < float(row["scheduled"]) < 11.0), "have no row"),
    "a hole, renumbered": (lambda folder: folder.rows(renumbered), "stream new had no request from"),
    "numbers flipped": (
        lambda folder: folder.of_lost(scheduled=lambda text: text.replace(".", "n")),
        "of requests.csv cannot be read (scheduled is '8n",
    ),
    "words flipped": (
        lambda folder: folder.of_lost(outcome=lambda text: text[:-1] + chr(ord(text[-1]) ^ 0x40)),
        "outcome is none that there is, such as 'connect-",
    ),
    "blank outcomes": (lambda folder: folder.of_lost(outcome=constant("")), "(it has no outcome)"),
    "blank schedules": (lambda folder: folder.of_lost(scheduled=constant("")), "(it has no scheduled)"),
    "not a number": (lambda folder: folder.of_lost(scheduled=constant("nan")), "scheduled is no moment of a run"),
    "infinite": (lambda folder: folder.of_lost(scheduled=constant("inf")), "scheduled is no moment of a run"),
    "1e999": (lambda folder: folder.of_lost(scheduled=constant("1e999")), "scheduled is no moment of a run"),
    "after the run": (lambda folder: folder.of_lost(scheduled=constant("86400.0")), "started before scheduled"),
    "ended before it started": (lambda folder: folder.of_lost(ended=sooner(5)), "ended before scheduled"),
    "connected before it started": (lambda folder: folder.of_lost(connected=constant("0.5")), "connected before"),
    "no such port": (lambda folder: folder.of_lost(local_port=constant("99999")), "local_port is above 65535"),
    "all lost ones are called ok": (lambda folder: folder.of_lost(outcome=constant("ok")), "it was answered, and has"),
    "all lost ones are called unsent": (lambda folder: folder.of_lost(outcome=constant("unsent")), "it was not sent"),
    "a block of zeros": (lambda folder: folder.bytes("requests.csv", zeros), "of requests.csv cannot be read"),
    "requests.csv is emptied": (lambda folder: folder.bytes("requests.csv", constant_bytes(b"")), "is empty"),
    "streams of another name": (
        lambda folder: folder.of_lost(stream=constant("nev")),
        "of a stream 'nev', which the run did not have",
    ),
    "workers of another number": (lambda folder: folder.of_lost(worker=constant("7")), "have no row"),
}  # fmt: skip


def constant_bytes(text: bytes) -> Callable[[bytes], bytes]:
    return lambda _: text


@pytest.mark.parametrize("damage", INCONCLUSIVE)
def test_a_record_that_lost_what_was_lost_is_inconclusive_and_says_what(folder: Folder, damage: str) -> None:
    spoil, says = INCONCLUSIVE[damage]
    spoil(folder)
    verdict, said = folder.judged()
    assert verdict != Verdict.SEAMLESS
    assert says in said
    if damage not in STILL_SHOWN:
        assert verdict == Verdict.INCONCLUSIVE


STILL_SHOWN = ("a stream is gone", "streams of another name", "workers of another number", "a stream ends early")
"""Rows are still there that show the loss: a doubt never hides it."""


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: folder.rows(quotes),
        lambda folder: folder.rows(lambda rows: [row for at, row in enumerate(rows) if at % 50]),
        lambda folder: folder.bytes("requests.csv", lambda text: text[:-5]),
        lambda folder: folder.rows(lambda rows: rows + rows[:20]),
    ],
    ids=["two stray quotes", "every 50th row gone", "torn", "rows twice"],
)
def test_a_doubt_hides_no_loss(folder: Folder, spoil: Callable[[Folder], None]) -> None:
    spoil(folder)
    verdict, _ = folder.judged()
    assert verdict == Verdict.DROPPING


@pytest.mark.parametrize(
    "header",
    [
        (b"outcome,status", b"status,outcome"),
        (b"scheduled,started,connected,first_byte,ended", b"ended,started,connected,first_byte,scheduled"),
        (b"local_port,reused,outcome,status", b"status,reused,outcome,local_port"),
    ],
    ids=["outcome and status", "scheduled and ended", "local_port and status"],
)
def test_columns_under_each_others_names_are_refused_with_the_line(folder: Folder, header: tuple[bytes, bytes]) -> None:
    renamed(*header)(folder)
    with pytest.raises(DamagedRunError, match=r"requests\.csv: \d+ of its 2009 rows are no requests \(line \d+: "):
        folder.judged()


def test_connected_and_first_byte_in_each_others_place_are_said(folder: Folder) -> None:
    renamed(b"connected,first_byte", b"first_byte,connected")(folder)
    assert "it went out on a kept connection, and connected" in folder.judged()[1]


def test_columns_in_another_order_are_the_same_record(folder: Folder) -> None:
    before = judge(read_run(folder.place))
    lines = (folder.place / "requests.csv").read_text().splitlines()
    turned = [",".join(reversed(line.split(","))) for line in lines]
    (folder.place / "requests.csv").write_text("\n".join(turned) + "\n")
    assert judge(read_run(folder.place)) == before


def test_a_column_of_a_name_that_is_not_known_is_said(folder: Folder) -> None:
    renamed(b"started", b"startad")(folder)
    assert "names no started, and has 'startad'" in folder.judged()[1]


def test_marks_that_run_json_tells_of_must_be_in_the_timeline(folder: Folder) -> None:
    lines = (folder.place / "timeline.jsonl").read_text().splitlines(keepends=True)
    (folder.place / "timeline.jsonl").write_text("".join(line for line in lines if '"settled"' not in line))
    assert "timeline.jsonl has no mark of the settled at 9.93 s" in folder.judged()[1]


def test_seconds_of_a_worker_that_cannot_be_read_are_said(folder: Folder) -> None:
    (folder.place / "workers.jsonl").write_text('{"t": 1.0, "wor')
    assert "1 line of workers.jsonl cannot be read" in folder.judged()[1]


STATED = {"new": 1349, "kept": 660}


def test_a_record_that_has_all_that_its_worker_states_is_whole(folder: Folder) -> None:
    folder.info(ends=[{"worker": 0, "requests": STATED}])
    assert "worker" not in folder.judged()[1]


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        ([{"worker": 0, "requests": STATED | {"new": 1350}}], "number 1348, and its worker's last was number 1349"),
        ([{"worker": 0, "requests": STATED | {"slow": 40}}], "stream slow has no row of worker 0, which made 40"),
        ([{"worker": 1, "requests": STATED}], "no worker says that it made them"),
        ([], "no load worker stated at its end"),
    ],
)
def test_what_a_worker_states_must_be_there(folder: Folder, ends: list[dict[str, Any]], says: str) -> None:
    folder.info(ends=ends)
    assert says in folder.judged()[1]


def test_what_a_worker_counted_second_by_second_must_be_there(folder: Folder) -> None:
    seconds = [{"t": 9.0 + n, "worker": 0, "sent": 201, "unsent": 0} for n in range(10)]
    (folder.place / "workers.jsonl").write_text("".join(json.dumps(second) + "\n" for second in seconds))
    assert "worker 0 counted 2010 requests, and 2009 have a row" in folder.judged()[1]


NUMBERS = st.sampled_from(["", "nan", "-1", "1e999", "0", "99999999999", '"', "8.5", "x,y", "\x00"])
CELLS = st.tuples(
    st.just("cell"),
    st.sampled_from(
        ["stream", "worker", "seq", "scheduled", "started", "ended", "first_byte", "outcome", "status", "reused"]
    ),
    NUMBERS,
)
CUTS = st.tuples(st.just("cut"), st.sampled_from(FILES), st.floats(0.0, 0.98))
FLIPS = st.tuples(st.just("flip"), st.integers(0, 7), st.integers(1, 9))
GONE = st.tuples(st.just("gone"), st.sampled_from(FILES), st.none())
BLOCKS = st.tuples(st.just("block"), st.sampled_from([b"\x00", b"\xff", b"\n", b'"']), st.floats(0.0, 0.9))
ODD = st.sampled_from([None, 5, -1, "x", [], {}, True, 1e308, float("nan"), [None], {"a": None}, ["x"]])
EVENTS = st.tuples(
    st.just("event"),
    st.sampled_from(["t", "kind", "type", "object", "metadata", "status", "spec", "endpoints", "uid", "conditions"]),
    ODD,
)
INFOS = st.tuples(
    st.just("info"),
    st.sampled_from(
        [
            "t0_wall",
            "clocks",
            "ends",
            "control",
            "rollouts",
            "streams",
            "load",
            "cluster",
            "finished",
            "planned_rollouts",
        ]
    ),
    ODD,
)


@pytest.mark.timeout(300 * max(1, EXAMPLES // 300))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(damage=st.one_of(CELLS, CUTS, FLIPS, GONE, BLOCKS, EVENTS, INFOS))
def test_no_damage_makes_a_run_that_dropped_calls_seamless(tmp_path: Path, damage: tuple[str, Any, Any]) -> None:
    folder = Folder(tmp_path)
    how, what, much = damage
    if how == "cell":
        folder.of_lost(**{what: constant(much)})
    elif how == "cut":
        folder.bytes(what, lambda text: text[: int(len(text) * much)])
    elif how == "flip":
        folder.bytes("requests.csv", lambda text: flipped(text, what, much))
    elif how == "event":
        folder.bytes("timeline.jsonl", lambda text: spoilt(text, what, much))
    elif how == "info":
        folder.info(**{what: much})
    elif how == "gone":
        (tmp_path / what).unlink()
    else:
        folder.bytes("requests.csv", lambda text: blocked(text, what, much))
    try:
        verdict, _ = folder.judged()
    except RunFormatError:  # not a verdict at all, in words
        return
    assert verdict != Verdict.SEAMLESS


def spoilt(text: bytes, key: str, value: Any) -> bytes:
    """Every third event with that value for that key, wherever it has the key."""

    def put(inner: Any) -> Any:
        if isinstance(inner, dict):
            return {name: value if name == key else put(below) for name, below in inner.items()}
        return [put(below) for below in inner] if isinstance(inner, list) else inner

    lines = text.splitlines()
    lines[::3] = [json.dumps(put(json.loads(line))).encode() for line in lines[::3]]
    return b"\n".join(lines) + b"\n"


def flipped(text: bytes, bit: int, every: int) -> bytes:
    """That bit of every 10th to 90th byte of the lines of lost requests, where it is no line break."""
    lines = text.split(b"\n")
    for at, line in enumerate(lines):
        if b"connect-" in line:
            lines[at] = bytes(
                one ^ (1 << bit) if place % (10 * every) == every and one ^ (1 << bit) != 10 else one
                for place, one in enumerate(line)
            )
    return b"\n".join(lines)


def blocked(text: bytes, filler: bytes, where: float) -> bytes:
    """A block of 4096 bytes from there on, as a disk loses them."""
    start = text.index(b"\n") + 1 + int(len(text) * where)
    return text[:start] + filler * 4096 + text[start + 4096 :]
