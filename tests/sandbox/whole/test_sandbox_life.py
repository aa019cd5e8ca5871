"""How a sandbox comes up, how it ends, and that nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import anyio
import pytest
from wholecluster import GIVE_UP_S, SHELL, Cluster, Maker, cluster_of, is_ready, polled

from harness.sandbox import keeping, kept
from harness.sandbox.embedded import Sandbox
from harness.sandbox.errors import NotKept
from harness.sandbox.settings import Settings

pytestmark = pytest.mark.anyio

# A program of its own that starts a sandbox with a pod, says so, and waits to be killed.
HARNESS = """
import anyio, json, sys
from harness.sandbox.embedded import Sandbox
from harness.sandbox.settings import Settings

async def main():
    async with Sandbox.start(Settings()) as sandbox:
        print(sandbox.pid, flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


def tree(pid: int) -> dict[int, tuple[str, str]]:
    """Every process below `pid` and itself: process id -> (when it began, what it is)."""
    found, left = {}, [pid]
    while left:
        current = left.pop()
        try:
            fields = Path(f"/proc/{current}/stat").read_text().rpartition(")")[2].split()
            command = Path(f"/proc/{current}/cmdline").read_text().replace("\0", " ")
            left += [int(child) for child in Path(f"/proc/{current}/task/{current}/children").read_text().split()]
        except OSError:
            continue
        found[current] = (fields[19], command)
    return found


def find(processes: dict[int, tuple[str, str]], part: str) -> int:
    """The process whose command line contains `part`, the innermost of several."""
    return max(pid for pid, (_, command) in processes.items() if part in command)


@contextmanager
def namespaces(processes: dict[int, tuple[str, str]]) -> Iterator[set[str]]:
    """The namespaces that only these processes are in; while they are held open, no other gets the number of one."""
    kinds = ("net", "mnt", "pid", "uts", "ipc")
    mine = {str(Path(f"/proc/self/ns/{kind}").readlink()) for kind in kinds}
    links = (Path(f"/proc/{pid}/ns/{kind}") for pid in processes for kind in kinds)
    theirs = {name: link for link in links if (name := str(link.readlink())) not in mine}
    with ExitStack() as held:
        for link in theirs.values():
            held.enter_context(link.open())
        yield set(theirs)


def in_use() -> set[str]:
    """The namespaces of all processes on this machine."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            found |= {str(link.readlink()) for link in (process / "ns").iterdir()}
    return found


async def all_gone(processes: dict[int, tuple[str, str]], spaces: set[str]) -> None:
    """Waits until none of the processes and none of the namespaces is left."""

    def left() -> tuple[dict[int, tuple[str, str]], set[str]]:
        same = {pid: known for pid, known in processes.items() if tree(pid).get(pid, ("",))[0] == known[0]}
        return same, spaces & in_use()

    try:
        await polled("the end of processes and namespaces", lambda: not any(left()) or None)
    except AssertionError as error:
        raise AssertionError(f"{error}; there are {left()}") from None


def places() -> dict[str, object]:
    """What the machine shows of mounts, named network namespaces, links and shared memory."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    return {
        "mounts": Path("/proc/self/mounts").read_text(),
        "netns": sorted(Path("/run/netns").iterdir()) if Path("/run/netns").exists() else None,
        "links": [line.split(": ")[1] for line in links.splitlines()],
        "shm": sorted(Path("/dev/shm").iterdir()),
    }


def processor_s(pid: int) -> float:
    """The processor time in seconds that `pid` and all below it have used, those that ended included."""
    spent = 0
    for one in tree(pid):
        with suppress(OSError):  # it ended this very moment
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            spent += sum(int(ticks) for ticks in fields[11:15])
    return spent / os.sysconf("SC_CLK_TCK")


async def at_rest(pid: int) -> None:
    """Waits until `pid` and all below it have used next to no processor time for half a second."""
    since, spent = time.monotonic(), processor_s(pid)

    def rested() -> bool | None:
        nonlocal since, spent
        now, used = time.monotonic(), processor_s(pid)
        if used - spent > 0.02:
            since, spent = now, used
        return True if now - since >= 0.5 else None

    await polled(f"half a second of rest for the processes below {pid}", rested)


async def test_a_sandbox_costs_little_processor_time_until_it_is_ready() -> None:
    """What it takes by the clock is the bench's business: here others may be using the machine."""
    async with Sandbox.start(Settings()) as sandbox:
        assert 0.1 < processor_s(sandbox.pid) < 1.5


async def test_nothing_stays_after_the_end(nginx: Maker) -> None:
    before = places()
    with ExitStack() as held:
        async with cluster_of(Settings()) as cluster:
            await cluster.create(nginx("web"))
            await cluster.pod("web", is_ready)
            processes = tree(cluster.sandbox.pid)
            spaces = held.enter_context(namespaces(processes))
            assert find(processes, "nginx: master")
            assert len(spaces) >= 8
            assert places() == before
        await all_gone(processes, spaces)
    assert places() == before


@pytest.mark.parametrize("victim", ["harness", "unshare", "supervisor", "node", "controlplane"])
async def test_after_a_kill_of_any_of_them_nothing_is_left(victim: str) -> None:
    before = places()
    process = await anyio.open_process([sys.executable, "-c", HARNESS])
    try:
        assert process.stdout is not None
        outermost = int(await process.stdout.receive())
        processes = tree(outermost)
        parts = {
            "supervisor": "-m harness.sandbox.supervisor",
            "node": "sandbox.node",
            "controlplane": "sandbox.controlplane",
        }
        victims = {"harness": process.pid, "unshare": outermost}
        with namespaces(processes) as spaces:
            os.kill(victims.get(victim) or find(processes, parts[victim]), signal.SIGKILL)
            await all_gone(processes, spaces)
    finally:
        if process.returncode is None:
            process.kill()
        await process.aclose()
    assert places() == before


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("sandbox.node", "node1 was killed by SIGKILL"),
        ("sandbox.controlplane", "control plane was killed by SIGKILL"),
        ("-m harness.sandbox.supervisor", "supervisor"),
    ],
)
async def test_the_harness_learns_what_died(part: str, words: str) -> None:
    async with Sandbox.start(Settings()) as sandbox:
        os.kill(find(tree(sandbox.pid), part), signal.SIGKILL)
        with anyio.fail_after(GIVE_UP_S):
            death = await sandbox.wait_died()
    assert words in str(death)


async def test_an_error_of_the_block_stays_itself() -> None:
    with pytest.raises(KeyError, match="mine"):
        async with Sandbox.start(Settings()):
            raise KeyError("mine")


async def test_two_sandboxes_do_not_see_each_other(cluster: Cluster, nginx: Maker) -> None:
    async with cluster_of(Settings(images=(SHELL,))) as other:
        await other.create(nginx("only-there"))
        await other.pod("only-there", is_ready)
        listed = await cluster.client.list("/api/v1/pods")
        assert "only-there" not in [pod["metadata"]["name"] for pod in listed["items"]]
        assert other.sandbox.kubeconfig["clusters"] != cluster.sandbox.kubeconfig["clusters"]


def listening(pid: int) -> set[str]:
    """Where the processes below `pid` listen on this machine's own network: address:port, in hexadecimal."""
    sockets = set()
    for one in tree(pid):
        with suppress(OSError):
            sockets |= {str(link.readlink()) for link in Path(f"/proc/{one}/fd").iterdir()}
    rows = [line.split() for kind in ("tcp", "tcp6") for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]]
    return {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}


async def test_only_the_api_listens_and_only_on_loopback(cluster: Cluster) -> None:
    (where,) = listening(cluster.sandbox.pid)
    address, _, port = where.partition(":")
    assert address == "0100007F"
    assert cluster.sandbox.kubeconfig["clusters"][0]["cluster"]["server"].endswith(f":{int(port, 16)}")


async def test_the_client_host_has_the_addresses_that_were_asked_for() -> None:
    async with Sandbox.start(Settings(client_addresses=7, nodes=2)) as sandbox:
        done = await anyio.run_process(sandbox.client_command(["ip", "-4", "-o", "addr"]))
        assert len(sandbox.client_addresses) == 14
        assert all(f" {address}/24" in done.stdout.decode() for address in sandbox.client_addresses)


async def test_a_program_on_the_client_host_is_a_direct_child_with_its_pipes(cluster: Cluster) -> None:
    command = cluster.sandbox.client_command(["sh", "-c", "echo $PPID; cat"])
    done = await anyio.run_process(command, input=b"through")
    assert done.stdout.decode().split() == [str(os.getpid()), "through"]


async def test_an_idle_sandbox_uses_hardly_any_processor(cluster: Cluster, nginx: Maker) -> None:
    for number in range(3):
        await cluster.create(nginx(f"idle-{number}"))
    for number in range(3):
        await cluster.pod(f"idle-{number}", is_ready)
    await at_rest(cluster.sandbox.pid)
    before, started = processor_s(cluster.sandbox.pid), time.monotonic()
    await anyio.sleep(6)  # the time over which it is measured
    assert (processor_s(cluster.sandbox.pid) - before) / (time.monotonic() - started) < 0.03


def test_a_kept_sandbox_stays_until_it_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with keeping.up("play", tmp_path / "config", Settings(client_addresses=1)) as info:
        pass
    try:
        processes = tree(info.pid)
        assert kept.get("play") == info
        done = subprocess.run(kept.exec_argv("play", ["hostname", "-I"]), capture_output=True, text=True, check=True)
        assert info.client_addresses[0] in done.stdout
        with (
            pytest.raises(NotKept, match="a sandbox of that name is already running"),
            keeping.up("play", None, Settings()),
        ):
            pass
    finally:
        kept.down("play")
    assert not any(tree(pid).get(pid, ("",))[0] == known[0] for pid, known in processes.items())
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotKept, match="no sandbox of that name is running"):
        kept.down("play")


def test_a_sandbox_whose_block_fails_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    processes = {}

    def failing() -> None:
        with keeping.up("play", tmp_path / "config", Settings()) as info:
            processes.update(tree(info.pid))
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert processes
    assert not any(tree(pid).get(pid, ("",))[0] == known[0] for pid, known in processes.items())
    assert list(tmp_path.iterdir()) == []


def test_a_kubeconfig_is_never_written_over_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "config").write_text("precious")
    with pytest.raises(NotKept, match="exists already"), keeping.up("play", tmp_path / "config", Settings()):
        pass
    assert (tmp_path / "config").read_text() == "precious"
