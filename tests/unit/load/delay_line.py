"""Two network namespaces with a wire between them on which every packet takes a while: DELAY_S COMMAND...

To be run in a user and network namespace of its own (`unshare -Urn`). COMMAND runs here, with the other end's address
in PEER_ADDRESS and what runs a command there in PEER_PREFIX. The wire is this process between two TUN devices: kernels
do not always have netem, and this one never lets a packet go early. How much too late one went, at most, it says on the
last line of its standard error.
"""

from __future__ import annotations

import collections
import fcntl
import os
import select
import struct
import subprocess
import sys
import time
from pathlib import Path

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
HERE, THERE = "10.9.0.1", "10.9.0.2"


def tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def kept_waiting_s() -> float:
    """For how long this process waited for a processor, so that packets waited for it."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


def forward(ends: tuple[int, int], delay_s: float, until: subprocess.Popen[bytes]) -> float:
    """Pass packets on `until` that has ended; how many seconds one was late, at most."""
    waited_before_s, late_s = kept_waiting_s(), 0.0
    other = dict(zip(ends, reversed(ends), strict=True))
    on_the_way: collections.deque[tuple[float, int, bytes]] = collections.deque()
    while until.poll() is None:
        wait_s = max(0.0, on_the_way[0][0] - time.monotonic()) if on_the_way else 0.05
        readable, _, _ = select.select(ends, (), (), min(wait_s, 0.05))
        for end in readable:
            packet = os.read(end, 65536)
            on_the_way.append((time.monotonic() + delay_s, other[end], packet))
        while on_the_way and on_the_way[0][0] <= time.monotonic():
            due, end, packet = on_the_way.popleft()
            os.write(end, packet)
            late_s = max(late_s, time.monotonic() - due)
    return late_s + kept_waiting_s() - waited_before_s


def main() -> int:
    delay_s, command = float(sys.argv[1]), sys.argv[2:]
    ends = tun("here"), tun("there")
    with subprocess.Popen(
        ["unshare", "-n", "sh", "-c", "echo up; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdout.readline()  # it is in its namespace
        inside = ("nsenter", "-t", str(holder.pid), "-n")
        run("ip", "link", "set", "there", "netns", str(holder.pid))
        run("ip", "address", "add", f"{HERE}/30", "dev", "here")
        run("ip", "link", "set", "here", "up")
        run(*inside, "ip", "address", "add", f"{THERE}/30", "dev", "there")
        run(*inside, "ip", "link", "set", "there", "up")
        environment = os.environ | {"PEER_ADDRESS": THERE, "PEER_PREFIX": " ".join(inside)}
        with subprocess.Popen(command, env=environment) as child:
            late_s = forward(ends, delay_s, child)
        holder.stdin.close()
    print(late_s, file=sys.stderr)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main())
