"""Where a probe goes, and what an HTTP server's answers come to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from harness.sandbox.kubelet.prober import http_get, port_number


def test_ports_are_found_by_name_or_number() -> None:
    container = {"ports": [{"name": "http", "containerPort": 8080}]}
    assert port_number("http", container) == 8080
    assert port_number(80, container) == 80
    assert port_number("80", container) == 80
    with pytest.raises(ValueError, match=r'strconv\.Atoi: parsing "admin": invalid syntax'):
        port_number("admin", container)
    with pytest.raises(ValueError, match="invalid port number: 70000"):
        port_number(70000, container)


OK, NO = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n"
EARLY = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"


def redirect(where: str) -> str:
    return f"HTTP/1.1 302 Found\r\nlocation: {where}\r\nContent-Length: 0\r\n\r\n"


@asynccontextmanager
async def serving(answers: dict[str, str]) -> AsyncIterator[int]:
    """A server that gives each path its answer and closes; gives its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.write(answers[head.split(" ")[1]].encode())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answers", "right"),
    [
        ({"/": OK}, ""),
        ({"/": NO}, "HTTP probe failed with statuscode: 500"),
        ({"/": EARLY + OK}, ""),
        ({"/": EARLY + NO}, "HTTP probe failed with statuscode: 500"),
        ({"/": 6 * EARLY + OK}, "too many 1xx informational responses"),
        ({"/": "HTTP/1.1 101 Switching Protocols\r\n\r\n"}, "HTTP probe failed with statuscode: 101"),
        ({"/": redirect("/login"), "/login": OK}, ""),
        ({"/": redirect("/login?next=%2F"), "/login?next=%2F": NO}, "HTTP probe failed with statuscode: 500"),
        ({"/": redirect("https://login.example/")}, ""),  # where it leads away nobody goes
        ({"/": redirect("/")}, "stopped after 10 redirects"),
        ({"/": "HTTP/1.1 304 Not Modified\r\n\r\n"}, ""),
        ({"/": ""}, "EOF"),
        ({"/": "hello\r\n"}, "malformed HTTP response"),
    ],
)
async def test_an_answer_is_what_it_comes_to(answers: dict[str, str], right: str) -> None:
    async with serving(answers) as port:
        seen = await http_get({"port": port}, {}, "127.0.0.1", 5.0)
    assert (seen.ok, right in seen.message) == (not right, True)
