"""A cluster on paper: pods with their true moments -> a run as the harness would have recorded it, with its truth.

It follows what Kubernetes documents: a proxy with a cool-down, endpoints that are ready or serve while terminating, a
kernel that refuses for a closed port and stays silent for a vanished address, conntrack entries that outlive their pod.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from harness.model.observation import Observation
from harness.model.request import COLUMNS
from harness.model.run import ClusterFacts, Expect, LoadFacts, ProxyFacts, RolloutMarks, Run, RunInfo

from .paper_pod import NEVER, WALL, PaperPod, endpoint, pod_object, rolling, slice_object, stamp

__all__ = ["PaperCluster", "PaperPod", "rolling"]


@dataclass
class PaperCluster:
    """What happens, and the load on it. `updates`: `(update, complete, settled)`; `scales`: what shrank when."""

    pods: list[PaperPod]
    updates: list[tuple[float, float | None, float | None]]
    end: float = 40.0
    period_s: float = 1.0
    new_per_s: float = 100.0
    kept_per_s: float = 50.0
    slow_per_s: float = 0.0
    ports: tuple[int, int] = (11000, 59999)
    seed: int = 1
    kind: str = "Deployment"
    foreign_syncs: tuple[float, ...] = ()
    scalings: tuple[float, ...] = ()
    by_controller: bool = True
    stalls: tuple[tuple[float, float], ...] = ()
    strangers: frozenset[str] = frozenset()
    truth: dict[tuple[str, int, int], tuple[str, str]] = field(default_factory=dict)

    def run(self) -> Run:
        """The run as it would have been recorded."""
        self.random = random.Random(self.seed)
        for i, pod in enumerate(self.pods):
            pod.uid = pod.uid or f"uid-{i}-{pod.name}"
        states = self._slice_states()
        self._program(states)
        rows = self._load()
        frame = pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, None), orient="row", infer_schema_length=None).cast(
            dict.fromkeys(("scheduled", "started", "connected", "first_byte", "ended"), pl.Float64)
            | dict.fromkeys(("min_rtt", "seen_late", "handshake"), pl.Float64)
            | dict.fromkeys(("worker", "seq", "local_port", "status", "bytes"), pl.Int64)
            | dict.fromkeys(("acked", "request_bytes", "retransmits"), pl.Int64)
            | dict.fromkeys(("stream", "outcome", "pod", "via", "tls_trouble"), pl.String)
            | dict.fromkeys(("reused", "resumed", "close_delimited"), pl.Boolean)
        )
        first = self.updates[0][0] if self.updates else self.end
        info = RunInfo(
            experiment="paper",
            scenario="paper",
            variant="paper",
            manifests=self._manifests(),
            cluster=ClusterFacts(
                kind="paper",
                kubernetes="v1.36.2",
                proxy=ProxyFacts(mode="iptables", min_sync_period_s=self.period_s),
            ),
            streams={"new": self.new_per_s, "kept": self.kept_per_s, "slow": self.slow_per_s},
            load=LoadFacts(local_ports=self.ports),
            t0_wall=WALL,
            control=(0.0, first),
            rollouts=tuple(
                RolloutMarks(rollout=i, update=u, complete=c, settled=s) for i, (u, c, s) in enumerate(self.updates)
            ),
            expect=Expect.SEAMLESS,
            finished=True,
        )
        return Run(info=info, requests=frame, timeline=self._timeline(states))

    # -- the data plane ---------------------------------------------------------------------------------------------

    def _usable(self, t: float) -> tuple[list[PaperPod], list[PaperPod]]:
        ready = [p for p in self.pods if p.ready <= t < min(p.deleted, p.exits) and not self._unready(p, t)]
        serving = [p for p in self.pods if p.ready <= t and p.deleted <= t < p.ended_seen]
        return ready, serving

    def _unready(self, pod: PaperPod, t: float) -> bool:
        return any(a + 1.0 <= t < b + 0.5 for a, b in (*pod.down, *pod.hangs))

    def _slice_states(self) -> list[tuple[float, list[PaperPod], list[PaperPod]]]:
        moments = {-5.0}
        for pod in self.pods:
            moments |= {pod.ready, pod.deleted, pod.ended_seen, pod.exits}
            for a, b in (*pod.down, *pod.hangs):
                moments |= {a + 1.0, b + 0.5}
        return [(t + 0.015, *self._usable(t)) for t in sorted(m for m in moments if -6.0 < m < NEVER / 2)]

    def _program(self, states: list[tuple[float, list[PaperPod], list[PaperPod]]]) -> None:
        """Syncs by the cool-down; `self.rules`: (start, end, pods programmed)."""
        self.rules: list[tuple[float, float, list[PaperPod]]] = []
        changes = sorted([(t, True) for t, *_ in states] + [(t, False) for t in self.foreign_syncs])
        last_end, pending = -NEVER, 0
        while pending < len(changes):
            start = max(changes[pending][0] + 0.005, last_end + self.period_s)
            end = start + 0.04
            known = [s for s in states if s[0] <= start]
            ready, serving = known[-1][1:] if known else ([], [])
            self.rules.append((start, end, ready or serving))
            last_end = end
            while pending < len(changes) and changes[pending][0] <= start:
                pending += 1

    def _backends(self, t: float) -> tuple[list[PaperPod], bool]:
        """The pods programmed at `t`, and whether rules are just being restored."""
        done = [rule for rule in self.rules if rule[1] <= t]
        now = done[-1][2] if done else []
        restoring = any(s <= t < e and not now and pods for s, e, pods in self.rules)
        return now, restoring

    # -- the load ---------------------------------------------------------------------------------------------------

    def _load(self) -> list[tuple[Any, ...]]:
        due: list[tuple[float, str, int]] = []
        for stream, rate in (("new", self.new_per_s), ("kept", self.kept_per_s), ("slow", self.slow_per_s)):
            due += [(0.003 + n / rate, stream, n) for n in range(int(self.end * rate))]
        self.port, self.entries, self.conns = self.ports[0], {}, {}
        return [self._request(*one) for one in sorted(due)]

    def _start(self, scheduled: float) -> float:
        for a, b in self.stalls:
            if a <= scheduled < b:
                return b + self.random.uniform(0, 0.05)
        return scheduled + self.random.uniform(0.0005, 0.003)

    def _request(self, scheduled: float, stream: str, seq: int) -> tuple[Any, ...]:
        started = self._start(scheduled)
        slot = seq % 10
        kept = self.conns.get(slot) if stream == "kept" else None
        if kept is not None and kept[0].closes > started and kept[0].exits > started and not self._down(kept, started):
            pod, port, _ = kept
            return self._exchange(stream, seq, scheduled, started, started, pod, port, True)
        port = self.port
        self.port = self.ports[0] if port >= self.ports[1] else port + 1
        backends, restoring = self._backends(started)
        key = (stream, 0, seq)
        stale = self.entries.get(port)
        if stale is not None and started - stale[1] < 120.0:
            self.entries[port] = (stale[0], started)
            self.truth[key] = (stale[0].name, "stale-conntrack")
            return self._row(
                stream, seq, scheduled, started, None, None, started + 1.0005, port, False, "connect-timeout"
            )
        if not backends:
            self.truth[key] = ("", "no-endpoints")
            outcome, took = ("connect-timeout", 1.0005) if restoring else ("connect-refused", 0.0005)
            return self._row(stream, seq, scheduled, started, None, None, started + took, port, False, outcome)
        pod = self.random.choice(backends)
        if started >= pod.net_gone:
            self.truth[key] = (pod.name, "termination-race")
            self.entries[port] = (pod, started)
            ended = started + 1.0005
            return self._row(stream, seq, scheduled, started, None, None, ended, port, False, "connect-timeout")
        if not pod.listening(started):
            cause = "creation-race" if started < pod.listens else "termination-race"
            cause = cause if started >= pod.closes or started < pod.listens else "application"
            self.truth[key] = (pod.name, cause)
            ended = started + 0.0006
            return self._row(stream, seq, scheduled, started, None, None, ended, port, False, "connect-refused")
        if stream == "kept":
            self.conns[slot] = (pod, port, started)
        return self._exchange(stream, seq, scheduled, started, started + 0.0004, pod, port, False)

    def _down(self, kept: tuple[PaperPod, int, float], t: float) -> bool:
        return any(kept[2] < a <= t for a, _ in kept[0].down)

    def _exchange(
        self,
        stream: str,
        seq: int,
        scheduled: float,
        started: float,
        connected: float,
        pod: PaperPod,
        port: int,
        reused: bool,
    ) -> tuple[Any, ...]:
        key = (stream, 0, seq)
        done = started + (3.0 if stream == "slow" else self.random.uniform(0.0005, 0.002))
        hang = next((b for a, b in pod.hangs if a <= started < b), None)
        shown = None if reused else connected
        if hang is not None and hang - started > 5.0:
            self.truth[key] = (pod.name, "application")
            return self._row(
                stream, seq, scheduled, started, shown, None, started + 5.0005, port, reused, "read-timeout"
            )
        done = done if hang is None else max(done, hang + 0.01)
        dies = pod.exits if pod.graceful else pod.closes
        crash = next((a for a, _ in pod.down if started < a < done), None)
        cut = min(c for c in (dies if dies < done else None, crash, NEVER) if c is not None)
        if cut < NEVER:
            self.truth[key] = (pod.name, "application" if cut == crash else "in-flight-kill")
            outcome = "eof-mid-response" if cut - started > 0.001 else "eof-before-response"
            if outcome == "eof-before-response" and reused and cut != crash:
                self.truth[key] = (pod.name, "idle-close")
            byte = started + 0.0005 if outcome == "eof-mid-response" else None
            name = pod.name if byte else ""
            return self._row(stream, seq, scheduled, started, shown, byte, cut, port, reused, outcome, 200, name)
        bad = self.random.random() < pod.errors
        if bad:
            self.truth[key] = (pod.name, "application")
        return self._row(
            stream, seq, scheduled, started, shown, started + 0.0005, done, port, reused,
            "status" if bad else "ok", 503 if bad else 200, pod.name,
        )  # fmt: skip

    @staticmethod
    def _row(
        stream: str,
        seq: int,
        scheduled: float,
        started: float,
        connected: float | None,
        byte: float | None,
        ended: float,
        port: int,
        reused: bool,
        outcome: str,
        status: int | None = None,
        pod: str = "",
    ) -> tuple[Any, ...]:
        return (
            stream, 0, seq, scheduled, started, connected, byte, ended, port, reused, outcome,
            status if byte else None, 0, pod, "", *[None] * (len(COLUMNS) - 15),
        )  # fmt: skip

    # -- the watch --------------------------------------------------------------------------------------------------

    def _manifests(self) -> tuple[dict[str, Any], ...]:
        return (
            {"kind": self.kind, "metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"app": "web"}}}},
            {"kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}},
        )

    def _timeline(self, states: list[tuple[float, list[PaperPod], list[PaperPod]]]) -> tuple[Observation, ...]:
        seen: list[Observation] = []
        shown: dict[tuple[str, str], float] = {}

        def add(t: float, kind: str, type_: str, obj: dict[str, Any]) -> None:
            """A watch is late, but it never changes the order of what happened to one object."""
            key = (kind, str((obj.get("metadata") or {}).get("uid", (obj.get("metadata") or {}).get("name"))))
            late = 0.0 if kind == "Mark" else self.random.uniform(0.002, 0.06)
            shown[key] = max(0.1, t + late, shown.get(key, 0.0) + 0.0001)
            seen.append(Observation(t=t if kind == "Mark" else shown[key], kind=kind, type=type_, object=obj))

        for update, complete, settled in self.updates:
            for name, t in (("update", update), ("complete", complete), ("settled", settled)):
                if t is not None:
                    add(t, "Mark", name, {})
        for pod in self.pods:
            self._pod_events(pod, add)
        for t, ready, serving in states:
            endpoints = [endpoint(p, "ready") for p in ready] + [endpoint(p, "terminating") for p in serving]
            add(t, "EndpointSlice", "MODIFIED", slice_object(endpoints))
        for t in self.scalings:
            for desired in ("3", "2"):
                note = {"deployment.kubernetes.io/desired-replicas": desired}
                for revision in {pod.revision for pod in self.pods}:
                    spec = {"replicas": int(desired)}
                    meta = {"name": f"web-{revision}", "annotations": note}
                    add(t - 0.01 if desired == "3" else t, "ReplicaSet", "MODIFIED", {"metadata": meta, "spec": spec})
        return tuple(sorted((replace(one, t=round(one.t, 4)) for one in seen), key=lambda one: one.t))

    def _pod_events(self, pod: PaperPod, add: Any) -> None:
        if pod.born < self.end:
            add(pod.born, "Pod", "ADDED", pod_object(pod, ready=False, running=False))
        restarts = 0
        if pod.ready < self.end:
            add(pod.ready, "Pod", "MODIFIED", pod_object(pod, ready=True))
        for a, b in pod.down:
            if b < self.end:
                restarts += 1
                last = {"terminated": {"finishedAt": stamp(a), "exitCode": 137}}
                add(a + 1.0, "Pod", "MODIFIED", pod_object(pod, ready=False, restarts=restarts, last=last))
                add(b + 0.5, "Pod", "MODIFIED", pod_object(pod, ready=True, restarts=restarts, last=last))
        for a, b in pod.hangs:
            add(a + 1.0, "Pod", "MODIFIED", pod_object(pod, ready=False))
            add(b + 0.5, "Pod", "MODIFIED", pod_object(pod, ready=True))
        if pod.deleted < self.end:
            add(pod.deleted, "Pod", "MODIFIED", pod_object(pod, ready=True, deletion=True))
            if pod.name not in self.strangers and not pod.disrupted:
                add(
                    pod.deleted, "Event", "ADDED", {"reason": "SuccessfulDelete", "message": f"Deleted pod: {pod.name}"}
                )
        if pod.ended_seen < self.end:
            state = {"terminated": {"finishedAt": stamp(pod.exits), "exitCode": 0}}
            add(pod.ended_seen, "Pod", "MODIFIED", pod_object(pod, ready=False, deletion=True, state=state))
            add(pod.ended_seen + 0.3, "Pod", "DELETED", pod_object(pod, ready=False, deletion=True, state=state))
