"""What a container is -> the table of its mounts, and the shell script that becomes its first process.

Each directory of the root is an overlay: the image's files over the machine's own, with every write kept in the
container's directory in the sandbox's tmpfs. So the container finds the machine's programs, and the machine never sees
a change. The script ends in `exec`, so the program is PID 1 of the container's PID namespace and signals reach it.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What the script prints just before it becomes the program: everything before it worked.
STARTED = b"\x01started\x02"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
DEVICE_LINKS = (
    ("dev/fd", "/proc/self/fd"),
    ("dev/stdin", "/proc/self/fd/0"),
    ("dev/stdout", "/proc/self/fd/1"),
    ("dev/stderr", "/proc/self/fd/2"),
    ("dev/ptmx", "pts/ptmx"),
)
_PLAIN = ("dev", "run", "tmp")
_EMPTY = ("dev/pts", "dev/shm", "proc", "sys", "run", "tmp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or directory of the node that the container sees at `path`."""

    source: Path
    path: str
    read_only: bool

    def line(self, root: Path) -> str:
        """A line of an fstab that mounts it below `root`."""
        return f"{self.source} {root}{self.path} none bind{',ro' if self.read_only else ''} 0 0\n"


def tabled(mounts: tuple[Mount, ...]) -> tuple[Mount, ...]:
    """Those that the table can mount before anything runs: onto plain folders of the root, none of them in another.

    One `mount` for all is what spares a start its time.
    """
    paths = [mount.path.rstrip("/") for mount in mounts]
    return tuple(
        mount
        for mount in mounts
        if mount.path.split("/")[1] in _PLAIN
        and not any(mount.path.startswith(f"{path}/") for path in paths)
        and not re.search(r"[\s\\#]", f"{mount.source}{mount.path}")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What runs in a container, or beside it by exec.

    `stdin`: what it reads may come later; without it there is nothing to read. `tty`: it runs on a terminal.
    """

    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    working_dir: str
    user: int = 0
    group: int = 0
    stdin: bool = False
    tty: bool = False

    def command(self) -> list[str]:
        """The command line that runs it with exactly this environment."""
        assignments = [f"{name}={value}" for name, value in self.env]
        return ["env", "-i", "-C", self.working_dir, *assignments, *self.argv]


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """What the root of a container is made of.

    `directories`: the machine's own at the top of its file system, each the lower layer of an overlay; `bound`: those
    that cannot be (see `host_root`). `layer`: the image's files. `replaced`: paths that show only the image's.
    """

    layer: Path
    directories: tuple[str, ...]
    bound: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()

    def table(self, directory: Path) -> str:
        """An fstab that mounts it below `directory`/root, with writes in `directory`/upper."""
        root = directory / "root"
        lines = [self._overlay(directory, name, f"{self.layer}/{name}:/{name}") for name in self.directories]
        lines += [f"/{name} {root}/{name} none rbind 0 0" for name in self.bound]
        lines += [self._overlay(directory, path.lstrip("/"), f"{self.layer}{path}") for path in self.replaced]
        lines += [
            *(f"/dev/{name} {root}/dev/{name} none bind 0 0" for name in DEVICES),
            f"devpts {root}/dev/pts devpts newinstance,ptmxmode=0666,mode=0620 0 0",
            f"proc {root}/proc proc defaults 0 0",
            f"/sys {root}/sys none rbind 0 0",
        ]
        return "\n".join(lines) + "\n"

    def needed(self) -> tuple[str, ...]:
        """The directories that must exist below a container's directory before its table is mounted."""
        overlaid = (*self.directories, *(path.lstrip("/") for path in self.replaced))
        parts = [f"{part}/{_flat(name)}" for name in overlaid for part in ("upper", "work")]
        return (
            *parts,
            *(f"root/{name}" for name in (*self.directories, *self.bound, *_EMPTY)),
        )

    @staticmethod
    def _overlay(directory: Path, name: str, lower: str) -> str:
        upper, work = f"{directory}/upper/{_flat(name)}", f"{directory}/work/{_flat(name)}"
        return f"overlay {directory}/root/{name} overlay lowerdir={lower},upperdir={upper},workdir={work} 0 0"


def container_script(*, process: Process, directory: Path, host_name: str, mounts: tuple[Mount, ...]) -> str:
    """The script for a container whose table of mounts lies in `directory`."""
    root = directory / "root"
    lines = ["set -e", f"mount -a -T {directory / 'fstab'}", f"hostname {shlex.quote(host_name)}"]
    for mount in mounts:
        lines += _bind(mount, str(root))
    who = ""
    if process.user or process.group:
        who = f"--userspec=+{process.user}:+{process.group} "
        lines.append(f"chown +{process.user}:+{process.group} /proc/self/fd/1")  # or it could not open /dev/stdout
    lines.append("printf '\\001started\\002'")
    lines.append(f"exec chroot {who}{root} {shlex.join(process.command())}")
    return "\n".join(lines) + "\n"


def _flat(path: str) -> str:
    return path.replace("/", "=")


def _bind(mount: Mount, root: str) -> list[str]:
    target, source = shlex.quote(root + mount.path), shlex.quote(str(mount.source))
    if mount.source.is_dir():
        lines = [f"mkdir -p {target}"]
    else:
        lines = [f"mkdir -p $(dirname {target})", f"[ -e {target} ] || : > {target}"]
    lines.append(f"mount --bind {source} {target}")
    if mount.read_only:
        lines.append(f"mount -o remount,ro,bind {target}")
    return lines
