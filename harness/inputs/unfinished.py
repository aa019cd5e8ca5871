"""Text that a template engine or a merge has left unfinished -> where it shows, and what to do, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from harness.inputs.shown import shown

_ACTIONS = (("{{", "}}"), ("{%", "%}"))  # Go's and Jinja's
_MOST_ACTIONS, _MOST_BEFORE = 5000, 2000  # that are looked at, and characters before one in its line
_BARE = re.compile(r"""(?:[^'"#]|(?<=\S)#|"[^"]*"|'[^']*')*""")  # before what is neither quoted nor a comment
_QUOTED = re.compile(_BARE.pattern + r'"[^"]*')  # before what is in quotes, which its own quotes end

_CONFLICT = re.compile(r"^<<<<<<< .*?^=======$.*?^>>>>>>> ", re.MULTILINE | re.DOTALL)  # git merge's

RENDER = "Render it first (a chart by: helm template CHART), and give what that prints."
_MERGE = "Resolve the conflict of the merge first."


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """What keeps a text from being what it will be: `what` it is, in the line where it shows, and what to `do`."""

    line: int
    what: str
    do: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"


def unfinished(text: str, line: int | None = None) -> Unfinished | None:
    r"""Why a text could not be read that others have still to work on; None where that does not show.

    `line`: where it was found not to be YAML. What stands behind it is not what kept it from being read.

    >>> str(unfinished("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> theirs\n", 3))
    "line 2: it holds both sides of a merge's conflict ('<<<<<<< HEAD')"
    """
    conflict = _CONFLICT.search(text)
    if conflict and (line is None or text.count("\n", 0, conflict.start()) < line):
        what = f"it holds both sides of a merge's conflict ({shown(conflict[0].splitlines()[0])})"
        return Unfinished(line=text.count("\n", 0, conflict.start()) + 1, what=what, do=_MERGE)
    return _unrendered(text, line)


def _actions(text: str) -> Iterator[tuple[int, str]]:
    """Where each begins, and all of it, which may be several lines."""
    found = (each for opens, closes in _ACTIONS for each in islice(_between(text, opens, closes), _MOST_ACTIONS))
    yield from sorted(found)


def _between(text: str, opens: str, closes: str) -> Iterator[tuple[int, str]]:
    end = 0
    while (start := text.find(opens, end)) >= 0 and (end := text.find(closes, start)) >= 0:
        end += len(closes)
        yield start, text[start:end]


def _is_in_the_way(before: str, action: str) -> bool:
    """Whether an action keeps its text from being read. `before`: what stands before it in its line.

    >>> _is_in_the_way("name: ", "{{ .Name }}"), _is_in_the_way("# ", "{{ .Name }}")
    (True, False)
    >>> _is_in_the_way('name: "a-', '{{ if eq .Name "" }}'), _is_in_the_way('name: "a-', "{{ .Name }}")
    (True, False)
    """
    if len(before) > _MOST_BEFORE:
        return False
    return bool(_BARE.fullmatch(before) or ('"' in action and _QUOTED.fullmatch(before)))


def _unrendered(text: str, line: int | None) -> Unfinished | None:
    r"""Where the text is a template. What stands in quotes or in a comment is not what kept it from being read.

    >>> str(_unrendered("a: 1\nreplicas: {{ .Values.replicas }}", None))
    "line 2: it is a template that is not rendered ('{{ .Values.replicas }}')"
    >>> str(_unrendered("replicas: {% if big %}9{% endif %}", None))
    "line 1: it is a template that is not rendered ('{% if big %}')"
    >>> _unrendered("image: n:\nargs: {{ x }}", 1), _unrendered("args: '{{ x }}'\nimage: n:", 2)
    (None, None)
    >>> str(_unrendered("{{/*\nof the shop\n*/}}\nkind: Service\nname: {{ .Name }}", 1))
    "line 1: it is a template that is not rendered ('{{/* of the shop */}}')"
    """
    found = {
        text.count("\n", 0, start) + 1: action
        for start, action in reversed(list(_actions(text)))
        if _is_in_the_way(text[text.rfind("\n", 0, start) + 1 : start], action)
    }
    before = [number for number in found if line is None or number <= line]
    if not before:
        return None
    at = line if line in found else min(before)
    return Unfinished(
        line=at, what=f"it is a template that is not rendered ({shown(' '.join(found[at].split()))})", do=RENDER
    )
