"""What is recorded of TLS: how long the handshake took, whose session it took up, and in what words it failed."""

from __future__ import annotations

import datetime
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from harness.load.plan import Engine, Plan
from harness.model.request import Outcome, Request, TlsFacts

from .servers import GOOD, Behaviour, Server, few, one_by_one, reset, says, silence

Wrap = Callable[[socket.socket], ssl.SSLSocket]
YEAR = datetime.timedelta(days=365)
NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def wrapping(authority: trustme.CA, *names: str, clients: trustme.CA | None = None, **issued: Any) -> Wrap:
    """TLS with a certificate of that authority's, for those names; clients must show one of `clients`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("shop.test",)), **issued).configure_cert(context)
    if clients is not None:
        clients.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED

    def over(peer: socket.socket) -> ssl.SSLSocket:
        spoken = context.wrap_socket(peer, server_side=True, do_handshake_on_connect=False)
        try:
            spoken.do_handshake()
        except BaseException as error:
            while isinstance(error, ssl.SSLError) and socket.socket.recv(spoken, 4096):
                pass  # else a RST may overtake what was said
            spoken.close()
            raise
        return spoken

    return over


def trusted(authority: trustme.CA) -> str:
    return authority.cert_pem.bytes().decode()


def client_pem(authority: trustme.CA) -> str:
    issued = authority.issue_cert("me@shop.test")
    return issued.private_key_and_cert_chain_pem.bytes().decode()


def sent(plan: Plan, requests: int = 1) -> list[Request]:
    """One after another, so that no schedule is missed on a busy machine."""
    return one_by_one(plan, requests)[0]


def the_one(records: list[Request]) -> Request:
    (record,) = records
    return record


def known(request: Request) -> TlsFacts:
    assert request.tls is not None
    return request.tls


def test_the_handshake_is_timed_where_a_connection_is_opened(
    server: Callable[..., Server], engine: Engine, authority: trustme.CA
) -> None:
    url = server(wrap=wrapping(authority)).url("https")
    plan = few(url, engine, connections=1, ca_pem=trusted(authority), server_name="shop.test")
    first, *others = sent(plan, 3)
    assert first.outcome == Outcome.OK
    assert known(first).handshake is not None
    assert first.connected is not None
    assert first.first_byte is not None
    assert 0 < known(first).handshake <= first.first_byte - first.connected
    assert [request.tls for request in others] == [None, None]
    assert all(request.reused for request in others)


def test_there_is_no_handshake_in_the_clear(server: Callable[..., Server], engine: Engine) -> None:
    assert the_one(sent(few(server().url(), engine))).tls is None


@pytest.mark.parametrize(("asked", "resumed"), [(True, [False, True, True]), (False, [False, False, False])])
def test_a_session_is_taken_up_where_that_is_asked_for(
    asked: bool, resumed: list[bool], server: Callable[..., Server], engine: Engine, authority: trustme.CA
) -> None:
    url = server(wrap=wrapping(authority)).url("https")
    plan = few(url, engine, ca_pem=trusted(authority), server_name="shop.test", session_reuse=asked)
    requests = sent(plan, 3)
    assert [request.outcome for request in requests] == [Outcome.OK] * 3
    assert [known(request).resumed for request in requests] == resumed


CUTS: dict[str, tuple[Behaviour, str]] = {
    "rst": (reset, "reset"),
    "fin": (says(), "eof"),
    "silence": (silence, "timeout"),
}


@pytest.mark.parametrize("name", CUTS)
def test_a_handshake_that_is_cut_short_says_how(name: str, server: Callable[..., Server], engine: Engine) -> None:
    def cut(peer: socket.socket) -> None:
        peer.recv(4096)  # the client's hello
        CUTS[name][0](peer)

    url = server(accepted=cut).url("https")
    record = the_one(sent(few(url, engine, connect_timeout_s=2.0 if name == "silence" else 10.0)))
    assert (record.outcome, known(record).trouble) == (Outcome.TLS_ERROR, CUTS[name][1])
    assert known(record).handshake is None


def test_plain_http_is_told_from_a_cut(server: Callable[..., Server], engine: Engine) -> None:
    plain = says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", then=silence)
    record = the_one(sent(few(server(accepted=plain).url("https"), engine)))
    assert record.outcome == Outcome.TLS_ERROR
    assert known(record).trouble in ("wrong version number", "packet length too long", "record layer failure")


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "name": ({}, {"server_name": "else.test"}, "certificate: hostname mismatch"),
    "address": ({}, {}, "certificate: IP address mismatch"),
    "expired": ({"not_before": NOW - YEAR, "not_after": NOW - YEAR / 2}, {}, "certificate: certificate has expired"),
    "too early": ({"not_before": NOW + YEAR}, {}, "certificate: certificate is not yet valid"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_certificate_is_told_in_its_words(
    name: str, server: Callable[..., Server], engine: Engine, authority: trustme.CA
) -> None:
    issued, asked, words = WRONG[name]
    names = ("shop.test",) if name in ("name", "address") else ("127.0.0.1",)
    url = server(wrap=wrapping(authority, *names, **issued)).url("https")
    record = the_one(sent(few(url, engine, ca_pem=trusted(authority), **asked)))
    assert (record.outcome, known(record).trouble) == (Outcome.TLS_ERROR, words)


def test_one_of_an_authority_that_is_not_trusted_too(
    server: Callable[..., Server], engine: Engine, authority: trustme.CA
) -> None:
    url = server(wrap=wrapping(trustme.CA())).url("https")
    record = the_one(sent(few(url, engine, ca_pem=trusted(authority), server_name="shop.test")))
    assert record.outcome == Outcome.TLS_ERROR
    assert known(record).trouble == "certificate: unable to get local issuer certificate"


@pytest.mark.parametrize("shown", ["none", "foreign", "good"])
def test_a_client_certificate_that_the_server_does_not_take_is_a_tls_error_although_it_comes_after_the_handshake(
    shown: str, server: Callable[..., Server], engine: Engine, authority: trustme.CA
) -> None:
    pem = {"none": "", "foreign": client_pem(trustme.CA()), "good": client_pem(authority)}[shown]
    url = server(wrap=wrapping(authority, clients=authority)).url("https")
    plan = few(url, engine, ca_pem=trusted(authority), server_name="shop.test", client_pem=pem)
    record = the_one(sent(plan))
    if shown == "good":
        assert (record.outcome, known(record).trouble) == (Outcome.OK, "")
        return
    assert record.outcome == Outcome.TLS_ERROR
    # In TLS 1.3 the client was done before the server had looked at what it showed.
    assert known(record).handshake is not None
    assert (
        known(record).trouble
        == {
            "none": "tlsv13 alert certificate required",
            "foreign": "tlsv1 alert unknown ca",
        }[shown]
    )


@pytest.mark.parametrize("said", ["server_name", "host", "headers"])
def test_tls_asks_for_the_name_that_requests_are_for(
    said: str, server: Callable[..., Server], engine: Engine, authority: trustme.CA
) -> None:
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("shop.test").configure_cert(context)
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    url = server(lambda n: says(GOOD), wrap=lambda peer: context.wrap_socket(peer, server_side=True)).url("https")
    how: dict[str, Any] = {
        "server_name": {"server_name": "shop.test", "host": "else.test"},
        "host": {"host": "shop.test:8443"},
        "headers": {"headers": (("host", "shop.test"),)},
    }[said]
    assert the_one(sent(few(url, engine, ca_pem=trusted(authority), **how))).outcome == Outcome.OK
    assert asked == ["shop.test"]
