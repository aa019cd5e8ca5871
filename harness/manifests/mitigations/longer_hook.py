"""A preStop hook that does something -> the same with a sleep before it, in a form that its container can run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from harness.spec.hooks import exec_words, only_sleeps, pre_stop, shell_line, surely_serves_s

Hook = dict[str, Any]


def longer(container: dict[str, Any], value_s: int) -> Hook | None:
    """The container's hook so that it surely sleeps `value_s` before anything else; None where that cannot be had.

    Only a hook that a shell runs already can be given a sleep: `;` and not `&&` after it, so that what the hook does is
    done in any case.

    >>> drains = {"lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", "nodetool drain"]}}}}
    >>> longer(drains, 5)
    {'exec': {'command': ['/bin/sh', '-c', 'sleep 5; nodetool drain']}}
    """
    hook = pre_stop(container) or {}
    if "sleep" in hook:
        return {"sleep": {"seconds": value_s}}
    words, more_s = exec_words(hook), math.ceil(value_s - (surely_serves_s(container) or 0.0))
    for command in _longer_commands(words, value_s, more_s, only_sleeps=only_sleeps(container)):
        new = {**hook, "exec": {**hook["exec"], "command": command}}
        if (surely_serves_s({"lifecycle": {"preStop": new}}) or 0.0) >= value_s:
            return new
    return None


def _longer_commands(words: Sequence[str], value_s: int, more_s: int, *, only_sleeps: bool) -> Iterator[list[str]]:
    """What may do, the plainest first; whether it does is asked of the hook that it makes."""
    line = shell_line(words)
    if line is None:
        names = [word.rpartition("/")[2] for word in words]
        if only_sleeps and "sleep" in names:
            yield [*words[: names.index("sleep") + 1], str(value_s)]
        return
    before, script, after = words[:line], words[line], words[line + 1 :]
    if only_sleeps:
        yield [*before, f"sleep {value_s}", *after]
        return
    for end in ("\n",) if "\n" in script else ("; ", "\n"):
        yield [*before, f"sleep {more_s}{end}{script}", *after]
