"""This machine's file system -> what a container's root is made of."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from harness.sandbox.kubelet.runtime_spec import Mount

# A container has its own of these, or has no business in them.
_NOT_SHOWN = frozenset(("proc", "sys", "dev", "run", "tmp", "boot", "mnt", "media", "lost+found"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRoot:
    """The top of the machine's file system: directories, and links such as `bin -> usr/bin`.

    `bound` directories have other file systems mounted below them, which an ordinary user may not leave out of an
    overlay: they are shown as they are.
    """

    directories: tuple[str, ...]
    bound: tuple[str, ...]
    links: tuple[tuple[str, str], ...]

    def shared(self, paths: tuple[str, ...]) -> tuple[Mount, ...]:
        """Mounts for those of `paths` that an overlay would miss, since they lie on file systems of their own."""
        mounts = []
        for path in paths:
            top = Path("/") / Path(path).parts[1]
            if top.name in self.bound or not Path(path).exists():
                continue
            if top.name in _NOT_SHOWN or Path(path).stat().st_dev != top.stat().st_dev:
                mounts.append(Mount(source=Path(path), path=path, read_only=True))
        return tuple(mounts)


def host_root() -> HostRoot:
    """The top of this machine's file system, as the calling process sees it."""
    entries = [entry for entry in sorted(Path("/").iterdir()) if entry.name not in _NOT_SHOWN]
    links = tuple((entry.name, str(entry.readlink())) for entry in entries if entry.is_symlink())
    directories = [entry.name for entry in entries if entry.is_dir() and not entry.is_symlink()]
    readable = [name for name in directories if os.access(f"/{name}", os.R_OK | os.X_OK)]
    crowded = _with_mounts_below() if _in_user_namespace() else frozenset()
    bound = tuple(name for name in readable if name in crowded)
    return HostRoot(directories=tuple(name for name in readable if name not in crowded), bound=bound, links=links)


def _with_mounts_below() -> frozenset[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4].split("/") for line in lines]
    return frozenset(parts[1] for parts in points if len(parts) > 2)


def _in_user_namespace() -> bool:
    """Whether root here is somebody else outside: only the first user namespace maps every id onto itself."""
    return Path("/proc/self/uid_map").read_text().split() != ["0", "0", str(2**32 - 1)]
