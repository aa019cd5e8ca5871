"""A pod -> what the API has for it: the data of the ConfigMaps and Secrets it names, tokens, ports of its Services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from harness.sandbox.apiclient import ApiClient, ApiError
from harness.sandbox.kubelet import environment, pod_tokens, volumes
from harness.sandbox.stand_ins import undeclared, with_service_ports

if TYPE_CHECKING:
    from harness.sandbox.kubelet.records import Object, PodRecord
    from harness.sandbox.settings import Settings

_COLLECTIONS = {"configmap": "configmaps", "secret": "secrets"}


async def config_data(client: ApiClient, pod: Object) -> environment.Source:
    """The data of everything that the pod's environment and volumes name; None for what does not exist.

    Raises:
        MountError: the API did not answer; to be tried again.
    """
    found: environment.Source = {}
    namespace = pod["metadata"]["namespace"]
    for kind, name in sorted(environment.sources(pod) | volumes.sources(pod)):
        try:
            obj = await client.get(f"/api/v1/namespaces/{namespace}/{_COLLECTIONS[kind]}/{name}")
        except ApiError as error:
            if error.status != 404:
                raise volumes.MountError(f"{kind} {name}: {error}") from None
            found[kind, name] = None
        except (aiohttp.ClientError, TimeoutError):
            raise volumes.MountError(f"{kind} {name} could not be read from the API") from None
        else:
            found[kind, name] = environment.object_data(obj)
    for wish in pod_tokens.wishes(pod):
        try:
            token, _ = await pod_tokens.fetched(client, pod, wish)
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            raise volumes.MountError(f"failed to fetch token: {error}") from None
        found[wish.key] = {pod_tokens.KIND: token}
    return found


async def take_service_ports(client: ApiClient, record: PodRecord, settings: Settings) -> None:
    """Lets a stand-in serve what Services send to and no container declares: the first one of the pod does.

    Raises:
        MountError: the API did not answer; to be tried again.
    """
    first = record.containers[0]
    if settings.stand_in(first.spec["image"]):
        ports = await _service_ports(client, record.pod)
        first.spec = with_service_ports(first.spec, undeclared(record.spec, ports))


async def _service_ports(client: ApiClient, pod: Object) -> frozenset[tuple[str, int]]:
    """Where the Services that select the pod send to, as (protocol, number); a port by name is a container's own."""
    labels = pod["metadata"].get("labels") or {}
    try:
        listed = await client.get(f"/api/v1/namespaces/{pod['metadata']['namespace']}/services")
    except (ApiError, aiohttp.ClientError, TimeoutError) as error:
        raise volumes.MountError(f"the Services could not be read from the API: {error}") from None
    found = set()
    for service in listed["items"]:
        selector = service["spec"].get("selector") or {}
        if not selector or not selector.items() <= labels.items():
            continue
        for entry in service["spec"].get("ports") or ():
            target = entry.get("targetPort") or entry["port"]
            if str(target).isdigit():
                found.add((entry.get("protocol") or "TCP", int(target)))
    return frozenset(found)
