"""A container's preStop hook -> how long it takes, and how long the container surely serves on while it runs.

Two questions with two answers: `nginx -s quit; sleep 7` takes 7 s, and the container serves no longer from its begin.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.spec.workload import Object

_TIME = re.compile(r"(\d+\.?\d*|\.\d+)([smhd]?)")
_UNIT_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SHELLS = ("sh", "bash", "dash", "ash")
_OPERATORS = ";&|()\n"
_NO_COMMAND = re.compile(r"\\\n|(?:^|(?<=\s))#[^\n]*|\s\d*(?:>>?|<)\s*(?:&\d|[^\s;&|]+)")
"""What stands in a line and is no part of a command's words: a broken line, a comment, a redirection."""

_UNREADABLE = frozenset({"if", "then", "else", "while", "until", "for", "do", "case", "function", "{", "!"})
_LAST = frozenset({"exec", "exit", "return"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    """A simple command of a shell line. `runs`: it is run for certain, and the line waits for it."""

    words: tuple[str, ...]
    runs: bool


def pre_stop(container: Object) -> Object | None:
    """The handler of the container's preStop hook; None without one."""
    return (container.get("lifecycle") or {}).get("preStop") or None


def surely_serves_s(container: Object) -> float | None:
    """How long the container surely keeps serving after its deletion: what its hook sleeps before anything else.

    None without a hook. A hook that does something else first, or that cannot be read from here, holds nothing: 0.
    """
    if (hook := pre_stop(container)) is None:
        return None
    total_s = 0.0
    for seconds in _sleeps_s(hook):
        if seconds is None:
            break
        total_s += seconds
    return total_s


def only_sleeps(container: Object) -> bool:
    """Whether all that the container's hook does is sleep; so it is without a hook."""
    hook = pre_stop(container)
    return hook is None or all(seconds is not None for seconds in _sleeps_s(hook))


def hook_takes_s(container: Object) -> float | None:
    """How long the container's hook takes at least, if all that it does succeeds: its sleeps, wherever they stand.

    None without a hook; 0 for one that does not sleep, or that cannot be read from here.
    """
    if (hook := pre_stop(container)) is None:
        return None
    return sum(seconds for seconds in _sleeps_s(hook) if seconds is not None)


def _sleeps_s(hook: Object) -> Iterator[float | None]:
    """What the hook does one after another: the seconds of a sleep, None for anything else."""
    if "sleep" in hook:
        yield float((hook["sleep"] or {}).get("seconds") or 0)
        return
    words = tuple(str(word) for word in (hook.get("exec") or {}).get("command") or ())
    for command in _commands(words):
        yield _sleep_s(command.words) if command.runs else None


def _commands(words: Sequence[str]) -> Iterator[_Command]:
    """The commands of an exec hook: what stands in a shell's line, else the one that it is."""
    shell = len(words) >= 3 and words[0].rpartition("/")[2] in _SHELLS
    if not shell or not (words[1].startswith("-") and "c" in words[1]):
        yield _Command(words=tuple(words), runs=True)
        return
    before = ";"
    for simple, after in _simple_commands(words[2]):
        yield _Command(words=simple, runs=_goes_on(before) and after.strip("\n") not in ("&", "|", "|&"))
        if simple[0] in _UNREADABLE or simple[0] in _LAST or "(" in after:
            return
        before = after


def _goes_on(operator: str) -> bool:
    """Whether the command after it is run when all goes well."""
    return operator.replace("\n", ";").strip(";") in ("", "&&", "&")


def _simple_commands(line: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """(its words, the operator after it) for each simple command of a line; none where its quotes do not close."""
    lexer = shlex.shlex(_NO_COMMAND.sub(" ", line), posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    try:
        tokens = list(lexer)
    except ValueError:
        return
    words: list[str] = []
    for token in [*tokens, ";"]:
        if token.strip(_OPERATORS):
            words.append(token)
        elif words:
            yield tuple(words), token
            words = []
        elif token.strip(";\n"):  # begins with an operator: a group, or no shell line at all
            return


def _sleep_s(words: Sequence[str]) -> float | None:
    """The seconds that a command sleeps; None where it is no sleep. Several times add up, as coreutils has it.

    >>> _sleep_s(["/bin/sleep", "2m"]), _sleep_s(["busybox", "sleep", "1m", "30"]), _sleep_s(["drain"])
    (120.0, 90.0, None)
    """
    names = [word.rpartition("/")[2] for word in words]
    while names and names[0] in ("exec", "busybox"):
        names = names[1:]
    if not names or names[0] != "sleep":
        return None
    times = [_TIME.fullmatch(name) for name in names[1:]]
    known = [time for time in times if time is not None]
    return sum(float(time[1]) * _UNIT_S[time[2]] for time in known) if len(known) == len(times) else None
