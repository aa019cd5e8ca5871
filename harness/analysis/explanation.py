"""A run and one of its failed requests -> why it failed, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from harness.analysis.advice.propagation import propagation
from harness.analysis.causes.evidence import Narrator
from harness.analysis.causes.explained import Explained, explain
from harness.analysis.causes.never_listened import target_words
from harness.analysis.causes.row import CAUSE_WORDS, MOMENT_WORDS
from harness.analysis.causes.tried import moment_of, suspects, tried
from harness.analysis.observed.observed import Observed, observe
from harness.analysis.pods_then import Scene, scene
from harness.analysis.verdict.attribution import attribute
from harness.model.explanation import AskedRequest, Explanation, Times
from harness.model.quantity import things
from harness.model.run import Run


@dataclass(frozen=True)
class Explainer:
    """A run, looked at once, and then asked about one request after another."""

    run: Run

    @cached_property
    def seen(self) -> Observed:
        """What was observed in the run."""
        return observe(self.run)

    @cached_property
    def why(self) -> Explained:
        """The causes of all its failures."""
        return explain(self.seen)

    @property
    def frame(self) -> pl.DataFrame:
        """All its requests."""
        return self.seen.requests.frame

    @cached_property
    def rollouts(self) -> list[int | None]:
        """By failure, the rollout that it counts in, as in the tables, counted from 1; None where it is in none."""
        at = attribute(self.seen, self.why).counted_at(self.seen)
        numbers = [span.number for span in self.seen.windows.rollouts]
        return [numbers[place] if place >= 0 else None for place in at.tolist()]

    def where(self, cause: str | None = None, rollout: int | None = None) -> list[int]:
        """The positions of the failures of a cause, in a rollout (counted from 1), or both; in order of time.

        `cause`: as reports have it, or one of several that cannot be told apart: "in-flight-kill" finds
        "termination-race or in-flight-kill" too.
        """
        causes = self.why.causes
        wanted = causes.by(lambda row: cause is None or cause in (row.label, *row.between))
        return [at for at in np.flatnonzero(wanted).tolist() if rollout is None or self.rollouts[at] == rollout]

    def of_request(self, stream: str, seq: int, worker: int | None = None) -> pl.DataFrame:
        """The rows of the requests of that name: one for each worker that has one."""
        named = (pl.col("stream").cast(pl.String) == stream) & (pl.col("seq") == seq)
        return self.frame.filter(named if worker is None else named & (pl.col("worker") == worker))

    def position(self, row: dict[str, Any]) -> int:
        """The position among the failures of a failed request."""
        failures = self.seen.requests.failures
        same = (failures["stream"] == row["stream"]) & (failures["seq"] == row["seq"])
        return int((same & (failures["worker"] == row["worker"])).arg_true()[0])

    def explanation(self, at: int) -> Explanation:
        """Why the failure at position `at` failed."""
        failures, causes = self.why.failures, self.why.causes
        row = causes.table[causes.row[at]]
        t, who = moment_of(failures, row, at), suspects(failures, causes, at)
        return Explanation(
            request=self.request(self.seen.requests.failures.row(at, named=True), self.rollouts[at]),
            cause=row.label,
            means="; or ".join(CAUSE_WORDS[cause] for cause in row.between or (row.cause,)),
            rule=row.rule,
            fault=row.fault,
            evidence=self._sentences[at],
            at=t,
            moment=MOMENT_WORDS[row.moment],
            pods=self._scene.pods(t, who),
            could_serve=self._scene.could_serve(t, who),
            plane=self.why.plane.words,
            tried=tried(failures, causes, self.seen.pods, at),
            alike=int(np.count_nonzero(causes.row == causes.row[at])) - 1,
        )

    def request(self, row: dict[str, Any], rollout: int | None = None) -> AskedRequest:
        """A row of the requests, as it is told of. `rollout`: the one it counts in, else that in which it was due."""
        due = self.seen.windows.at(row["scheduled"])
        span = next((span for span in self.seen.windows.rollouts if span.number == rollout), due)
        return AskedRequest(
            stream=str(row["stream"]),
            worker=row["worker"] or 0,
            seq=row["seq"],
            outcome=str(row["outcome"]),
            status=row["status"],
            pod=_words(row, "pod"),
            via=_words(row, "via"),
            times=Times(
                due=row["scheduled"],
                sent=row["started"],
                connected=row["connected"],
                handshake_s=row.get("handshake"),
                first_byte=row["first_byte"],
                ended=row["ended"],
            ),
            local_port=row["local_port"],
            client_node=self.seen.run.info.client_node(row["worker"] or 0),
            reused=bool(row["reused"]),
            resumed=row.get("resumed"),
            tls_trouble=_words(row, "tls_trouble"),
            before=self._before(row) if row["reused"] else "",
            rollout=None if span is None else span.number,
            since_update_s=None if span is None else row["scheduled"] - span.update,
        )

    @cached_property
    def _sentences(self) -> list[str]:
        left = {uid: spans[-1][1] for uid, spans in self.seen.endpoints.listed.items() if spans}
        ports = self.seen.requests.failures["local_port"].to_list()
        narrator = Narrator(
            pods=self.seen.pods, plane=self.why.plane, left=left, target=target_words(self.seen.run.info)
        )
        return narrator.sentences(self.why.failures, self.why.causes, ports)

    @cached_property
    def _scene(self) -> Scene:
        return scene(self.seen, propagation(self.seen, self.why))

    def _before(self, row: dict[str, Any]) -> str:
        """What went over a kept connection before: from the last request that opened that port."""
        if row["local_port"] is None:
            return ""
        same = [pl.col(name).cast(pl.String) == str(row[name]) for name in ("stream", "worker", "local_port")]
        earlier = self.frame.filter(*same, pl.col("scheduled") < row["scheduled"]).sort("scheduled")
        opened = earlier.select((~pl.col("reused")).arg_true())["reused"].to_list()
        if not opened:
            return ""
        on_it = earlier[opened[-1] :]
        last = on_it.row(-1, named=True)
        ago_s = row["scheduled"] - (last["ended"] if last["ended"] is not None else last["scheduled"])
        by = f" by {last['pod']}" if last["pod"] else ""
        return f"{things(len(on_it), 'request')} before it; the last was {last['outcome']}{by} {ago_s:.2f} s before"


def _words(row: dict[str, Any], name: str) -> str:
    """A cell of text, empty where there is none."""
    return str(row.get(name) or "")
