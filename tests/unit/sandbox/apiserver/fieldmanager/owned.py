"""A cluster without a network for the tests of ownership: writes by named managers, and who owns what after them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from harness.sandbox.apiserver.applypatch import apply
from harness.sandbox.apiserver.registry import Registry, WriteOptions
from harness.sandbox.apiserver.requests import Target
from harness.sandbox.apiserver.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Resource,
)
from harness.sandbox.apiserver.store import Store

Object = dict[str, Any]

KINDS = {
    "ConfigMap": CONFIG_MAPS,
    "Deployment": DEPLOYMENTS,
    "Pod": PODS,
    "Service": SERVICES,
    "ServiceAccount": SERVICE_ACCOUNTS,
}


class Cluster:
    """One namespace; every write is a second after the one before."""

    def __init__(self) -> None:
        self._now = 1_699_999_999.0
        self.registry = Registry(Store(), self._clock)
        self.registry.create(NAMESPACES, "", {"metadata": {"name": "default"}, "spec": {}})
        self.registry.create(SERVICE_ACCOUNTS, "default", {"metadata": {"name": "default"}})

    def _clock(self) -> float:
        self._now += 1
        return self._now

    def apply(self, config: Object, manager: str = "owner", *, force: bool = False, part: str = "") -> Object:
        """Applies server-side."""
        target = self._target(config, part)
        options = WriteOptions(manager=manager)
        return apply(self.registry, target, config, options, self.registry.stamp(), force=force)[0].obj

    def create(self, obj: Object, manager: str) -> Object:
        """Posts."""
        return self.registry.create(KINDS[obj["kind"]], "default", obj, WriteOptions(manager=manager)).obj

    def change(
        self, obj: Object, manager: str, change: Callable[[Object], Any], *, part: str = "", through: str = ""
    ) -> Object:
        """Puts or patches; `change` may work in place."""

        def changed(live: Object) -> Object:
            return change(live) or live

        options = WriteOptions(manager=manager, through=through)
        name = obj["metadata"]["name"]
        return self.registry.update(KINDS[obj["kind"]], "default", name, changed, options, part=part).obj

    @staticmethod
    def _target(obj: Object, part: str) -> Target:
        resource: Resource = KINDS[obj["kind"]]
        return Target(resource=resource, namespace="default", name=obj["metadata"]["name"], subresource=part)


def owners(obj: Object) -> dict[str, Any]:
    """Who owns what: `manager Operation [subresource]` -> the set."""
    return {
        " ".join(filter(None, (entry["manager"], entry["operation"], entry.get("subresource")))): entry["fieldsV1"]
        for entry in obj["metadata"].get("managedFields", ())
    }


def written(fields: Any) -> str:
    """A set as the API writes it, order included."""
    return json.dumps(fields, separators=(",", ":"))


def config_map(**data: str) -> Object:
    """A ConfigMap to apply."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}


def deployment(image: str = "nginx:1.28.0", replicas: int | None = 2, **container: Any) -> Object:
    """A Deployment to apply."""
    named = {"name": "nginx", "image": image, **container}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [named]}}
    spec: Object = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def image_only(image: str) -> Object:
    """What a deploy pipeline applies: the image and nothing else."""
    template = {"spec": {"containers": [{"name": "nginx", "image": image}]}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": template}}


def service(*ports: Object, **spec: Any) -> Object:
    """A Service to apply."""
    spec = {**spec, "ports": list(ports)}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": spec}
