"""Ports and a behaviour, from the environment -> a small server that stands in for an application that is not there.

    STAND_IN_TCP        ports that it listens on: "8080,9090"
    STAND_IN_UDP        ports that it binds and reads from, without an answer
    STAND_IN_AT_STOP    what it does with its work at the stop signal:
                        finishes: stops listening, answers what it has begun, closes idle connections (the default)
                        exits: ends at once, with its work in hand
                        ignores: nothing; only SIGKILL ends it
                        refuses: goes on listening for 5 s and turns new requests away with 503; finishes what it has
    STAND_IN_LATENCY_S  how long each answer takes, but a probe's (0)
    STAND_IN_CERTIFICATE  key and certificate as PEM: with them, TLS is answered too, on every port
    STAND_IN_STOP_SIGNAL  what else than SIGTERM, SIGINT and SIGQUIT tells it to stop
    STAND_IN_ENDS       set: ends at once with 0, as an init container or a Job is to do

Every path of HTTP/1 is answered with 200 and the pod's name in X-Pod; every call of gRPC as a health check that serves.
What a client speaks is seen from its first bytes. Standard library only and no asyncio: it must start in no time.
"""

from __future__ import annotations

import heapq
import os
import selectors
import signal
import socket
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

STOP_SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT")
REFUSES_S = 5.0
FIRST_REQUEST_S = 1.0  # how long a connection without any request so far is waited for at the end
LONGEST_HEAD, CHUNK = 65536, 65536
H2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
END_STREAM, ACK, END_HEADERS = 1, 1, 4


class Server:
    """The stand-in while it runs: who is connected, what is due, and whether it has been told to stop."""

    def __init__(self, at_stop: str, latency_s: float, certificate: str | None) -> None:
        self.at_stop, self.latency_s, self.certificate = at_stop, latency_s, certificate
        self.pod = socket.gethostname()
        self.selector = selectors.DefaultSelector()
        self.listeners: list[socket.socket] = []
        self.connections: set[Connection] = set()
        self.stopping = self.closing = False
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._tls: ssl.SSLContext | None = None
        self.waker: socket.socket | None = None  # kept open for as long as signals may come

    def listen(self, tcp: list[int], udp: list[int]) -> None:
        """Binds what it can; a port that somebody else in the pod holds already is said and left out."""
        for kind, ports in ((socket.SOCK_STREAM, tcp), (socket.SOCK_DGRAM, udp)):
            for port in ports:
                bound = socket.socket(socket.AF_INET, kind)
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    bound.bind(("0.0.0.0", port))
                    if kind == socket.SOCK_STREAM:
                        bound.listen(511)
                except OSError as error:
                    print(f"stand-in: port {port} is left out: {error.strerror}", flush=True)
                    continue
                bound.setblocking(False)
                serve = self._accept if kind == socket.SOCK_STREAM else self._drop
                self.selector.register(bound, selectors.EVENT_READ, serve)
                self.listeners.append(bound)

    def run(self) -> None:
        """Until there is nothing more to do after the stop signal."""
        while not (self.closing and not self.connections):
            wait_s = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            for key, events in self.selector.select(wait_s):
                if (
                    isinstance(key.fileobj, socket.socket) and key.fileobj.fileno() != -1
                ):  # closed meanwhile, by what came before it in this turn
                    key.data(key.fileobj, events)
            while self._due and self._due[0][0] <= time.monotonic():
                heapq.heappop(self._due)[2]()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Calls `call` after that long."""
        self._count += 1
        heapq.heappush(self._due, (time.monotonic() + seconds, self._count, call))

    def stop(self) -> None:
        """The stop signal came."""
        if self.at_stop == "exits":
            os._exit(128 + signal.SIGTERM)
        if self.at_stop == "ignores" or self.stopping:
            return
        self.stopping = True
        if self.at_stop == "refuses":
            self.later(REFUSES_S, self.close)
        else:
            self.close()

    def close(self) -> None:
        """Stops listening, having taken what the kernel had accepted; ends when the last answer is given."""
        for bound in self.listeners:
            if bound.type == socket.SOCK_STREAM:
                self._accept(bound, 0)
            self.selector.unregister(bound)
            bound.close()
        self.listeners, self.closing = [], True
        for connection in tuple(self.connections):
            connection.drain()

    def tls(self, plain: socket.socket) -> ssl.SSLSocket:
        """The socket as the server's side of TLS."""
        import ssl

        if self._tls is None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with os.fdopen(os.memfd_create("certificate"), "w") as pem:  # load_cert_chain takes only files
                pem.write(self.certificate or "")
                pem.flush()
                self._tls.load_cert_chain(f"/proc/self/fd/{pem.fileno()}")
            self._tls.set_alpn_protocols(["h2", "http/1.1"])
        return self._tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)

    def _accept(self, bound: socket.socket, _: int) -> None:
        while True:
            try:
                taken, _address = bound.accept()
            except OSError:
                return
            taken.setblocking(False)
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections.add(Connection(self, taken))

    @staticmethod
    def _drop(bound: socket.socket, _: int) -> None:
        try:
            bound.recv(CHUNK)
        except OSError:
            return


class Connection:
    """One client: its requests, answered one after the other."""

    def __init__(self, server: Server, taken: socket.socket) -> None:
        self._server, self._socket = server, taken
        self._received = self._unsent = b""
        self._fresh, self._used, self._answering, self._last, self._h2 = True, False, False, False, False
        self._open = True
        server.selector.register(taken, selectors.EVENT_READ, self._ready)
        if server.closing:
            server.later(FIRST_REQUEST_S, self._close_unused)

    def drain(self) -> None:
        """The end has come: an idle connection is closed, one with a request after its answer."""
        if self._answering or self._unsent:
            self._last = True
        elif self._used or self._h2:
            self._close()
        else:
            self._server.later(FIRST_REQUEST_S, self._close_unused)

    def _ready(self, _: socket.socket, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._flush()
            if events & selectors.EVENT_READ and self._open:
                self._read()
        except OSError:
            self._close()

    def _read(self) -> None:
        if self._fresh:
            first = self._socket.recv(1, socket.MSG_PEEK)
            self._fresh = False
            if first == b"\x16" and self._server.certificate:
                self._server.selector.unregister(self._socket)
                self._socket = self._server.tls(self._socket)
                self._server.selector.register(self._socket, selectors.EVENT_READ, self._ready)
        while self._open:
            try:
                chunk = self._socket.recv(CHUNK)
            except BlockingIOError:
                return
            except OSError as error:
                if type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError"):
                    return
                raise
            if not chunk:
                self._close()
                return
            self._received += chunk
            self._next()

    def _next(self) -> None:
        if self._h2 or self._received.startswith(H2_PREFACE):
            self._frames()
            return
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if self._answering or not end:
            if len(self._received) > LONGEST_HEAD and not end:
                self._close()
            return
        fields = dict(_field(line) for line in head.split(b"\r\n")[1:])
        length = _body(fields, rest)
        if length is None:
            return
        self._received, self._used = rest[length:], True
        first = head.split(b"\r\n", 1)[0]
        keep = first.endswith(b"HTTP/1.1") and fields.get(b"connection", b"").lower() != b"close"
        status = 503 if self._server.stopping and self._server.at_stop == "refuses" else 200
        self._answering = True
        probe = fields.get(b"user-agent", b"").startswith(b"kube-probe/")
        delay_s = 0.0 if probe or status == 503 else self._server.latency_s

        def answer() -> None:
            self._answer(status, keep and status == 200, first.startswith(b"HEAD "))

        if delay_s:
            self._server.later(delay_s, answer)
        else:
            answer()

    def _answer(self, status: int, keep: bool, only_head: bool) -> None:
        if not self._open:
            return
        keep = keep and not self._server.closing
        body = b"stand-in\n" if status == 200 else b"stopping\n"
        reason = "OK" if status == 200 else "Service Unavailable"
        head = f"HTTP/1.1 {status} {reason}\r\nX-Pod: {self._server.pod}\r\nContent-Length: {len(body)}\r\n"
        head += f"Content-Type: text/plain\r\nConnection: {'keep-alive' if keep else 'close'}\r\n\r\n"
        self._answering, self._last = False, not keep
        self._send(head.encode() + (b"" if only_head else body))
        if self._open and self._received and keep:
            self._next()

    def _frames(self) -> None:
        """HTTP/2 as far as a health check of gRPC needs it (RFC 9113; grpc/grpc: doc/health-checking.md)."""
        if not self._h2:
            self._h2, self._received = True, self._received[len(H2_PREFACE) :]
            self._send(_frame(SETTINGS, 0, 0))
        while self._open and len(self._received) >= 9:
            length = int.from_bytes(self._received[:3], "big")
            if len(self._received) < 9 + length:
                return
            kind, flags = self._received[3], self._received[4]
            stream = int.from_bytes(self._received[5:9], "big") & 0x7FFFFFFF
            payload, self._received = self._received[9 : 9 + length], self._received[9 + length :]
            if kind == SETTINGS and not flags & ACK:
                self._send(_frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                self._send(_frame(PING, ACK, 0, payload))
            elif kind in (DATA, HEADERS) and flags & END_STREAM:
                self._send(_health(stream, serving=not self._server.stopping))

    def _send(self, data: bytes) -> None:
        self._unsent += data
        try:
            self._flush()
        except OSError:
            self._close()

    def _flush(self) -> None:
        if self._unsent:
            try:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
            except BlockingIOError:
                pass
            except OSError as error:
                if type(error).__name__ not in ("SSLWantReadError", "SSLWantWriteError"):
                    raise
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
        self._server.selector.modify(self._socket, wanted, self._ready)
        if not self._unsent and self._last and not self._answering:
            self._close()

    def _close_unused(self) -> None:
        if self._open and not self._used and not self._answering:
            self._close()

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._server.selector.unregister(self._socket)
            self._socket.close()
            self._server.connections.discard(self)


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b":")
    return name.strip().lower(), value.strip()


def _body(fields: dict[bytes, bytes], rest: bytes) -> int | None:
    """The length of a request's body; None where it has not all come."""
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        end = 0 if rest.startswith(b"0\r\n\r\n") else rest.find(b"\r\n0\r\n\r\n") + 2
        return end + 5 if end != 1 else None
    said = fields.get(b"content-length", b"0")
    length = int(said) if said.isdigit() else 0
    return length if len(rest) >= length else None


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _literal(name: bytes, value: bytes) -> bytes:
    """A header field of HPACK, written out (RFC 7541, 6.2.2)."""
    return bytes((0, len(name))) + name + bytes((len(value),)) + value


def _health(stream: int, *, serving: bool) -> bytes:
    """grpc.health.v1.HealthCheckResponse with SERVING (1) or NOT_SERVING (2), and the status OK."""
    head = b"\x88" + _literal(b"content-type", b"application/grpc")  # 0x88: ":status: 200" of the static table
    body = b"\x00\x00\x00\x00\x02\x08" + (b"\x01" if serving else b"\x02")
    trailers = _literal(b"grpc-status", b"0")
    return (
        _frame(HEADERS, END_HEADERS, stream, head)
        + _frame(DATA, 0, stream, body)
        + _frame(HEADERS, END_HEADERS | END_STREAM, stream, trailers)
    )


def _ports(name: str) -> list[int]:
    return [int(port) for port in os.environ.get(name, "").split(",") if port]


def _hear_signals(server: Server) -> None:
    """Lets the stop signals stop the server: the first process of a container ignores those without a handler.

    Children that come to it (what a hook left behind) are reaped by the kernel.
    """
    woken, waker = socket.socketpair()
    woken.setblocking(False)
    waker.setblocking(False)
    names = {*STOP_SIGNALS, os.environ.get("STAND_IN_STOP_SIGNAL", "SIGTERM")} - {"SIGKILL"}
    numbers = {int(signal.Signals[name]) for name in names}
    for number in numbers:
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.set_wakeup_fd(waker.fileno())

    def heard(*_: object) -> None:
        if numbers & set(woken.recv(64)):
            server.stop()

    server.selector.register(woken, selectors.EVENT_READ, heard)
    server.waker = waker


def main() -> None:
    """The program."""
    if os.environ.get("STAND_IN_ENDS"):
        print("stand-in: done")
        return
    at_stop = os.environ.get("STAND_IN_AT_STOP", "finishes")
    if at_stop not in ("finishes", "exits", "ignores", "refuses"):
        sys.exit(f"STAND_IN_AT_STOP={at_stop!r} is not finishes, exits, ignores or refuses")
    certificate = os.environ.get("STAND_IN_CERTIFICATE")
    server = Server(at_stop, float(os.environ.get("STAND_IN_LATENCY_S", "0")), certificate)
    _hear_signals(server)  # before anything else: a stop may come at once
    tcp, udp = _ports("STAND_IN_TCP"), _ports("STAND_IN_UDP")
    server.listen(tcp, udp)
    print(f"stand-in: tcp {tcp}, udp {udp}; at its stop signal it {at_stop}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
