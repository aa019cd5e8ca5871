"""Who is connected, what is due, and whether the stop signal has come: the stand-in while it runs."""

from __future__ import annotations

import heapq
import os
import selectors
import signal
import socket
import time

from .connection import CHUNK, Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

REFUSES_S = 5.0


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
