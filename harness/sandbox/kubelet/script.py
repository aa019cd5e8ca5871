"""What a container is -> the shell script that becomes its first process.

The root is an overlay: the image's files over the machine's own, with every write kept in the pod's directory in the
sandbox's tmpfs. So the container finds the machine's programs, and the machine never sees a change. The script ends in
`exec`, so the program is PID 1 of the container's PID namespace and signals reach it.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What the script prints just before it becomes the program: everything before it worked.
STARTED = b"\x01started\n"
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file or directory of the node that the container sees at `path`."""

    source: Path
    path: str
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What runs in a container, or beside it by exec."""

    argv: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    working_dir: str

    def command(self) -> list[str]:
        """The command line that runs it with exactly this environment."""
        assignments = [f"{name}={value}" for name, value in self.env]
        return ["env", "-i", "-C", self.working_dir, *assignments, *self.argv]


def container_script(
    *, process: Process, layer: Path, directory: Path, host_name: str, mounts: tuple[Mount, ...]
) -> str:
    """The script for one container with its image's files in `layer` and its own directory `directory`."""
    root = directory / "root"
    options = f"lowerdir={layer}:/,upperdir={directory / 'upper'},workdir={directory / 'work'}"
    lines = [
        "set -e",
        f"mount -t overlay overlay -o {options} {root}",
        f"mount --bind /dev {root}/dev",
        f"mount -t tmpfs tmpfs {root}/dev/shm",
        f"mount -t proc proc {root}/proc",
        f"mount --bind /sys {root}/sys",
        f"hostname {shlex.quote(host_name)}",
    ]
    for mount in mounts:
        lines += _bind(mount, str(root))
    lines.append("printf '\\001started\\n'")
    lines.append(f"exec chroot {root} {shlex.join(process.command())}")
    return "\n".join(lines) + "\n"


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
