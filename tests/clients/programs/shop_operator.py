"""An operator as its users write them: a Shop of `size` becomes a Deployment of so many replicas, owned by the Shop.

Run by kopf's own command line: `kopf run --namespace NAMESPACE shop_operator.py`, with the group in SHOP_GROUP.
"""

from __future__ import annotations

import os
from typing import Any

import kopf
import kubernetes_asyncio as kubernetes
from kubernetes_asyncio.client.api_client import ApiClient

GROUP = os.environ["SHOP_GROUP"]


@kopf.on.startup()
async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    await kubernetes.config.load_kube_config()
    settings.persistence.finalizer = f"{GROUP}/operator"


@kopf.on.create(GROUP, "v1", "shops")
async def open_shop(
    spec: kopf.Spec, body: kopf.Body, name: str, namespace: str, patch: kopf.Patch, **_: Any
) -> dict[str, str]:
    container = {"name": "nginx", "image": "nginx:1.28.0"}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": spec["size"],
            "selector": {"matchLabels": {"shop": name}},
            "template": {"metadata": {"labels": {"shop": name}}, "spec": {"containers": [container]}},
        },
    }
    kopf.adopt(deployment)
    async with ApiClient() as api:
        await kubernetes.client.AppsV1Api(api).create_namespaced_deployment(namespace, deployment)
    patch.status["phase"] = "Open"
    kopf.info(body, reason="Opened", message=f"the shop {name} is open")
    return {"deployment": name}


@kopf.on.field(GROUP, "v1", "shops", field="spec.size")
async def resize(old: int | None, new: int | None, name: str, namespace: str, **_: Any) -> None:
    if old is None:
        return
    async with ApiClient() as api:
        change = {"spec": {"replicas": new}}
        await kubernetes.client.AppsV1Api(api).patch_namespaced_deployment(name, namespace, change)


@kopf.on.event("apps", "v1", "deployments")
async def count(status: kopf.Status, meta: kopf.Meta, namespace: str, **_: Any) -> None:
    owners = [each for each in meta.get("ownerReferences", []) if each["kind"] == "Shop"]
    if not owners or meta.get("deletionTimestamp"):
        return
    body = {"status": {"size": status.get("readyReplicas", 0)}}
    async with ApiClient() as api:
        custom = kubernetes.client.CustomObjectsApi(api)
        try:
            await custom.patch_namespaced_custom_object_status(
                GROUP, "v1", namespace, "shops", owners[0]["name"], body, _content_type="application/merge-patch+json"
            )
        except kubernetes.client.ApiException as error:
            if error.status != 404:  # the Shop is gone, and the Deployment follows
                raise


@kopf.on.delete(GROUP, "v1", "shops")
async def close(name: str, namespace: str, **_: Any) -> None:
    async with ApiClient() as api:
        note = {"metadata": {"name": f"{name}-closed"}, "data": {"by": "operator"}}
        await kubernetes.client.CoreV1Api(api).create_namespaced_config_map(namespace, note)
