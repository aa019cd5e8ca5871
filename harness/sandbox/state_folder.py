"""A name -> the record of a kept sandbox, its lock and its kubeconfig, in a folder of its owner (mode 0700).

The lock is flock's: the kernel takes it back with the process that held it, whatever ended that, and it asks for no
library; all that one adds are systems on which there is no sandbox.
"""

from __future__ import annotations

import fcntl
import os
import signal
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from harness.sandbox.errors import NotKept
from harness.sandbox.running import Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_POLL_S = 0.02
_RECORD, _WORD, _LOCK = ".json", ".ended", ".lock"
_UNSET = "Set XDG_RUNTIME_DIR."


def folder() -> Path:
    """Where the records of this user are, or would be."""
    base = os.environ.get("XDG_RUNTIME_DIR") or ("/run" if os.geteuid() == 0 else tempfile.gettempdir())
    return Path(base).absolute() / f"rollout-harness-{os.geteuid()}"


def made_folder() -> Path:
    """The same, there and private.

    Raises:
        NotKept: it cannot be made, or is somebody else's.
    """
    path = folder()
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        owner = path.stat().st_uid
    except OSError as error:
        raise NotKept("keep a sandbox", f"{path} cannot be made ({why(error)})", _UNSET) from None
    if owner != os.geteuid():
        raise NotKept("keep a sandbox", f"{path} belongs to somebody else", _UNSET)
    return path


@contextmanager
def locked(name: str, doing: str, on_held: Callable[[str], None]) -> Iterator[Path]:
    """The path of the record of that name, which is this process' alone for as long as the block lasts.

    `on_held` is called with what the holder says of itself ("up 123", empty where it has not said so yet), again and
    again while somebody else holds it, and raises when that is enough. `doing`: what this one says of itself.

    Raises:
        NotKept: the folder takes no lock.
    """
    with ExitStack() as held:
        while True:
            with _signals_later():  # what was made and is not known of yet would stay
                record = made_folder() / f"{name}{_RECORD}"
                taken = _taken(record.with_suffix(_LOCK))
                if isinstance(taken, int):
                    descriptor = taken
                    held.callback(_let_go, record, descriptor)
                    break
            if taken is not None:
                on_held(taken)
            time.sleep(_POLL_S)
        with suppress(OSError):  # a full disk: the record says so
            os.write(descriptor, f"{doing} {os.getpid()}\n".encode())
        yield record


@contextmanager
def _signals_later() -> Iterator[None]:
    """Those that end a program come once the block is left."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _let_go(record: Path, descriptor: int) -> None:
    record.with_suffix(_LOCK).unlink(missing_ok=True)
    os.close(descriptor)
    with suppress(OSError):  # another one is kept here too
        record.parent.rmdir()


def _taken(path: Path) -> int | str | None:
    """The descriptor that holds the lock; what its holder says where somebody else does; None: try again."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:  # who left last took the folder along
        if path.parent.parent.is_dir():
            return None
        raise NotKept("keep a sandbox", f"{path.parent} is gone", _UNSET) from None
    except OSError as error:
        raise NotKept("keep a sandbox", f"{path} cannot be written ({why(error)})", _UNSET) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _same(path, descriptor):
            os.ftruncate(descriptor, 0)
            return descriptor
    except BlockingIOError:
        said = os.pread(descriptor, 40, 0).decode(errors="replace").strip()
        os.close(descriptor)
        return said
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)  # its holder has taken it away meanwhile
    return None


def _same(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def names() -> tuple[str, ...]:
    """The names of which there is a record, or word of the end."""
    found = (path.stem for kind in (_RECORD, _WORD) for path in folder().glob(f"*{kind}"))
    return tuple(sorted(set(found)))


def leave_word(mark: Mark, word: str) -> None:
    """Notes how a sandbox that is kept ended by itself, for the next command that asks for it."""
    if mark.folder is None or mark.name is None:
        return
    place = Path(mark.folder)
    with suppress(OSError):  # nobody is there to hear of it
        place.mkdir(mode=0o700, exist_ok=True)
        path = place / f"{mark.name}{_WORD}"
        path.unlink(missing_ok=True)
        descriptor = new_file(path)
        os.write(descriptor, word.encode())
        os.close(descriptor)


def word_of(name: str) -> str | None:
    """How the sandbox of that name ended by itself; None where nothing is known of such an end."""
    try:
        return None if "/" in name else (folder() / f"{name}{_WORD}").read_text(errors="replace")
    except (OSError, ValueError):
        return None


def is_locked(name: str) -> bool:
    """Whether somebody starts or ends the sandbox of that name."""
    return (folder() / f"{name}{_LOCK}").exists()


def read(record: Path) -> Mark | None:
    """The sandbox of a record; None where there is none that can be read."""
    try:
        return Mark.from_json(record.read_text())
    except (OSError, UnicodeDecodeError):
        return None


def forget(mark: Mark) -> None:
    """Removes what a sandbox that is kept leaves: its record, and its kubeconfig."""
    if mark.folder is None or mark.name is None:
        return
    record = Path(mark.folder) / f"{mark.name}{_RECORD}"
    if read(record) == mark:
        forget_record(record)
    _remove_kubeconfig(mark)  # also where the record is lost


def forget_record(record: Path) -> bool:
    """Removes a record, the kubeconfig of which it knows, whosever they are, and word of an end; False if none was."""
    word = record.with_suffix(_WORD)
    known, there = read(record), record.exists() or word.exists()
    if known is not None:
        _remove_kubeconfig(known)
    for path in (record, word):
        path.unlink(missing_ok=True)
    with suppress(OSError):  # others are kept here too
        record.parent.rmdir()
    return there


def _remove_kubeconfig(mark: Mark) -> None:
    """Only while it is empty or says that it is this sandbox's: somebody may have put another file in its place."""
    if mark.kubeconfig is None:
        return
    path = Path(mark.kubeconfig)
    with suppress(OSError):
        if (text := path.read_text(errors="replace")) == "" or mark.id in text:
            path.unlink()


def new_file(path: Path) -> int:
    """A file that was not there, for its owner alone; its descriptor. Raises: OSError."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def why(error: OSError) -> str:
    """What the system said, in small letters."""
    return (error.strerror or str(error)).lower()
