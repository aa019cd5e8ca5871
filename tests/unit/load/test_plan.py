"""Plans: read strictly, written whole, shared evenly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load import Engine, Plan, PlanError, Stream, plan_json, split
from harness.load.names import destination
from harness.load.plan import read_plan
from harness.load.wire import host_header, request_bytes, target

NEW = Stream(name="new", rate_per_s=100)
KEPT = Stream(name="kept", rate_per_s=50, connections=10)


def plan(**settings: object) -> Plan:
    return Plan(**({"url": "http://10.0.0.1:8080/a?b=c", "streams": (NEW, KEPT)} | settings))  # type: ignore[arg-type]


def test_a_plan_comes_back_as_it_was() -> None:
    whole = plan(
        worker=3,
        t0_monotonic_ns=12345678901234567,
        duration_s=60.0,
        source_addresses=("10.0.0.9", "10.0.0.10"),
        ports=((10240, 20000), (30000, 40000)),
        headers=(("Authorization", "Bearer x"),),
        success=((200, 299), (404, 404)),
        engine=Engine.HTTPX,
        host="shop.example",
    )
    text = plan_json(whole)
    assert "\n" not in text
    assert read_plan(text) == whole


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("", "JSONDecodeError"),
        ("[]", "JSON list"),
        ("{}", "streams"),
        ('{"url": "http://x/", "streams": [], "colour": 1}', "unknown keys ['colour']"),
        ('{"url": "http://x/", "streams": [{"name": "new", "rate_per_s": 1, "burst": 2}]}', "burst"),
        ('{"url": "ftp://x/", "streams": [{"name": "new", "rate_per_s": 1}]}', "http"),
        ('{"url": "http://x/", "streams": []}', "stream names"),
        ('{"url": "http://x/", "streams": [{"name": "new", "rate_per_s": -1}]}', "rate"),
        ('{"url": "http://x/", "streams": [{"name": "a,b", "rate_per_s": 1}]}', "characters"),
        ('{"url": "http://x/", "streams": [{"name": "{", "rate_per_s": 1}]}', "characters"),
        ('{"url": "http://x/", "streams": [{"name": "new", "rate_per_s": "fast"}]}', "TypeError"),
        ('{"url": "http://x/", "streams": [{"name": "n", "rate_per_s": 1}], "engine": "k6"}', "k6"),
        ('{"url": "http://x/", "streams": [{"name": "n", "rate_per_s": 1}], "ports": [[5, 1]]}', "port ranges"),
        (
            '{"url": "http://x/", "streams": [{"name": "n", "rate_per_s": 1}], "headers": [["A", "b\\nc"]]}',
            "line break",
        ),
        ('{"url": "http://x/", "streams": [{"name": "n", "rate_per_s": 1}], "source_addresses": ["x"]}', "not an IP"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said(broken: str, said: str) -> None:
    with pytest.raises(PlanError) as caught:
        read_plan(broken)
    assert said in str(caught.value)


def test_header_values_are_not_in_what_is_said_about_a_wrong_plan() -> None:
    found = json.loads(plan_json(plan(headers=(("X-Key", "s3cret"),)))) | {"headers": [["X-Key", "s3cret\n"]]}
    with pytest.raises(PlanError) as caught:
        read_plan(json.dumps(found))
    assert "s3cret" not in str(caught.value)


@given(st.integers(1, 10), st.floats(1, 5000), st.integers(10, 200))
def test_workers_together_do_what_the_plan_says(workers: int, rate: float, connections: int) -> None:
    whole = plan(
        streams=(Stream(name="new", rate_per_s=rate), Stream(name="kept", rate_per_s=rate, connections=connections)),
        ports=((10240, 59239),),
    )
    parts = split(whole, workers)
    assert [part.worker for part in parts] == list(range(workers))
    for index, stream in enumerate(whole.streams):
        shares = [part.streams[index] for part in parts]
        assert sum(share.rate_per_s for share in shares) == pytest.approx(stream.rate_per_s)
        assert sum(share.connections for share in shares) == stream.connections
    ports = [port for part in parts for low, high in part.ports for port in range(low, high + 1)]
    assert sorted(ports) == list(range(10240, 59240))


def test_more_workers_than_kept_connections_are_refused() -> None:
    with pytest.raises(ValueError, match="11 workers"):
        split(plan(), 11)


@pytest.mark.parametrize(
    ("url", "address", "to"),
    [
        ("http://shop/", "", ("shop", 80)),
        ("https://shop/", "", ("shop", 443)),
        ("http://shop:8080/", "", ("shop", 8080)),
        ("http://[::1]:81/", "", ("::1", 81)),
        ("https://shop/", "10.0.0.1", ("10.0.0.1", 443)),
        ("http://shop/", "10.0.0.1:81", ("10.0.0.1", 81)),
        ("http://shop/", "fd00::1", ("fd00::1", 80)),
        ("http://shop/", "[fd00::1]:81", ("fd00::1", 81)),
    ],
)
def test_where_a_plan_connects_to(url: str, address: str, to: tuple[str, int]) -> None:
    assert destination(plan(url=url, address=address)) == to


def test_the_request_as_it_is_sent() -> None:
    assert request_bytes(plan(headers=(("user-agent", "x"),)), NEW) == (
        b"GET /a?b=c HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nAccept: */*\r\nConnection: close\r\nuser-agent: x\r\n\r\n"
    )
    assert b"Connection:" not in request_bytes(plan(), KEPT)
    assert b"Content-Length: 0" in request_bytes(plan(method="POST"), NEW)
    assert target(plan(), Stream(name="slow", rate_per_s=1, path="/slow?ä")) == "/slow?%C3%A4"
    assert host_header(plan(url="http://user:pass@shop:1/", host=None)) == "shop:1"
