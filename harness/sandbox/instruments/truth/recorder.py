"""A node's kernel -> JSON lines of what really happened on it, on the machine's monotonic clock.

    python -m harness.sandbox.instruments.truth.recorder --state DIR --node NAME --out FILE

It runs inside the node's network namespace; inside a balancer's with --only-flows.

Lines, each with `kind` and `t_ns`: `clock` (`wall_ns` at the same moment), `flow` (a connection that the node tracks:
`event`, `client`, `addressed`, `answering`), `pod` (`uid`, `address`), `listening` (`uid`, `ports`: at every change,
looked up every 10 ms; at `since_ns` it was not so yet), `accepted` (`uid`, `client`: a connection that the program has
taken, looked up every 50 ms), `started` and `exited` (`uid`, `pid`: the first process of a container), `network-gone`
(`address`), `lost` (events that the kernel could not keep). kube-proxy adds `sync` lines. Writes `{"ready": {}}` to
standard output when it hears everything.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import json
import os
import queue
import select
import socket
import struct
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.sandbox.instruments.truth.netlink import (
    Sockets,
    conntrack_socket,
    flows,
    link_socket,
    links_gone,
    received,
)
from harness.sandbox.netns import linked_address
from harness.sandbox.own_namespace import NEW_NETWORK, enter

if TYPE_CHECKING:
    from collections.abc import Iterator

_TICK_S = 0.01
_PRIORITY = -15  # late is wrong, here
_ACCEPTED_TICKS, _CLOCK_TICKS = 5, 100
_YOUNG_S = 2.0  # how long a process may take from its fork into its pod's network namespace
_GET_ADDRESS = 0x8915  # SIOCGIFADDR
# How many buckets the connections of each later namespace have to themselves (Linux 6.1 and later): a dump walks every
# bucket, and of the machine's 262,144 that takes 6 ms of processor time for each pod, of these 0.2 ms.
_OWN_TABLES, _OWN_BUCKETS = Path("/proc/sys/net/ipv4/tcp_child_ehash_entries"), 16384


@dataclass(slots=True)
class PodSeen:
    """A pod's network namespace, and what was last seen in it, at `looked_ns`."""

    uid: str
    inode: int
    sockets: Sockets
    looked_ns: int
    ports: frozenset[int] = frozenset()
    accepted: frozenset[tuple[str, int]] = frozenset()


class Recorder:
    """Follows one node, or with `only_flows` nothing but the connections that pass through."""

    def __init__(self, state: Path, node: str, out: Path, *, only_flows: bool = False) -> None:
        self._only_flows = only_flows
        self._namespaces = state / "netns"
        self._node = node
        # Written by a thread: a disk that is busy must not make a moment look later than it was.
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._keep, args=(out,), daemon=True).start()
        self._conntrack, self._links = conntrack_socket(), link_socket()
        self._poll = select.epoll()
        self._pods: dict[str, PodSeen] = {}
        self._containers: dict[int, tuple[str, int]] = {}  # uid and process id by pidfd
        self._known: frozenset[int] = frozenset()
        self._young: dict[int, float] = {}
        self._ticks = 0
        for hearing in (self._conntrack, self._links):
            self._poll.register(hearing, select.EPOLLIN)

    def run(self) -> None:
        """Records for ever."""
        due = time.monotonic()
        while True:
            for descriptor, _ in self._poll.poll(max(0.0, due - time.monotonic())):
                if descriptor == self._conntrack.fileno():
                    self._hear(self._conntrack)
                elif descriptor == self._links.fileno():
                    self._hear(self._links)
                else:
                    self._exited(descriptor)
            if time.monotonic() >= due:
                self._tick()
                due = max(due + _TICK_S, time.monotonic() + _TICK_S / 2)

    def _hear(self, hearing: socket.socket) -> None:
        t_ns = time.monotonic_ns()
        try:
            data = received(hearing)
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            self._write("lost", t_ns)
            return
        if hearing is self._links:
            for link in links_gone(data):
                if (address := linked_address(link)) is not None:
                    self._write("network-gone", t_ns, address=address)
            return
        for flow in flows(data):
            if flow.addressed != flow.answering:  # translated: what goes to a pod by its own address is no request
                self._write(
                    "flow",
                    t_ns,
                    event=flow.event,
                    client=flow.client,
                    addressed=flow.addressed,
                    answering=flow.answering,
                )

    def _tick(self) -> None:
        if self._ticks % _CLOCK_TICKS == 0:
            self._write("clock", time.monotonic_ns(), wall_ns=time.time_ns())
        if not self._only_flows:
            self._find_pods()
            self._find_containers()
            self._look_into_pods()
        self._ticks += 1

    def _look_into_pods(self) -> None:
        for pod in self._pods.values():
            before_ns = time.monotonic_ns()
            ports = pod.sockets.listening()
            if ports != pod.ports:
                now_ns = time.monotonic_ns()
                self._write("listening", now_ns, since_ns=pod.looked_ns, uid=pod.uid, ports=sorted(ports))
                pod.ports = ports
            pod.looked_ns = before_ns
            if self._ticks % _ACCEPTED_TICKS == 0:
                accepted = pod.sockets.accepted()
                for client in accepted - pod.accepted:
                    self._write("accepted", time.monotonic_ns(), uid=pod.uid, client=client)
                pod.accepted = accepted

    def _find_pods(self) -> None:
        there = {name for name in os.listdir(self._namespaces) if name.startswith("pod-")}  # noqa: PTH208 - 100 a second
        for name in there - self._pods.keys():
            self._add(name)
        for name in self._pods.keys() - there:
            self._pods.pop(name).sockets.close()

    def _add(self, name: str) -> None:
        try:
            with _inside(self._namespaces / name):
                address, sockets = _own_address(), Sockets()
        except OSError:
            return  # not built yet, or gone again: looked for at the next tick
        inode = (self._namespaces / name).stat().st_ino
        uid = name.removeprefix("pod-")
        now_ns = time.monotonic_ns()
        self._pods[name] = PodSeen(uid, inode, sockets, now_ns)
        self._write("pod", now_ns, uid=uid, address=address)

    def _find_containers(self) -> None:
        now = time.monotonic()
        present = frozenset(int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208
        self._young |= dict.fromkeys(present - self._known, now + _YOUNG_S)
        self._known = present
        by_inode = {pod.inode: pod for pod in self._pods.values()}
        for pid, until in list(self._young.items()):
            pod = by_inode.get(_network_inode(pid))
            if pod is not None and _is_first_of_its_namespace(pid):
                with suppress(ProcessLookupError):
                    self._follow(pod, pid)
                del self._young[pid]
            elif pid not in present or now > until:
                del self._young[pid]

    def _follow(self, pod: PodSeen, pid: int) -> None:
        descriptor = os.pidfd_open(pid)
        self._containers[descriptor] = (pod.uid, pid)
        self._poll.register(descriptor, select.EPOLLIN)
        self._write("started", time.monotonic_ns(), uid=pod.uid, pid=pid)

    def _exited(self, descriptor: int) -> None:
        t_ns = time.monotonic_ns()
        uid, pid = self._containers.pop(descriptor)
        self._write("exited", t_ns, uid=uid, pid=pid)
        self._poll.unregister(descriptor)
        os.close(descriptor)

    def _write(self, kind: str, t_ns: int, **fields: Any) -> None:
        line = json.dumps({"kind": kind, "t_ns": t_ns, "node": self._node, **fields})
        self._lines.put(line.encode() + b"\n")

    def _keep(self, out: Path) -> None:
        with out.open("ab", buffering=0) as file:
            while True:
                file.write(self._lines.get())


@contextmanager
def _inside(namespace: Path) -> Iterator[None]:
    own = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        other = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
        try:
            enter(other, NEW_NETWORK)
        finally:
            os.close(other)
        try:
            yield
        finally:
            enter(own, NEW_NETWORK)
    finally:
        os.close(own)


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        answer = fcntl.ioctl(asking, _GET_ADDRESS, struct.pack("16s24x", b"eth0"))
    return socket.inet_ntoa(answer[20:24])


def _network_inode(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino  # noqa: PTH116 - in every tick
    except OSError:
        return 0


def _is_first_of_its_namespace(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    ids = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
    return len(ids) > 1 and ids[-1] == "1"


def main() -> None:
    """The process' entry."""
    parser = argparse.ArgumentParser(description="Records what really happens on one node of a sandbox.")
    parser.add_argument("--state", type=Path, required=True, help="the sandbox's state directory")
    parser.add_argument("--node", required=True, help="the node's name")
    parser.add_argument("--only-flows", action="store_true", help="no pods are here")
    parser.add_argument("--out", type=Path, required=True, help="the file that gets the lines")
    arguments = parser.parse_args()
    with suppress(PermissionError):  # not as an ordinary user
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    with suppress(OSError):  # an older kernel
        _OWN_TABLES.write_text(f"{_OWN_BUCKETS}\n")
    recorder = Recorder(arguments.state, arguments.node, arguments.out, only_flows=arguments.only_flows)
    sys.stdout.write('{"ready": {}}\n')
    sys.stdout.flush()
    recorder.run()


if __name__ == "__main__":
    main()
