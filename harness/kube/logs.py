"""A container that says why it does not get on -> the last lines of its log, short and harmless to a terminal."""

from __future__ import annotations

import re
from collections import deque

import anyio

from harness.errors import ClusterError
from harness.inputs.shown import cut, printable
from harness.kube.client import Kube

LINES = 5
_LONGEST_LINE = 200
_ASKED_FOR = 20
"""More than are shown, for empty lines are not."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PATIENCE_S = 3.0


async def last_lines(kube: Kube, namespace: str, pod: str, container: str, *, previous: bool) -> tuple[str, ...]:
    """The last `LINES` lines of a container's log, the newest last; `previous`: of the run before the present one.

    Nothing where there are none, or they cannot be had soon: a log explains, and nothing rests on it.
    """
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
    query = {"container": container, "tailLines": str(_ASKED_FOR)}
    kept: deque[str] = deque(maxlen=LINES)
    try:
        with anyio.move_on_after(_PATIENCE_S):
            async with kube.stream(
                path, {**query, **({"previous": "true"} if previous else {})}, deadline_s=_PATIENCE_S
            ) as lines:
                async for line in lines:
                    text = printable(_COLOUR.sub("", line.decode(errors="replace")).rstrip())
                    if text:
                        kept.append(cut(text, _LONGEST_LINE))
    except ClusterError:
        return ()
    return tuple(kept)
