"""Rollouts of real nginx over HTTPS: a certificate that is renewed with one, and what breaks where nobody trusts it."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme
from of_fixtures import judged_on_sandbox, run
from yaml import safe_dump_all, safe_load_all

from harness.exit_codes import ExitCode

pytestmark = judged_on_sandbox(300)

Object = dict[str, Any]
NAME = "shop.example.com"
OURS = trustme.CA(organization_name="ours")
RENEW = "kubectl patch secret web-tls --type=merge --patch-file renewed.json && kubectl rollout restart deployment/web"
OUTLASTING = [{"prestop": "5s"}, {"min-ready": "5s"}]


def pair(authority: trustme.CA) -> dict[str, str]:
    """The data of a TLS Secret: a certificate of this authority for `NAME`, and its key."""
    issued = authority.issue_cert(NAME)
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    return {"tls.crt": chain.decode(), "tls.key": issued.private_key_pem.bytes().decode()}


def renewed(
    tmp_path: Path,
    repository: Path,
    authority: trustme.CA,
    *,
    code: ExitCode,
    variants: Object,
    tls: Object | None = None,
    **fields: Any,
) -> dict[str, Object]:
    """nginx with a certificate of ours, which is renewed by this authority and rolled; the scenarios by variant."""
    files = (repository / f"fixtures/manifests/{name}.yaml" for name in ("https", "https-secret"))
    documents = [each for file in files for each in safe_load_all(file.read_text())]
    secret = next(each for each in documents if each["kind"] == "Secret")
    secret["stringData"] = pair(OURS)
    (tmp_path / "manifests.yaml").write_text(safe_dump_all(documents))
    (tmp_path / "ca.pem").write_bytes(OURS.cert_pem.bytes())
    (tmp_path / "renewed.json").write_text(json.dumps({"stringData": pair(authority)}))
    described = {
        "version": 1,
        "name": "https",
        "manifests": ["manifests.yaml"],
        "service": {"name": "web", "port": 443},
        "cluster": {"sandbox": {"proxy": {"minSyncPeriod": "1s"}}},
        "disruption": {"command": ["sh", "-c", RENEW]},
        "request": {"tls": {"ca": "ca.pem", "server_name": NAME, **(tls or {})}},
        "rollouts": 1,
        "control": "2s",
        "load": {"new": {"rate": 40}, "kept": {"rate": 20, "connections": 4}, "pod_header": "X-Pod"},
        "variants": variants,
        **fields,
    }
    (tmp_path / "experiment.yaml").write_text(json.dumps(described))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = run(tmp_path / "experiment.yaml", timeout_s=280, env={**os.environ, "PATH": path})
    assert found.code == code, found.said
    return found.scenarios


def requests(tmp_path: Path, variant: str) -> list[dict[str, str]]:
    with (tmp_path / "run" / variant / "requests.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_rollout_with_a_renewed_certificate_is_measured_over_https(tmp_path: Path, repository: Path) -> None:
    single = {"kind": "Deployment", "name": "web", "patch": {"spec": {"replicas": 1}}}
    variants: Object = {"one": {"patches": [single], "mitigations": [{"prestop": "3s"}, {"min-ready": "2s"}]}}
    found = renewed(tmp_path, repository, OURS, code=ExitCode.AS_EXPECTED, variants=variants, quiet="2s")["one"]
    assert (found["verdict"], found["failed"]) == ("seamless", 0)
    new = [row for row in requests(tmp_path, "one") if row["stream"] == "new" and row["outcome"] == "ok"]
    assert len({row["pod"] for row in new}) == 2  # one before, and one after
    assert all(float(row["handshake"]) > 0 for row in new)


@pytest.mark.slow
def test_a_new_certificate_that_clients_do_not_trust_is_an_error_of_the_new_version(
    tmp_path: Path, repository: Path
) -> None:
    nobodys = trustme.CA(organization_name="nobody's")
    variants: Object = {"one": {"mitigations": [{"prestop": "2s"}], "expect": "any"}}
    found = renewed(
        tmp_path, repository, nobodys, code=ExitCode.INCONCLUSIVE, variants=variants, quiet="2s", rollout_timeout="60s"
    )["one"]
    assert (found["verdict"], found["reason"]) == ("inconclusive", "new-version-errors")
    assert "TLS: certificate: unable to get local issuer certificate" in found["sentence"]
    rows = requests(tmp_path, "one")
    update = found["rollouts"][0]["update"]
    before = [row for row in rows if row["outcome"] != "unsent" and float(row["scheduled"]) < update]
    assert before
    assert {row["outcome"] for row in before} == {"ok"}
    assert all(float(row["handshake"]) > 0 for row in before if row["stream"] == "new")
    # The old pods went on with the old certificate; who comes last meets the new pods alone.
    last = max((row for row in rows if row["stream"] == "new"), key=lambda row: float(row["scheduled"]))
    assert (last["outcome"], last["tls_trouble"]) == (
        "tls-error",
        "certificate: unable to get local issuer certificate",
    )


@pytest.mark.slow
@pytest.mark.parametrize("session_reuse", [False, True])
def test_one_that_is_trusted_is_renewed_without_a_loss_where_the_pods_outlast_the_race(
    tmp_path: Path, repository: Path, *, session_reuse: bool
) -> None:
    found = renewed(
        tmp_path,
        repository,
        OURS,
        code=ExitCode.AS_EXPECTED,
        variants={"default": {"expect": "dropping"}, "outlasting": {"mitigations": OUTLASTING}},
        tls={"session_reuse": session_reuse},
        rollouts=2,
    )
    assert {cause for label in found["default"]["causes"] for cause in label.split(" or ")} <= {
        "termination-race",
        "in-flight-kill",
        "unknown",
    }
    assert found["outlasting"]["failed"] == 0
    resumed = {row["resumed"] for row in requests(tmp_path, "outlasting") if row["stream"] == "new"}
    assert ("1" in resumed) == session_reuse
