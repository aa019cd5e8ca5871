"""No fault at all: what the same runs show when nothing goes wrong, without which no other row would tell anything."""

from __future__ import annotations

from ..fault import DROPPING, SEAMLESS, App, Fault, Group, Holds, Phase, Where
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
        holds=Holds(verdicts=(DROPPING,), codes=(1,)),
    ),
    Fault(
        name="none",
        group=Group.NONE,
        phase=Phase.START,
        what="nothing happens",
        inject=nothing,
        holds=Holds(verdicts=(SEAMLESS,), codes=(0,)),
        app=App.MITIGATED,
    ),
    Fault(
        name="none-embedded",
        group=Group.NONE,
        phase=Phase.START,
        what="nothing happens",
        inject=nothing,
        holds=Holds(verdicts=(DROPPING,), codes=(1,)),
        where=Where.EMBEDDED,
    ),
)
