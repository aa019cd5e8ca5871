"""The way in by an HTTPRoute: which one, whether its controller took it, at which address and port."""

from __future__ import annotations

from copy import deepcopy
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.clusters.cluster import Cluster
from harness.errors import ClusterError, ManifestError
from harness.manifests.application import Application
from harness.model.path_settings import PathSettings
from harness.model.run import ClusterFacts
from harness.runner.destination import check_path, destination
from tests.unit.paper_api import paper_kube
from tests.unit.runner.test_destination import NODES, SERVICES, TWO_NODES, service

OF_SHOP = "/apis/gateway.networking.k8s.io/v1/namespaces/shop"
ROUTES, GATEWAYS = f"{OF_SHOP}/httproutes", OF_SHOP.replace("shop", "infra") + "/gateways/edge"
GATEWAY = {
    "metadata": {"name": "edge", "namespace": "infra"},
    "spec": {
        "listeners": [
            {"name": "web", "protocol": "HTTP", "port": 80},
            {"name": "tls", "protocol": "HTTPS", "port": 8443},
        ]
    },
    "status": {"addresses": [{"value": "192.0.2.9"}]},
}
TAKEN = ({"type": "Accepted", "status": "True"}, {"type": "ResolvedRefs", "status": "True"})


def route(*backends: dict[str, Any], conditions: tuple[dict[str, str], ...] = TAKEN, **parent: str) -> dict[str, Any]:
    spec = {
        "parentRefs": [{"name": "edge", "namespace": "infra", **parent}],
        "rules": [{"backendRefs": list(backends or ({"name": "web", "port": 80},))}],
    }
    status = {"parents": [{"conditions": list(conditions)}] if conditions else []}
    metadata = {"name": "web", "namespace": "shop"}
    return {"kind": "HTTPRoute", "metadata": metadata, "spec": spec, "status": status}


async def led(made: dict[str, Any], gateway: dict[str, Any] = GATEWAY, *, secure: bool = False) -> tuple[str, ...]:
    front = service("ClusterIP")
    answers = {
        SERVICES: front,
        NODES: TWO_NODES,
        ROUTES: {"items": [made]},
        f"{ROUTES}/web": made,
        GATEWAYS: gateway,
        "/api/v1/services": {"items": [front]},
    }
    way = PathSettings.model_validate({"gateway": {"wait": "300ms"}})
    application = Application(target={}, service=front, port=80, manifests=())
    async with paper_kube({f"GET {place}": [answer] for place, answer in answers.items()}) as (kube, _):
        cluster = cast("Cluster", SimpleNamespace(kube=kube, facts=ClusterFacts(kind="context")))
        return (await destination(cluster, way, "shop", application, secure=secure)).addresses


@pytest.mark.anyio
async def test_the_load_goes_to_the_listener_of_its_gateway_in_whichever_namespace() -> None:
    assert await led(route()) == ("192.0.2.9:80",)
    assert await led(route(), secure=True) == ("192.0.2.9:8443",)
    assert await led(route({"name": "web", "port": 80}, {"name": "old", "weight": 0})) == ("192.0.2.9:80",)
    with pytest.raises(ClusterError, match="no listener of it that HTTPRoute web is for has protocol HTTPS"):
        await led(route(sectionName="web"), secure=True)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (route(conditions=()), "after 0.3 s: no controller has said anything of it"),
        (
            route(
                conditions=(
                    {"type": "Accepted", "status": "False", "reason": "NotAllowedByListeners", "message": "no"},
                )
            ),
            r"after 0.3 s: Accepted is False \(NotAllowedByListeners: no\)",
        ),
        (route({"name": "web"}, {"name": "old"}), "HTTPRoute web sends a part of the requests to old"),
        (route({"name": "web", "namespace": "till"}), "no HTTPRoute leads to Service web"),
    ],
)
@pytest.mark.anyio
async def test_what_the_cluster_does_not_route_is_told(made: dict[str, Any], says: str) -> None:
    with pytest.raises(ClusterError, match=says):
        await led(made)


@pytest.mark.anyio
async def test_a_gateway_without_an_address_is_told_with_its_namespace() -> None:
    pending = deepcopy(GATEWAY)
    del pending["status"]
    with pytest.raises(ClusterError, match=r"waiting for Gateway infra/edge.*without an address after 0\.3 s"):
        await led(route(), pending)


def test_a_split_of_the_requests_is_refused_before_anything_is_changed() -> None:
    split = route({"name": "web", "weight": 9}, {"name": "canary", "weight": 1})
    shop = Application(target={}, service=service("ClusterIP"), port=80, manifests=(split,))
    with pytest.raises(ManifestError, match="HTTPRoute web sends a part of the requests to canary"):
        check_path(PathSettings.model_validate({"gateway": {}}), shop)
