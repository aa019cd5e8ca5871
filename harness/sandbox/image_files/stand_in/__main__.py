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

import os
import selectors
import signal
import socket
import sys

from stand_in.server import Server

STOP_SIGNALS = ("SIGTERM", "SIGINT", "SIGQUIT")


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
