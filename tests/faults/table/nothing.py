"""No fault at all: what the same runs show when nothing goes wrong, without which no other row would tell anything."""

from __future__ import annotations

from ..fault import AS_IT_IS, CLEAN, App, Fault, Group, Phase, Where
from ..scene import Scene


async def nothing(_: Scene) -> None:
    """Nothing happens."""


ROWS = (
    Fault(
        name="none",
        group=Group.NONE,
        phase=Phase.START,
        what="nothing happens",
        inject=nothing,
        holds=AS_IT_IS,
    ),
    Fault(
        name="none",
        group=Group.NONE,
        phase=Phase.START,
        what="nothing happens",
        inject=nothing,
        holds=CLEAN,
        app=App.MITIGATED,
    ),
    Fault(
        name="none-embedded",
        group=Group.NONE,
        phase=Phase.START,
        what="nothing happens",
        inject=nothing,
        holds=AS_IT_IS,
        where=Where.EMBEDDED,
    ),
)
