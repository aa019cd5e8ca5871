"""A fault and a cluster -> one run of the harness that meets it, and what injections need to reach it.

The harness is the command line as people use it, a process of its own; its progress lines tell the phases.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from inspect import isawaitable
from pathlib import Path
from typing import Any

import anyio
import anyio.abc

from harness.sandbox.apiclient import ApiClient, ApiError
from harness.sandbox.embedded import Sandbox

from .fault import App, Fault, Phase, Where
from .processes import Known, load_workers, tree, waits_s
from .proxy import NAME, Proxy, Rule

HARNESS = (sys.executable, "-m", "harness")
# As from a terminal: in the background of a shell SIGINT is ignored, and what is ignored stays so.
_HEEDING = ("env", "--default-signal=INT,HUP,TERM")
LONGEST_S = 240.0
EXPERIMENT = """\
version: 1
name: {name}
manifests: [web.yaml]
service: {{name: web, port: 80}}
update: {{image: {{nginx: ["nginx:1.29.1"]}}}}
rollouts: 1
control: {control_s}s
quiet: 1s
rollout_timeout: 30s
load: {{new: {{rate: 100}}, pod_header: X-Pod}}
"""
MITIGATED = "variants: {default: {mitigations: [{prestop: 3s}, {min-ready: 2s}]}}\n"

_LOOK_S = 0.02
_WORDS = {
    "deploying": Phase.DEPLOY,
    "control window": Phase.CONTROL,
    "rolling": Phase.ROLLOUT,
    "quiet time": Phase.QUIET,
    "cleaning up": Phase.CLEAN_UP,
}
Object = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Target:
    """A sandbox that is reached as any other cluster is."""

    sandbox: Sandbox
    client: ApiClient  # of the test's own, past the proxy

    async def namespaces(self, prefix: str) -> list[str]:
        """Those of a run that are still there."""
        listed = await self.client.list("/api/v1/namespaces")
        return [name for each in listed["items"] if (name := each["metadata"]["name"]).startswith(prefix)]

    async def forget(self, prefix: str) -> None:
        """Remove what a run left, so that the next one meets an empty cluster."""
        for name in await self.namespaces(prefix):
            pods = await self.client.list(f"/api/v1/namespaces/{name}/pods")
            for pod in pods["items"]:
                with suppress(ApiError):
                    path = f"/api/v1/namespaces/{name}/pods/{pod['metadata']['name']}"
                    await self.client.patch(path, {"metadata": {"finalizers": None}})
                    await self.client.delete(path, grace_s=1)
            with suppress(ApiError):
                await self.client.delete(f"/api/v1/namespaces/{name}")


@dataclass(slots=True, kw_only=True)
class Scene:
    """One run under way. Injections use what is here; `ended` is None until the harness has ended."""

    fault: Fault
    name: str
    folder: Path
    target: Target | None
    proxy: Proxy | None
    process: anyio.abc.Process | None = None
    stderr: list[str] = field(default_factory=list)
    stdout: list[str] = field(default_factory=list)
    phases: dict[Phase, anyio.Event] = field(default_factory=lambda: {phase: anyio.Event() for phase in Phase})
    known: Known = field(default_factory=dict)
    struck: float | None = None  # time.time() of the injection's beginning
    struck_waits_s: float = 0.0  # how long somebody had waited for a processor by then
    waited_s: float = 0.0  # and in the time from then to the end of the harness
    done: bool = False  # it came to its end
    ended: float | None = None
    deaf: bool = False  # what the harness says is not read
    environment: dict[str, str] | None = None  # of the harness
    armed: list[Rule] = field(default_factory=list)

    @property
    def out(self) -> Path:
        """The folder of the run."""
        return self.folder / "run"

    @property
    def record(self) -> Path:
        """The folder of its one scenario."""
        return self.out / "default"

    @property
    def pid(self) -> int:
        """Of the harness."""
        assert self.process is not None
        return self.process.pid

    @property
    def api(self) -> ApiClient:
        """The cluster's API, past the proxy."""
        assert self.target is not None
        return self.target.client

    @property
    def way(self) -> Proxy:
        """The way from the harness to the API."""
        assert self.proxy is not None
        return self.proxy

    @property
    def began(self) -> float | None:
        """time.time() of when the fault first did something: a rule does when a call meets it."""
        hit = self.proxy.first_hit if self.proxy is not None else None
        return hit if self.armed and hit is not None else self.struck

    def arm(self, *rules: Rule) -> None:
        """Put rules in force that some call must meet: else the row has shown nothing."""
        self.armed += rules
        self.way.add(*rules)

    def strike(self) -> None:
        """The fault itself begins now, and not with its phase."""
        self.struck = time.time()
        self.known |= tree(self.pid)

    async def lasting(self, for_s: float) -> None:
        """How long a fault lasts, or how far into its phase it begins."""
        await anyio.sleep(for_s)

    async def beside(self, *words: str) -> anyio.abc.Process:
        """A program of the fault's own; it must end by itself."""
        return await anyio.open_process(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    async def again(self) -> int:
        """The same command once more, beside this one; its exit code."""
        assert self.environment is not None
        done = await anyio.run_process(_arguments(self), cwd=self.folder, env=self.environment, check=False)
        return done.returncode

    def signal(self, number: signal.Signals) -> None:
        """Send it to the harness."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def run_json(self) -> Object:
        """As it is on disk now; empty where it is not."""
        try:
            found: Object = json.loads((self.record / "run.json").read_text())
        except (OSError, ValueError):
            return {}
        return found

    async def until(self, what: str, holds: Callable[[], Any], *, within_s: float = 40.0) -> Any:
        """What `holds` gives, or what it is awaited for, once that is something."""
        with anyio.move_on_after(within_s):
            while True:
                found = holds()
                if found := (await found if isawaitable(found) else found):
                    return found
                await anyio.sleep(_LOOK_S)
        raise AssertionError(f"{self.fault.id}: no {what} within {within_s:g} s")

    async def namespace(self) -> str:
        """The run's own, as the record has it."""
        manifests = await self.until("manifests in run.json", lambda: self.run_json().get("manifests"))
        return str(manifests[0]["metadata"]["namespace"])

    async def path(self, collection: str, name: str = "") -> str:
        """Of a collection in the run's namespace, or of an object of it."""
        group = {"deployments": "/apis/apps/v1", "endpointslices": "/apis/discovery.k8s.io/v1"}.get(
            collection, "/api/v1"
        )
        path = f"{group}/namespaces/{await self.namespace()}/{collection}"
        return f"{path}/{name}" if name else path

    async def surged(self) -> None:
        """Return once a pod of the new revision is there: the update is in its middle."""
        path = await self.path("pods")

        async def surged() -> bool:
            pods = (await self.api.list(path, labelSelector="app=web"))["items"]
            return any(pod["spec"]["containers"][0]["image"].endswith("1.29.1") for pod in pods)

        await self.until("pod of the new revision", surged)

    def workers(self) -> list[int]:
        """The load's processes."""
        return load_workers(self.pid if self.target is None else self.target.sandbox.pid)


def _arguments(scene: Scene) -> list[str]:
    words = [*_HEEDING, *HARNESS, "run", "experiment.yaml", "--out", str(scene.out), "--yes"]
    if scene.fault.where is Where.EMBEDDED:
        return [*words, "--cluster", "sandbox"]
    return [*words, "--cluster", f"context:{NAME}", "--worker-image", scene.fault.worker_image]


def _written(scene: Scene, repository: Path) -> dict[str, str]:
    """Writes what the run needs; gives its environment."""
    manifest = (repository / "fixtures" / "manifests" / "nginx.yaml").read_text()
    (scene.folder / "web.yaml").write_text(manifest.replace("replicas: 2", "replicas: 1"))
    control_s = 4 if scene.fault.begins is Phase.CONTROL else 1  # what strikes in it must not come after it
    more = MITIGATED if scene.fault.app is App.MITIGATED else ""
    (scene.folder / "experiment.yaml").write_text(
        EXPERIMENT.format(name=scene.name, control_s=control_s) + more + scene.fault.experiment
    )
    environment = {**os.environ, "PYTHONPATH": str(repository), "COLUMNS": "200", "XDG_STATE_HOME": str(scene.folder)}
    if scene.proxy is not None:
        assert scene.target is not None
        (scene.folder / "config").write_text(json.dumps(scene.proxy.kubeconfig(scene.target.sandbox.kubeconfig)))
        environment["KUBECONFIG"] = str(scene.folder / "config")
    return environment


@asynccontextmanager
async def _small_disk(scene: Scene) -> AsyncIterator[None]:
    """A tmpfs as --out, where the fault is one of the disk."""
    if not scene.fault.tmpfs:
        yield
        return
    scene.out.mkdir()
    await anyio.run_process(["mount", "-t", "tmpfs", "-o", scene.fault.tmpfs, "faults", str(scene.out)])
    try:
        yield
        kept = scene.folder / "kept"  # what the judges of the row look at afterwards
        await anyio.run_process(["cp", "-a", str(scene.out), str(kept)])
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.run_process(["umount", "-l", str(scene.out)])
    scene.out.rmdir()
    kept.rename(scene.out)


async def play(scene: Scene, repository: Path) -> None:
    """Run it from start to end, with the fault in its place; what is not over after LONGEST_S is killed."""
    scene.environment = environment = _written(scene, repository)
    async with _small_disk(scene):
        process = await anyio.open_process(
            _arguments(scene),
            cwd=scene.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        scene.process = process
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_inject, scene)
            read = (anyio.Event(), anyio.Event())
            tasks.start_soon(_read, scene, process.stderr, scene.stderr, read[0])
            tasks.start_soon(_read, scene, process.stdout, scene.stdout, read[1])
            tasks.start_soon(_look_for_judging, scene)
            with anyio.move_on_after(LONGEST_S):
                await process.wait()
            if process.returncode is None:
                scene.stderr.append(f"(not over after {LONGEST_S:g} s)")
                process.kill()
                await process.wait()
            scene.ended = time.time()
            scene.waited_s = waits_s() - scene.struck_waits_s
            with anyio.move_on_after(1):  # what is in the pipes; a child that is left may hold them open
                for stream in read:
                    await stream.wait()
            tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await process.aclose()


async def _inject(scene: Scene) -> None:
    scene.phases[Phase.START].set()
    await scene.phases[scene.fault.begins].wait()
    scene.known |= tree(scene.pid)
    scene.struck, scene.struck_waits_s = time.time(), waits_s()
    await scene.fault.inject(scene)
    scene.done = True


async def _read(scene: Scene, stream: anyio.abc.ByteReceiveStream | None, lines: list[str], ended: anyio.Event) -> None:
    assert stream is not None
    torn = ""
    with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
        async for chunk in stream:
            while scene.deaf:  # noqa: ASYNC110 - a fault's own time, not an event
                await anyio.sleep(_LOOK_S)
            *whole, torn = (torn + chunk.decode(errors="replace")).split("\n")
            for line in whole:
                lines.append(line)
                for words, phase in _WORDS.items():
                    if " s  default " in line and words in line and not scene.phases[phase].is_set():
                        scene.known |= tree(scene.pid)
                        scene.phases[phase].set()
    ended.set()


async def _look_for_judging(scene: Scene) -> None:
    """The clean-up is over where run.json says so; what comes then, until the end, is judging."""
    await scene.phases[Phase.CLEAN_UP].wait()
    await scene.until(
        "end in run.json",
        lambda: (known := scene.run_json()) and (known["finished"] or known.get("stopped")),
        within_s=LONGEST_S,
    )
    scene.phases[Phase.JUDGING].set()
