"""Plans: read strictly, written whole, shared evenly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load import Engine, Message, Plan, PlanError, Stream, plan_json, split
from harness.load.mix import in_turn
from harness.load.names import destinations
from harness.load.plan import read_plan
from harness.load.wire import forms, host_header

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
        messages=(Message(path="/a"), Message(method="POST", body="aGk=", weight=3, headers=(("A", "b"),))),
        client_pem="pem",
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
    assert destinations(plan(url=url, address=address)) == (to,)


def test_several_addresses_are_connected_to_in_turn() -> None:
    several = plan(url="http://shop/", addresses=("10.0.0.1:81", "10.0.0.2:81"))
    assert destinations(several) == (("10.0.0.1", 81), ("10.0.0.2", 81))
    assert read_plan(plan_json(several)).addresses == several.addresses


def sent(plan: Plan, stream: Stream) -> bytes:
    (form,) = forms(plan, stream)
    return form.data


def test_the_request_as_it_is_sent() -> None:
    assert sent(plan(headers=(("user-agent", "x"),)), NEW) == (
        b"GET /a?b=c HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nAccept: */*\r\nConnection: close\r\nuser-agent: x\r\n\r\n"
    )
    assert b"Connection:" not in sent(plan(), KEPT)
    assert b"Content-Length: 0" in sent(plan(method="POST"), NEW)
    assert forms(plan(), Stream(name="slow", rate_per_s=1, path="/slow?ä"))[0].target == "/slow?%C3%A4"
    assert host_header(plan(url="http://user:pass@shop:1/", host=None)) == "shop:1"


def test_a_mix_goes_out_in_turn_by_its_weights_each_with_its_own() -> None:
    buy = Message(method="POST", path="/buy", body="aGk=", headers=(("Accept", "text/plain"),), success=((204, 204),))
    mixed = plan(messages=(Message(path="/look", weight=2), buy), headers=(("Accept", "*/*"), ("A", "b")))
    look, bought, again = forms(mixed, KEPT)
    assert (look.target, bought.target, again.target) == ("/look", "/buy", "/look")
    assert bought.success == ((204, 204),)
    assert bought.data == (
        b"POST /buy HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nUser-Agent: rollout-harness\r\nContent-Length: 2\r\n"
        b"A: b\r\nAccept: text/plain\r\n\r\nhi"
    )


@given(st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_in_a_round_each_kind_comes_as_often_as_its_weight_says_and_is_spread(weights: list[int]) -> None:
    round_ = in_turn(range(len(weights)), weights)
    total = sum(weights)
    for kind, weight in enumerate(weights):
        assert round_.count(kind) * total == weight * len(round_)
        for sent_so_far in range(1, len(round_) + 1):
            assert abs(round_[:sent_so_far].count(kind) - sent_so_far * weight / total) < len(weights)
