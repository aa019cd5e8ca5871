"""A network namespace and an address in it -> a listening socket there, held by a process that is elsewhere.

A socket stays in the namespace in which it was made. A thread of its own enters the namespace and ends there, so that
nothing else of the process ever leaves its own network.
"""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

from harness.sandbox.own_namespace import NEW_NETWORK, enter

if TYPE_CHECKING:
    from pathlib import Path

_BACKLOG = 128


def listening_socket(namespace: Path, address: str, port: int) -> socket.socket:
    """The socket. Raises: OSError."""
    made: list[socket.socket] = []
    failed: list[OSError] = []

    def make() -> None:
        try:
            _enter(namespace)
            made.append(socket.create_server((address, port), backlog=_BACKLOG))
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=make, name="inner socket")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]


def _enter(namespace: Path) -> None:
    """Moves the calling thread into a network namespace."""
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(descriptor, NEW_NETWORK, str(namespace))
    finally:
        os.close(descriptor)
