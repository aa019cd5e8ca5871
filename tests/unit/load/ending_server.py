"""A server process that takes one connection and ends it in one way: ADDRESS WAY ANSWERED PAUSE_S.

It answers ANSWERED requests well first. Lines on stdout say how far it is (the port comes first); where it waits for
the moment, a line on stdin says go.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"


def say(text: object) -> None:
    print(text, flush=True)


def await_word() -> None:
    sys.stdin.readline()


def read_request(peer: socket.socket) -> None:
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        if not (more := peer.recv(4096)):
            raise SystemExit("the client closed before it had sent a request")
        text += more


def await_request(peer: socket.socket) -> None:
    """Until bytes wait to be read; they stay unread."""
    poll = select.poll()
    poll.register(peer, select.POLLIN)
    poll.poll()


def close(peer: socket.socket, _: float) -> None:
    """As idle."""
    await_word()
    peer.close()
    say("closed")
    await_word()


def half_close(peer: socket.socket, _: float) -> None:
    """As nginx does when it lingers: it says that it is done, and reads what still comes."""
    await_word()
    peer.shutdown(socket.SHUT_WR)
    say("closed")
    while peer.recv(4096):
        pass


def read_and_exit(peer: socket.socket, pause_s: float) -> None:
    read_request(peer)
    time.sleep(pause_s)
    os._exit(0)


def read_and_await_word(peer: socket.socket, _: float) -> None:
    read_request(peer)
    say("taken")
    await_word()
    os._exit(0)


def exit_unread(peer: socket.socket, pause_s: float) -> None:
    await_request(peer)
    time.sleep(pause_s)
    os._exit(0)


def await_word_unread(peer: socket.socket, _: float) -> None:
    await_request(peer)
    say("taken")
    await_word()
    os._exit(0)


def exit_midway(peer: socket.socket, _: float) -> None:
    read_request(peer)
    peer.sendall(HALF)
    os._exit(0)


def exit_midway_unread(peer: socket.socket, _: float) -> None:
    await_request(peer)
    peer.sendall(HALF)
    os._exit(0)


def main() -> None:
    address, way, answered, pause_s = sys.argv[1:]
    listener = socket.create_server((address, 0))
    say(listener.getsockname()[1])
    peer, _ = listener.accept()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(int(answered)):
        read_request(peer)
        peer.sendall(GOOD)
    globals()[way](peer, float(pause_s))


if __name__ == "__main__":
    main()
