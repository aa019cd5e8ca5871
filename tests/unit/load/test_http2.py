"""HTTP/2 through the second engine, against a server that speaks just enough of it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
import trustme

from harness.load.plan import Engine
from harness.model.request import Outcome

from .servers import Server, few, one_by_one


def speaks_http2(answers: Callable[[h2.connection.H2Connection, int], None]) -> Callable[[Any], None]:
    """What is done to each request's stream on an accepted connection."""

    def behave(peer: Any) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        peer.sendall(connection.data_to_send())
        while data := peer.recv(65536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    answers(connection, event.stream_id)
            peer.sendall(connection.data_to_send())

    return behave


def good(connection: h2.connection.H2Connection, stream: int) -> None:
    connection.send_headers(stream, [(":status", "200"), ("x-pod", "web-1")])
    connection.send_data(stream, b"ok", end_stream=True)


def reset_stream(connection: h2.connection.H2Connection, stream: int) -> None:
    connection.reset_stream(stream)


@pytest.mark.parametrize(
    ("answers", "outcome", "pod"),
    [(good, Outcome.OK, "web-1"), (reset_stream, Outcome.RESET_BEFORE_RESPONSE, "")],
)
def test_an_http2_answer(
    server: Callable[..., Server],
    answers: Callable[[h2.connection.H2Connection, int], None],
    outcome: Outcome,
    pod: str,
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2"])
    authority.issue_cert("127.0.0.1").configure_cert(context)
    started = server(accepted=speaks_http2(answers), wrap=lambda peer: context.wrap_socket(peer, server_side=True))
    trust = authority.cert_pem.bytes().decode()
    plan = few(started.url("https"), Engine.HTTPX, connections=1, http2=True, ca_pem=trust)
    records, _ = one_by_one(plan, 3)
    assert [(record.outcome, record.pod) for record in records] == [(outcome, pod)] * 3
    assert [record.reused for record in records] == [False, True, True]
