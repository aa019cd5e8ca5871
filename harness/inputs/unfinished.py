"""Text that a template engine or a merge has left unfinished -> where it shows, and what to do, in words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.inputs.shown import shown

_ACTION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")  # Go's and Jinja's
_BARE = re.compile(r"""(?:[^'"#]|(?<=\S)#|"[^"]*"|'[^']*')*""")  # before what is neither quoted nor a comment

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


def _unrendered(text: str, line: int | None) -> Unfinished | None:
    r"""Where the text is a template. What stands in quotes or in a comment is not what kept it from being read.

    >>> str(_unrendered("a: 1\nreplicas: {{ .Values.replicas }}", None))
    "line 2: it is a template that is not rendered ('{{ .Values.replicas }}')"
    >>> str(_unrendered("replicas: {% if big %}9{% endif %}", None))
    "line 1: it is a template that is not rendered ('{% if big %}')"
    >>> _unrendered("image: n:\nargs: {{ x }}", 1), _unrendered("args: '{{ x }}'\nimage: n:", 2)
    (None, None)
    """
    found = {
        text.count("\n", 0, action.start()) + 1: action[0]
        for action in reversed(list(_ACTION.finditer(text)))
        if _BARE.fullmatch(text[text.rfind("\n", 0, action.start()) + 1 : action.start()])
    }
    before = [number for number in found if line is None or number <= line]
    if not before:
        return None
    at = line if line in found else min(before)
    return Unfinished(line=at, what=f"it is a template that is not rendered ({shown(found[at])})", do=RENDER)
