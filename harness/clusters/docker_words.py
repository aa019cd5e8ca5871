"""What Docker said as it failed, whoever had asked it -> what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable

Sign = tuple[str, str]
"""An expression for the words, and the cure."""

OF_THE_MACHINE: tuple[Sign, ...] = (
    (r"no space left on device", "Free some of the disk: docker system df shows what Docker has on it."),
    (r"port is already allocated|address already in use", "Another program took that port meanwhile: run it again."),
    (r"too many open files|inotify", "Raise fs.inotify.max_user_watches and max_user_instances."),
)
"""What the machine is short of, the same for every cluster that is made on it."""

REACH = "Let this user reach Docker (group docker, or rootless), or use sudo."


def cure(said: str, signs: Iterable[Sign], otherwise: str = "") -> str:
    """Of the first sign that is in the words; `otherwise` where none is.

    >>> cure("write x: no space left on device", OF_THE_MACHINE)
    'Free some of the disk: docker system df shows what Docker has on it.'
    """
    return next((do for sign, do in signs if re.search(sign, said)), otherwise)
