"""Several processes of one user, one kind cluster -> one makes it, the others use it, the last removes it.

kind removes the nodes of a name when making them fails, whoever made them: so who makes or removes one is alone. The
locks are the kernel's, on files, so that a process that is killed holds none; scripts/kind-up.sh takes the first too.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import anyio

from harness.errors import ClusterError

_POLL_S = 0.1


def where(environment: Mapping[str, str]) -> Path:
    """The folder of this user's locks on kind clusters, by the rule of scripts/kind-up.sh: both must have the same.

    So it is not `tempfile.gettempdir()`, which knows more variables, and passes over what it cannot write.
    """
    return Path(environment.get("TMPDIR") or "/tmp") / f"rollout-harness-{os.getuid()}" / "kind"


def folder() -> Path:
    """The same, made.

    Raises:
        ClusterError: it cannot be made, or is another user's.
    """
    place = where(os.environ)
    try:
        place.mkdir(parents=True, exist_ok=True)
        place.parent.chmod(0o700)
    except OSError as error:
        raise ClusterError(
            f"taking turns on kind clusters by locks in {place.parent}",
            error.strerror or str(error),
            "Remove what is there under this name, or set TMPDIR to a folder of your own.",
        ) from None
    return place


class Sharing:
    """What this process has to do with the kind cluster of a name. `tell`: takes what people should know at once."""

    def __init__(self, name: str, tell: Callable[[str], None]) -> None:
        self._name, self._tell = name, tell
        place = folder()
        self._making, self._users, self._made = (place / f"{name}.{what}" for what in ("making", "users", "made"))
        self._presence = ExitStack()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Nobody else makes or removes it meanwhile; waits for who does, which is told."""
        told = False
        with ExitStack() as held:
            while not _taken(held, self._making, fcntl.LOCK_EX):
                if not told:
                    self._tell(f"waiting for another process that makes or removes kind cluster {self._name}")
                told = True
                await anyio.sleep(_POLL_S)
            yield

    def enter(self) -> None:
        """Be one of its users; to be called `alone`."""
        _taken(self._presence, self._users, fcntl.LOCK_SH)

    def others(self) -> bool:
        """Whether it has other users; to be called `alone`, before `enter` or after `leave`."""
        with ExitStack() as held:
            return not _taken(held, self._users, fcntl.LOCK_EX)

    def leave(self) -> None:
        """Be none of them any longer."""
        self._presence.close()

    def made(self, identity: str) -> None:
        """Write down that it was made for runs, and goes with the last of them; `identity`: this very one."""
        self._made.write_text(identity, encoding="utf-8")

    def was_made(self, identity: str) -> bool:
        """Whether this very one was."""
        try:
            return bool(identity) and self._made.read_text(encoding="utf-8") == identity
        except OSError:
            return False

    def keep(self) -> None:
        """No run removes it from now on."""
        self._made.unlink(missing_ok=True)


def _taken(held: ExitStack, file: Path, how: int) -> bool:
    lock = file.open("w")
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        return False
    held.callback(lock.close)
    return True
