"""Faults of the way to the API: watches and logs that break, stand still or are garbled, and outages, by phase."""

from __future__ import annotations

from dataclasses import replace

from ..fault import (
    AS_IT_IS,
    DROPPING,
    NEVER_DROPPING,
    NEVER_SEAMLESS,
    App,
    Holds,
    Inject,
    Left,
    Phase,
    Where,
)
from ..proxy import Do, Rule
from ..scene import Scene
from .api import CUT_SHORT, row

_EXPIRED = (
    b'{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Expired","code":410}}\n'
)


def outage(for_s: float) -> Inject:
    async def inject(scene: Scene) -> None:
        await scene.way.outage(for_s)

    return inject


def hold(for_s: float) -> Inject:
    async def inject(scene: Scene) -> None:
        await scene.way.hold(for_s)

    return inject


def broken(*verbs: str, after_s: float = 0.0) -> Inject:
    async def inject(scene: Scene) -> None:
        await scene.lasting(after_s)
        assert scene.way.break_streams(*verbs)

    return inject


async def watches_away(scene: Scene) -> None:
    """Broken as the update is made, and refused for a second and a half."""
    scene.arm(Rule(do=Do.CUT, verbs=("watch",), times=None))
    scene.way.break_streams("watch")
    await scene.lasting(1.5)
    scene.way.clear()


async def watches_before_the_update(scene: Scene) -> None:
    """Broken 0.5 s before the control window ends, for 1.2 s: the update lies in the gap."""
    await scene.lasting(3.5)
    scene.arm(Rule(do=Do.CUT, verbs=("watch",), times=None))
    scene.way.break_streams("watch")
    await scene.lasting(1.2)
    scene.way.clear()


async def compacted(scene: Scene) -> None:
    """The watches are broken, and their place is no longer known: 410."""
    scene.arm(Rule(do=Do.ANSWER, verbs=("watch",), status=410, times=3))
    scene.way.break_streams("watch")


def said(verb: str, line: bytes) -> Inject:
    """A running watch or log shows something that the API did not send."""

    async def inject(scene: Scene) -> None:
        await scene.lasting(0.2)
        assert await scene.way.say(verb, line)

    return inject


async def watches_silent(scene: Scene) -> None:
    """As behind a NAT that forgot them: the connections stand, and nothing comes for 4 s."""
    await scene.way.hold_streams("watch", for_s=4.0)


_STREAMS = (
    row("watches-cut", Phase.CONTROL, "all watches break once", broken("watch", after_s=0.2), AS_IT_IS),
    row("watches-cut", Phase.ROLLOUT, "all watches break once", broken("watch", after_s=0.2), NEVER_SEAMLESS),
    row(
        "watches-cut",
        Phase.ROLLOUT,
        "all watches break once",
        broken("watch", after_s=0.2),
        NEVER_DROPPING,
        app=App.MITIGATED,
    ),
    row(
        "watches-away",
        Phase.ROLLOUT,
        "all watches break as the update is made, and come back 1.5 s later",
        watches_away,
        NEVER_SEAMLESS,
        quick=True,
    ),
    row(
        "watches-away-before",
        Phase.ROLLOUT,
        "all watches break 0.5 s before the update, and come back after it",
        watches_before_the_update,
        NEVER_SEAMLESS,
        at=Phase.CONTROL,
    ),
    row(
        "nothing-through",
        Phase.ROLLOUT,
        "for 3 s nothing comes through, with all connections open",
        hold(3.0),
        NEVER_SEAMLESS,
    ),
    row(
        "nothing-through",
        Phase.ROLLOUT,
        "for 3 s nothing comes through, with all connections open",
        hold(3.0),
        NEVER_DROPPING,
        app=App.MITIGATED,
    ),
    row(
        "compacted",
        Phase.ROLLOUT,
        "all watches break, and are answered 410 when they come back",
        compacted,
        NEVER_SEAMLESS,
    ),
    row(
        "watches-compacted",
        Phase.ROLLOUT,
        "all watches end with an event ERROR 410",
        said("watch", _EXPIRED),
        NEVER_SEAMLESS,
    ),
    row(
        "watches-garbled",
        Phase.ROLLOUT,
        "all watches show half an event",
        said("watch", b'{"type":"MODI\n'),
        NEVER_SEAMLESS,
    ),
    row(
        "watches-garbled",
        Phase.ROLLOUT,
        "all watches show half an event",
        said("watch", b'{"type":"MODI\n'),
        NEVER_DROPPING,
        app=App.MITIGATED,
    ),
    row(
        "log-garbled",
        Phase.ROLLOUT,
        "the worker's log shows half a line",
        said("log", b'{"t": 1\nnew,0,1\n'),
        NEVER_SEAMLESS,
    ),
    row("watches-silent", Phase.ROLLOUT, "all watches stand still for 4 s", watches_silent, NEVER_SEAMLESS),
    *(
        row("log-cut", phase, "the worker's log breaks off", broken("log", after_s=0.2), NEVER_SEAMLESS)
        for phase in (Phase.CONTROL, Phase.ROLLOUT, Phase.QUIET)
    ),
)

_OUTAGES = (
    row("outage", Phase.DEPLOY, "the API is away for 5 s", outage(5.0), AS_IT_IS),
    *(
        row("outage", phase, "the API is away for 5 s", outage(5.0), NEVER_SEAMLESS)
        for phase in (Phase.CONTROL, Phase.ROLLOUT, Phase.QUIET)
    ),
    row("outage", Phase.CLEAN_UP, "the API is away for 5 s", outage(5.0), AS_IT_IS),
    *(
        row("outage-30s", phase, "the API is away for 30 s", outage(30.0), replace(holds, within_s=140))
        for phase, holds in (
            (Phase.DEPLOY, AS_IT_IS),
            (Phase.CONTROL, NEVER_SEAMLESS),
            (Phase.ROLLOUT, NEVER_SEAMLESS),
            (Phase.QUIET, NEVER_SEAMLESS),
            (Phase.CLEAN_UP, AS_IT_IS),
        )
    ),
    row(
        "outage-for-ever",
        Phase.ROLLOUT,
        "the way to the API is gone for good",
        outage(300.0),
        CUT_SHORT,
        needs_its_end=False,
        where=Where.ALONE,
    ),
    row(
        "outage-for-ever",
        Phase.CLEAN_UP,
        "the way to the API is gone for good",
        outage(300.0),
        Holds(verdicts=(DROPPING,), codes=(1,), cluster=Left.NAMED, within_s=140),
        needs_its_end=False,
        where=Where.ALONE,
    ),
)

ROWS = (*_STREAMS, *_OUTAGES)
