"""A recorder's lines and a run's watch events -> pods, connections and rules as they really were, on its clock."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field, replace
from math import inf
from operator import attrgetter
from typing import Any

Line = Mapping[str, Any]
Peer = tuple[str, int]

# By how much the client's word of a beginning may come after the kernel's: two programs, one clock.
SOONER_S = 0.002


class TruthIncomplete(Exception):
    """The recorder has not kept everything: no truth can be told of this run."""


@dataclass(slots=True, kw_only=True)
class Pod:
    """A pod; times are seconds on the run's clock, None: never, or not seen.

    `first_seen`, `ready`, `deletion` and `deleted` are the watch's, everything else the kernel's. `listening`: per port
    the intervals in which a socket listened. `accepted`: when a program was first seen to have taken the connection of
    that client.
    """

    uid: str
    address: str
    attached: float
    name: str = ""
    image: str = ""
    first_seen: float | None = None
    ready: float | None = None
    deletion: float | None = None
    deleted: float | None = None
    gone: float | None = None
    listening: dict[int, list[ListeningSpan]] = field(default_factory=dict)
    exits: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    accepted: dict[Peer, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListeningSpan:
    """A socket listened: not yet at `before`, surely from `start` to `still`, and no more at `end` (None: to the last).

    Lookups are 10 ms apart, more on a busy machine.
    """

    before: float
    start: float
    still: float | None = None
    end: float | None = None


@dataclass(slots=True, kw_only=True)
class Entry:
    """A connection in the node's table: who opened it, to which pod it was sent, and how long it was kept there."""

    client: Peer
    answering: Peer
    began: float
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Sync:
    """kube-proxy, or a balancer, put rules in place between `start` and `end`; `endpoints`: how many the application
    then had."""

    start: float
    end: float
    endpoints: int


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What was really there. Entries and syncs are sorted by time; `service` is the application's own address.
    `balanced`: whoever sends to pods is a balancer, with which they are registered."""

    pods: tuple[Pod, ...]
    entries: Mapping[int, tuple[Entry, ...]]  # by the client's port
    syncs: tuple[Sync, ...]
    service: Peer | None
    balanced: bool = False

    def pod_at(self, address: str, t: float) -> Pod | None:
        """The pod that had the address at `t`, or had it last."""
        owners = [pod for pod in self.pods if pod.address == address and pod.attached <= t]
        return max(owners, key=attrgetter("attached"), default=None)

    def entry(self, port: int, started: float, ended: float, *, reused: bool, until: float = inf) -> Entry | None:
        """The entry by which a request from that port was sent; for a new connection, an earlier one is stale.

        `until`: when the port was used for the next connection. What is heard of it before then is this one's, however
        late a busy machine lets the recorder hear.
        """
        mine = self.entries.get(port, ())
        late = [e for e in mine if e.began < until - SOONER_S]
        if reused:
            known = [e for e in late if e.began <= ended]
            return known[-1] if known else next(iter(late), None)
        fresh = [e for e in late if e.began >= started - SOONER_S]
        if fresh:
            return fresh[0]
        stale = [e for e in late if e.ended is None or e.ended > started]
        return stale[-1] if stale else None

    def without_endpoints(self, t: float) -> bool:
        """Whether the rules in force at `t`, or put in force at that very time, had no endpoint."""
        before = bisect_right(self.syncs, t, key=attrgetter("end"))
        in_force = list(self.syncs[max(0, before - 1) : before])
        in_force += [sync for sync in self.syncs[before : before + 1] if sync.start <= t]
        return any(sync.endpoints == 0 for sync in in_force)

    def always_ready(self, since: float, until: float) -> bool:
        """Whether at every moment some pod was ready, as the API said."""
        ready = [(pod.ready, pod.deletion) for pod in self.pods]
        spans = sorted((start, inf if end is None else end) for start, end in ready if start is not None)
        reached = since
        for start, end in spans:
            if start > reached:
                break
            reached = max(reached, end)
        return reached >= until

    def syncing(self, t: float) -> bool:
        """Whether rules were being replaced at `t`."""
        return any(sync.start <= t <= sync.end for sync in self.syncs)


def zero_ns(lines: Iterable[Line], t0_wall: float) -> int:
    """The run's zero on the monotonic clock, by the difference between the clocks that was noted nearest to it.

    Raises:
        TruthIncomplete: no line tells both clocks.
    """
    t0_ns = round(t0_wall * 1e9)
    offsets = [(abs(line["wall_ns"] - t0_ns), line["wall_ns"] - line["t_ns"]) for line in lines if _is(line, "clock")]
    if not offsets:
        raise TruthIncomplete("the recorder has not noted its clocks")
    _, offset_ns = min(offsets)
    return t0_ns - int(offset_ns)


def world(lines: Iterable[Line], timeline: Iterable[Line], *, t0_wall: float, client: str) -> World:
    """What was really there in a run whose requests came from the address `client`.

    Raises:
        TruthIncomplete: the kernel could not keep all events, or the recorder did not note its clocks.
    """
    lines = sorted(lines, key=lambda line: line.get("t_ns", line.get("start_ns", 0)))
    zero = zero_ns(lines, t0_wall)
    if any(_is(line, "lost") for line in lines):
        raise TruthIncomplete("the kernel dropped events that the recorder had not read yet")
    pods = {line["address"] for line in lines if _is(line, "pod")}
    # What a balancer sends to a node is translated there once more, and only then sent to a pod.
    flows = [line for line in lines if _is(line, "flow") and line["client"][0] == client]
    flows = [line for line in flows if line["answering"][0] in pods]
    addressed = Counter(tuple(line["addressed"]) for line in flows if line["t_ns"] >= zero)
    service = max(addressed, key=addressed.__getitem__, default=None)
    at = "" if service is None else f"{service[0]}:{service[1]}"
    balanced = any(f"{at}/tcp" in line["fronts"] for line in lines if _is(line, "balancer"))
    node = f"node{client.split('.')[2]}"  # the one through which this address enters (harness.sandbox.netns)
    return World(
        pods=_pods(lines, timeline, zero),
        entries=_entries(flows, zero),
        syncs=_balanced(lines, at, zero) if balanced else _synced(lines, node, at, zero),
        service=None if service is None else (service[0], service[1]),
        balanced=balanced,
    )


def _is(line: Line, kind: str) -> bool:
    return bool(line.get("kind") == kind)


def _balanced(lines: Iterable[Line], at: str, zero: int) -> tuple[Sync, ...]:
    return tuple(_sync(line, line["fronts"].get(f"{at}/tcp", ()), zero) for line in lines if _is(line, "balancer"))


def _synced(lines: Iterable[Line], node: str, at: str, zero: int) -> tuple[Sync, ...]:
    mine = (line for line in lines if _is(line, "sync") and line["node"] == node)
    return tuple(_sync(line, line["services"].get(at, ()), zero) for line in mine)


def _sync(line: Line, endpoints: Sized, zero: int) -> Sync:
    return Sync((line["start_ns"] - zero) / 1e9, (line["end_ns"] - zero) / 1e9, len(endpoints))


def _entries(flows: Iterable[Line], zero: int) -> dict[int, tuple[Entry, ...]]:
    by_port: dict[int, list[Entry]] = {}
    for line in flows:
        t, client = (line["t_ns"] - zero) / 1e9, (line["client"][0], line["client"][1])
        answering = (line["answering"][0], line["answering"][1])
        mine = by_port.setdefault(client[1], [])
        if line["event"] == "new":
            mine.append(Entry(client=client, answering=answering, began=t))
            continue
        for entry in mine:
            if entry.ended is None and entry.answering == answering:
                entry.ended = t
                break
    return {port: tuple(entries) for port, entries in by_port.items()}


def _pods(lines: Iterable[Line], timeline: Iterable[Line], zero: int) -> tuple[Pod, ...]:
    pods: dict[str, Pod] = {}
    for line in lines:
        t = (line.get("t_ns", 0) - zero) / 1e9
        if _is(line, "pod"):
            pods[line["uid"]] = Pod(uid=line["uid"], address=line["address"], attached=t)
        elif _is(line, "network-gone"):
            owners = [pod for pod in pods.values() if pod.address == line["address"] and pod.gone is None]
            for pod in owners:
                pod.gone = t
        elif line.get("uid") in pods:
            _seen(pods[line["uid"]], line, t, (line.get("since_ns", 0) - zero) / 1e9)
    for observed in sorted(timeline, key=lambda line: float(line["t"])):
        if _is(observed, "Pod") and observed["object"]["metadata"]["uid"] in pods:
            _watched(pods[observed["object"]["metadata"]["uid"]], observed)
    return tuple(pods.values())


def _seen(pod: Pod, line: Line, t: float, since: float) -> None:
    if _is(line, "exited"):
        pod.exits.append(t)
    elif _is(line, "accepted"):
        pod.accepted.setdefault((line["client"][0], line["client"][1]), []).append(t)
    elif _is(line, "listening"):
        open_now = {port for port, spans in pod.listening.items() if spans[-1].end is None}
        for port in open_now - set(line["ports"]):
            pod.listening[port][-1] = replace(pod.listening[port][-1], still=since, end=t)
        for port in set(line["ports"]) - open_now:
            pod.listening.setdefault(port, []).append(ListeningSpan(since, t))


def _watched(pod: Pod, observed: Line) -> None:
    shown, t = observed["object"], float(observed["t"])
    status = shown.get("status") or {}
    pod.name, pod.image = shown["metadata"]["name"], shown["spec"]["containers"][0]["image"]
    pod.first_seen = t if pod.first_seen is None else pod.first_seen
    conditions = {c["type"]: c["status"] for c in status.get("conditions") or ()}
    if conditions.get("Ready") == "True" and pod.ready is None:
        pod.ready = t
    if shown["metadata"].get("deletionTimestamp") and pod.deletion is None:
        pod.deletion = t
    if observed["type"] == "DELETED":
        pod.deleted = t
    for container in status.get("containerStatuses") or ():
        _note_exit_status(pod, container)


def _note_exit_status(pod: Pod, container: Line) -> None:
    """One status a run: those before the present one have theirs already."""
    states = ((container.get(key) or {}).get("terminated") for key in ("state", "lastState"))
    ended = next(filter(None, states), None)
    if ended and len(pod.statuses) <= container.get("restartCount", 0):
        pod.statuses.append(int(ended["exitCode"]))
