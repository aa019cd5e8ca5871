"""A descriptor of a Linux namespace -> the calling thread in it: setns(2), unshare(2), which Python 3.12 has itself."""

from __future__ import annotations

import ctypes
import os
from typing import Final

NEW_NETWORK: Final = 0x40000000  # CLONE_NEWNET
NEW_PID: Final = 0x20000000  # CLONE_NEWPID

_libc = ctypes.CDLL(None, use_errno=True)


def enter(descriptor: int, kind: int, name: str | None = None) -> None:
    """Move the calling thread into the namespace; of NEW_PID, its next children. `name`: of its file, for the error.

    Raises:
        OSError: the kernel does not let it.
    """
    _checked(_libc.setns(descriptor, kind), name)


def unshare(kind: int) -> None:
    """Give the calling thread a namespace of its own; of NEW_PID, its next child.

    Raises:
        OSError: the kernel does not let it.
    """
    _checked(_libc.unshare(kind), None)


def _checked(result: int, name: str | None) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name) if name else OSError(number, os.strerror(number))
