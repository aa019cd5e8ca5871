"""Faults of the API and of the way to it: answers, cuts, losses, delays, silence and outages, by call and by phase."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..fault import (
    AS_IT_IS,
    CLEAN,
    DROPPING,
    INCONCLUSIVE,
    NEVER_DROPPING,
    NEVER_SEAMLESS,
    NONE,
    REFUSED,
    SEAMLESS,
    App,
    Fault,
    Group,
    Holds,
    Inject,
    Left,
    Phase,
    Records,
    Where,
)
from ..proxy import Do, Rule
from ..scene import Scene

NAMESPACES, NAMESPACE = r"/namespaces$", r"/api/v1/namespaces/[^/]+$"
DEPLOYMENT, SERVICE = r"/deployments/web$", r"/services/web$"
WORKER, WORKERS, LOG = r"/pods/rollout-harness-load-0$", r"/pods$", r"/log$"

CUT_SHORT = Holds(
    verdicts=(DROPPING, INCONCLUSIVE), codes=(1, 3), records=Records.READABLE, cluster=Left.NAMED, within_s=140
)


def calls(*rules: Rule) -> Inject:
    """The rules are in force from the beginning; some call must meet each of them."""

    async def inject(scene: Scene) -> None:
        scene.arm(*rules)

    return inject


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


async def expired(scene: Scene) -> None:
    scene.arm(Rule(do=Do.ANSWER, status=401, times=None))


def row(name: str, phase: Phase, what: str, inject: Inject, holds: Holds, **more: Any) -> Fault:
    return Fault(name=name, group=Group.API, phase=phase, what=what, inject=inject, holds=holds, **more)


def on_call(name: str, phase: Phase, what: str, rule: Rule, holds: Holds, **more: Any) -> Fault:
    """A rule of certain calls, which is in force from the beginning."""
    return row(name, phase, what, calls(rule), holds, at=Phase.START, **more)


def answer(status: int, *verbs: str, path: str, **more: Any) -> Rule:
    return Rule(do=Do.ANSWER, status=status, verbs=verbs, path=path, **more)


_ANSWERS = (
    on_call(
        "first-call-throttled",
        Phase.START,
        "the first call is answered 429, Retry-After 1",
        answer(429, "get", path="/version", retry_after_s=1),
        AS_IT_IS,
    ),
    on_call(
        "api-unauthorized",
        Phase.START,
        "every call is answered 401",
        answer(401, path="", times=None),
        REFUSED,
        quick=True,
    ),
    on_call(
        "answer-no-json",
        Phase.START,
        "the version is answered by a login page",
        answer(200, "get", path="/version", times=None, body=b"<html>Log in</html>"),
        REFUSED,
    ),
    on_call(
        "create-throttled",
        Phase.DEPLOY,
        "the namespace's creation is answered 429 twice",
        answer(429, "create", path=NAMESPACES, times=2, retry_after_s=1),
        AS_IT_IS,
    ),
    on_call(
        "create-forbidden",
        Phase.DEPLOY,
        "the Deployment's creation is answered 403",
        answer(403, "create", path="/deployments$", times=None),
        REFUSED,
    ),
    on_call(
        "create-fails",
        Phase.DEPLOY,
        "the Service's creation is answered 500 once",
        answer(500, "create", path="/services$"),
        Holds(verdicts=(DROPPING, NONE), codes=(1, 2), records=Records.ANY),
    ),
    on_call(
        "read-fails",
        Phase.DEPLOY,
        "reading the Service is answered 503 three times",
        answer(503, "get", path=SERVICE, times=3),
        AS_IT_IS,
    ),
    on_call(
        "worker-refused",
        Phase.DEPLOY,
        "the worker Pod is refused by a quota",
        answer(403, "create", path=WORKERS, times=None),
        REFUSED,
    ),
    on_call(
        "log-not-found",
        Phase.DEPLOY,
        "the worker's log is answered 404 for ever",
        answer(404, "log", path="", times=None),
        Holds(verdicts=(NONE,), codes=(2,), records=Records.ANY, says="error: "),
    ),
    on_call(
        "update-throttled",
        Phase.ROLLOUT,
        "the update is answered 429, Retry-After 1",
        answer(429, "patch", path=DEPLOYMENT, retry_after_s=1),
        AS_IT_IS,
        quick=True,
    ),
    on_call(
        "update-fails",
        Phase.ROLLOUT,
        "the update is answered 503 three times",
        answer(503, "patch", path=DEPLOYMENT, times=3),
        AS_IT_IS,
    ),
    on_call(
        "update-conflicts",
        Phase.ROLLOUT,
        "the update is answered 409 for ever",
        answer(409, "patch", path=DEPLOYMENT, times=None),
        Holds(verdicts=(INCONCLUSIVE,), codes=(3,), says="error: "),
    ),
    on_call(
        "update-forbidden",
        Phase.ROLLOUT,
        "the update is answered 403 for ever",
        answer(403, "patch", path=DEPLOYMENT, times=None),
        Holds(verdicts=(INCONCLUSIVE,), codes=(3,), says="error: "),
    ),
    row(
        "token-expires",
        Phase.ROLLOUT,
        "from the rollout on every call is answered 401",
        expired,
        CUT_SHORT,
    ),
    row(
        "compacted",
        Phase.ROLLOUT,
        "all watches break, and are answered 410 when they come back",
        compacted,
        NEVER_SEAMLESS,
    ),
    on_call(
        "worker-delete-throttled",
        Phase.CLEAN_UP,
        "the worker's DELETE is answered 429 once",
        answer(429, "delete", path=WORKER),
        AS_IT_IS,
    ),
    on_call(
        "worker-delete-forbidden",
        Phase.CLEAN_UP,
        "the worker's DELETE is answered 403 for ever",
        answer(403, "delete", path=WORKER, times=None),
        Holds(verdicts=(DROPPING, INCONCLUSIVE), codes=(1, 3), records=Records.READABLE, cluster=Left.NAMED),
    ),
    on_call(
        "namespace-delete-fails",
        Phase.CLEAN_UP,
        "the namespace's DELETE is answered 503 three times",
        answer(503, "delete", path=NAMESPACE, times=3),
        CLEAN,
        app=App.MITIGATED,
        quick=True,
    ),
    on_call(
        "namespace-delete-forbidden",
        Phase.CLEAN_UP,
        "the namespace's DELETE is answered 403 for ever",
        answer(403, "delete", path=NAMESPACE, times=None),
        Holds(verdicts=(SEAMLESS,), codes=(3,), cluster=Left.NAMED, says=r"kubectl --context faulty delete namespace"),
        app=App.MITIGATED,
    ),
    on_call(
        "object-delete-forbidden",
        Phase.CLEAN_UP,
        "the Service's DELETE is answered 403 for ever; the namespace takes it along",
        answer(403, "delete", path=SERVICE, times=None),
        CLEAN,
        app=App.MITIGATED,
    ),
)

_ODD_ANSWERS = (
    on_call(
        "update-throttled-for-an-hour",
        Phase.ROLLOUT,
        "the update is answered 429, Retry-After 3600",
        answer(429, "patch", path=DEPLOYMENT, retry_after_s=3600),
        Holds(verdicts=(DROPPING, INCONCLUSIVE), codes=(1, 3), within_s=140),
    ),
    on_call(
        "update-done-and-504",
        Phase.ROLLOUT,
        "the update is made, and answered 504 by a balancer whose time is up",
        Rule(do=Do.MASK, verbs=("patch",), path=DEPLOYMENT, status=504),
        AS_IT_IS,
    ),
    on_call(
        "update-denied",
        Phase.ROLLOUT,
        "the update is answered 422 for ever, as a webhook does",
        answer(422, "patch", path=DEPLOYMENT, times=None),
        Holds(verdicts=(INCONCLUSIVE,), codes=(3,), says="error: "),
    ),
    on_call(
        "redirected",
        Phase.START,
        "every call is answered 302, to a page to log in at",
        answer(302, path="", times=None, body=b"<html>Log in</html>"),
        REFUSED,
    ),
    on_call(
        "namespace-name-taken",
        Phase.DEPLOY,
        "the namespace's creation is answered 409 once",
        answer(409, "create", path=NAMESPACES),
        Holds(verdicts=(DROPPING, NONE), codes=(1, 2), records=Records.ANY),
    ),
    on_call(
        "secret-forbidden",
        Phase.DEPLOY,
        "the creation of the load worker's Secret is answered 403",
        answer(403, "create", path="/secrets$", times=None),
        REFUSED,
    ),
    on_call(
        "log-no-lines",
        Phase.DEPLOY,
        "the worker's log is answered by a login page for ever",
        answer(200, "log", path="", times=None, body=b"<html>Log in</html>"),
        Holds(verdicts=(NONE, INCONCLUSIVE), codes=(2, 3), records=Records.ANY, says="error: ", within_s=140),
    ),
    on_call(
        "signs-forbidden",
        Phase.CONTROL,
        "the way to the worker's signs of life is answered 403 for ever",
        answer(403, "get", path="/proxy/", times=None),
        AS_IT_IS,
    ),
)

_LOST = (
    on_call(
        "namespace-answer-lost",
        Phase.DEPLOY,
        "the namespace is made, and the answer lost",
        Rule(do=Do.LOSE, verbs=("create",), path=NAMESPACES),
        AS_IT_IS,
        quick=True,
    ),
    on_call(
        "worker-answer-lost",
        Phase.DEPLOY,
        "the worker Pod is made, and the answer lost",
        Rule(do=Do.LOSE, verbs=("create",), path=WORKERS),
        Holds(verdicts=(DROPPING, NONE), codes=(1, 2), records=Records.ANY),
    ),
    on_call(
        "deployment-answer-lost",
        Phase.DEPLOY,
        "the Deployment is made, and the answer lost",
        Rule(do=Do.LOSE, verbs=("create",), path="/deployments$"),
        Holds(verdicts=(DROPPING, NONE), codes=(1, 2), records=Records.ANY),
    ),
    on_call(
        "update-answer-lost",
        Phase.ROLLOUT,
        "the update is made, and the answer lost",
        Rule(do=Do.LOSE, verbs=("patch",), path=DEPLOYMENT),
        AS_IT_IS,
    ),
    on_call(
        "update-answer-torn",
        Phase.ROLLOUT,
        "the update is made, and half of the answer comes",
        Rule(do=Do.TEAR, verbs=("patch",), path=DEPLOYMENT),
        AS_IT_IS,
    ),
    on_call(
        "update-cut",
        Phase.ROLLOUT,
        "the connection is reset before the API sees the update",
        Rule(do=Do.CUT, verbs=("patch",), path=DEPLOYMENT),
        AS_IT_IS,
    ),
    on_call(
        "update-swallowed",
        Phase.ROLLOUT,
        "the update is made, and nothing ever answered",
        Rule(do=Do.SWALLOW, verbs=("patch",), path=DEPLOYMENT),
        NEVER_SEAMLESS,
    ),
    on_call(
        "update-slow",
        Phase.ROLLOUT,
        "the update reaches the API 4 s late",
        Rule(do=Do.DELAY, verbs=("patch",), path=DEPLOYMENT, delay_s=4.0),
        NEVER_DROPPING,
        app=App.MITIGATED,
    ),
    on_call(
        "namespace-delete-answer-lost",
        Phase.CLEAN_UP,
        "the namespace's DELETE is done, and the answer lost",
        Rule(do=Do.LOSE, verbs=("delete",), path=NAMESPACE),
        AS_IT_IS,
    ),
    on_call(
        "first-call-unanswered",
        Phase.START,
        "nothing is ever answered",
        Rule(do=Do.SILENCE, times=None),
        REFUSED,
    ),
    on_call(
        "watches-unanswered",
        Phase.DEPLOY,
        "each watch is left without an answer at first",
        Rule(do=Do.SILENCE, verbs=("watch",), times=4),
        Holds(verdicts=(DROPPING, INCONCLUSIVE, NONE), codes=(1, 2, 3), records=Records.ANY, within_s=140),
    ),
    on_call(
        "all-slow",
        Phase.START,
        "every call takes half a second longer",
        Rule(do=Do.DELAY, delay_s=0.5, times=None),
        Holds(verdicts=(DROPPING, INCONCLUSIVE), codes=(1, 3), within_s=120),
    ),
)

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

ROWS = (*_ANSWERS, *_ODD_ANSWERS, *_LOST, *_STREAMS, *_OUTAGES)
