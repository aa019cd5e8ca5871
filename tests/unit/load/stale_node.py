"""A node that translates one address into that of a pod, and a client on it: prints what became of its requests.

To be run in a user and network namespace of its own (`unshare -Urn`). Two pods, each in a namespace, answer or do not;
which of them is behind the address is an nftables rule, as kube-proxy writes it. Of each step, one JSON object on a
line: what was recorded of each request (port, outcome, pod), and who answers for each port in the kernel's table.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from harness.load import Plan, Stream
from harness.load.attempt import Attempt
from harness.load.connections import AsyncioSender
from harness.load.worker import run_clock
from harness.model.request import Outcome
from harness.sandbox.instruments.truth.netlink import flows

ADDRESS = "10.96.0.1"
PODS = {"a": "10.9.1.2", "b": "10.9.2.2"}
PORTS = ((20000, 20007),)
_NETFILTER, _GET_TABLE, _DUMP = 12, 0x101, 0x301

RULES = """
add table ip proxy
delete table ip proxy
table ip proxy {
  chain output {
    type nat hook output priority -100
    ip daddr %s tcp dport 80 dnat to %s:80
  }
}
"""
SERVER = """
import socket, sys
listener = socket.create_server(("", 80))
print("up", flush=True)
while True:
    peer, _ = listener.accept()
    text = b""
    while not text.endswith(b"\\r\\n\\r\\n") and (more := peer.recv(4096)):
        text += more
    if text:
        answer = b"HTTP/1.1 200 OK\\r\\nX-Pod: %s\\r\\nContent-Length: 0\\r\\n\\r\\n" % sys.argv[1].encode()
        peer.send(answer, socket.MSG_MORE)  # in one segment with the FIN: it is the server that closes first
    peer.close()
"""
DARK = """
table ip dark {
  chain input {
    type filter hook input priority 0; policy drop
  }
}
"""


def run(*command: str, said: str = "") -> None:
    subprocess.run(command, check=True, input=said.encode())


class Pod:
    """A namespace with an address; `stop` ends its server, `darken` has it drop whatever comes."""

    def __init__(self, name: str, address: str) -> None:
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo up; exec cat"], stdin=-1, stdout=-1)
        assert self.holder.stdout is not None
        self.holder.stdout.readline()
        self.inside = ("nsenter", "-t", str(self.holder.pid), "-n")
        gateway = address.rpartition(".")[0] + ".1"
        run("ip", "link", "add", f"pod-{name}", "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        run("ip", "address", "add", f"{gateway}/24", "dev", f"pod-{name}")
        run("ip", "link", "set", f"pod-{name}", "up")
        run(*self.inside, "ip", "address", "add", f"{address}/24", "dev", "eth0")
        run(*self.inside, "ip", "link", "set", "eth0", "up")
        run(*self.inside, "ip", "route", "add", "default", "via", gateway)
        self.server = subprocess.Popen([*self.inside, sys.executable, "-S", "-c", SERVER, name], stdout=-1)
        assert self.server.stdout is not None
        self.server.stdout.readline()

    def stop(self) -> None:
        self.server.kill()
        self.server.wait()

    def darken(self) -> None:
        run(*self.inside, "nft", "-f", "-", said=DARK)

    def end(self) -> None:
        self.stop()
        self.holder.kill()
        self.holder.wait()


@contextlib.contextmanager
def pods() -> Iterator[dict[str, Pod]]:
    with contextlib.ExitStack() as ends:
        there = {}
        for name, address in PODS.items():
            there[name] = Pod(name, address)
            ends.callback(there[name].end)
        yield there


def put_behind(pod: str) -> None:
    """Program the node."""
    run("nft", "-f", "-", said=RULES % (ADDRESS, PODS[pod]))


def answering() -> dict[int, str]:
    """Who answers for each source port, by the kernel's table of connections."""
    found = {}
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER) as asking:
        asking.settimeout(10)
        body = struct.pack("=BBH", socket.AF_INET, 0, 0)
        asking.send(struct.pack("=IHHII", 16 + len(body), _GET_TABLE, _DUMP, 1, 0) + body)
        while True:
            data = asking.recv(1 << 18)
            for flow in flows(data):
                if flow.addressed[0] == ADDRESS:
                    found[flow.client[1]] = next(pod for pod, address in PODS.items() if address == flow.answering[0])
            if struct.unpack_from("=H", data, 4)[0] == 3:  # NLMSG_DONE
                return found


async def requests(sender: AsyncioSender, plan: Plan, number: int) -> list[tuple[Any, str, str]]:
    """One after the other."""
    recorded, clock = [], run_clock(plan)
    for seq in range(number):
        ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        attempt = Attempt("new", seq, clock(), clock())
        sender.send(plan.streams[0], attempt, lambda _, outcome, ended=ended: ended.set_result(outcome))
        outcome = await asyncio.wait_for(ended, 30)
        recorded.append((attempt.local_port, outcome.value, attempt.pod))
    return recorded


def alone(port: int) -> str:
    """What a client finds that takes this port although it should rest."""
    with socket.socket() as hasty:
        hasty.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        hasty.bind(("", port))
        hasty.settimeout(1.0)
        try:
            hasty.connect((ADDRESS, 80))
        except OSError as error:
            return type(error).__name__
        return "connected"


async def main() -> None:
    run("ip", "link", "set", "lo", "up")
    plan = Plan(
        url=f"http://{ADDRESS}/",
        streams=(Stream(name="new", rate_per_s=1),),
        ports=PORTS,
        connect_timeout_s=0.5,
        read_timeout_s=10.0,
    )
    sender = AsyncioSender(plan, clock=run_clock(plan))

    async def step(name: str, number: int) -> list[tuple[Any, str, str]]:
        recorded = await requests(sender, plan, number)
        print(json.dumps({"step": name, "recorded": recorded, "answering": answering()}), flush=True)
        return recorded

    with pods() as there:
        run("ip", "route", "add", f"{ADDRESS}/32", "via", PODS["b"])  # translated only once there is a way
        put_behind("a")
        await step("answered by a", 16)
        put_behind("b")
        await step("answered by b", 16)
        put_behind("a")
        there["a"].stop()
        await step("refused by a", 16)
        put_behind("b")
        await step("answered after the refusals", 16)
        put_behind("a")
        there["a"].darken()
        silent = await step("a is dark", 3)
        put_behind("b")
        await step("answered after the silence", 20)
        print(json.dumps({"step": "one that does not rest", "found": alone(silent[0][0]), "answering": answering()}))
    await sender.close()


if __name__ == "__main__":
    asyncio.run(main())
