"""Text that a template engine should have rendered first -> where it shows, in words."""

from __future__ import annotations

import re

from harness.inputs.shown import shown

_ACTION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")  # Go's and Jinja's
_BARE = re.compile(r"""(?:[^'"#]|(?<=\S)#|"[^"]*"|'[^']*')*""")  # before what is neither quoted nor a comment

RENDER = "Render it first (a chart by: helm template CHART), and give what that prints."


def unrendered(text: str, line: int | None = None) -> str:
    r"""Where the text is a template: "line 6: ..."; empty where it is none. `line`: where it was found not to be YAML.

    What stands in quotes, in a comment, or behind that line is not what kept it from being read.

    >>> unrendered("a: 1\nreplicas: {{ .Values.replicas }}")
    "line 2: it is a template that is not rendered ('{{ .Values.replicas }}')"
    >>> unrendered("replicas: {% if big %}9{% endif %}")
    "line 1: it is a template that is not rendered ('{% if big %}')"
    >>> unrendered("image: n:\nargs: {{ x }}", 1), unrendered("args: '{{ x }}'\nimage: n:", 2)
    ('', '')
    """
    found = {
        text.count("\n", 0, action.start()) + 1: action[0]
        for action in _ACTION.finditer(text)
        if _BARE.fullmatch(text[text.rfind("\n", 0, action.start()) + 1 : action.start()])
    }
    before = [number for number in found if line is None or number <= line]
    if not before:
        return ""
    at = line if line in found else min(before)
    return f"line {at}: it is a template that is not rendered ({shown(found[at])})"
