"""Rollouts behind balancers of layer 7: verdicts, causes and lags, and what HAProxy itself wrote of them."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest
from needs import missing
from of_fixtures import judged_on_sandbox
from test_paths import assert_as_late, listed_late_s, ran, slowest_s
from yaml import safe_load_all

if TYPE_CHECKING:
    from pathlib import Path

LACKING = missing(http_balancer=True)
pytestmark = judged_on_sandbox(1500, slow=True, lacking=LACKING)
Object = dict[str, Any]
QUICK = {"propagation": "200ms", "controller": "200ms", "registration": "3s", "deregistration": "4s"}
OUTLASTING = [{"prestop": "14s"}, {"min-ready": "9s"}]


def ingress(repository: Path, **annotations: str) -> Object:
    documents = safe_load_all((repository / "fixtures/manifests/ingress-alb.yaml").read_text())
    made: Object = next(document for document in documents if document["kind"] == "Ingress")
    made["metadata"]["annotations"] = {
        f"alb.ingress.kubernetes.io/{name}": value for name, value in annotations.items()
    }
    return made


def balancing(profile: str, **changes: Any) -> Object:
    return {"sandbox": {"nodes": 2, "balancer": {"profile": profile, **QUICK, **changes}}}


def by_haproxy(tmp_path: Path) -> list[Object]:
    """What HAProxy itself wrote of each request."""
    texts = [file.read_text() for file in (tmp_path / "truth").rglob("*-haproxy-*.jsonl")]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def test_a_balancer_of_pods_is_as_late_as_it_is_set_to_be_and_named_for_it(tmp_path: Path, repository: Path) -> None:
    variants: Object = {"default": {"expect": "dropping"}, "outlasting": {"mitigations": OUTLASTING}}
    found = ran(
        tmp_path,
        repository,
        {},
        ingress(repository),
        path="ingress",
        cluster=balancing("aws-alb-ip"),
        variants=variants,
    )
    assert found["outlasting"]["failed"] == found["outlasting"]["control"]["failed"]
    # To add: controller, registration, the one check that a new target needs, propagation.
    wide_s = 0.5 + slowest_s(tmp_path) + listed_late_s(tmp_path / "run/outlasting")
    assert_as_late(tmp_path, found["outlasting"], {"removal": 4.2, "addition": 3.4}, wide_s)
    with (tmp_path / "run/default/failures.csv").open() as file:
        told = [row for row in csv.DictReader(file) if row["rollout"]]  # not what came as the balancer warmed up
    causes = {cause for row in told for cause in row["cause"].split(" or ")}
    assert {"termination-race"} <= causes <= {"termination-race", "unknown", "in-flight-kill"}
    assert any("the load balancer (aws-alb-ip) had not deregistered it yet" in row["evidence"] for row in told)
    # What the client got as 502 and 504 is what HAProxy gave by itself: S, s: the server's fault (8.5 of its manual).
    own = [entry for entry in by_haproxy(tmp_path) if entry["end"][0] in "Ss"]
    with (tmp_path / "run/default/requests.csv").open() as file:
        seen = [row for row in csv.DictReader(file) if row["outcome"] == "status"]
    assert {row["via"] for row in seen} == {"awselb/2.0"}
    assert 0 < len(seen) <= len(own)


def test_ten_rollouts_behind_an_alb_with_what_its_delays_ask_for_lose_nothing(tmp_path: Path, repository: Path) -> None:
    """With the profile's own delays: at most 16 s to deregister, and 11 s to register."""
    variants: Object = {
        "default": {"expect": "dropping"},
        "seed": {"mitigations": [{"prestop": "20s"}, {"min-ready": "15s"}]},
    }
    found = ran(
        tmp_path,
        repository,
        {},
        ingress(repository),
        path="ingress",
        cluster={"sandbox": {"nodes": 2, "balancer": "aws-alb-ip"}},
        variants=variants,
        rollouts=10,
        quiet="26s",
        load={"new": {"rate": 100}, "kept": {"rate": 100, "connections": 20}, "pod_header": "X-Pod"},
        timeout_s=1400,
    )
    assert all(rollout["dropping"] for rollout in found["default"]["rollouts"])
    assert [rollout["failed"] for rollout in found["seed"]["rollouts"]] == [0] * 10


@pytest.mark.parametrize("profile", ["aws-alb-instance", "gke-neg"])
def test_the_other_profiles(tmp_path: Path, repository: Path, profile: str) -> None:
    """Nodes as targets: the proxy decides. Google's sends once more what failed, and what it hides takes its time."""
    made = ingress(repository)
    by_pod = profile == "gke-neg"
    if by_pod:
        del made["spec"]["ingressClassName"]
    changes: Object = {} if by_pod else {"registration": "0s"}
    variants: Object = {
        "default": {"expect": "any" if by_pod else "dropping"},
        "outlasting": {"mitigations": OUTLASTING},
    }
    found = ran(
        tmp_path,
        repository,
        {"type": "NodePort"},
        made,
        path="ingress",
        cluster=balancing(profile, **changes),
        variants=variants,
    )
    assert found["outlasting"]["verdict"] == "seamless"
    if by_pod:
        assert any(entry["retries"] not in ("0", "+0") for entry in by_haproxy(tmp_path))
