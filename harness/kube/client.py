"""A kubeconfig -> calls of the Kubernetes API, objects as the JSON that the API sends.

The official client does addresses, certificates and credentials; its models are left out, because they lose fields that
they do not know, and what the harness records must be what the API sent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from kubernetes.aio import client as kubernetes_client
from kubernetes.aio import config as kubernetes_config

from harness.errors import ClusterError
from harness.inputs.shown import near, printable, shown
from harness.kube.errors import refusal
from harness.kube.kubeconfig import check_kubeconfigs, kubeconfig_files

STRATEGIC_MERGE = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"

CALL_TIMEOUT_S = 30.0
_LOST = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """How the API addresses the objects of one kind."""

    prefix: str  # "api/v1", "apis/apps/v1"
    plural: str
    namespaced: bool

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL's path of the collection, of one object, or of a subresource of it."""
        parts = [self.prefix]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/" + "/".join(parts)


@dataclass(slots=True)
class Kube:
    """One cluster's API. Every call has a deadline and raises ClusterError (ApiRefusal where the API answered)."""

    _api: kubernetes_client.ApiClient
    server: str
    _resources: dict[str, dict[str, Resource]] = field(default_factory=dict)

    async def version(self) -> str:
        """The API server's version, such as v1.36.2."""
        return str((await self.request("GET", "/version"))["gitVersion"])

    async def resource(self, api_version: str, kind: str) -> Resource:
        """How this cluster addresses a kind, found by discovery once per API version.

        Raises:
            ClusterError: the cluster does not have that kind.
        """
        prefix = ("api/" if "/" not in api_version else "apis/") + api_version
        if prefix not in self._resources:
            found = await self.request("GET", "/" + prefix)
            self._resources[prefix] = {
                entry["kind"]: Resource(prefix=prefix, plural=entry["name"], namespaced=entry["namespaced"])
                for entry in found["resources"]
                if "/" not in entry["name"]
            }
        try:
            return self._resources[prefix][kind]
        except KeyError:
            raise ClusterError(f"looking for {api_version} {kind}", f"{self.server} does not have this kind") from None

    async def create(self, manifest: Mapping[str, Any], namespace: str | None = None) -> dict[str, Any]:
        """The object as the API created it."""
        resource = await self.resource(manifest["apiVersion"], manifest["kind"])
        return await self.request("POST", resource.path(namespace), body=dict(manifest))

    async def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
        """One object."""
        resource = await self.resource(api_version, kind)
        return await self.request("GET", resource.path(namespace, name))

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
    ) -> dict[str, Any]:
        """The object as it is after the patch."""
        resource = await self.resource(api_version, kind)
        return await self.request(
            "PATCH", resource.path(namespace, name), body=dict(patch), headers={"Content-Type": content_type}
        )

    async def delete(
        self, api_version: str, kind: str, name: str, *, namespace: str | None = None, grace_s: int | None = None
    ) -> None:
        """Ask for the deletion of an object; dependents go in the background."""
        resource = await self.resource(api_version, kind)
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        await self.request("DELETE", resource.path(namespace, name), body=options)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """One call, answered with a JSON object."""
        tried = f"{method} {path} on {self.server}"
        try:
            response = await self._send(method, path, query, body, headers, CALL_TIMEOUT_S)
            data = await response.read()
        except _LOST as error:
            raise _no_answer(tried, error) from error
        if response.status >= 300:
            raise refusal(tried, response.status, data)
        return _object(tried, data)

    @asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], *, deadline_s: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of a long answer (a watch, a log) as they come.

        Raises:
            ClusterError: no answer within CALL_TIMEOUT_S, the answer broke off, or it lasted longer than `deadline_s`.
        """
        tried = f"GET {path} on {self.server}"
        try:
            response = await self._send("GET", path, query, None, None, deadline_s)
            try:
                if response.status >= 300:
                    raise refusal(tried, response.status, await response.read())
                yield _lines(response.response.content)
            finally:
                response.response.close()
        except _LOST as error:
            raise _no_answer(tried, error) from error

    async def _send(self, method: str, path: str, query: Any, body: Any, headers: Any, timeout_s: float) -> Any:
        _, url, all_headers, data, _ = await self._api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", **(headers or {})},
            body=body,
            auth_settings=["BearerToken"],
        )
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(timeout_s, 10.0))
        return await self._api.call_api(method, url, all_headers, data, _request_timeout=timeout)


def _object(tried: str, data: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        begin = shown(data[:80].decode(errors="replace"))
        raise ClusterError(tried, f"the answer is no JSON object, but begins with {begin}", "Is it a Kubernetes API?")
    return answer


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    # StreamReader.readline refuses lines longer than its buffer; a watch event may be longer.
    rest = b""
    async for chunk in content.iter_any():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line
    if rest:
        yield rest


def _no_answer(tried: str, error: BaseException) -> ClusterError:
    seen = "no answer in time" if isinstance(error, asyncio.TimeoutError) else f"no answer ({error})"
    return ClusterError(tried, seen, "Is the cluster up, and is this the right context?")


def label_selector(labels: Mapping[str, str] | str) -> str:
    """As the API's query wants it, which a text is already.

    >>> label_selector({"app": "web", "tier": "front"})
    'app=web,tier=front'
    """
    return labels if isinstance(labels, str) else ",".join(f"{key}={value}" for key, value in labels.items())


@asynccontextmanager
async def from_kubeconfig(kubeconfig: Mapping[str, Any]) -> AsyncIterator[Kube]:
    """The cluster of a kubeconfig that is at hand as a mapping."""
    configuration = kubernetes_client.Configuration()
    await kubernetes_config.load_kube_config_from_dict(dict(kubeconfig), client_configuration=configuration)
    async with _connected(configuration) as kube:
        yield kube


@asynccontextmanager
async def from_kubeconfig_file(path: Path) -> AsyncIterator[Kube]:
    """The cluster of a kubeconfig file's current context."""
    async with from_context(None, file=path) as kube:
        yield kube


@asynccontextmanager
async def from_context(context: str | None, *, file: Path | None = None) -> AsyncIterator[Kube]:
    """The cluster of a context of the user's kubeconfig ($KUBECONFIG, ~/.kube/config), or of that file.

    Raises:
        ClusterError: there is no kubeconfig or no such context, or its credentials cannot be had.
    """
    files = kubeconfig_files() if file is None else [file]
    names = check_kubeconfigs(files)
    tried = f"reading the kubeconfig for context {shown(context)}"
    there = f"Contexts there: {', '.join(map(printable, names)) or 'none'}."
    if not any(path.exists() for path in files):
        raise ClusterError(
            f"looking for context {context}",
            f"there is no kubeconfig at {' and '.join(map(str, files))}",
            "Set KUBECONFIG.",
        )
    if context is not None and context not in names:
        raise ClusterError(tried, f"it has no context {shown(context)}{near(context, names)}", there)
    configuration = kubernetes_client.Configuration()
    try:
        await kubernetes_config.load_kube_config(
            config_file=None if file is None else str(file), context=context, client_configuration=configuration
        )
    except Exception as error:  # certificates, base64, plugins that give credentials: each with errors of its own
        seen = " ".join(str(error).split()) or type(error).__name__
        raise ClusterError(tried, f"its credentials cannot be had: {seen}", there) from error
    async with _connected(configuration) as kube:
        yield kube


@asynccontextmanager
async def _connected(configuration: kubernetes_client.Configuration) -> AsyncIterator[Kube]:
    # An observer must see every refusal, and a patch must not be sent twice; False would mean attempts without end.
    configuration.retries = None
    server = urlsplit(configuration.host).netloc
    try:
        client = kubernetes_client.ApiClient(configuration)
    except (OSError, ValueError) as error:  # a certificate or key that is none
        seen = f"its certificates cannot be used ({error})"
        raise ClusterError(f"connecting to {server}", seen, "Look at the kubeconfig's cluster and user.") from error
    async with client as api:
        yield Kube(api, server=server)
