"""A recorder's file and a run directory -> truth.csv and truth-pods.json, in the form that recordings of clusters have.

truth.csv: `stream,worker,seq,sent_to_pod,cause,detail` for every request, in the order of requests.csv; `sent_to_pod`
is the kernel's word, never the answer's; cause and detail only where the request failed. truth-pods.json: when each pod
really listened, when its containers exited, when its network was gone, and when kube-proxy synced.
"""

from __future__ import annotations

import csv
import json
from bisect import bisect_right
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from harness.sandbox.instruments.truth.causes import NO_FAILURE, UNDECIDED, Attempt, Cause, cause
from harness.sandbox.instruments.truth.world import Pod, TruthIncomplete, World, world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    Teller = Callable[[Attempt, float], tuple[Pod | None, Cause]]
    """A request, and when its port was used for the next connection -> the pod to which it was really sent, and why it
    failed, where it did."""

COLUMNS = ("stream", "worker", "seq", "sent_to_pod", "cause", "detail")
_TAIL_S = 1.0  # what happened that long after the run's end is still told of its pods


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What was written. `agreeing` of `named` answers named the pod to which the kernel sent the request; `unexplained`
    are those of unknown cause, but for those of which no event could tell it."""

    requests: int
    failed: int
    unexplained: int
    named: int
    agreeing: int


def write_truth(run: Path, record: Path) -> Joined:
    """Write truth.csv and truth-pods.json into the run directory, from the recorder's file.

    Raises:
        TruthIncomplete: events were lost, or the load came from several addresses, which requests.csv does not tell.
    """
    info = json.loads((run / "run.json").read_text())
    happened = world(
        recorded_lines(record), recorded_lines(run / "timeline.jsonl"), t0_wall=info["t0_wall"], client=client_of(info)
    )
    return write_told(run, happened, lambda attempt, until: _by_kernel(attempt, happened, until))


def client_of(info: Mapping[str, Any]) -> str:
    """The address from which a run's load came.

    Raises:
        TruthIncomplete: there were several, which requests.csv does not tell apart.
    """
    sources = info["load"]["source_addresses"]
    if len(sources) != 1:
        raise TruthIncomplete(f"the load came from {len(sources)} addresses: a port alone does not tell a connection")
    return str(sources[0])


def write_told(run: Path, happened: World, tell: Teller) -> Joined:
    """Write truth.csv and truth-pods.json into the run directory, by what `tell` says of each request that was sent."""
    with (run / "requests.csv").open(newline="") as rows:
        requests = list(csv.DictReader(rows))
    following = next_connections(requests)
    told = [_told(request, tell, following) for request in requests]
    with (run / "truth.csv").open("w", newline="") as truth:
        writer = csv.writer(truth, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(told)
    end = max((float(request["ended"]) for request in requests if request["ended"]), default=0.0)
    (run / "truth-pods.json").write_text(json.dumps(_pods_json(happened, end), indent=1) + "\n")
    named = [(request["pod"], row[3]) for request, row in zip(requests, told, strict=True) if request["pod"]]
    return Joined(
        requests=len(told),
        failed=sum(bool(row[4]) for row in told),
        unexplained=sum(row[4] == "unknown" and (row[4], row[5]) != UNDECIDED for row in told),
        named=len(named),
        agreeing=sum(answered == sent for answered, sent in named),
    )


def recorded_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file of JSON."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def next_connections(requests: Iterable[Mapping[str, str]]) -> Callable[[int, float], float]:
    """A port and a time -> when the next connection from that port was begun, by the rows of requests.csv; infinity
    where none was."""
    begun: dict[int, list[float]] = {}
    for request in requests:
        if request["started"] and request["local_port"] and request["reused"] != "1":
            begun.setdefault(int(request["local_port"]), []).append(float(request["started"]))
    for moments in begun.values():
        moments.sort()

    def following(port: int, t: float) -> float:
        moments = begun.get(port, [])
        place = bisect_right(moments, t)
        return moments[place] if place < len(moments) else inf

    return following


def _told(request: dict[str, str], tell: Teller, following: Callable[[int, float], float]) -> tuple[str, ...]:
    key = (request["stream"], request["worker"], request["seq"])
    if not request["started"] or not request["local_port"]:
        failed = request["outcome"] not in NO_FAILURE
        return (*key, "", *(("load-generator", "not-sent") if failed else ("", "")))
    attempt = Attempt(
        started=float(request["started"]),
        connected=float(request["connected"]) if request["connected"] else None,
        ended=float(request["ended"]),
        port=int(request["local_port"]),
        reused=request["reused"] == "1",
        outcome=request["outcome"],
    )
    pod, why = tell(attempt, following(attempt.port, attempt.started))
    return (*key, pod.name if pod else "", *(("", "") if attempt.outcome in NO_FAILURE else why))


def _by_kernel(attempt: Attempt, happened: World, until: float) -> tuple[Pod | None, Cause]:
    entry = happened.entry(attempt.port, attempt.started, attempt.ended, reused=attempt.reused, until=until)
    pod = None if entry is None else happened.pod_at(entry.answering[0], entry.began)
    return pod, cause(attempt, entry, pod, happened)


def _pods_json(happened: World, end: float) -> dict[str, Any]:
    pods = [_pod_json(pod) for pod in happened.pods if pod.first_seen is not None and pod.attached < end]
    syncs = [[round(sync.start, 4), round(sync.end, 4)] for sync in happened.syncs if 0 <= sync.start <= end + _TAIL_S]
    return {"pods": pods, "kube_proxy_syncs": syncs}


def _pod_json(pod: Pod) -> dict[str, Any]:
    statuses = [*pod.statuses, *[None] * len(pod.exits)]
    spans = max(pod.listening.values(), key=len, default=[])
    return {
        "pod": pod.name,
        "uid": pod.uid,
        "ip": pod.address,
        "image": pod.image,
        "first_seen": _rounded(pod.first_seen),
        "ready": _rounded(pod.ready),
        "deletion": _rounded(pod.deletion),
        "deleted": _rounded(pod.deleted),
        "listen": [[_rounded(span.start), _rounded(span.end)] for span in spans],
        "container_exits": [
            {"t": _rounded(t), "exit_status": status} for t, status in zip(pod.exits, statuses, strict=False)
        ],
        "sandbox_gone": _rounded(pod.gone),
    }


def _rounded(t: float | None) -> float | None:
    return None if t is None else round(t, 4)
