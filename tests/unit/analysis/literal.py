"""A history in a few lines of text -> the run that would have been recorded, so that a case reads at a glance.

    period 1                                             the proxy's minSyncPeriod; `period ?` where it is not known
    kubernetes v1.33.12                                  the cluster's version; else v1.36.2; `kubernetes ?`
    update 8.0 complete 9.0 settled 9.5                  one rollout; `undo 9.2` takes it back
    pod old-1 deleted 8.5 ended 8.8 gone 9.0             a pod of the old revision, ready from the beginning
    pod new-1 revision r2 created 8.1 ready 8.4 prestop 5 noprobe       ... or evicted, stranger, killed
    pod old-1 node node2                                 ... on a node, by its name
    pod old-1 prestop 5 beside                           ... and another container in it, without a hook
    pod old-1 deleted 8.5 ended 10.1 gone 10.4 exits 3   its container ended with that exit code
    pod old-2 ready 0.3 pending                          one of the beginning whose start the watch showed
    crash new-1 20.0 21.5                                its container was down that long, and was restarted
    ok new 0..30 every 0.01 by old-1                     answered requests of a stream
    connect-refused new 8.6 8.61 8.62                    failed ones, by when they were sent
    eof-mid-response slow 8.2 until 8.55 by old-1        ... and by when they ended

`port 7000`, `reused`, `endless` (its body ended with the connection), `code 502`,
`via awselb/2.0`, `took 0.06` (instead of `until`), `size 12` (bytes of the body),
`acked 60` (bytes, on a connection whose shortest round trip was 0.2 ms) and `trouble no_certificate` (of a `tls-error`)
may end a line of requests. Endpoints follow from the pods: ready ones, those that terminate marked so, gone when ended.
"""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from harness.model.observation import Observation
from harness.model.request import COLUMNS
from harness.model.run import ClusterFacts, LoadFacts, ProxyFacts, RolloutMarks, Run, RunInfo

STATUS = {"ok": 200, "status": 503}
FLAGS = ("noprobe", "stranger", "evicted", "killed", "pending", "beside")
FOUND_S = 0.5
"""How long after a crash it is seen, and the pod leaves the list."""

TOOK_S = {"connect-timeout": 1.0, "read-timeout": 5.0}


def history(text: str, **more: Any) -> Run:
    """The run told by `text`; `more` replaces fields of its RunInfo."""
    teller = _Teller()
    for line in text.strip().splitlines():
        if words := line.split("#")[0].split():
            teller.tell(words)
    return teller.run(more)


def nameless(text: str) -> str:
    """The same history where no answer names its pod."""
    return re.sub(r"(?m)^(?!\s*pod )(.*?) by \S+", r"\1", text)


_COUNTED = ("acked", "request_bytes", "retransmits")


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of requests with the types of requests.csv; what is not given is empty."""
    whole = dict.fromkeys(("worker", "seq", "local_port", "status", "bytes", *_COUNTED), pl.Int64)
    times = dict.fromkeys(
        ("scheduled", "started", "connected", "first_byte", "ended", "min_rtt", "seen_late", "handshake"), pl.Float64
    )
    text = dict.fromkeys(("stream", "outcome", "pod", "via", "tls_trouble"), pl.String)
    flags = dict.fromkeys(("reused", "resumed", "close_delimited"), pl.Boolean)
    schema: dict[str, Any] = {**whole, **times, **text, **flags}
    return pl.DataFrame(rows, schema={name: schema[name] for name in COLUMNS})


class _Teller:
    def __init__(self) -> None:
        self.period: float | None = 1.0
        self.kubernetes: str | None = "v1.36.2"
        self.rollouts: list[RolloutMarks] = []
        self.marks: list[Observation] = []
        self.pods: dict[str, dict[str, Any]] = {}
        self.events: list[Observation] = []
        self.rows: list[dict[str, Any]] = []
        self.port = 20000
        self.seqs: dict[str, int] = {}

    def tell(self, words: list[str]) -> None:
        first, rest = words[0], words[1:]
        if first == "period":
            self.period = None if rest[0] == "?" else float(rest[0])
        elif first == "kubernetes":
            self.kubernetes = None if rest[0] == "?" else rest[0]
        elif first == "update":
            moments = dict(zip(words[::2], map(float, words[1::2]), strict=True))
            self.rollouts.append(RolloutMarks(rollout=len(self.rollouts), **moments))
        elif first in ("undo", "gap"):
            self.marks.append(Observation(t=float(rest[0]), kind="Mark", type=first, object={}))
        elif first == "pod":
            self._pod(rest)
        elif first == "crash":
            self.pods[rest[0]].setdefault("crashes", []).append((float(rest[1]), float(rest[2])))
        else:
            self._requests(first, rest[0], rest[1:])

    def _pod(self, words: list[str]) -> None:
        facts: dict[str, Any] = {"revision": "r1", "probe": "noprobe" not in words, "stranger": "stranger" in words}
        pairs = [word for word in words[1:] if word not in FLAGS]
        for name, value in zip(pairs[::2], pairs[1::2], strict=True):
            facts[name] = value if name in ("revision", "uid", "name", "node") else float(value)
        facts["pending"] = "pending" in words
        facts["beside"] = "beside" in words
        facts["evicted"], facts["killed"] = "evicted" in words, "killed" in words
        facts.setdefault("name", words[0])
        self.pods[words[0]] = facts

    def _requests(self, outcome: str, stream: str, words: list[str]) -> None:
        until = pod = port = took = acked = None
        more: dict[str, Any] = {}
        reused = "reused" in words
        if "endless" in words:
            more["close_delimited"] = True
        words = [word for word in words if word not in ("reused", "endless")]
        moments: list[float] = []
        step = None
        while words:
            word = words.pop(0)
            if word == "until":
                until = float(words.pop(0))
            elif word == "by":
                pod = words.pop(0)
            elif word == "port":
                port = int(words.pop(0))
            elif word == "took":
                took = float(words.pop(0))
            elif word in ("code", "via"):
                more |= {"status": int(words.pop(0))} if word == "code" else {"via": words.pop(0)}
            elif word == "trouble":
                more["tls_trouble"] = words.pop(0).replace("_", " ")
            elif word == "size":
                more["bytes"] = int(words.pop(0))
            elif word == "acked":
                acked = int(words.pop(0))
            elif word == "every":
                step = float(words.pop(0))
                start, end = moments
                moments = [start + n * step for n in range(round((end - start) / step))]
            elif ".." in word:
                moments = [float(part) for part in word.split("..")]
            else:
                moments.append(float(word))
        for t in moments:
            self._request(outcome, stream, t, until if took is None else t + took, pod, port, reused)
            self.rows[-1] |= more
            if acked is not None:
                self.rows[-1] |= {"acked": acked, "request_bytes": 60, "min_rtt": 0.0002, "seen_late": 0.0}

    def _request(
        self, outcome: str, stream: str, t: float, until: float | None, pod: str | None, port: int | None, reused: bool
    ) -> None:
        self.port += 1
        self.seqs[stream] = self.seqs.get(stream, -1) + 1
        ended = until if until is not None else t + TOOK_S.get(outcome, 0.001)
        reached = not outcome.startswith("connect-") and outcome not in ("unreachable", "unsent")
        begun = outcome in ("ok", "status") or "mid" in outcome
        self.rows.append(
            {
                "stream": stream,
                "worker": 0,
                "seq": self.seqs[stream],
                "scheduled": t,
                "started": None if outcome == "unsent" else t,
                "connected": t if reached and not reused else None,
                "first_byte": t + 0.0005 if begun else None,
                "ended": None if outcome == "unsent" else ended,
                "local_port": port if port is not None else self.port,
                "reused": reused,
                "outcome": outcome,
                "status": STATUS.get(outcome, 200) if begun else None,
                "bytes": 0,
                "pod": (pod or "") if begun else "",
                "via": "",
            }
        )

    def run(self, more: dict[str, Any]) -> Run:
        for key, facts in self.pods.items():
            self._watch(key, facts)
        facts = {
            "experiment": "literal",
            "scenario": "literal",
            "variant": "literal",
            "cluster": ClusterFacts(
                kind="literal", kubernetes=self.kubernetes, proxy=ProxyFacts(min_sync_period_s=self.period)
            ),
            "load": LoadFacts(),
            "rollouts": tuple(self.rollouts),
            "finished": True,
        }
        timeline = tuple(sorted([*self.marks, *self.events, *self._slices()], key=lambda seen: seen.t))
        return Run(info=RunInfo(**{**facts, **more}), requests=frame(self.rows), timeline=timeline)

    def _watch(self, uid: str, facts: dict[str, Any]) -> None:
        def seen(t: float, type_: str, **how: Any) -> None:
            self.events.append(Observation(t=t, kind="Pod", type=type_, object=_pod_object(uid, facts, **how)))

        created = facts.get("created", 0.1)
        fresh = "created" in facts or facts["pending"]
        seen(created, "ADDED", ready=not fresh, phase="Pending" if fresh else "Running")
        if "created" in facts:
            words = {"reason": "SuccessfulCreate", "message": f"Created pod: {facts['name']}"}
            self.events.append(Observation(t=created, kind="Event", type="ADDED", object=words))
        if "ready" in facts:
            seen(facts["ready"], "MODIFIED", ready=True)
        for restarts, (start, end) in enumerate(facts.get("crashes", ()), start=1):
            seen(start + FOUND_S, "MODIFIED", ready=False, restarts=restarts)
            seen(end, "MODIFIED", ready=True, restarts=restarts)
        if "deleted" in facts:
            seen(facts["deleted"], "MODIFIED", ready=True, going=True)
            if not facts["stranger"]:
                words = {"reason": "SuccessfulDelete", "message": f"Deleted pod: {facts['name']}"}
                self.events.append(Observation(t=facts["deleted"], kind="Event", type="ADDED", object=words))
        if "ended" in facts:
            seen(facts["ended"], "MODIFIED", ready=False, going=True, ended=True)
        if "gone" in facts:
            seen(facts["gone"], "DELETED", ready=False, going=True, ended=True)

    def _slices(self) -> list[Observation]:
        moments = {0.1}
        for facts in self.pods.values():
            moments |= {facts[name] for name in ("ready", "deleted", "ended", "gone") if name in facts}
            moments |= {t for start, end in facts.get("crashes", ()) for t in (start + FOUND_S, end)}
        return [Observation(t=t, kind="EndpointSlice", type="MODIFIED", object=self._slice(t)) for t in sorted(moments)]

    def _slice(self, t: float) -> dict[str, Any]:
        never = float("inf")
        endpoints = []
        for uid, facts in self.pods.items():
            since = facts.get("ready", never if "created" in facts else 0.1)
            if not since <= t < facts.get("ended", facts.get("gone", never)):
                continue
            going = t >= facts.get("deleted", never)
            down = any(start + FOUND_S <= t < end for start, end in facts.get("crashes", ()))
            conditions = {"ready": not (going or down), "serving": not down, "terminating": going}
            on = {"nodeName": facts["node"]} if "node" in facts else {}
            endpoints.append({"conditions": conditions, "targetRef": {"uid": uid, "name": facts["name"]}, **on})
        return {"metadata": {"name": "web", "labels": {"kubernetes.io/service-name": "web"}}, "endpoints": endpoints}


def _pod_object(
    uid: str,
    facts: dict[str, Any],
    *,
    ready: bool,
    going: bool = False,
    ended: bool = False,
    restarts: int = 0,
    phase: str = "Running",
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": facts["name"],
        "uid": uid,
        "labels": {"pod-template-hash": facts["revision"]},
        "ownerReferences": [{"name": f"web-{facts['revision']}"}],
    }
    conditions = [{"type": "Ready", "status": str(ready)}]
    if going:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:30Z"
        if facts["evicted"]:
            conditions.append({"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"})
    container: dict[str, Any] = {"name": "web", "ports": [{"containerPort": 80}]}
    if facts["probe"]:
        container["readinessProbe"] = {"httpGet": {"port": 80}}
    if "prestop" in facts:
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": facts["prestop"]}}}
    state = (
        {"terminated": {"exitCode": 137 if facts["killed"] else int(facts.get("exits", 0))}}
        if ended
        else {"running": {}}
    )
    return {
        "metadata": metadata,
        "spec": {"containers": [container, {"name": "php"}] if facts["beside"] else [container]},
        "status": {
            "phase": "Succeeded" if ended else phase,
            "conditions": conditions,
            "containerStatuses": [{"restartCount": restarts, "state": state}],
        },
    }
