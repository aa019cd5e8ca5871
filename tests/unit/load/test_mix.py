"""Several kinds of request in turn, and a client that shows a certificate: real servers, both engines."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trustme

from harness.load import Message
from harness.load.plan import Engine
from harness.model.request import Outcome

from .servers import Server, few, load, one_by_one

ANSWERS = {"GET": (200, b"ok"), "HEAD": (200, b"ok"), "POST": (201, b"made"), "DELETE": (204, b"")}


class Shop(BaseHTTPRequestHandler):
    """Answers by method, and keeps what came."""

    protocol_version = "HTTP/1.1"
    came: list[tuple[str, str, bytes, str | None]]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.came.append((self.command, self.path, body, self.headers.get("X-Kind")))
        status, text = ANSWERS[self.command]
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_HEAD = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def shop() -> Iterator[tuple[str, list[tuple[str, str, bytes, str | None]]]]:
    handler = type("Shop", (Shop,), {"came": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", handler.came
        server.shutdown()
        thread.join(10)


MIX = (
    Message(path="/look", weight=2),
    Message(method="HEAD", path="/", headers=(("X-Kind", "head"),)),
    Message(method="POST", path="/buy", body=base64.b64encode(b"\0\xffbuy").decode(), success=((201, 201),)),
)


@pytest.mark.parametrize("connections", [0, 1])
def test_each_kind_goes_out_whole_and_is_judged_by_what_it_expects(
    engine: Engine, shop: tuple[str, list[Any]], connections: int
) -> None:
    url, came = shop
    records, _ = one_by_one(few(url, engine, connections=connections, messages=MIX), 10)
    assert {record.outcome for record in records} == {Outcome.OK}
    assert [record.reused for record in records] == [bool(connections) and n > 0 for n in range(10)]
    round_ = [
        ("GET", "/look", b"", None),
        ("HEAD", "/", b"", "head"),
        ("POST", "/buy", b"\0\xffbuy", None),
        ("GET", "/look", b"", None),
    ]
    assert came == (round_ * 3)[:10]


def test_a_success_of_one_kind_is_none_of_another(engine: Engine, shop: tuple[str, list[Any]]) -> None:
    mix = (Message(), Message(success=((201, 201),)))
    records, _ = one_by_one(few(shop[0], engine, messages=mix), 4)
    assert [record.outcome for record in records] == [Outcome.OK, Outcome.STATUS] * 2


@pytest.mark.parametrize("shown", [True, False])
def test_a_server_that_asks_for_a_certificate_is_shown_one(
    server: Callable[..., Server], engine: Engine, shown: bool
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    def over(peer: socket.socket) -> ssl.SSLSocket:
        return context.wrap_socket(peer, server_side=True, suppress_ragged_eofs=True)

    client = authority.issue_cert("client@shop.test").private_key_and_cert_chain_pem.bytes().decode()
    url = server(wrap=over).url("https")
    plan = few(url, engine, ca_pem=authority.cert_pem.bytes().decode(), client_pem=client if shown else "")
    (record,) = load(plan)
    assert (record.outcome is Outcome.OK) == shown
