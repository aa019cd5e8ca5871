"""What a Mac has not -> gone from this Python's standard library, before anything of the harness is imported.

For a child process: `python -c "import macos; macos.pretend(); ..."`. What is where: the availability notes of
https://docs.python.org/3/library/{os,signal,select,socket,time,fcntl,resource}.html.
"""

from __future__ import annotations

import asyncio  # noqa: F401 - what is imported already was made for the machine that this is
import fcntl
import importlib.abc
import multiprocessing.util  # noqa: F401
import os
import platform
import resource
import select
import selectors
import signal
import socket
import subprocess  # noqa: F401
import sys
import sysconfig
import time
import urllib.request  # noqa: F401
from collections.abc import Sequence
from types import ModuleType
from typing import Any

LINUX = {
    os: "pidfd_open setns unshare memfd_create eventfd pipe2 sched_getaffinity sched_setaffinity O_PATH O_TMPFILE "
    "CLONE_NEWNET CLONE_NEWNS posix_fadvise posix_fallocate splice P_PIDFD getrandom getresuid setresuid",
    signal: "pidfd_send_signal sigwaitinfo sigtimedwait SIGRTMIN SIGSTKFLT SIGPWR SIGPOLL",
    select: "epoll EPOLLIN",
    socket: "SOCK_NONBLOCK SOCK_CLOEXEC AF_NETLINK AF_PACKET AF_VSOCK SO_BINDTODEVICE SO_PEERCRED TCP_INFO "
    "TCP_USER_TIMEOUT TCP_QUICKACK TCP_DEFER_ACCEPT IP_TRANSPARENT IPPROTO_MPTCP CAN_RAW",
    time: "CLOCK_BOOTTIME CLOCK_TAI pthread_getcpuclockid",
    fcntl: "F_SETPIPE_SZ F_GETPIPE_SZ F_ADD_SEALS F_OFD_SETLK F_NOTIFY",
    resource: "prlimit RUSAGE_THREAD RLIMIT_NICE RLIMIT_RTPRIO RLIMIT_SIGPENDING RLIMIT_MSGQUEUE",
}
ABSENT = ("pyroute2",)
"""Packages that are Linux's alone."""


class _Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"a Mac has no {name}", name=name)


def pretend() -> None:
    """From here on this is a Mac, as far as its Python tells; /proc and /sys are refused."""
    sys.meta_path.insert(0, _Absent())
    for module, names in LINUX.items():
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    if hasattr(selectors, "EpollSelector"):
        del selectors.EpollSelector
    selectors.DefaultSelector = selectors.PollSelector
    sysconfig.get_config_vars()  # read for the machine that this is
    sys.platform = "darwin"
    platform.system = lambda: "Darwin"
    sys.addaudithook(_no_linux_files)


def _no_linux_files(event: str, given: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(given[0], str) and given[0].startswith(("/proc/", "/sys/")):
        raise FileNotFoundError(2, "a Mac has no such file", given[0])
