"""What is wanted of a Kubernetes API -> its calls, repeated where that is right, and the JSON that it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import anyio

from harness.errors import ClusterError
from harness.kube.access import Access
from harness.kube.calls import Calls
from harness.kube.errors import ApiRefusal, NoAnswer, NoSuchKind, is_not_found
from harness.kube.ownership import RUN_LABEL
from harness.kube.repetition import PATIENCE_S, CleanUpPatience, passes, repeated, was_not_done
from harness.kube.standing import Standing

STRATEGIC_MERGE = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"

_FIRST_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """How the API addresses the objects of one kind, and what it can do with them."""

    prefix: str  # "api/v1", "apis/apps/v1"
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL's path of the collection, of one object, or of a subresource of it."""
        parts = [self.prefix]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/" + "/".join(parts)


@dataclass(slots=True)
class Kube:
    """One cluster's API. Every call has a deadline and raises ClusterError (ApiRefusal where the API answered).

    A call that was throttled, failed by the server, or not answered is repeated for `patience_s`; all but POST change
    nothing more when they are done twice. A POST is looked up first.

    `kubectl`: how people reach the same cluster, `access` how programs do. `standing`: what was created here with a
    RUN_LABEL. `clean_up`: how long `remove` may still repeat.
    """

    _calls: Calls
    kubectl: str = "kubectl"
    access: Access = field(default_factory=Access)
    standing: Standing = field(default_factory=Standing)
    clean_up: CleanUpPatience = field(default_factory=CleanUpPatience)
    patience_s: float = PATIENCE_S
    _resources: dict[str, dict[str, Resource]] = field(default_factory=dict)
    _silent: bool = False  # a call was repeated in vain for all its time, and nothing was answered since
    _over: bool = False

    @property
    def server(self) -> str:
        """Its address."""
        return self._calls.server

    def give_up(self) -> None:
        """Nobody will answer any more: from now on a call is made once."""
        self._over = True

    def _patience_s(self, wanted_s: float | None) -> float:
        """How long a call is repeated. An API that was waited for in vain is not waited for as long again and again."""
        if self._over:
            return 0.0
        patience_s = self.patience_s if wanted_s is None else wanted_s
        return min(patience_s, _FIRST_PATIENCE_S) if self._silent else patience_s

    async def version(self) -> str:
        """The API server's version, such as v1.36.2. Whether anybody is there is told soon."""
        patience_s = min(_FIRST_PATIENCE_S, self.patience_s)
        return str((await self.request("GET", "/version", patience_s=patience_s))["gitVersion"])

    async def resource(self, api_version: str, kind: str) -> Resource:
        """How this cluster addresses a kind.

        Raises:
            ClusterError: the cluster does not have that kind.
        """
        try:
            return (await self.resources(api_version))[kind]
        except KeyError:
            raise NoSuchKind(f"looking for {api_version} {kind}", f"{self.server} does not have this kind") from None

    async def resources(self, api_version: str, *, patience_s: float | None = None) -> Mapping[str, Resource]:
        """All kinds of an API version, found by discovery once."""
        prefix = ("api/" if "/" not in api_version else "apis/") + api_version
        if prefix not in self._resources:
            found = await self.request("GET", "/" + prefix, patience_s=patience_s)
            self._resources[prefix] = {
                entry["kind"]: Resource(
                    prefix=prefix,
                    plural=entry["name"],
                    namespaced=bool(entry.get("namespaced")),
                    verbs=frozenset(entry.get("verbs") or ()),
                )
                for entry in found.get("resources") or ()
                if "/" not in entry["name"]
            }
        return self._resources[prefix]

    async def create(
        self, manifest: Mapping[str, Any], namespace: str | None = None, *, warn: Callable[[str], None] | None = None
    ) -> dict[str, Any]:
        """The object as the API created it; `warn` hears what it warns of, such as a field that it does not know.

        Where the answer is lost, or an earlier POST was, the object is looked up: it is ours if it carries our
        RUN_LABEL, and else somebody else's.
        """
        resource = await self.resource(manifest["apiVersion"], manifest["kind"])
        run = (manifest["metadata"].get("labels") or {}).get(RUN_LABEL)

        async def once() -> dict[str, Any]:
            try:
                # Once it is on its way its answer is waited for: who is cancelled meanwhile must know what to remove.
                with anyio.CancelScope(shield=True):
                    made = await self._once(
                        "POST",
                        resource.path(namespace),
                        query={"fieldValidation": "Warn"},
                        body=dict(manifest),
                        warn=warn,
                    )
                return made  # noqa: RET504 - for all that a type checker knows, a scope may swallow what was raised in it
            except ClusterError as error:
                conflict = isinstance(error, ApiRefusal) and error.status == 409
                if run is None or not (conflict or (passes(error) and not was_not_done(error))):
                    raise
                found = await self._found(resource.path(namespace, manifest["metadata"]["name"]))
                if found is None or (found["metadata"].get("labels") or {}).get(RUN_LABEL) != run:
                    raise
                return found

        if run is None:
            return await repeated(once, again=was_not_done, patience_s=self._patience_s(None))
        named = (manifest["kind"], manifest["metadata"]["name"], namespace)
        self.standing.add(*named)
        try:
            return await repeated(once, again=passes, patience_s=self._patience_s(None))
        except ApiRefusal as refused:
            if not passes(refused):  # else it may have been created all the same
                self.standing.discard(*named)
            raise

    async def _found(self, path: str) -> dict[str, Any] | None:
        try:
            return await self._once("GET", path)
        except ApiRefusal as refused:
            if is_not_found(refused):
                return None
            raise

    async def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
        """One object."""
        resource = await self.resource(api_version, kind)
        return await self.request("GET", resource.path(namespace, name))

    async def find(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """The same; None where there is no such object."""
        try:
            return await self.get(api_version, kind, name, namespace)
        except ApiRefusal as refused:
            if is_not_found(refused):
                return None
            raise

    async def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        *,
        selector: Mapping[str, str] | str | None = None,
    ) -> list[dict[str, Any]]:
        """All objects of a kind that carry these labels."""
        resource = await self.resource(api_version, kind)
        query = {"labelSelector": label_selector(selector)} if selector else {}
        items: list[dict[str, Any]] = (await self.request("GET", resource.path(namespace), query=query))["items"]
        return items

    async def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        patch: Mapping[str, Any],
        *,
        namespace: str | None = None,
        content_type: str = STRATEGIC_MERGE,
        field_manager: str | None = None,
    ) -> dict[str, Any]:
        """The object as it is after the patch; `field_manager`: who owns from now on what it changes."""
        resource = await self.resource(api_version, kind)
        return await self.request(
            "PATCH",
            resource.path(namespace, name),
            query={"fieldManager": field_manager} if field_manager else None,
            body=dict(patch),
            headers={"Content-Type": content_type},
        )

    async def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        *,
        namespace: str | None = None,
        grace_s: int | None = None,
        patience_s: float | None = None,
        uid: str | None = None,
    ) -> None:
        """Ask for the deletion of an object, of that `uid` alone where it is given (409 for another of its name);
        dependents go in the background."""
        resource = await self.resource(api_version, kind)
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        try:
            await self.request("DELETE", resource.path(namespace, name), body=options, patience_s=patience_s)
        except ApiRefusal as refused:
            if is_not_found(refused):
                self.standing.discard(kind, name, namespace)
            raise
        if kind != "Namespace":  # which goes when everything in it has gone
            self.standing.discard(kind, name, namespace)

    async def remove(
        self, api_version: str, kind: str, name: str, *, namespace: str | None = None, grace_s: int | None = None
    ) -> None:
        """Delete as clean-up does: repeated for what is left of its patience."""
        with self.clean_up.spent() as patience_s:
            await self.delete(api_version, kind, name, namespace=namespace, grace_s=grace_s, patience_s=patience_s)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        patience_s: float | None = None,
        changes: bool = True,
    ) -> dict[str, Any]:
        """One call, answered with a JSON object; repeated as the class says, for `patience_s` where it is given.

        `changes`: False for a POST that changes nothing, such as a review or a dry run, and may be repeated too.
        """
        longest_s = self._patience_s(patience_s)
        try:
            return await repeated(
                lambda: self._once(method, path, query=query, body=body, headers=headers),
                again=was_not_done if method == "POST" and changes else passes,
                patience_s=longest_s,
            )
        except NoAnswer:
            # A call that was made once or for a moment only, as a worker's sign every second, shows no such thing.
            self._silent = self._silent or longest_s >= self.patience_s
            raise

    async def _once(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            made = await self._calls.made(method, path, **more)
        except NoAnswer:
            raise
        except ClusterError:
            self._silent = False
            raise
        self._silent = False
        return made

    def stream(
        self, path: str, query: Mapping[str, str], *, deadline_s: float, keep_ends: bool = False
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The lines of a long answer (a watch, a log) as they come; see `Calls.stream`."""
        return self._calls.stream(path, query, deadline_s=deadline_s, keep_ends=keep_ends)


def label_selector(labels: Mapping[str, str] | str) -> str:
    """As the API's query wants it, which a text is already.

    >>> label_selector({"app": "web", "tier": "front"})
    'app=web,tier=front'
    """
    return labels if isinstance(labels, str) else ",".join(f"{key}={value}" for key, value in labels.items())
