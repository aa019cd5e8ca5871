"""A workload that two runs may want at once -> one of them has it, by a Lease beside it, and the other is told who.

Taken, renewed and left as client-go's leader election does it (tools/leaderelection/leaderelection.go): whether a
holder still lives is told by whether its record changes within the lease's duration on *our* clock, never by its own
times. A process of this machine that has ended needs no waiting for.
https://kubernetes.io/docs/concepts/architecture/leases/
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import anyio

from harness.errors import ClusterError
from harness.exit_codes import ExitCode
from harness.kube.client import MERGE, Kube
from harness.kube.errors import ApiRefusal, is_not_found
from harness.kube.ownership import Ownership, is_running, ownership
from harness.kube.repetition import passes

API, KIND = "coordination.k8s.io/v1", "Lease"
_FOR = "rollout-harness/experiment"
_RECORDS = "rollout-harness/records"
_DURATION_S = 40.0

Record = dict[str, Any]


class Taken(ClusterError):
    """Another run has the workload: nothing was changed."""


class Lost(ClusterError):
    """Another run has taken the workload over, in the middle of this one."""

    exit_code = ExitCode.INCONCLUSIVE


@dataclass(slots=True, kw_only=True)
class Lease:
    """What says that a workload is this run's, while it is renewed. `what`: the workload, for people.

    `records`: the run's folder, so that who finds the Lease of a killed run knows what to restore.
    """

    kube: Kube
    namespace: str
    name: str
    what: str
    experiment: str
    owner: Ownership
    records: str = ""
    duration_s: float = _DURATION_S
    renew_s: float = 10.0
    look_s: float = 1.0
    _held: Record | None = field(default=None)

    async def take(self) -> None:
        """Have it, once nobody else does any more.

        Raises:
            Taken: another run has it, and lives.
            ClusterError: the API refused it, or did not answer.
        """
        while self._held is None:
            found = await self._found()
            if found is None:
                await self._created()
            elif self._is_free(found) or await self._has_expired(found):
                await self._taken_over(found)

    async def keep(self) -> None:
        """Renew it for ever; an API that is away for a while is asked again.

        Raises:
            Lost: another run has it.
        """
        while True:
            try:
                await self._renewed()
            except ClusterError as error:
                if not passes(error):
                    raise
            await anyio.sleep(self.renew_s)

    async def leave(self) -> None:
        """Leave nothing behind; what is another's by now stays.

        Raises:
            ClusterError: the API refused it, or did not answer.
        """
        held, self._held = self._held, None
        if held is None:
            return
        resource = await self.kube.resource(API, KIND)
        body = {"preconditions": {"uid": held["metadata"]["uid"]}}
        live = await self._found()
        if live is not None and self._is_ours(live):
            try:
                await self.kube.request("DELETE", resource.path(self.namespace, self.name), body=body)
            except ApiRefusal as refused:
                if not is_not_found(refused) and refused.status != HTTPStatus.CONFLICT:
                    raise

    @property
    def _identity(self) -> str:
        return f"{self.owner.owner}_{self.owner.run}"

    def _is_ours(self, found: Record) -> bool:
        return _spec(found).get("holderIdentity") == self._identity

    def _is_free(self, found: Record) -> bool:
        """Whether nobody has it, or one whose process has ended here."""
        owner = ownership(found["metadata"].get("labels"))
        return not _spec(found).get("holderIdentity") or (owner is not None and is_running(owner) is False)

    async def _has_expired(self, found: Record) -> bool:
        """Wait whether it is renewed.

        Raises:
            Taken: it is.
        """
        wait_s = float(_spec(found).get("leaseDurationSeconds") or self.duration_s)
        end = anyio.current_time() + wait_s
        while anyio.current_time() < end:
            if _is_local(found):  # a process of this machine that runs: it need not prove it
                raise self._refusal(found)
            await anyio.sleep(min(self.look_s, wait_s))
            live = await self._found()
            if live is None or not _spec(live).get("holderIdentity"):
                return False
            if _record(live) != _record(found):
                raise self._refusal(live)
        return True

    def _refusal(self, found: Record) -> Taken:
        return _taken(self.kube, self.what, self.namespace, self.name, found)

    async def _found(self) -> Record | None:
        return await self.kube.find(API, KIND, self.name, self.namespace)

    async def _created(self) -> None:
        now = _now()
        spec = {**self._spec(now), "acquireTime": now, "leaseTransitions": 0}
        try:
            self._held = await self.kube.create(
                {"apiVersion": API, "kind": KIND, "metadata": self._metadata(), "spec": spec}, self.namespace
            )
            self.kube.standing.discard(KIND, self.name, self.namespace)  # should it stay, it expires by itself
        except ApiRefusal as refused:
            if refused.status != HTTPStatus.CONFLICT:  # else another was quicker: look again
                raise

    async def _taken_over(self, found: Record) -> None:
        now = _now()
        turns = int(_spec(found).get("leaseTransitions") or 0) + 1
        spec = {**self._spec(now), "acquireTime": now, "leaseTransitions": turns}
        labels = dict.fromkeys(found["metadata"].get("labels") or {}) | self.owner.labels
        try:
            self._held = await self._patched(found, {"metadata": {**self._metadata(), "labels": labels}, "spec": spec})
        except ApiRefusal as refused:
            if refused.status != HTTPStatus.CONFLICT and not is_not_found(refused):  # else it is looked at again
                raise

    async def _renewed(self) -> None:
        found = await self._found()
        if found is None:  # deleted by hand, or by whoever cleaned up
            self._held = None
            await self._created()
            return
        if not self._is_ours(found):
            raise Lost(
                f"keeping {self.what} for this run",
                f"another run of the harness has taken it over: {who(found)}",
                "This one had not renewed its Lease for too long: was the machine, or the API, away?",
            )
        try:
            self._held = await self._patched(found, {"spec": {"renewTime": _now()}})
        except ApiRefusal as refused:
            if refused.status != HTTPStatus.CONFLICT:  # else it is looked at again next time
                raise

    async def _patched(self, found: Record, patch: Record) -> Record:
        """Only while it is as it was found."""
        metadata = {**(patch.get("metadata") or {}), "resourceVersion": str(found["metadata"]["resourceVersion"])}
        return await self.kube.patch(
            API, KIND, self.name, {**patch, "metadata": metadata}, namespace=self.namespace, content_type=MERGE
        )

    def _metadata(self) -> Record:
        notes = {_FOR: self.experiment, **({_RECORDS: self.records} if self.records else {})}
        return {"name": self.name, "labels": self.owner.labels, "annotations": notes}

    def _spec(self, now: str) -> Record:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self.duration_s)),
            "renewTime": now,
        }


async def check_unclaimed(kube: Kube, kind: str, name: str, namespace: str) -> None:
    """Refuse a workload that another run has: what stands there is not what its owner gave it.

    A Lease that may not be read is a lacking right, which the preflight tells.

    Raises:
        Taken: another run has it, as far as its Lease tells at a glance.
        ClusterError: the API does not answer.
    """
    lease = lease_name(kind, name)
    try:
        found = await kube.find(API, KIND, lease, namespace)
    except ApiRefusal:
        return
    if found is not None and seems_held(found):
        raise _taken(kube, f"{kind.lower()}/{name} in namespace {namespace}", namespace, lease, found)


def _taken(kube: Kube, what: str, namespace: str, lease: str, found: Record) -> Taken:
    lasting_s = float(_spec(found).get("leaseDurationSeconds") or _DURATION_S)
    return Taken(
        f"taking {what} for this run",
        f"another run of the harness has it: {who(found)}",
        "Both would disturb each other. Wait until it is over; a run that was killed is forgotten after "
        f"{lasting_s:g} s. See it: {kube.kubectl} -n {namespace} get lease {lease} -o yaml",
    )


def records_of(found: Record) -> str:
    """The folder of the run that made a Lease; empty where it does not tell."""
    return str((found["metadata"].get("annotations") or {}).get(_RECORDS) or "")


def lease_name(kind: str, name: str) -> str:
    """What the Lease of a workload is called.

    >>> lease_name("Deployment", "shop")
    'rollout-harness-deployment-shop'
    """
    return f"rollout-harness-{kind.lower()}-{name}"


def seems_held(found: Record) -> bool:
    """Whether somebody has it who is known to run, or has renewed it lately by the times that it says."""
    owner, spec = ownership(found["metadata"].get("labels")), _spec(found)
    runs = None if owner is None else is_running(owner)
    if runs is not None or not spec.get("holderIdentity"):
        return bool(runs and spec.get("holderIdentity"))
    try:
        renewed = datetime.fromisoformat(str(spec.get("renewTime")))
        return (datetime.now(UTC) - renewed).total_seconds() < float(spec.get("leaseDurationSeconds") or 0)
    except (TypeError, ValueError):
        return False


def who(found: Record) -> str:
    """Who holds a Lease, for people: "ada.laptop_1f2e (experiment shop), since 10:02:11Z, renewed at 10:09:41Z"."""
    spec, notes = _spec(found), found["metadata"].get("annotations") or {}
    experiment = f" (experiment {notes[_FOR]})" if notes.get(_FOR) else ""
    times = (
        f", {word} {spec[key]}"
        for word, key in (("since", "acquireTime"), ("renewed at", "renewTime"))
        if spec.get(key)
    )
    return f"{spec.get('holderIdentity') or 'nobody'}{experiment}{''.join(times)}"


def _is_local(found: Record) -> bool:
    owner = ownership(found["metadata"].get("labels"))
    return owner is not None and is_running(owner) is True


def _record(found: Record) -> tuple[Any, ...]:
    return found["metadata"].get("resourceVersion"), _spec(found).get("renewTime"), _spec(found).get("holderIdentity")


def _spec(found: Record) -> Record:
    spec: Record = found.get("spec") or {}
    return spec


def _now() -> str:
    """As Kubernetes writes a MicroTime."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
