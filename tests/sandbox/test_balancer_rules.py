"""The rules of the balancer of layer 4 in a kernel: where new connections go, and what becomes of open ones."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from harness.sandbox.balancer.network import rules

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(60)]

FRONT, POD = ("10.202.0.1", "tcp", 80), ("10.244.0.2", 8080)
BALANCER = """
set -e
echo 1 > /proc/sys/net/ipv4/ip_forward
ip link add pod0 type veth peer name eth0 netns {pod}
ip link add client0 type veth peer name eth0 netns {client}
ip addr add 10.244.0.1/24 dev pod0
ip addr add 10.203.0.1/24 dev client0
ip link set pod0 up
ip link set client0 up
ip route add blackhole 10.202.0.0/24
"""
HOST = "set -e; ip addr add {address}/24 dev eth0; ip link set eth0 up; ip route add default via {gateway}"
SERVER = """
import socket
with socket.create_server(("0.0.0.0", 8080)) as listening:
    print("listening", flush=True)
    client, _ = listening.accept()
    while said := client.recv(100):
        client.sendall(said)
"""
CLIENT = """
import socket, sys
kept = socket.create_connection(("10.202.0.1", 80), 20)
for line in sys.stdin:
    if line == "new\\n":
        try:
            socket.create_connection(("10.202.0.1", 80), 0.5)
        except OSError as error:
            print(type(error).__name__, flush=True)
        continue
    kept.sendall(line.encode())
    print(kept.recv(100).decode(), end="", flush=True)
"""


class Host:
    """A network namespace, kept by a process that does nothing else."""

    def __init__(self, keeper: subprocess.Popen[str]) -> None:
        self.pid = keeper.pid

    def run(self, program: str, *command: str, **options: str) -> None:
        inside = ["nsenter", f"--net=/proc/{self.pid}/ns/net", program, *command]
        subprocess.run(inside, check=True, timeout=20, text=True, **options)

    @contextmanager
    def running(self, source: str) -> Iterator[subprocess.Popen[str]]:
        inside = ["nsenter", f"--net=/proc/{self.pid}/ns/net", sys.executable, "-c", source]
        with subprocess.Popen(inside, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield process
            finally:
                process.kill()


@contextmanager
def host() -> Iterator[Host]:
    keeping = ["unshare", "--net", "sh", "-c", "ip link set lo up; echo made; exec sleep 60"]
    with subprocess.Popen(keeping, stdout=subprocess.PIPE, text=True) as keeper:
        try:
            assert said(keeper) == "made"
            yield Host(keeper)
        finally:
            keeper.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def asked(process: subprocess.Popen[str], line: str) -> str:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()
    return said(process)


def test_an_open_connection_outlives_the_last_target_and_no_new_one_is_made() -> None:
    with ExitStack() as stack:
        client, balancer, pod = (stack.enter_context(host()) for _ in range(3))
        balancer.run("sh", "-c", BALANCER.format(pod=pod.pid, client=client.pid))
        pod.run("sh", "-c", HOST.format(address="10.244.0.2", gateway="10.244.0.1"))
        client.run("sh", "-c", HOST.format(address="10.203.0.2", gateway="10.203.0.1"))
        assert said(stack.enter_context(pod.running(SERVER))) == "listening"
        balancer.run("nft", "-f", "-", input=rules({FRONT: [POD]}))
        kept = stack.enter_context(client.running(CLIENT))
        assert asked(kept, "before") == "before"
        balancer.run("nft", "-f", "-", input=rules({FRONT: []}))
        assert asked(kept, "new") == "TimeoutError"
        assert asked(kept, "after") == "after"
