"""Rollouts behind node ports and load balancers: verdicts, causes, and lags as they were configured.

Lags are measured from outside, by requests. What a slow machine adds to a balancer's programming of the kernel is known
from the balancer's own record, which no judge reads, and is allowed for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from of_fixtures import judged_on_sandbox, run
from yaml import safe_dump_all, safe_load_all

from harness.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = judged_on_sandbox(400)

Object = dict[str, Any]
QUICK = {"propagation": "200ms", "interval": "500ms", "timeout": "5s", "healthy": 2}
LOAD = {"new": {"rate": 40}, "pod_header": "X-Pod"}


def ran(
    tmp_path: Path,
    repository: Path,
    service: Object,
    /,
    *others: Object,
    code: ExitCode = ExitCode.AS_EXPECTED,
    timeout_s: float = 380,
    **fields: Any,
) -> dict[str, Object]:
    """Runs nginx behind a Service with these fields of its spec, and `others`; gives the scenarios by variant."""
    documents = list(safe_load_all((repository / "fixtures/manifests/nginx.yaml").read_text()))
    documents[-1]["spec"] |= service
    (tmp_path / "manifests.yaml").write_text(safe_dump_all([*documents, *others]))
    described = {
        "version": 1,
        "name": "paths",
        "manifests": ["manifests.yaml"],
        "service": {"name": "web", "port": 80},
        "update": {"image": {"nginx": ["nginx:1.29.1"]}},
        "rollouts": 1,
        "control": "3s",
        "quiet": "7s",
        "load": LOAD,
        **fields,
    }
    (tmp_path / "experiment.yaml").write_text(json.dumps(described))
    found = run(tmp_path / "experiment.yaml", "--truth", str(tmp_path / "truth"), timeout_s=timeout_s)
    assert found.code == code, found.said
    return found.scenarios


def balancing(**changes: Any) -> Object:
    return {"sandbox": {"nodes": 2, "balancer": {"profile": "aws-nlb-ip", **QUICK, **changes}}}


def slowest_s(tmp_path: Path) -> float:
    """How long the balancer was at most late, its checks took, and it took to program its data plane."""
    texts = [file.read_text() for file in (tmp_path / "truth").rglob("*.jsonl")]
    lines = (json.loads(line) for text in texts for line in text.splitlines())
    mine = (line for line in lines if line["kind"] == "balancer")
    return float(max(line["end_ns"] - line["start_ns"] + line["late_ns"] + line["check_ns"] for line in mine) / 1e9)


def listed_late_s(run: Path) -> float:
    """How much later than a pod was Ready an EndpointSlice said so, at most: what the machine made of that."""
    ready: dict[str, float] = {}
    listed: dict[str, float] = {}
    for seen in map(json.loads, (run / "timeline.jsonl").read_text().splitlines()):
        if seen["kind"] == "Pod":
            conditions = (seen["object"].get("status") or {}).get("conditions") or ()
            if any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
                ready.setdefault(seen["object"]["metadata"]["name"], seen["t"])
        elif seen["kind"] == "EndpointSlice":
            for endpoint in seen["object"].get("endpoints") or ():
                name = (endpoint.get("targetRef") or {}).get("name", "")
                if endpoint["conditions"].get("ready"):
                    listed.setdefault(name, seen["t"])
    return max((listed[name] - ready[name] for name in ready.keys() & listed.keys()), default=0.0)


def lags(scenario: Object, side: str) -> list[tuple[float, float]]:
    told = [pod["lag"] for pod in scenario["propagation"][side]["pods"]]
    return [(lag["earliest_s"], lag["latest_s"]) for lag in told]


def assert_as_late(tmp_path: Path, scenario: Object, configured_s: dict[str, float], wide_s: float = 0.5) -> None:
    """Both pods' lags are what was configured, to within 100 ms or 5 %, and what the machine took beyond that.

    `wide_s`: how wide an interval may be; a wide one would agree with everything.
    """
    machine_s = slowest_s(tmp_path) + listed_late_s(tmp_path / "run" / scenario["variant"])
    for side, right_s in configured_s.items():
        allowed_s = max(0.1, 0.05 * right_s)
        measured = lags(scenario, side)
        assert len(measured) == 2
        for earliest_s, latest_s in measured:
            assert latest_s >= right_s - allowed_s
            assert earliest_s <= right_s + allowed_s + machine_s
            assert latest_s - earliest_s < wide_s


def test_a_balancer_of_pods_is_as_late_as_it_is_set_to_be_and_named_for_it(tmp_path: Path, repository: Path) -> None:
    cluster = balancing(controller="200ms", registration="3s", deregistration="4s")
    # Far longer than it takes: on a machine without time the EndpointSlice is late as well.
    mitigations = [{"prestop": "14s"}, {"min-ready": "8s"}]
    variants: Object = {"default": {"expect": "dropping"}, "outlasting": {"mitigations": mitigations}}
    found = ran(tmp_path, repository, {"type": "LoadBalancer"}, path="loadbalancer", cluster=cluster, variants=variants)
    assert found["outlasting"]["failed"] == found["outlasting"]["control"]["failed"]
    assert_as_late(tmp_path, found["outlasting"], {"removal": 4.2, "addition": 3.9})
    assert set(found["default"]["causes"]) <= {"termination-race", "unknown", "creation-race", "application"}
    failures = (tmp_path / "run/default/failures.csv").read_text()
    assert "the load balancer (aws-nlb-ip) had not deregistered it yet (inferred; the load balancer" in failures
    (hop,) = json.loads((tmp_path / "run/default/run.json").read_text())["hops"]
    assert (hop["kind"], hop["targets"], hop["removal"]["most_s"]) == ("passthrough", "pods", pytest.approx(4.2))


@pytest.mark.slow
def test_the_creation_race_by_itself(tmp_path: Path, repository: Path) -> None:
    """The old pods live on, but the balancer has deregistered them, and has not registered a new one yet."""
    cluster = balancing(controller="200ms", registration="12s", deregistration="2s")
    variants = {"creation": {"mitigations": [{"prestop": "6s"}], "expect": "dropping"}}
    (one,) = ran(
        tmp_path,
        repository,
        {"type": "LoadBalancer"},
        path="loadbalancer",
        cluster=cluster,
        variants=variants,
        quiet="16s",
    ).values()
    assert one["reason"].startswith("creation-race: ")
    assert "," not in one["reason"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("profile", "policy"),
    [
        ("aws-nlb-instance", "Cluster"),
        ("gke-l4", "Cluster"),
        ("gke-l4", "Local"),
        ("none", "Local"),
        ("none", "Cluster"),
    ],
)
def test_behind_a_balancer_of_nodes_the_proxy_decides(
    tmp_path: Path, repository: Path, profile: str, policy: str
) -> None:
    cluster = balancing(profile=profile, registration="0s")
    service = {"type": "LoadBalancer", "externalTrafficPolicy": policy}
    variants: Object = {
        "default": {"expect": "dropping"},
        "both": {"mitigations": [{"prestop": "5s"}, {"min-ready": "5s"}]},
    }
    found = ran(tmp_path, repository, service, path="loadbalancer", cluster=cluster, variants=variants)
    assert "termination-race" in found["default"]["reason"]


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["Cluster", "Local"])
def test_a_node_port_on_all_nodes(tmp_path: Path, repository: Path, policy: str) -> None:
    variants: Object = {
        "default": {"expect": "dropping"},
        "both": {"mitigations": [{"prestop": "5s"}, {"min-ready": "5s"}]},
    }
    service = {"type": "NodePort", "externalTrafficPolicy": policy}
    found = ran(tmp_path, repository, service, path="nodeport", cluster={"sandbox": {"nodes": 2}}, variants=variants)
    assert "termination-race" in found["default"]["reason"]
