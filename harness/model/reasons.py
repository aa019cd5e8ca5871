"""Why a run is inconclusive: every word that `reason` of a result can be then, but for what follows `confidence`."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a record cannot carry `seamless` (docs/verdict.md); what to do about each: docs/dropping.md."""

    # Of what was recorded, and by whom.
    NO_REQUESTS = "no-requests"
    NO_SUCCESS = "no-success"
    NO_TIMELINE = "no-timeline"
    NO_CONTROL = "no-control"
    SHORT_CONTROL = "short-control"
    DAMAGED_RECORD = "damaged-record"
    INCOMPLETE_RECORD = "incomplete-record"
    CLOCK = "clock"
    LOAD_GENERATOR = "load-generator"
    WORKER_LOST = "worker-lost"
    HARNESS_STALLED = "harness-stalled"
    WATCH_STALLED = "watch-stalled"
    # Of the rollouts.
    NO_ROLLOUT = "no-rollout"
    CUT_SHORT = "cut-short"
    INTERRUPTED = "interrupted"
    ROLLOUT_UNDONE = "rollout-undone"
    ROLLOUT_INCOMPLETE = "rollout-incomplete"
    ROLLOUT_UNSETTLED = "rollout-unsettled"
    NOTHING_ROLLED = "nothing-rolled"
    TOO_SHORT = "too-short"
    # Of what others did.
    FOREIGN_CHANGE = "foreign-change"
    OTHER_WORKLOAD = "other-workload"
    SCALING = "scaling"
    EVICTION = "eviction"
    CRASH = "crash"
    FOREIGN = "foreign"
    # Of failures that are not the rollout's, and may hide its own.
    UNCHARGED = "uncharged"
    NEW_VERSION_ERRORS = "new-version-errors"
    APPLICATION_ERRORS = "application-errors"
    OTHER_ANSWERS = "other-answers"
    STALE_CONNTRACK = "stale-conntrack"
    NO_ENDPOINTS = "no-endpoints"
    UNKNOWN = "unknown"
    # Of what the experiment asks.
    CONFIDENCE = "confidence"
    NEGATIVE_CONTROL = "negative-control"
