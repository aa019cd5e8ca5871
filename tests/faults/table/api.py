"""Faults of the API's answers: refusals, losses, delays and silence, by call and by phase."""

from __future__ import annotations

from typing import Any

from ..fault import (
    AS_IT_IS,
    CLEAN,
    DROPPING,
    INCONCLUSIVE,
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
    on_call(
        "deletes-throttled",
        Phase.CLEAN_UP,
        "every DELETE is answered 429 for ever",
        answer(429, "delete", path="", times=None),
        Holds(
            verdicts=(SEAMLESS, INCONCLUSIVE), codes=(3,), records=Records.READABLE, cluster=Left.NAMED, within_s=240
        ),
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
ROWS = (*_ANSWERS, *_ODD_ANSWERS)
