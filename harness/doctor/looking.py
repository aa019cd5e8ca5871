"""A row of the table -> what is found of it on this machine, by asking the programs themselves."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio.to_thread

from harness.clusters.container_engine import engine
from harness.clusters.programs import Ended, ended
from harness.doctor.finding import State
from harness.doctor.installing import install
from harness.errors import HarnessError
from harness.sandbox import preflight

PATIENCE_S = 20.0
"""How long a program may take to say what it is."""

Told = tuple[State, str, str]
"""The state, what was seen, and the command that mends it."""

Look = Callable[[], Awaitable[Told]]

_VERSION = re.compile(r"v?\d+\.\d+[\w.+-]*")
_NOBODY = 65534
_ROOTLESS = ("unshare", "--user", "--map-root-user", "--mount", "--net", "--pid", "--fork", "true")
_USERNS = (
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
    ("kernel.unprivileged_userns_clone", "0", "1"),
    ("user.max_user_namespaces", "0", "15000"),
)
_CONNTRACK = "net.netfilter.nf_conntrack_max"


async def sandbox() -> Told:
    """Whether the embedded cluster runs here, for this user: tried in namespaces that are gone again at once."""
    lacking = await anyio.to_thread.run_sync(preflight.missing)
    if not lacking:
        return State.WORKS, "as root" if os.geteuid() == 0 else "without root", ""
    programs = [name for name in preflight.programs() if shutil.which(name, path=preflight.PATH) is None]
    if sys.platform != "linux":
        return State.MISSING, lacking[0], "rollout-harness demo --cluster kind"
    if programs:
        return State.MISSING, f"not installed: {', '.join(programs)}", install(*programs)
    mend = "sudo rollout-harness ..." if os.geteuid() else "docker run --privileged ..."
    return State.BROKEN, " ".join(lacking), mend


async def rootless() -> Told:
    """Whether a user who is not root may make the namespaces that the sandbox needs."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return State.MISSING, "it needs Linux and util-linux", install("unshare")
    as_nobody = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")
    tried = await ended(*(as_nobody if os.geteuid() == 0 else ()), *_ROOTLESS, patience_s=PATIENCE_S)
    if tried.code == 0:
        return State.WORKS, "users may create namespaces", ""
    for name, bad, good in _USERNS:
        if _kernel_setting(name) == bad:
            return State.BROKEN, f"sysctl {name}={bad}", f"sudo sysctl -w {name}={good}"
    return State.BROKEN, _said(tried), "run as root (sudo)"


async def conntrack() -> Told:
    """Whether the kernel tracks connections, as NAT to a Service does."""
    most = _kernel_setting(_CONNTRACK)
    if most is None:
        return State.MISSING, "connection tracking is not loaded in the kernel", "sudo modprobe nf_conntrack"
    return State.WORKS, f"up to {int(most):,} connections", ""


async def container_engine() -> Told:
    """Whether kind could make a cluster: a kind that is new enough, and an engine that answers."""
    try:
        found = await engine()
    except HarnessError as error:
        programs = [name for name in ("docker", "podman") if shutil.which(name)]
        lacking = [] if programs else ["docker"]
        lacking += [] if shutil.which("kind") else ["kind"]
        mend = install(lacking[0]) if lacking else error.do
        return (State.MISSING if lacking else State.BROKEN), error.seen, mend
    return State.WORKS, f"by {found.name}", ""


def program(name: str, *words: str, path: str | None = None, alive: bool = False) -> Look:
    """Whether a program is there and says its version; `alive`: the words ask a service, which may be down."""

    async def look() -> Told:
        where = shutil.which(name, path=path)
        if where is None:
            return State.MISSING, "not installed", install(name)
        try:
            told = await ended(where, *words, patience_s=PATIENCE_S)
        except HarnessError as error:
            return State.BROKEN, error.seen, _start(name) if alive else install(name)
        if told.code:
            return State.BROKEN, _said(told), _start(name) if alive else install(name)
        return State.WORKS, _version(told), ""

    return look


def _start(name: str) -> str:
    return "systemctl --user start podman.socket" if name == "podman" else f"sudo systemctl start {name}"


def _kernel_setting(name: str) -> str | None:
    """The value of a sysctl; None where the kernel has none of that name."""
    path = Path("/proc/sys") / name.replace(".", "/")
    return path.read_text().strip() if path.exists() else None


def _said(told: Ended) -> str:
    """The line that tells most of a program that failed."""
    lines = (told.stderr.strip() or told.stdout.strip()).splitlines()
    return lines[-1].strip() if lines else f"it exited with {told.code} and printed nothing"


def _version(told: Ended) -> str:
    """The first word that a program printed and that is a version; else its first line."""
    printed = told.stdout.strip() or told.stderr.strip()
    found = _VERSION.search(printed)
    return found[0] if found else printed.partition("\n")[0]
