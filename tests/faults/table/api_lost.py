"""Faults of the API's answers: lost, late, or never given, by call and by phase."""

from __future__ import annotations

from ..fault import (
    AS_IT_IS,
    DROPPING,
    INCONCLUSIVE,
    NEVER_DROPPING,
    NEVER_SEAMLESS,
    NONE,
    REFUSED,
    App,
    Holds,
    Phase,
    Records,
)
from ..proxy import Do, Rule
from .api import DEPLOYMENT, NAMESPACE, NAMESPACES, WORKERS, on_call

ROWS = (
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
