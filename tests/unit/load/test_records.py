"""Lines of a worker's stdout and back."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.records import End, Statistics, end_line, line, parse_line, safe, statistics_line
from harness.model.request import COLUMNS, Outcome, Request, TcpFacts, TlsFacts

SECONDS = st.none() | st.floats(0, 1e5).map(lambda seconds: round(seconds, 6))
COUNTS = st.none() | st.integers(0, 10**6)
TCP = st.builds(
    TcpFacts, acked=COUNTS, request_bytes=COUNTS, min_rtt=SECONDS, seen_late=SECONDS, retransmits=COUNTS
).filter(lambda facts: facts != TcpFacts())
TLS = st.builds(TlsFacts, handshake=SECONDS, resumed=st.none() | st.booleans(), trouble=st.text().map(safe)).filter(
    lambda facts: facts != TlsFacts()
)
REQUESTS = st.builds(
    Request,
    stream=st.sampled_from(["new", "kept", "slow"]),
    worker=st.integers(0, 99),
    seq=st.integers(0, 10**7),
    scheduled=st.floats(0, 1e5).map(lambda seconds: round(seconds, 6)),
    started=SECONDS,
    connected=SECONDS,
    first_byte=SECONDS,
    ended=SECONDS,
    local_port=st.none() | st.integers(1, 65535),
    reused=st.booleans(),
    outcome=st.sampled_from(Outcome),
    status=st.none() | st.integers(100, 599),
    bytes=st.none() | st.integers(0, 10**9),
    pod=st.text().map(safe),
    via=st.text().map(safe),
    tcp=st.none() | TCP,
    tls=st.none() | TLS,
    close_delimited=st.booleans(),
)
SECOND = Statistics(
    t=1.0,
    worker=0,
    sent=150,
    in_flight=2,
    unsent=0,
    lag_p50_ms=0.5,
    lag_p99_ms=1.0,
    lag_max_ms=2.0,
    cpu=0.04,
    replaced=0,
)


@given(REQUESTS)
def test_a_request_comes_back_as_it_was(request: Request) -> None:
    assert parse_line(line(request) + "\n") == request


@given(REQUESTS)
def test_a_row_has_the_columns_of_the_run_directory(request: Request) -> None:
    ((*cells,),) = csv.reader([line(request)])
    assert len(cells) == len(COLUMNS)
    row = dict(zip(COLUMNS, cells, strict=True))
    assert row["outcome"] == request.outcome.value
    for name in ("acked", "request_bytes", "retransmits"):
        assert row[name] == ("" if (value := getattr(request.tcp or TcpFacts(), name)) is None else str(value))


@given(st.text())
def test_whatever_a_server_says_stays_one_harmless_field(text: str) -> None:
    kept = safe(text)
    assert kept.isascii()
    assert not set(kept) & set(",\"'\r\n\0{}<>&|`")
    assert not kept.startswith(("=", "+", "-", "@", " "))
    assert len(kept) <= 80


@given(st.text())
def test_no_line_makes_the_reader_fail(text: str) -> None:
    parse_line(text)


def test_every_torn_line_is_dropped_until_its_last_field() -> None:
    row = "new,0,0,1.000000,1.000100,1.000200,1.000300,1.000400,10240,0,ok,200,2,web-1,nginx/1.28.0,,,,,,,,,"
    assert parse_line(row) is not None
    assert all(parse_line(row[:end]) is None for end in range(row.rindex(",")))


@pytest.mark.parametrize("end", range(len(statistics_line(SECOND))))
def test_a_torn_line_of_statistics_is_dropped(end: int) -> None:
    assert parse_line(statistics_line(SECOND)[:end]) is None


def test_statistics_and_the_end_come_back() -> None:
    assert parse_line(statistics_line(SECOND)) == SECOND
    assert parse_line(end_line({"new": 300, "kept": 150})) == End(end={"new": 300, "kept": 150})
    assert end_line({"new": 3}) == '{"end": {"new": 3}}'
