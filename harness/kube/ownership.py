"""Who started a run, until when it may last, in which process <-> the labels that everything it creates carries."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

RUN_LABEL = "rollout-harness/run"
"""Which run an object belongs to; by it an object is known as ours whose creation was never answered."""

OWNER_LABEL = "rollout-harness/owner"
EXPIRY_LABEL = "rollout-harness/expiry"
PROCESS_LABEL = "rollout-harness/process"

_EXPIRY_FORMAT = "%Y%m%dT%H%M%SZ"
_LONGEST = timedelta(days=3650)
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """Whose an object is. What its labels do not say is empty, or None.

    `process`: which process on which machine, so that this machine can tell whether it still runs.
    """

    run: str
    owner: str = ""
    expiry: datetime | None = None
    process: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """As objects carry it."""
        said = {RUN_LABEL: self.run, OWNER_LABEL: self.owner, PROCESS_LABEL: self.process}
        if self.expiry is not None:
            said[EXPIRY_LABEL] = self.expiry.astimezone(UTC).strftime(_EXPIRY_FORMAT)
        return {key: value for key, value in said.items() if value}


def new_ownership(lasting_s: float) -> Ownership:
    """That of a run which begins now in this process, and lasts so long at most."""
    return Ownership(
        run=secrets.token_hex(4),
        owner=label_value(f"{_user()}.{socket.gethostname()}"),
        expiry=datetime.now(UTC) + min(timedelta(seconds=lasting_s), _LONGEST),
        process=_identity(os.getpid()) or "",
    )


def ownership(labels: Mapping[str, str] | None) -> Ownership | None:
    """What an object's labels say; None where it is not ours."""
    labels = labels or {}
    if RUN_LABEL not in labels:
        return None
    try:
        expiry = datetime.strptime(labels.get(EXPIRY_LABEL, ""), _EXPIRY_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        expiry = None
    return Ownership(
        run=labels[RUN_LABEL],
        owner=labels.get(OWNER_LABEL, ""),
        expiry=expiry,
        process=labels.get(PROCESS_LABEL, ""),
    )


def is_running(owner: Ownership) -> bool | None:
    """Whether the run's process is there; None where it is not this machine that could tell."""
    here, _, rest = owner.process.partition(".")
    pid, _, _ = rest.partition(".")
    if not pid.isdecimal() or here != _machine():
        return None
    return _identity(int(pid)) == owner.process


def label_value(text: str) -> str:
    """The text as a label's value may be: 63 letters, digits and -_. at most, a letter or digit at either end.

    >>> label_value("ada@example.com"), label_value("-x" * 40)[-1], label_value("...")
    ('ada-example.com', 'x', '')
    """
    return _STRANGE.sub("-", text)[:63].strip("-_.")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user that no file names
        return str(os.getuid())


def _identity(pid: int) -> str | None:
    """Machine, number and start of a process, so that no later one of that number is taken for it; None: it is gone."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()  # a program's name may have anything in it
    if state in "ZX" or len(fields) < 19:
        return None
    return f"{_machine()}.{pid}.{fields[18]}"


def _machine() -> str:
    """This boot of this machine, and this namespace of process numbers."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text()
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return "unknown"
    return hashlib.sha256(f"{boot}{namespace}".encode()).hexdigest()[:16]
