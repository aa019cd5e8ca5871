"""This machine -> what it lacks for the sandbox, in words that say what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Program -> the Debian package that has it.
_PROGRAMS = {
    "nginx": "nginx-light",
    "nft": "nftables",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
}
_HTTP_BALANCER = {"haproxy": "haproxy"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SYSCTLS = (
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "AppArmor keeps ordinary users from making namespaces"),
    ("kernel.unprivileged_userns_clone", "0", "ordinary users may not make user namespaces"),
    ("user.max_user_namespaces", "0", "no user namespaces are allowed"),
)
_NOT_ALLOWED = ("permission denied", "not permitted")
_REFUSED = "root has the capabilities, so a security module (seccomp, AppArmor) refuses"
_CONTAINER = "a container? docker run --privileged; GitLab's docker executor: privileged = true in config.toml"
# Everything that the sandbox asks of the kernel, tried once inside namespaces that are gone again at once.
_TRIAL = """
try() { what=$1; shift; seen=$("$@" 2>&1) || { echo "$what: $seen" >&2; exit 1; }; }
try "a tmpfs of its own" mount -t tmpfs none /dev/shm
try "directories" mkdir /dev/shm/upper /dev/shm/work /dev/shm/root
try "an overlay" mount -t overlay none -o lowerdir=/usr,upperdir=/dev/shm/upper,workdir=/dev/shm/work /dev/shm/root
try "a network namespace" unshare --net ip link set lo up
try "a bridge" unshare --net ip link add cni0 type bridge
try "a veth pair" unshare --net ip link add veth0 type veth peer name veth1
try "nftables with NAT" unshare --net nft "add table ip t; add chain ip t c { type nat hook output priority 0; }"
"""
_NAMESPACES = ["--pid", "--fork", "--kill-child", "--mount-proc", "--mount", "--propagation", "private"]


def programs() -> tuple[str, ...]:
    """The programs that the sandbox runs."""
    return tuple(_PROGRAMS)


def missing(*, http_balancer: bool = False) -> tuple[str, ...]:
    """What keeps the sandbox from running on this machine, one sentence each; empty where nothing does.

    `http_balancer`: it is to have a load balancer of layer 7.
    """
    if sys.platform != "linux":
        return ("The sandbox needs Linux namespaces; on other systems use --cluster kind with Docker.",)
    needed = _PROGRAMS | (_HTTP_BALANCER if http_balancer else {})
    lacking = [program for program in needed if shutil.which(program, path=PATH) is None]
    found = []
    if lacking:
        packages = " ".join(sorted({needed[program] for program in lacking}))
        found.append(f"Not installed: {', '.join(lacking)}. As root: apt-get install {packages}")
    if not {"unshare", "nsenter", "ip", "nft"} & set(lacking):
        found += _missing_rights()
    return tuple(found)


def namespaces_command() -> list[str]:
    """The start of the command line that puts the sandbox's supervisor into namespaces of its own."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, *_NAMESPACES]


def _missing_rights() -> list[str]:
    command = [*namespaces_command(), "sh", "-c", _TRIAL]
    tried = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20, env={"PATH": PATH})
    if tried.returncode == 0:
        return []
    seen = " ".join(tried.stderr.split()).rstrip(".") or "no message"
    reasons = _reasons()
    if seen.startswith("unshare: "):
        return [f"No rights for namespaces ({seen}). {'; '.join(reasons or [_REFUSED])}."]
    if reasons and any(words in seen.lower() for words in _NOT_ALLOWED):
        return [f"No rights in namespaces of one's own ({seen}). {'; '.join(reasons)}."]
    return [f"This machine's kernel, or a security module, refuses what the sandbox needs: {seen}."]


def _reasons() -> list[str]:
    """What is known to keep this user from it, and at last what to do; empty where nothing is known to."""
    if os.geteuid() == 0:
        lacking = [name for name, bit in (("CAP_NET_ADMIN", 12), ("CAP_SYS_ADMIN", 21)) if not _capable(bit)]
        return [f"root here lacks {' and '.join(lacking)} ({_CONTAINER})"] if lacking else []
    reasons = [f"{why}: sysctl {name}={_sysctl(name)}" for name, bad, why in _SYSCTLS if _sysctl(name) == bad]
    return [*reasons, "run as root (sudo)"]


def _sysctl(name: str) -> str | None:
    path = Path("/proc/sys") / name.replace(".", "/")
    return path.read_text().strip() if path.exists() else None


def _capable(bit: int) -> bool:
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> bit & 1)
