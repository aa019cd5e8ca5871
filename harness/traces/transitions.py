"""The lifecycle of one object -> the states it went through, each told by what changed, without what is chance.

What is chance, and so left out:

- Running but not Ready, when Ready comes next: the first probe may be quicker than the kubelet's report.
- A pod in deletion that is no longer Ready: whether a probe still meets the stopping server.
- A state that was there before: back-off and pull errors take turns, however often there was time for.
- A step of the start that a busy kubelet had no time to report, where it reported it for another pod of the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from harness.spec.endpoints import conditions
from harness.traces.lifecycles import Lifecycle, containers, endpoints
from harness.traces.trace import Change, Object

State = dict[str, str]
Lines = tuple[str, ...]

_GONE = {"object": "gone"}
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


def pod_transitions(pods: Iterable[Lifecycle]) -> Iterator[tuple[Lifecycle, Lines]]:
    """Phase, conditions, containers, deletion and end of each pod."""
    all_states = [(pod, _pod_states(pod)) for pod in pods]
    fullest = max((_starting(states) for _, states in all_states), key=len, default=[])
    for pod, states in all_states:
        yield pod, told(_with_all_steps(states, fullest))


def _pod_states(life: Lifecycle) -> list[State]:
    states = _distinct(_pod(change) for change in life.changes)
    states = _without(states, _ready_at_once)
    states = [state for before, state in pairwise([State(), *states]) if not _unready_in_deletion(before, state)]
    return _new(states)


def _starting(states: list[State]) -> list[State]:
    """The states in which the kubelet has the pod, and nothing runs or has gone wrong yet."""
    return [s for s in states if "waiting ContainerCreating" in s.values() and "deletion" not in s]


def _with_all_steps(states: list[State], fullest: list[State]) -> list[State]:
    """The states with the steps of the start that were passed over, if this pod got over them."""
    mine, rest = _starting(states), iter(fullest)
    if not all(step in rest for step in mine):  # in that order
        return states
    first = next(
        (index for index, state in enumerate(states) if state in mine or state.get("phase") == "Running"), None
    )
    if first is None:
        return states
    return [*states[:first], *fullest, *(state for state in states[first:] if state not in mine)]


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
    state |= {container.get("name") or "": _container(container) for container in containers(change)}
    if change.deleting:
        state["deletion"] = f"in {metadata.get('deletionGracePeriodSeconds')} s"
    return state


def _condition(condition: Object) -> str:
    reason = condition.get("reason")
    return f"{condition['status']} ({reason})" if reason else str(condition["status"])


def _container(status: Object) -> str:
    state: dict[str, Object] = status.get("state") or {"unknown": {}}
    name, detail = next(iter(state.items()))
    words = [name, *(str(detail[key]) for key in ("reason", "exitCode") if key in (detail or {}))]
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


def endpoint_transitions(pod: Lifecycle, slices: Iterable[Lifecycle], before: float) -> Lines:
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
    kept = _without(kept, _served_at_once)
    return told(_new([state for before, state in pairwise([State(), *kept]) if not _silent_at_end(before, state)]))


def _endpoint(endpoint: Object) -> State:
    said = conditions(endpoint)
    state = State(ready=_word(said.ready), serving=_word(said.serving), terminating=_word(said.terminating))
    if endpoint.get("hostname"):
        state["hostname"] = str(endpoint["hostname"])
    return state


def _word(holds: bool) -> str:
    return str(holds).lower()


def _served_at_once(state: State, after: State) -> bool:
    return state.get("ready") == "false" and after.get("ready") == "true" and state.get("terminating") == "false"


def _silent_at_end(before: State, state: State) -> bool:
    both = before.get("terminating") == state.get("terminating") == "true"
    return both and before.get("serving") == "true" and state.get("serving") == "false"


def condition_transitions(life: Lifecycle, kind: str, before: float) -> Lines:
    """What a workload's condition of that type went through until that place."""
    found = (c for change in life.changes if change.place < before for c in [change.condition(kind)] if c)
    states = _distinct({kind: _condition(condition)} for condition in found)
    chance = _CHANCE_REASONS.get(kind, ())
    last = states[-1:]
    kept = [s for s in states[:-1] if not any(reason in s[kind] for reason in chance)] + last
    return tuple(state[kind] for state in _distinct(kept))


def _without(states: list[State], passing: Callable[[State, State], bool]) -> list[State]:
    """The states without those that only lead to the next one that is kept."""
    kept: list[State] = []
    for state in reversed(states):
        if not kept or not passing(state, kept[-1]):
            kept.append(state)
    return kept[::-1]


def _distinct(states: Iterable[State]) -> list[State]:
    kept: list[State] = []
    for state in states:
        if not kept or kept[-1] != state:
            kept.append(state)
    return kept


def _new(states: list[State]) -> list[State]:
    return [state for index, state in enumerate(states) if state not in states[:index]]
