"""Pods and containers -> network namespaces, processes and their ends: the container runtime and the CNI in one.

A container's program is a child of the kubelet, PID 1 of a PID namespace of its own, in the pod's network namespace.
"""

from __future__ import annotations

import pwd
import shutil
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import STDOUT
from typing import TYPE_CHECKING

import anyio

from harness.sandbox.kubelet.container import Container, Network, RuntimeFailure
from harness.sandbox.kubelet.execution import refusal
from harness.sandbox.kubelet.host_root import host_root
from harness.sandbox.kubelet.image_layer import image_layer
from harness.sandbox.kubelet.logs import Log, Rotation
from harness.sandbox.kubelet.runtime_spec import (
    DEFAULT_PATH,
    DEVICE_LINKS,
    DEVICES,
    STARTED,
    Mount,
    Process,
    Root,
    container_script,
    tabled,
)
from harness.sandbox.kubelet.spawn import Child, spawn
from harness.sandbox.netns import AddressesExhausted, attach_script, detach_script, next_pod_address, pod_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from harness.sandbox.images import Image

_NAMESPACES = ("--uts", "--ipc", "--mount")
# What a container runtime and its CNI take at least, in recordings of containerd (medians over 34 starts, 130 stops): a
# faster one would squeeze a rollout into one period of kube-proxy.
_SANDBOX_S, _START_S, _NETWORK_GONE_S, _SANDBOX_GONE_S = 0.15, 0.07, 0.06, 0.1
_LOOK_S = 0.002


class Runtime:
    """Makes and removes pods' networks and containers on one node; `state` is the sandbox's tmpfs."""

    def __init__(self, state: Path, node: int, rotation: Rotation) -> None:
        self._state, self._node, self._rotation = state, node, rotation
        self._host_root = host_root()
        self._last: str | None = None
        self._taken: set[str] = set()

    async def attach(self, pod_uid: str) -> Network:
        """Gives a pod its network namespace and address.

        Raises:
            RuntimeFailure: no address is free, or the tools refused.
        """
        try:
            address = next_pod_address(self._node, self._last, self._taken)
        except AddressesExhausted as error:
            raise RuntimeFailure(
                f'plugin type="bridge" failed (add): failed to allocate for range 0: {error}'
            ) from None
        self._taken.add(address)
        self._last = address
        network = Network(self._state / "netns" / f"pod-{pod_uid}", address)
        try:
            async with _at_least(_SANDBOX_S):
                await _shell(attach_script(network.namespace, address, pod_gateway(self._node)))
        except RuntimeFailure:
            await self._take_apart(network)
            raise
        return network

    async def detach(self, network: Network) -> None:
        """Takes a pod's network away; nothing answers at its address any more."""
        await anyio.sleep(_NETWORK_GONE_S)
        async with _at_least(_SANDBOX_GONE_S):
            await self._take_apart(network)

    async def _take_apart(self, network: Network) -> None:
        """Removes what there is of a pod's network, however far it came; its address is free then."""
        with suppress(RuntimeFailure):
            await _shell(detach_script(network.namespace, network.address))
        self._taken.discard(network.address)

    async def start(
        self,
        *,
        name: str,
        image: Image,
        process: Process,
        host_name: str,
        hosts: str,
        network: Network,
        mounts: tuple[Mount, ...],
    ) -> Container:
        """Starts a container under the directory `name`; returns once the program itself has been started.

        `hosts`: its /etc/hosts.

        Raises:
            RuntimeFailure: it could not be set up.
        """
        if (why := refusal(process.argv, process.env)) is not None:
            raise RuntimeFailure(why)
        if "/" not in process.argv[0] and shutil.which(process.argv[0], path=dict(process.env).get("PATH")) is None:
            raise RuntimeFailure(f'exec: "{process.argv[0]}": executable file not found in $PATH')
        directory = self.directory(name)
        mounts = (*self._host_root.shared(image.shared), *mounts)
        early = tabled(mounts)
        late = tuple(mount for mount in mounts if mount not in early)
        try:
            self._lay_out(directory, image, host_name, hosts, early)
            # A file, since one argument of a program, such as sh -c takes it, is shorter than what a pod may say.
            script = directory / "script"
            script.write_text(container_script(process=process, directory=directory, host_name=host_name, mounts=late))
            command = ["nsenter", f"--net={network.namespace}", "unshare", *_NAMESPACES, "sh", str(script)]
            async with _at_least(_START_S):
                child = spawn(command, stdin=process.stdin, tty=process.tty)
                log = await _started(child, self._rotation)
                await at_home(child.pid)
                return Container(child, log, process, network)
        except OSError as error:
            raise RuntimeFailure(f"failed to create containerd task: {_words(error)}") from None

    def _lay_out(self, directory: Path, image: Image, host_name: str, hosts: str, early: tuple[Mount, ...]) -> None:
        """Makes the directories and files of which the container's root is put together. Raises: OSError.

        `early`: the mounts that go into its table.
        """
        root = self._root(image)
        for part in root.needed():
            (directory / part).mkdir(parents=True, exist_ok=True)
        for name in DEVICES:
            (directory / "root/dev" / name).touch()
        for link, target in (*self._host_root.links, *DEVICE_LINKS):
            (directory / "root" / link).symlink_to(target)
        (directory / "upper/etc/hosts").write_text(hosts)
        (directory / "upper/etc/hostname").write_text(f"{host_name}\n")
        (directory / "upper/etc/resolv.conf").write_text("# The sandbox has no DNS: names fail at once.\n")
        for name in ("tmp", "dev/shm"):
            (directory / "root" / name).chmod(0o1777)
        for mount in early:
            _make_place(directory / "root" / mount.path.lstrip("/"), mount)
        lines = (mount.line(directory / "root") for mount in early)
        (directory / "fstab").write_text(root.table(directory) + "".join(lines))

    def directory(self, name: str) -> Path:
        """Where what belongs to a container's run is kept."""
        return self._state / "pods" / name

    def remove(self, name: str) -> None:
        """Removes what a pod's containers have written."""
        shutil.rmtree(self._state / "pods" / name, ignore_errors=True)

    def _root(self, image: Image) -> Root:
        directories, bound = self._host_root.directories, self._host_root.bound
        layer = image_layer(self._state / "images", image, directories, self._node)
        return Root(layer=layer, directories=directories, bound=bound, replaced=image.replaced)


def container_env(
    pairs: tuple[tuple[str, str], ...], image: Image, host_name: str, user: int
) -> tuple[tuple[str, str], ...]:
    """A container's environment: the runtime's defaults, the image's, then the pod's own; later ones win."""
    defaults = {"PATH": DEFAULT_PATH, "HOSTNAME": host_name, "HOME": _home(user)}
    return tuple({**defaults, **dict(image.env), **dict(pairs)}.items())


def _home(user: int) -> str:
    """As runc has it: of a user whom /etc/passwd does not know, the root (libcontainer/init_linux.go)."""
    try:
        return pwd.getpwuid(user).pw_dir
    except KeyError:
        return "/"


def _make_place(target: Path, mount: Mount) -> None:
    if mount.source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()


@asynccontextmanager
async def _at_least(seconds: float) -> AsyncIterator[None]:
    end = anyio.current_time() + seconds
    yield
    await anyio.sleep_until(end)


async def _started(child: Child, rotation: Rotation) -> Log:
    seen = b""
    async for chunk in child.output():
        seen += chunk
        if STARTED in seen:
            log = Log(rotation)
            log.feed(seen.partition(STARTED)[2])
            return log
    await child.wait()
    child.close()
    raise RuntimeFailure(seen.decode(errors="replace").strip() or "no message")


async def at_home(pid: int) -> None:
    """Waits until a process has another root than this one, or has ended.

    What enters a container takes the root that its program has at that moment. Where that had yet to change to its own,
    a hook, a probe or an `exec` would run among the node's files, and see the node's processes.
    """
    while _has_our_root(pid):  # noqa: ASYNC110 - nobody tells that a process has changed its root
        await anyio.sleep(_LOOK_S)


def _has_our_root(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/root").samefile("/")
    except OSError:
        return False  # it has ended


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


async def _shell(script: str) -> None:
    done = await anyio.run_process(["sh"], input=script.encode(), stderr=STDOUT, check=False)
    if done.returncode != 0:
        raise RuntimeFailure(done.stdout.decode(errors="replace").strip())
