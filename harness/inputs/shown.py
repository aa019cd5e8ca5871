"""A value that somebody gave -> words for a message: short, on one line, and harmless to a terminal."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from textwrap import wrap
from typing import Final

COLUMNS: Final = 80
"""How wide what people read is, in a terminal, a pipe or a CI log."""

_VALUE, _PART = 80, 600
_KEPT: Final = "\u00a0"
_GLUED: Final = re.compile(r"(?<=\d) (?=[a-z%])")  # a number and what it counts stay on one line
_COMMAND: Final = re.compile(r"(?<=: )(?:kubectl|rollout-harness) [^;]*?(?=, then |; |\. |$)")  # so does what is pasted


def shown(value: object) -> str:
    r"""The value in quotes, or as JSON says it, cut at 80 characters; what cannot be printed stands as an escape.

    >>> print(shown("a\x1b[2J\u202eb"))
    'a\x1b[2J\u202eb'
    >>> len(shown("x" * 100))
    82
    >>> print(shown(True), shown({"app": None}))
    true {"app": null}
    """
    if isinstance(value, str):
        return repr(value if len(value) <= _VALUE else value[: _VALUE - 4] + "... ")
    if isinstance(value, int) and not isinstance(value, bool):
        return cut(_number(value), _VALUE)
    if isinstance(value, float):
        return repr(value)
    return cut(printable(json.dumps(value, ensure_ascii=False, default=repr)), _VALUE)


def printable(text: str) -> str:
    r"""The text on one line, with escapes for control and direction characters.

    >>> print(printable("a\nb\u202e"))
    a b\u202e
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    return " " if letter in "\n\t" else repr(letter)[1:-1]


def cut(text: str, most: int = _PART) -> str:
    """The text, or its beginning and end where it is longer than a message should be.

    >>> cut("0123456789", 7)
    '01...89'
    """
    if len(text) <= most:
        return text
    kept = most - 3
    return f"{text[: kept // 2]}...{text[len(text) - kept // 2 :]}"


def paragraph(text: str, width: int = COLUMNS) -> str:
    """The line broken at spaces into lines of that width, all but the first further in; what has no space stays whole.

    So does a command after a colon, however long it is: people paste it.

    >>> print(paragraph("  mind: a pod is Ready before it listens", 24))
      mind: a pod is Ready
        before it listens
    >>> print(paragraph("There is one: kubectl -n shop get lease web; see it.", 24))
    There is one:
      kubectl -n shop get lease web;
      see it.
    """
    indent = text[: len(text) - len(text.lstrip(" "))]
    lines = wrap(
        _COMMAND.sub(lambda found: found[0].replace(" ", _KEPT), _GLUED.sub(_KEPT, text[len(indent) :])),
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace(_KEPT, " ")


def _number(value: int) -> str:
    return str(value) if value.bit_length() < 4 * _VALUE else "a number of more than 80 digits"


def near(word: str, known: Iterable[str]) -> str:
    """What was probably meant, as the end of a sentence; empty where nothing is near.

    >>> near("rolouts", ["rollouts", "control"])
    '; did you mean rollouts?'
    >>> near("readynessProbe", ["readinessProbe", "livenessProbe"])
    '; did you mean readinessProbe?'
    """
    names = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word[:_VALUE].lower(), names, n=1, cutoff=0.7)
    return f"; did you mean {names[found[0]]}?" if found else ""
