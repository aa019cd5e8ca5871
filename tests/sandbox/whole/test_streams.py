"""kubectl and the Python client run commands in pods, copy files, forward ports and read logs, and leave nothing."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import sys
import termios
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from wholecluster import GIVE_UP_S, SHELL, Cluster, cluster_of, is_ready, pod_of, polled

from harness.sandbox.kubelet.descriptors import Descriptor
from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
pytestmark = [pytest.mark.anyio, pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")]

OVER_SPDY = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false", "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"}
both_ways = pytest.mark.parametrize("over", [{}, OVER_SPDY], ids=["websocket", "spdy"])
SIZED = "until [ \"$(stty size)\" != '0 0' ]; do sleep 0.05; done"  # the size comes a moment after the command began
READS = "while read line; do echo got $line; done; echo over; exec sleep 600"


@dataclass(frozen=True)
class Done:
    """How a kubectl ended."""

    code: int
    out: bytes
    err: str


@dataclass(frozen=True)
class Kubectl:
    """kubectl against the cluster."""

    cluster: Cluster
    environment: dict[str, str]

    async def start(self, *words: str, over: dict[str, str] | None = None) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        environment = {**self.environment, **(over or {})}
        assert KUBECTL is not None
        return await asyncio.create_subprocess_exec(
            KUBECTL, *words, env=environment, stdin=pipe, stdout=pipe, stderr=pipe
        )

    async def __call__(self, *words: str, given: bytes = b"", over: dict[str, str] | None = None) -> Done:
        process = await self.start(*words, over=over)
        try:
            async with asyncio.timeout(GIVE_UP_S):
                out, err = await process.communicate(given)
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode is not None
        return Done(process.returncode, out, err.decode())


@pytest.fixture(scope="module")
async def kubectl(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kubectl]:
    """kubectl, and the pods `web` (nginx), `two` (a counter, and one that reads) and `fails`."""
    folder = tmp_path_factory.mktemp("kubectl")
    async with cluster_of(Settings(images=(SHELL,))) as cluster:
        (folder / "config").write_text(json.dumps(cluster.sandbox.kubeconfig))
        path = {**os.environ, "KUBECONFIG": str(folder / "config"), "HOME": str(folder)}
        await cluster.create(pod_of("web", {"name": "nginx", "image": "nginx:1.28.0"}))
        counts = {"name": "counts", "image": "shell", "command": ["sh", "-c", "echo one; echo two; exec sleep 600"]}
        reads = {"name": "reads", "image": "shell", "stdin": True, "command": ["sh", "-c", READS]}
        await cluster.create(pod_of("two", counts, spec={"containers": [counts, reads]}))
        fails = {"name": "main", "image": "shell", "command": ["sh", "-c", "echo dying; exit 3"]}
        await cluster.create(pod_of("fails", fails))
        for name in ("web", "two"):
            await cluster.pod(name, is_ready)
        yield Kubectl(cluster, path)


def running(word: str) -> list[int]:
    """The machine's processes with this word on their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and word.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def is_full(pid: int) -> bool:
    """Whether the pipe that is the process's standard input takes no more."""
    pipe = os.open(f"/proc/{pid}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
    try:
        unread = int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
        return unread == fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
    finally:
        os.close(pipe)


async def none_left(word: str) -> None:
    await polled(f"the end of every {word}", lambda: not running(word) or None)


@both_ways
async def test_a_command_has_its_streams_and_its_exit_code(kubectl: Kubectl, over: dict[str, str]) -> None:
    line = "cat /etc/hostname; cat; echo wrong >&2; exit 3"
    done = await kubectl("exec", "-i", "web", "--", "sh", "-c", line, given=b"given\n", over=over)
    assert (done.code, done.out) == (3, b"web\ngiven\n")
    assert done.err == "wrong\ncommand terminated with exit code 3\n"


@both_ways
async def test_bytes_come_back_as_they_went(kubectl: Kubectl, over: dict[str, str]) -> None:
    given = os.urandom(3_000_000)
    done = await kubectl("exec", "-i", "web", "--", "cat", given=given, over=over)
    assert (done.code, done.out == given, done.err) == (0, True, "")


async def test_a_terminal_has_a_name_and_the_size_of_the_clients(kubectl: Kubectl) -> None:
    assert KUBECTL is not None
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (31, 97))
    process = await asyncio.create_subprocess_exec(
        *(KUBECTL, "exec", "-it", "web", "--", "sh", "-c", f"tty; {SIZED}; stty size; echo $TERM"),
        env=kubectl.environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    terminal, out = Descriptor(master), b""
    async with asyncio.timeout(GIVE_UP_S):
        while chunk := await terminal.receive():
            out += chunk
        assert await process.wait() == 0, out
    terminal.close()
    assert out.decode().split("\r\n")[:3] == ["/dev/pts/0", "31 97", "xterm"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("exec web -- nope", 1, 'unable to start container process: exec: "nope": executable file not found in $PATH'),
        ("exec web -- /nope", 1, 'exec: "/nope": stat /nope: no such file or directory'),
        ("exec web -- /etc/hostname", 1, 'exec: "/etc/hostname": permission denied'),
        ("exec fails -- ls", 1, 'unable to upgrade connection: container not found ("main")'),
        ("exec nobody -- ls", 1, 'Error from server (NotFound): pods "nobody" not found'),
        ("exec two -c other -- ls", 1, "container other is not valid for pod two"),
        ("exec web -- sh -c 'kill -9 $$'", 137, "command terminated with exit code 137"),
    ],
)
@both_ways
async def test_what_cannot_be_run_is_told_in_kubernetes_words(
    kubectl: Kubectl, words: str, code: int, says: str, over: dict[str, str]
) -> None:
    head, _, line = words.partition(" -c '")
    done = await kubectl(*head.split(), *(("-c", line.rstrip("'")) if line else ()), over=over)
    assert done.code == code
    assert says in done.err


@both_ways
async def test_a_command_ends_with_its_client(kubectl: Kubectl, over: dict[str, str]) -> None:
    process = await kubectl.start("exec", "-i", "web", "--", "sh", "-c", "sleep 4711 & sleep 4712", over=over)
    await polled("both sleeps", lambda: (running("4711") and running("4712")) or None)
    assert process.stdin is not None
    # More than fits between the client and a program that does not read: its end comes after what cannot be delivered.
    process.stdin.write(bytes(8_000_000))
    await polled("a full pipe", lambda: is_full(running("4712")[0]) or None)
    process.kill()
    await process.communicate()
    await none_left("4711")
    await none_left("4712")


async def test_a_command_ends_with_its_pod(kubectl: Kubectl) -> None:
    await kubectl.cluster.create(pod_of("brief", {"name": "main", "image": "shell"}))
    await kubectl.cluster.pod("brief", is_ready)
    process = await kubectl.start("exec", "brief", "--", "sleep", "4713")
    await polled("the sleep", lambda: running("4713") or None)
    await kubectl.cluster.delete("brief", grace_s=1)
    async with asyncio.timeout(GIVE_UP_S):
        _, err = await process.communicate()
    assert (process.returncode, err) == (137, b"command terminated with exit code 137\n")
    await none_left("4713")


async def test_files_are_copied_both_ways(kubectl: Kubectl, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    (tmp_path / "there").mkdir()
    (tmp_path / "there/file").write_bytes(content)
    assert (await kubectl("cp", str(tmp_path / "there"), "web:/tmp/there")).code == 0
    assert (await kubectl("cp", "web:/tmp/there", str(tmp_path / "back"))).code == 0
    assert (tmp_path / "back/file").read_bytes() == content
    await kubectl("cp", "web:/tmp/nothing", str(tmp_path / "x"))  # it may end before it has shown what tar said
    assert not (tmp_path / "x").exists()


@asynccontextmanager
async def forwarded(kubectl: Kubectl, port: int, over: dict[str, str]) -> AsyncIterator[tuple[int, Any]]:
    """A port of this machine that leads to the pod's, and the kubectl that forwards it."""
    process = await kubectl.start("port-forward", "pod/web", f":{port}", "--address=127.0.0.1", over=over)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(GIVE_UP_S):
            line = (await process.stdout.readline()).decode()
        assert line.startswith("Forwarding from 127.0.0.1:"), line
        yield int(line.split(":")[1].split()[0]), process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def fetched(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(GIVE_UP_S):
        answer = await reader.read()
    writer.close()
    return answer


@both_ways
async def test_a_forwarded_port_serves_many_at_once(kubectl: Kubectl, over: dict[str, str]) -> None:
    async with forwarded(kubectl, 80, over) as (port, _):
        answers = await asyncio.gather(*(fetched(port) for _ in range(12)))
    assert [answer.split(b"\r\n")[0] for answer in answers] == [b"HTTP/1.1 200 OK"] * 12


@both_ways
async def test_where_nothing_listens_it_says_so(kubectl: Kubectl, over: dict[str, str]) -> None:
    async with forwarded(kubectl, 81, over) as (port, process):
        with suppress(ConnectionResetError):  # kubectl may end with what was sent to it unread
            assert await fetched(port) == b""
        async with asyncio.timeout(GIVE_UP_S):
            err = (await process.stderr.read()).decode()
    assert "dial tcp4 127.0.0.1:81: connect: connection refused" in err
    assert err.endswith("error: lost connection to pod\n")


async def test_an_attached_client_talks_to_the_program_itself(kubectl: Kubectl) -> None:
    process = await kubectl.start("attach", "-i", "two", "-c", "reads")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"this\n")
    async with asyncio.timeout(GIVE_UP_S):
        assert await process.stdout.readline() == b"got this\n"
    process.kill()
    await process.communicate()
    again = await kubectl.start("attach", "-i", "two", "-c", "reads")  # it reads on: stdinOnce is not set
    assert again.stdin is not None
    assert again.stdout is not None
    again.stdin.write(b"that\n")
    async with asyncio.timeout(GIVE_UP_S):
        assert await again.stdout.readline() == b"got that\n"
    again.kill()
    await again.communicate()


async def test_a_pod_that_is_run_with_input_gets_it_and_its_end(kubectl: Kubectl) -> None:
    words = "run once --rm -i --restart=Never --image=shell --command -- sh -c"
    process = await kubectl.start(*words.split(), "read line; echo got $line; cat >/dev/null; echo over")
    await kubectl.cluster.pod("once", is_ready)
    assert process.stderr is not None
    async with asyncio.timeout(GIVE_UP_S):
        while b"command prompt" not in await process.stderr.readline():
            continue
        out, _ = await process.communicate(b"this\n")
    assert out.splitlines()[:2] == [b"got this", b"over"]
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("words", "shows"),
    [
        ("logs two -c counts", "one\ntwo\n"),
        ("logs two -c counts --tail=1", "two\n"),
        ("logs two -c counts --limit-bytes=5", "one\nt"),
        ("logs two -c counts --since-time=2999-01-01T00:00:00Z", ""),
        ("logs two --all-containers --prefix --tail=1", "[pod/two/counts] two\n"),
        ("logs -l app=two -c counts --prefix --tail=1", "[pod/two/counts] two\n"),
    ],
)
async def test_a_log_is_cut_as_asked(kubectl: Kubectl, words: str, shows: str) -> None:
    done = await kubectl(*words.split())
    shown = "".join(line for line in done.out.decode().splitlines(keepends=True) if "reads]" not in line)
    assert (done.code, shown) == (0, shows), done.err


async def test_the_log_of_the_run_before_and_of_none(kubectl: Kubectl) -> None:
    await kubectl.cluster.pod("fails", lambda pod: pod["status"]["containerStatuses"][0]["restartCount"] > 0)
    assert (await kubectl("logs", "fails", "-p")).out == b"dying\n"
    none = await kubectl("logs", "web", "-p")
    assert none.err.endswith('previous terminated container "nginx" in pod "web" not found\n')


async def test_the_python_client_runs_a_command_and_forwards_a_port(kubectl: Kubectl) -> None:
    program = Path(__file__).with_name("python_client_streams.py")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(program), kubectl.environment["KUBECONFIG"]), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(GIVE_UP_S):
        out, _ = await process.communicate()
    assert out.decode().splitlines() == ["got hello", "5", "HTTP/1.1 200 OK"]
