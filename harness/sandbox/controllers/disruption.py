"""PodDisruptionBudgets and their pods -> their status: how many are healthy, how many must be, how many may go.

Source: kubernetes `pkg/controller/disruption/disruption.go`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.clock import rfc3339, seconds
from harness.sandbox.apiserver.evictions import selects
from harness.sandbox.apiserver.resources import BUDGETS, DEPLOYMENTS, PODS, REPLICA_SETS, STATEFUL_SETS
from harness.sandbox.apiserver.selectors import label_text
from harness.sandbox.controllers.caches import Key, copied, key_of
from harness.sandbox.controllers.eventrecorder import EventRecorder
from harness.sandbox.controllers.owners import controller_of, owner_in
from harness.sandbox.controllers.pods import is_finished, is_ready, is_terminating
from harness.sandbox.controllers.workqueue import WorkQueue, side_by_side

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object
    from harness.sandbox.controllers.caches import Caches, Update

# An eviction that was allowed is counted for so long, where the pod does not begin to end.
_DELETION_WITHIN_S = 120.0
_UNMANAGED = (
    "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the status of "
    "the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please "
    'set ".spec.minAvailable" field of the PDB to an integer value.'
)


class NoScale(Exception):
    """It cannot be told how many pods there should be; the text says why."""


class DisruptionController:
    """Keeps the status of every budget."""

    def __init__(self, caches: Caches) -> None:
        self._client, self._caches = caches.client, caches
        self._budgets, self._pods = caches.of(BUDGETS), caches.of(PODS)
        self._replica_sets, self._deployments = caches.of(REPLICA_SETS), caches.of(DEPLOYMENTS)
        self._stateful_sets = caches.of(STATEFUL_SETS)
        self._queue: WorkQueue[Key] = WorkQueue("disruption", self._sync, workers=1)
        self._events = EventRecorder(caches.client, "controllermanager")
        self._budgets.listen(lambda update: self._queue.add(key_of(update.new)))
        self._pods.listen(self._on_pod)
        for cache in (self._replica_sets, self._deployments, self._stateful_sets):
            cache.listen(self._on_workload)

    async def run(self) -> None:
        """Works for ever."""
        await side_by_side(self._queue.run(), self._events.run())

    def _on_pod(self, update: Update) -> None:
        states = [state for state in (update.old, update.new) if state is not None]
        for budget in self._budgets.all(update.new["metadata"]["namespace"]):
            if any(selects(budget, pod) for pod in states):
                self._queue.add(key_of(budget))

    def _on_workload(self, update: Update) -> None:
        if update.old is None or update.old["spec"].get("replicas") != update.new["spec"].get("replicas"):
            for budget in self._budgets.all(update.new["metadata"]["namespace"]):
                self._queue.add(key_of(budget))

    async def _sync(self, key: Key) -> None:
        budget = self._budgets.get(*key)
        if budget is None or budget["metadata"].get("deletionTimestamp"):
            return
        pods = [pod for pod in self._pods.all(key.namespace) if selects(budget, pod)]
        if not pods:
            self._events.normal(budget, "NoPods", "No matching pods found")
        try:
            expected, desired = self._wanted(budget, pods)
            status = status_of(budget, pods, expected, desired, time.time())
        except NoScale as error:
            why = f"Failed to calculate the number of expected pods: {error}"
            self._events.warning(budget, "CalculateExpectedPodCountFailed", why)
            status = _failed(budget, str(error), time.time())
        if disrupted := status.get("disruptedPods"):
            self._queue.add_after(key, min(map(seconds, disrupted.values())) + _DELETION_WITHIN_S - time.time())
        if status != (budget.get("status") or {}):
            changed = copied(budget) | {"status": status}
            await self._client.update(f"{BUDGETS.path(*key)}/status", changed)

    def _wanted(self, budget: Object, pods: list[Object]) -> tuple[int, int]:
        """How many pods there should be, and how many of them healthy. Raises: NoScale."""
        spec = budget["spec"]
        at_most, at_least = spec.get("maxUnavailable"), spec.get("minAvailable")
        if at_most is not None:
            expected = self._scale(budget, pods)
            return expected, max(expected - share(at_most, expected), 0)
        if at_least is None:
            return len(pods), 0
        if isinstance(at_least, int):
            return len(pods), at_least
        expected = self._scale(budget, pods)
        return expected, share(at_least, expected)

    def _scale(self, budget: Object, pods: list[Object]) -> int:
        """The sum of what the pods' controllers want. Raises: NoScale."""
        wanted: dict[str, int] = {}
        managed = [pod for pod in pods if controller_of(pod) is not None]
        if len(managed) < len(pods):
            selector = label_text(budget["spec"].get("selector"))
            self._events.warning(budget, "UnmanagedPods", _UNMANAGED.format(selector))
        for pod in managed:
            owner = self._owner(pod)
            if owner is None:
                raise NoScale(f'found no controllers for pod "{pod["metadata"]["name"]}"')
            wanted[owner["metadata"]["uid"]] = owner["spec"].get("replicas", 1)
        return sum(wanted.values())

    def _owner(self, pod: Object) -> Object | None:
        if (owner := owner_in(self._stateful_sets, pod)) is not None:
            return owner
        replica_set = owner_in(self._replica_sets, pod)
        if replica_set is None:
            return None
        if controller_of(replica_set) is None:
            return replica_set
        return owner_in(self._deployments, replica_set)


def share(wish: int | str, total: int) -> int:
    """A number, or so many percent of a total, rounded up.

    >>> share("25%", 10), share(3, 10)
    (3, 3)
    """
    return wish if isinstance(wish, int) else -(-int(wish.rstrip("%")) * total // 100)


def status_of(budget: Object, pods: list[Object], expected: int, desired: int, now_s: float) -> Object:
    """The status of a budget over these pods, evictions that were allowed and not yet seen among them."""
    disrupted = _disrupted(budget, pods, now_s)
    healthy = sum(
        1 for pod in pods if is_ready(pod) and not is_terminating(pod) and pod["metadata"]["name"] not in disrupted
    )
    allowed = 0 if expected <= 0 else max(healthy - desired, 0)
    condition = {
        "type": "DisruptionAllowed",
        "status": "True" if allowed > 0 else "False",
        "reason": "SufficientPods" if allowed > 0 else "InsufficientPods",
        "message": "",
        "observedGeneration": budget["metadata"].get("generation", 1),
    }
    status: Object = {
        "conditions": [_stamped(budget, condition, now_s)],
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": allowed,
        "expectedPods": expected,
        "observedGeneration": budget["metadata"].get("generation", 1),
    }
    return status | ({"disruptedPods": disrupted} if disrupted else {})


def _failed(budget: Object, why: str, now_s: float) -> Object:
    """No disruption is allowed where it cannot be told how many there may be."""
    before = budget.get("status") or {}
    condition = {"type": "DisruptionAllowed", "status": "False", "reason": "SyncFailed", "message": why}
    if seen := before.get("observedGeneration"):
        condition["observedGeneration"] = seen
    counts = {key: before.get(key, 0) for key in ("currentHealthy", "desiredHealthy", "expectedPods")}
    return {**before, **counts, "conditions": [_stamped(budget, condition, now_s)], "disruptionsAllowed": 0}


def _disrupted(budget: Object, pods: list[Object], now_s: float) -> dict[str, Any]:
    """Evictions that were allowed a moment ago, of pods that are there and do not end yet."""
    there = {pod["metadata"]["name"] for pod in pods if not is_terminating(pod) and not is_finished(pod)}
    allowed = (budget.get("status") or {}).get("disruptedPods") or {}
    return {name: at for name, at in allowed.items() if name in there and seconds(at) + _DELETION_WITHIN_S > now_s}


def _stamped(budget: Object, condition: Object, now_s: float) -> Object:
    """The condition, with the time since when it is so."""
    before: Object = next(iter((budget.get("status") or {}).get("conditions") or ()), {})
    same = before.get("status") == condition["status"]
    return {**condition, "lastTransitionTime": before["lastTransitionTime"] if same else rfc3339(now_s)}
