"""Text that a template engine should have rendered first -> where it shows, in words."""

from __future__ import annotations

import re

from harness.inputs.shown import shown

_ACTION = re.compile(r"\{\{.*?\}\}")

RENDER = "Render it first: helm template CHART, and give what that prints."


def unrendered(text: str, line: int | None = None) -> str:
    """Where the text is a template: "line 6: ..."; empty where it is none. `line`: where it was found not to be YAML.

    >>> unrendered("a: 1\\nreplicas: {{ .Values.replicas }}")
    "line 2: it is a template that is not rendered ('{{ .Values.replicas }}')"
    """
    found = {text.count("\n", 0, action.start()) + 1: action[0] for action in _ACTION.finditer(text)}
    if not found:
        return ""
    at = line if line in found else min(found)
    return f"line {at}: it is a template that is not rendered ({shown(found[at])})"
