"""`rollout-harness sandbox up|exec|down` as people and scripts use it: at once, twice, interrupted, in vain."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from program import called
from wholecluster import polled

from harness.sandbox import running
from harness.sandbox.running import Running

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

PROGRAM = (sys.executable, "-m", "harness")


class Machine:
    """This machine as one user of kept sandboxes sees it: a state folder of its own."""

    def __init__(self, runtime: Path) -> None:
        self.runtime, self.folder = runtime, runtime / f"rollout-harness-{os.geteuid()}"
        self._started: list[subprocess.Popen[str]] = []
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "COLUMNS": "200"}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command that goes on beside the test."""
        command = [*PROGRAM, "sandbox", *words]
        started = subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._started.append(started)
        return started

    def end(self) -> None:
        """Ends what a test that failed left."""
        for process in self._started:
            if process.returncode is None:
                process.kill()
                process.communicate()
        for one in self.sandboxes():
            running.end(one.mark)

    def run(self, *words: str, code: int = 0) -> str:
        """What a command prints that ends with `code`: nothing but one line of error where that is not 0."""
        with self.start(*words) as process:
            out, err = process.communicate(timeout=200)
        assert process.returncode == code, (out, err)
        assert [line[:7] for line in err.splitlines()] == ["error: "] * (code != 0), err
        return out + err

    def refused(self, *words: str) -> str:
        """The line of error of a command that starts nothing: no process of its own is needed for that."""
        return called("sandbox", *words, env=self.environment).refusal

    def sandboxes(self) -> list[Running]:
        """What runs of it."""
        return [one for one in running.running() if one.mark.folder == str(self.folder)]

    def files(self) -> list[str]:
        """What there is of it on disk."""
        return sorted(str(path.relative_to(self.runtime)) for path in self.runtime.rglob("*"))


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    there = Machine(tmp_path)
    try:
        yield there
    finally:
        there.end()


def supervisor(sandbox: Running) -> int:
    """The first process of the sandbox' PID namespace."""
    return int(Path(f"/proc/{sandbox.pid}/task/{sandbox.pid}/children").read_text())


def commands(said: str) -> list[str]:
    """Every command line that a message hands to people."""
    return re.findall(r"(?:rollout-harness|export) [^\n,;]*[^\n,;. ]", said)


def pasted(machine: Machine, line: str) -> subprocess.CompletedProcess[str]:
    """What comes of it in a shell where the program is installed."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**machine.environment, "PATH": path}
    return subprocess.run(["sh", "-c", line], env=environment, text=True, capture_output=True, timeout=200, check=False)


async def held_while_starting(machine: Machine, name: str) -> subprocess.Popen[str]:
    """An `up` that stands still in the middle of its start: no machine is so fast or slow that it gets further."""
    starting = machine.start("up", "--name", name)
    await polled("its processes", lambda: machine.sandboxes() or None)
    starting.send_signal(signal.SIGSTOP)
    return starting


async def told_when_ended(machine: Machine, starting: subprocess.Popen[str], line: str) -> str:
    """What an `up` that stands still says of a pasted `down`, when it is let go on."""
    with ThreadPoolExecutor(1) as threads:
        ending = threads.submit(pasted, machine, line)
        await polled("the end of its processes", lambda: not machine.sandboxes() or None, 30)
        starting.send_signal(signal.SIGCONT)
        _, said = starting.communicate(timeout=200)
        assert starting.returncode == 2
        assert ending.result(60).stdout == "The sandbox is gone.\n"
    return said


async def test_of_two_that_start_one_name_at_once_one_wins_and_the_other_says_so(machine: Machine) -> None:
    both = [machine.start("up", "--name", "play") for _ in range(2)]
    said = [process.communicate(timeout=200) for process in both]
    assert sorted(process.returncode for process in both) == [0, 2], said
    (lost,) = [err for _, err in said if err]
    winner = next(process for process in both if process.returncode == 0)
    assert re.fullmatch(
        "error: starting sandbox 'play': "
        f"(it is already being started by process {winner.pid}|a sandbox of that name is already running)\\. .*\n",
        lost,
    )
    assert len(machine.sandboxes()) == 1
    assert machine.files() == [
        machine.folder.name,
        *(f"{machine.folder.name}/play.{end}" for end in ("json", "kubeconfig")),
    ]
    machine.run("exec", "--name", "play", "--", "true")
    machine.run("down", "--name", "play")
    assert (machine.sandboxes(), machine.files()) == ([], [])


async def test_every_hint_works_when_pasted(machine: Machine) -> None:
    """Also where the name, and the path of the kubeconfig, are not the usual ones."""
    config = machine.runtime / "it's mine"
    up = machine.run("up", "--name", "play", "--kubeconfig", str(config))
    refused = machine.run("up", "--name", "play", code=2)
    export, shell = commands(up)
    assert pasted(machine, f'{export}; test "$KUBECONFIG" -ef {shlex.quote(str(config))}').returncode == 0
    assert pasted(machine, f"echo hostname -I | {shell}").stdout.split() == list(
        machine.sandboxes()[0].mark.client_addresses
    )
    (down,) = commands(refused)
    done = pasted(machine, down)
    assert (done.returncode, done.stdout) == (0, "The sandbox is gone.\n")
    assert (machine.sandboxes(), machine.files()) == ([], [])
    (start,) = commands(machine.run("exec", "--name", "play", "--", "true", code=2))
    starting = await held_while_starting(machine, "play")
    (end,) = commands(machine.run("up", "--name", "play", code=2))
    (again,) = commands(await told_when_ended(machine, starting, end))
    assert start == again == "rollout-harness sandbox up --name play"
    assert pasted(machine, start).returncode == 0
    assert len(machine.sandboxes()) == 1


async def test_down_ends_one_that_is_being_started(machine: Machine) -> None:
    starting = await held_while_starting(machine, "play")
    said = await told_when_ended(machine, starting, "rollout-harness sandbox down --name play")
    assert "it was stopped while it was starting" in said
    assert (machine.sandboxes(), machine.files()) == ([], [])


async def test_down_of_what_is_not_there_says_what_is(machine: Machine) -> None:
    said = machine.run("down", code=2)  # others on this machine may keep theirs
    assert said.startswith("error: looking for sandbox 'default': no sandbox of that name is running")
    machine.run("up", "--name", "one")
    assert "; running: " in machine.run("down", "--name", "two", code=2)
    machine.run("down", "--name", "one")
    machine.run("down", "--name", "one", code=2)
    assert machine.files() == []


async def test_a_kept_sandbox_is_found_without_its_record(machine: Machine) -> None:
    machine.run("up", "--name", "play", "--kubeconfig", str(machine.runtime / "config"))
    for path in machine.folder.iterdir():
        path.unlink()
    machine.folder.rmdir()
    machine.run("exec", "--name", "play", "--", "true")
    assert "a sandbox of that name is already running" in machine.run("up", "--name", "play", code=2)
    assert machine.run("down", "--name", "play") == "The sandbox is gone.\n"
    assert (machine.sandboxes(), machine.files()) == ([], [])


async def test_what_runs_on_the_client_host_ends_with_the_sandbox(machine: Machine) -> None:
    machine.run("up")
    with machine.start("exec", "--", "sleep", "600") as sleeping:
        await polled("it on the client host", lambda: machine.sandboxes()[0].clients or None)
        machine.run("down")
        assert sleeping.wait(60) == -signal.SIGKILL


async def test_a_kubeconfig_that_somebody_put_in_its_place_stays(machine: Machine) -> None:
    config = machine.runtime / "config"
    machine.run("up", "--kubeconfig", str(config))
    assert machine.sandboxes()[0].mark.id in config.read_text()
    config.unlink()
    config.write_text("precious")
    machine.run("down")
    assert config.read_text() == "precious"


async def test_a_sandbox_that_ends_by_itself_takes_its_files_along(machine: Machine) -> None:
    machine.run("up", "--kubeconfig", str(machine.runtime / "config"))
    (sandbox,) = machine.sandboxes()
    os.kill(supervisor(sandbox), signal.SIGTERM)
    await polled("the end of its files", lambda: machine.files() == [] or None)


def component(sandbox: Running, words: str) -> int:
    """The process of the sandbox whose command line has these words."""
    found = [
        one.pid for one in running.processes() if one.mark == sandbox.mark and words in one.command.split("nsenter")[0]
    ]
    return next(iter(found))


@pytest.mark.parametrize(
    ("words", "number", "how"),
    [
        ("sandbox.controlplane", signal.SIGKILL, "control plane was killed by SIGKILL"),
        ("-m harness.sandbox.node", signal.SIGSEGV, "node1 was killed by SIGSEGV"),
    ],
)
async def test_the_next_command_says_what_died_and_how(machine: Machine, words: str, number: int, how: str) -> None:
    machine.run("up")
    os.kill(component(machine.sandboxes()[0], words), number)
    await polled("its end", lambda: not machine.sandboxes() or None)
    said = machine.run("exec", "true", code=2)
    assert said.startswith("error: looking for sandbox 'default': it ended by itself, on 20")
    assert f" {how}" in said
    assert said.rstrip().endswith("Start it first: rollout-harness sandbox up")
    assert machine.files() == [f"{machine.folder.name}", f"{machine.folder.name}/default.ended"]
    assert f" {how}" in machine.run("up")
    assert machine.run("exec", "true") == ""
    assert machine.run("down") == "The sandbox is gone.\n"
    assert machine.files() == []


async def test_what_a_component_wrote_last_is_told_with_its_end(machine: Machine) -> None:
    machine.run("up")
    folder = Path(f"/proc/{machine.sandboxes()[0].pid}/root/dev/shm")
    with (folder / "stderr" / "node1").open("a") as log:
        log.write("Traceback\nRulesRefused: no room in the kernel\n")
    os.kill(component(machine.sandboxes()[0], "-m harness.sandbox.node"), signal.SIGABRT)
    await polled("its end", lambda: not machine.sandboxes() or None)
    said = machine.run("down")
    assert "node1 was killed by SIGABRT (Traceback | RulesRefused: no room in the kernel)" in said
    assert said.startswith("The sandbox had already ended, on 20")
    assert machine.files() == []
    assert "it ended by itself" not in machine.run("exec", "true", code=2)


async def test_a_sandbox_whose_first_process_was_killed_is_said_to_have_ended_without_a_word(machine: Machine) -> None:
    machine.run("up")
    os.kill(machine.sandboxes()[0].pid, signal.SIGKILL)
    await polled("its end", lambda: not machine.sandboxes() or None)
    assert "it ended by itself, without a word: its first process was killed" in machine.run("exec", "true", code=2)


async def test_a_sandbox_that_was_killed_is_cleaned_up_by_the_next(machine: Machine) -> None:
    machine.run("up")
    os.kill(machine.sandboxes()[0].pid, signal.SIGKILL)
    await polled("its end", lambda: not machine.sandboxes() or None)
    assert machine.run("down") == "The sandbox had already ended; what it left has been removed.\n"
    assert machine.files() == []
    machine.run("up")
    os.kill(machine.sandboxes()[0].pid, signal.SIGKILL)
    await polled("its end", lambda: not machine.sandboxes() or None)
    machine.run("up")
    assert len(machine.sandboxes()) == 1


@pytest.mark.parametrize("name", ["", "-x", "a/b", "..", "a b", "a\nb", "ä", "n" * 64])
def test_a_name_that_is_none_is_refused(machine: Machine, name: str) -> None:
    why = "not a valid name" if name else "--name is empty"
    for words in ("up", "down"):
        assert why in machine.refused(words, f"--name={name}")
    assert machine.files() == []


def _a_file(machine: Machine) -> tuple[str, ...]:
    machine.folder.write_text("")
    return ()


def _a_kubeconfig_below_a_file(machine: Machine) -> tuple[str, ...]:
    (machine.runtime / "file").write_text("")
    return ("--kubeconfig", str(machine.runtime / "file" / "config"))


def _a_kubeconfig_in_no_folder(machine: Machine) -> tuple[str, ...]:
    return ("--kubeconfig", str(machine.runtime / "none" / "config"))


def _a_kubeconfig_that_is_a_folder(machine: Machine) -> tuple[str, ...]:
    return ("--kubeconfig", str(machine.runtime))


def _a_kubeconfig_that_is_a_dangling_link(machine: Machine) -> tuple[str, ...]:
    (machine.runtime / "link").symlink_to("nowhere")
    return ("--kubeconfig", str(machine.runtime / "link"))


@pytest.mark.parametrize(
    "place",
    [
        _a_file,
        _a_kubeconfig_below_a_file,
        _a_kubeconfig_in_no_folder,
        _a_kubeconfig_that_is_a_folder,
        _a_kubeconfig_that_is_a_dangling_link,
    ],
)
def test_a_place_that_takes_no_file_is_refused_before_anything_starts(
    machine: Machine, place: Callable[[Machine], tuple[str, ...]]
) -> None:
    words = place(machine)
    before = machine.files()
    said = machine.refused("up", *words)
    assert "exists already" in said or "cannot be" in said
    assert machine.files() == before
    assert machine.sandboxes() == []


@pytest.mark.parametrize("options", ["ro", "size=4k,nr_inodes=16"])
@pytest.mark.parametrize("where", ["state", "kubeconfig"])
def test_a_disk_that_is_read_only_or_full_is_refused_before_anything_starts(
    machine: Machine, options: str, where: str
) -> None:
    """In a mount namespace of the test's own, on a disk that holds one file of a page."""
    disk = machine.runtime / "disk"
    disk.mkdir()
    words = ("--kubeconfig", f"{disk}/config") if where == "kubeconfig" else ()
    environment = {**machine.environment, **({"XDG_RUNTIME_DIR": str(disk)} if where == "state" else {})}
    shell = f"mount -t tmpfs -o {options} none {disk} || exit 9; "
    shell += "" if options == "ro" else f"head -c 4096 /dev/zero > {disk}/full; "
    shell += f'ls -R {disk}; "$@"; code=$?; ls -R {disk}; exit $code'
    command = ["unshare", "--mount", "sh", "-c", shell, "sh", *PROGRAM, "sandbox", "up", *words]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=200, check=False)
    assert done.returncode == 2, done
    assert re.fullmatch(r"error: [^\n]* cannot be (made|written) \([a-z -]+\)\.[^\n]*\n", done.stderr)
    half = len(done.stdout) // 2
    assert done.stdout[:half] == done.stdout[half:], "what was on the disk"
    assert machine.sandboxes() == []


async def test_a_kubeconfig_is_whole_and_private(machine: Machine) -> None:
    machine.run("up", "--kubeconfig", str(machine.runtime / "config"))
    config = machine.runtime / "config"
    assert config.stat().st_mode & 0o777 == 0o600
    assert json.loads(config.read_text())["clusters"][0]["cluster"]["server"].startswith("https://127.0.0.1:")
