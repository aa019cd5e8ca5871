"""A container's preStop hook -> how long it takes, and how long the container surely serves on while it runs.

Two questions with two answers: `nginx -s quit; sleep 7` takes 7 s, and the container serves no longer from its begin.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.spec.workload import Object, is_sidecar, main_containers

_TIME = re.compile(r"(\d+\.?\d*|\.\d+)([smhd]?)")
_UNIT_S = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SHELLS = ("sh", "bash", "dash", "ash", "ksh", "zsh")
_STARTERS = ("env", "busybox")
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
    """The handler of the container's preStop hook; None without one that a kubelet runs."""
    return None if never_runs(container) else (container.get("lifecycle") or {}).get("preStop") or None


def never_runs(container: Object) -> bool:
    """Whether its hook is a `tcpSocket`, which an API server takes, and which fails at once in any pod.

    https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#LifecycleHandler
    """
    hook = (container.get("lifecycle") or {}).get("preStop") or {}
    return isinstance(hook, dict) and hook.keys() == {"tcpSocket"}


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


def serves_on_s(pod: Object, container: Object) -> float | None:
    """The same of a container in its pod: a native sidecar gets its stop signal only after the main containers' end.

    Their hooks hold it too, therefore; its own runs beside them, from the deletion on.
    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#pod-termination-order
    """
    own_s = surely_serves_s(container)
    if not is_sidecar(container):
        return own_s
    before_s = max((surely_serves_s(main) or 0.0 for main in main_containers(pod)), default=0.0)
    return max(own_s or 0.0, before_s) if own_s is not None or before_s else None


def only_sleeps(container: Object) -> bool:
    """Whether all that the container's hook does is sleep; so it is without a hook."""
    hook = pre_stop(container)
    return hook is None or all(seconds is not None for seconds in _sleeps_s(hook))


def waits_for_nothing(container: Object) -> bool:
    """Whether the container has no hook, or one that is as good as none: all that it does is sleep, for no time."""
    return only_sleeps(container) and not surely_serves_s(container)


def first_deed(container: Object) -> tuple[str, ...]:
    """The words of the command that the container's hook begins with, but for sleeps of no time; none for other hooks.

    >>> first_deed({"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "sleep 0; nginx -s quit; sleep 5"]}}}})
    ('nginx', '-s', 'quit')
    """
    for command in _commands(exec_words(pre_stop(container) or {})):
        seconds = _sleep_s(command.words)
        if seconds is None:
            return command.words
        if seconds > 0 or not command.runs:
            break
    return ()


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
    if "exec" not in hook:
        yield None
        return
    for command in _commands(exec_words(hook)):
        yield _sleep_s(command.words) if command.runs else None


def exec_words(hook: Object) -> tuple[str, ...]:
    """The words of an exec hook; none for a hook of another kind."""
    return tuple(str(word) for word in (hook.get("exec") or {}).get("command") or ())


def shell_line(words: Sequence[str]) -> int | None:
    """Which of the words is the line that a shell runs; None where no shell is called with one.

    >>> shell_line(["/bin/bash", "-eo", "pipefail", "-c", "drain"]), shell_line(["/bin/sh", "/drain.sh"])
    (4, None)
    """
    at = 0
    while at < len(words) and words[at].rpartition("/")[2] in _STARTERS:
        at += 1
    if at >= len(words) or words[at].rpartition("/")[2] not in _SHELLS:
        return None
    at += 1
    while at < len(words) and words[at].startswith(("-", "+")):
        short = not words[at].startswith("--")
        if short and "c" in words[at]:
            return at + 1 if at + 1 < len(words) else None
        at += 2 if short and words[at].endswith("o") else 1
    return None


def _commands(words: Sequence[str]) -> Iterator[_Command]:
    """The commands of an exec hook: what stands in a shell's line, else the one that it is."""
    if (line := shell_line(words)) is None:
        yield _Command(words=tuple(words), runs=True)
        return
    before = ";"
    for simple, after in _simple_commands(words[line]):
        yield _Command(words=simple, runs=_goes_on(before) and after.strip("\n") not in ("&", "|", "|&"))
        if simple[0] in _UNREADABLE or simple[0] in _LAST or "(" in after:
            return
        before = after


def _goes_on(operator: str) -> bool:
    """Whether the command after it is run when all goes well."""
    return operator.replace("\n", ";").strip(";") in ("", "&&", "&")


def _simple_commands(line: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """(its words, the operator after it) for each simple command of a line.

    What cannot be read ends it with one "command" more: a group, or the line in which a quote does not close.
    """
    lexer = shlex.shlex(_NO_COMMAND.sub(" ", line), posix=True, punctuation_chars=_OPERATORS)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    tokens: list[str] = []
    try:
        tokens.extend(lexer)
    except ValueError:  # a shell runs what stands in the lines before
        while tokens and "\n" not in tokens[-1]:
            tokens.pop()
        tokens.append("'")
    words: list[str] = []
    for token in [*tokens, ";"]:
        if token.strip(_OPERATORS):
            words.append(token)
        elif words:
            yield tuple(words), token
            words = []
        elif token.strip(";\n"):  # begins with an operator: a group, or no shell line at all
            yield (token,), ";"
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
