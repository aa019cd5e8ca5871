"""The stand-in as a process with real sockets: what it answers, and what it does with its work at the stop signal."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import harness.sandbox
from harness.sandbox.kubelet.grpc_health import SERVING, health
from harness.sandbox.stand_ins import certificate

PROGRAM = Path(harness.sandbox.__file__).parent / "image_files" / "stand_in"
WAIT_S = 60.0
LATENCY_S = 1.0
REQUEST = b"GET /work HTTP/1.1\r\nHost: shop\r\n\r\n"


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as asking:
        asking.bind(("127.0.0.1", 0))
        port: int = asking.getsockname()[1]
        return port


class StandIn:
    """The stand-in as a process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port
        self._clients: list[socket.socket] = []

    def first_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode()

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S)
        self._clients.append(client)
        return client

    def get(self, path: str = "/", **headers: str) -> http.client.HTTPResponse:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            client.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = client.getresponse()
            answer.read()
            return answer
        finally:
            client.close()

    def refused(self) -> bool:
        with socket.socket() as trying:
            return trying.connect_ex(("127.0.0.1", self.port)) != 0

    def stop(self, name: str = "SIGTERM") -> None:
        self.process.send_signal(signal.Signals[name])

    def ended(self) -> int:
        return self.process.wait(WAIT_S)

    def close(self) -> None:
        for client in self._clients:
            client.close()


@contextmanager
def stand_in(**environment: str) -> Iterator[StandIn]:
    port = free_port()
    given = {"STAND_IN_TCP": str(port), **environment}
    process = subprocess.Popen([sys.executable, "-I", "-S", "-B", str(PROGRAM)], env=given, stdout=subprocess.PIPE)
    running = StandIn(process, port)
    try:
        yield running
    finally:
        running.close()
        process.kill()
        process.communicate()


@contextmanager
def busy(at_stop: str, latency_s: float = LATENCY_S) -> Iterator[tuple[StandIn, socket.socket]]:
    """A stand-in that has read a request and not answered it yet."""
    with stand_in(STAND_IN_AT_STOP=at_stop, STAND_IN_LATENCY_S=str(latency_s)) as running:
        running.first_line()
        client = running.connect()
        client.sendall(REQUEST)
        # It takes what has come first: once a probe on a later connection is answered, the request has been read.
        assert running.get(User_Agent="kube-probe/1.36").status == 200
        yield running, client


def answer(client: socket.socket) -> bytes:
    """Everything until the peer's end."""
    pieces = []
    while piece := client.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


# At the stop signal, with work in hand


def test_finishes_answers_what_it_has_begun_and_takes_nothing_new() -> None:
    with busy("finishes") as (running, client):
        idle = running.connect()
        idle.sendall(b"GET / HTTP/1.1\r\nUser-Agent: kube-probe/1.36\r\n\r\n")
        assert idle.recv(65536).startswith(b"HTTP/1.1 200")
        running.stop()
        assert idle.recv(1) == b""  # closed at once, while the other is still being answered
        assert running.refused()
        seen = answer(client)
        assert seen.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\nConnection: close\r\n" in seen
        assert running.ended() == 0


def test_exits_leaves_its_work_unanswered() -> None:
    with busy("exits", latency_s=60.0) as (running, client):
        running.stop()
        assert running.ended() == 128 + signal.SIGTERM
        try:
            assert client.recv(65536) == b""
        except ConnectionResetError:
            pytest.fail("it had read the request, so its kernel says FIN and not RST")


def test_ignores_serves_on_until_it_is_killed() -> None:
    with busy("ignores") as (running, client):
        running.stop()
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        assert running.get().status == 200
        assert running.process.poll() is None
        running.stop("SIGKILL")
        assert running.ended() == -signal.SIGKILL


def test_refuses_turns_new_requests_away_and_answers_what_it_has_begun() -> None:
    with busy("refuses") as (running, client):
        stopped = time.monotonic()
        running.stop()
        turned_away = running.get()
        assert (turned_away.status, turned_away.headers["Connection"]) == (503, "close")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        client.sendall(REQUEST)
        assert client.recv(65536).startswith(b"HTTP/1.1 503 ")
        assert running.ended() == 0
        assert time.monotonic() - stopped >= 5.0


def test_a_connection_that_has_only_just_come_is_still_answered_at_the_end() -> None:
    with stand_in(STAND_IN_AT_STOP="finishes") as running:
        running.first_line()
        client = running.connect()
        running.stop()
        client.sendall(REQUEST)
        assert answer(client).startswith(b"HTTP/1.1 200 OK\r\n")
        assert running.ended() == 0


def test_it_stops_at_the_images_own_signal_and_no_other_ends_it() -> None:
    with stand_in(STAND_IN_STOP_SIGNAL="SIGUSR1") as running:
        running.first_line()
        running.stop("SIGUSR1")
        assert running.ended() == 0


# Probes


def test_every_path_is_answered_and_names_the_pod() -> None:
    with stand_in() as running:
        running.first_line()
        seen = running.get("/-/ready?x=1")
        assert (seen.status, seen.headers["X-Pod"]) == (200, socket.gethostname())


def test_a_probe_does_not_wait_for_the_latency() -> None:
    with stand_in(STAND_IN_LATENCY_S="60") as running:
        running.first_line()
        assert running.get(User_Agent="kube-probe/1.36").status == 200


def test_answers_take_the_latency() -> None:
    with stand_in(STAND_IN_LATENCY_S="0.3") as running:
        running.first_line()
        before = time.monotonic()
        assert running.get().status == 200
        assert time.monotonic() - before >= 0.3


def test_tls_and_plain_http_are_answered_on_one_port() -> None:
    with stand_in(STAND_IN_CERTIFICATE=certificate()) as running:
        running.first_line()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        client = http.client.HTTPSConnection("127.0.0.1", running.port, context=context, timeout=WAIT_S)
        for _ in range(2):  # the second on the same connection
            client.request("GET", "/healthz")
            seen = client.getresponse()
            assert (seen.status, seen.read()) == (200, b"stand-in\n")
        client.close()
        assert running.get().status == 200


def test_health_checks_of_grpc_are_served_until_it_stops() -> None:
    async def asked(port: int) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            return await asyncio.wait_for(health(reader, writer, "shop", "acme.Shop"), WAIT_S)
        finally:
            writer.close()
            await writer.wait_closed()

    with stand_in(STAND_IN_AT_STOP="refuses") as running:
        running.first_line()
        assert asyncio.run(asked(running.port)) == SERVING
        running.stop()
        while running.get().status == 200:
            assert running.process.poll() is None
        assert asyncio.run(asked(running.port)) == "NOT_SERVING"


def test_requests_with_bodies_are_read_whole() -> None:
    with stand_in() as running:
        running.first_line()
        client = running.connect()
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab")
        client.sendall(b"cdPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n" + REQUEST)
        client.shutdown(socket.SHUT_WR)
        assert answer(client).count(b"HTTP/1.1 200 OK") == 3


# As a process


def test_what_it_listens_on_is_said() -> None:
    udp = free_port(socket.SOCK_DGRAM)
    with stand_in(STAND_IN_UDP=str(udp)) as running:
        said = running.first_line()
        assert said == f"stand-in: tcp [{running.port}], udp [{udp}]; at its stop signal it finishes\n"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", udp))
            client.send(b"x")
            running.get()  # a refusal of the kernel would have come back by now
            client.send(b"x")


def test_a_port_that_another_of_its_pod_holds_is_left_out_and_said() -> None:
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", 0))
        holder.listen()
        with stand_in(STAND_IN_TCP=str(holder.getsockname()[1])) as running:
            assert "is left out: Address already in use" in running.first_line()
            assert running.process.poll() is None


def test_where_it_is_to_end_it_succeeds_at_once() -> None:
    with stand_in(STAND_IN_ENDS="1") as running:
        assert running.ended() == 0


def test_a_behaviour_that_there_is_not_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", PROGRAM],
        env={"STAND_IN_AT_STOP": "sulks"},
        capture_output=True,
        timeout=WAIT_S,
    )
    assert done.returncode == 1
    assert b"'sulks' is not finishes, exits, ignores or refuses" in done.stderr


def test_it_starts_without_what_costs_time() -> None:
    command = [sys.executable, "-I", "-S", "-B", "-X", "importtime", str(PROGRAM)]
    done = subprocess.run(command, env={"STAND_IN_ENDS": "1"}, capture_output=True, text=True, timeout=WAIT_S)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "selectors" in loaded
    assert not loaded & {"asyncio", "ssl", "typing", "dataclasses", "logging"}
    assert os.access(PROGRAM, os.R_OK)
