"""The life of one object -> the states it went through, each told by what changed, without what is chance.

What is chance, and so left out:

- Running but not Ready, when Ready comes next: the first probe may be quicker than the kubelet's report.
- A pod in deletion that is no longer Ready: whether a probe still meets the stopping server.
- A state that was there before: back-off and pull errors take turns, however often there was time for.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from harness.traces.history import Life, conditions, containers, endpoints
from harness.traces.names import Names
from harness.traces.trace import Change, Object

State = dict[str, str]
Lines = tuple[str, ...]

_GONE = {"object": "gone"}
_READINESS = ("Ready", "ContainersReady")
_CHANCE_REASONS = {"Progressing": ("ProgressDeadlineExceeded",)}  # ... unless nothing came after it


def told(states: Iterable[State]) -> Lines:
    """A line for each state with what is new in it.

    >>> told([{"phase": "Pending"}, {"phase": "Running", "ip": "given"}, {"phase": "Running"}])
    ('phase Pending', 'phase Running, ip given', 'no ip')
    """
    lines, before = [], State()
    for state in states:
        new = [f"{key} {value}" for key, value in state.items() if before.get(key) != value]
        lost = [] if state == _GONE else [f"no {key}" for key in before if key not in state]
        lines.append(", ".join(new + lost))
        before = state
    return tuple(lines)


def pod_states(life: Life) -> Lines:
    """Phase, conditions, containers, deletion and end of a pod."""
    states = _distinct(_pod(change) for change in life.changes)
    states = [s for s, after in zip(states, [*states[1:], State()], strict=True) if not _ready_at_once(s, after)]
    states = [s for before, s in zip([State(), *states], states, strict=False) if not _unready_in_deletion(before, s)]
    return told(_new(states))


def _pod(change: Change) -> State:
    if change.gone:
        return dict(_GONE)
    status, metadata = change.status, change.object["metadata"]
    state = State(phase=str(status.get("phase", "none")))
    if change.spec.get("nodeName"):
        state["node"] = "assigned"
    if status.get("podIP"):
        state["ip"] = "given"
    state |= {c["type"]: _condition(c) for c in status.get("conditions") or ()}
    state |= {container["name"]: _container(container) for container in containers(change)}
    if change.deleting:
        state["deletion"] = f"in {metadata.get('deletionGracePeriodSeconds')} s"
    return state


def _condition(condition: Object) -> str:
    reason = condition.get("reason")
    return f"{condition['status']} ({reason})" if reason else str(condition["status"])


def _container(status: Object) -> str:
    state: dict[str, Object] = status.get("state") or {"unknown": {}}
    name, detail = next(iter(state.items()))
    words = [name, *(str(detail[key]) for key in ("reason", "exitCode") if key in detail)]
    words += [word for word in ("started", "ready") if status.get(word)]
    if status.get("restartCount"):
        words.append("again")
    return " ".join(words)


def _ready_at_once(state: State, after: State) -> bool:
    was, is_ = state.get("Ready", ""), after.get("Ready", "")
    started = state.get("phase") == after.get("phase") == "Running" and "deletion" not in after
    return started and was.startswith("False") and is_.startswith("True")


def _unready_in_deletion(before: State, state: State) -> bool:
    stopping = state.get("phase") == "Running" and before.get("deletion", "") == state.get("deletion")
    return stopping and state.get("Ready", "").startswith("False") and before.get("Ready", "").startswith("True")


def endpoint_states(pod: Life, slices: Iterable[Life], before: float) -> Lines:
    """How a pod stood in the slices of its Service until that place; empty where it never did."""
    changes = sorted((c for life in slices for c in life.changes if c.place < before), key=lambda c: c.place)
    states: list[State] = []
    present: dict[str, Object] = {}  # by slice: an endpoint may move from one to another
    for change in changes:
        present.pop(change.uid, None)
        if endpoint := endpoints(change).get(pod.first.uid):
            present[change.uid] = endpoint
        states += [_endpoint(next(iter(present.values())))] if present else [dict(_GONE)] if states else []
    kept = _distinct(states)
    kept = [s for s, after in zip(kept, [*kept[1:], State()], strict=True) if not _served_at_once(s, after)]
    return told(_new([s for b, s in zip([State(), *kept], kept, strict=False) if not _silent_at_end(b, s)]))


def _endpoint(endpoint: Object) -> State:
    ready, serving, terminating = (str(value).lower() for value in conditions(endpoint))
    state = State(ready=ready, serving=serving, terminating=terminating)
    if endpoint.get("hostname"):
        state["hostname"] = str(endpoint["hostname"])
    return state


def _served_at_once(state: State, after: State) -> bool:
    return state.get("ready") == "false" and after.get("ready") == "true" and state.get("terminating") == "false"


def _silent_at_end(before: State, state: State) -> bool:
    both = before.get("terminating") == state.get("terminating") == "true"
    return both and before.get("serving") == "true" and state.get("serving") == "false"


def condition_states(life: Life, kind: str, before: float) -> Lines:
    """What a workload's condition of that type went through until that place."""
    found = (c for change in life.changes if change.place < before for c in [change.condition(kind)] if c)
    states = _distinct({kind: _condition(condition)} for condition in found)
    chance = _CHANCE_REASONS.get(kind, ())
    last = states[-1:]
    kept = [s for s in states[:-1] if not any(reason in s[kind] for reason in chance)] + last
    return tuple(state[kind] for state in _distinct(kept))


def replica_steps(life: Life, before: float, *, certain: bool) -> Lines:
    """The sizes that were asked of a ReplicaSet; where several steps are possible, only from where which way to where.

    Which way it goes first, and the first step, are no chance: the controller takes it before any pod can answer.
    """
    sizes = [int(change.spec.get("replicas", 1)) for change in life.changes if change.place < before]
    steps = [size for index, size in enumerate(sizes) if index == 0 or sizes[index - 1] != size]
    if certain or len(steps) <= 3:
        return (" > ".join(map(str, steps)),) if steps else ()
    turns = [steps[0], steps[1], *_turns(steps[1:]), steps[-1]]
    return (" > ".join(str(turn) for turn in turns),)


def _turns(steps: list[int]) -> Iterator[str]:
    ways = ["up" if after > size else "down" for size, after in itertools.pairwise(steps)]
    for index, way in enumerate(ways):
        if index == 0 or ways[index - 1] != way:
            yield way


def status_lines(life: Life, place: float, names: Names) -> Lines:
    """A workload's or ReplicaSet's status at that place: the numbers, and whether they are current."""
    now = life.at(place)
    if now is None:
        return ("not there",)
    current = now.status.get("observedGeneration") == now.object["metadata"].get("generation")
    lines = [f"size {now.spec.get('replicas')}, {'current' if current else 'not current'}"]
    lines += [f"{key} {now.status[key]}" for key in sorted(now.status) if key.lower().endswith("replicas")]
    lines += [f"{key} {names.within(str(now.status[key]))}" for key in sorted(now.status) if key.endswith("Revision")]
    annotations = now.object["metadata"].get("annotations") or {}
    mine = (key for key in sorted(annotations) if key.startswith("deployment.kubernetes.io/"))
    return (*lines, *(f"{key.partition('/')[2]} {annotations[key]}" for key in mine))


def _distinct(states: Iterable[State]) -> list[State]:
    kept: list[State] = []
    for state in states:
        if not kept or kept[-1] != state:
            kept.append(state)
    return kept


def _new(states: list[State]) -> list[State]:
    return [state for index, state in enumerate(states) if state not in states[:index]]
