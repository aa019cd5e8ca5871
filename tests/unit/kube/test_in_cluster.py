"""A Pod finds its own cluster by what the kubelet mounts, and reads its token again before its time is over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from paper_api import PaperApi, serving

from harness.errors import ClusterError
from harness.kube import connection, credentials
from harness.kube.access import environment_for
from harness.kube.connection import from_context
from harness.kube.in_cluster import IN_CLUSTER, is_in_cluster, kubeconfig_of_pod

ENVIRONMENT = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """What a kubelet mounts."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    for name, text in {"token": "first", "ca.crt": "PEM", "namespace": "shop\n"}.items():
        (folder / name).write_text(text)
    return folder


def test_its_kubeconfig_names_the_files_and_holds_no_secret(account: Path) -> None:
    found = kubeconfig_of_pod(ENVIRONMENT, account)
    assert found["clusters"][0]["cluster"] == {
        "server": "https://10.96.0.1:443",
        "certificate-authority": str(account / "ca.crt"),
    }
    assert found["users"][0]["user"] == {"tokenFile": str(account / "token")}
    assert found["contexts"][0]["context"]["namespace"] == "shop"
    assert "first" not in json.dumps(found)
    assert is_in_cluster(ENVIRONMENT, account)


def test_an_address_of_the_sixth_version_stands_in_brackets(account: Path) -> None:
    found = kubeconfig_of_pod({**ENVIRONMENT, "KUBERNETES_SERVICE_HOST": "fd00::1"}, account)
    assert found["clusters"][0]["cluster"]["server"] == "https://[fd00::1]:443"


def take_away(folder: Path) -> None:
    (folder / "token").unlink()


def empty(folder: Path) -> None:
    (folder / "token").write_text("")


@pytest.mark.parametrize(
    ("environment", "broken", "says"),
    [
        ({}, lambda _: None, "no KUBERNETES_SERVICE_HOST and no KUBERNETES_SERVICE_PORT, so this is no Pod"),
        (ENVIRONMENT, take_away, "there is no {token}. Is it automountServiceAccountToken: false"),
        (ENVIRONMENT, empty, "{token} is empty. Is it automountServiceAccountToken: false"),
    ],
    ids=["no Pod", "no token", "an empty token"],
)
def test_what_a_pod_lacks_is_named(
    account: Path, environment: dict[str, str], broken: Callable[[Path], None], says: str
) -> None:
    broken(account)
    with pytest.raises(ClusterError) as failed:
        kubeconfig_of_pod(environment, account)
    assert says.format(token=account / "token") in str(failed.value)
    assert is_in_cluster(environment, account) == (bool(environment) and (account / "token").exists())


@pytest.fixture
def pod_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, account: Path) -> Callable[[PaperApi], None]:
    """Makes this process a Pod of that API's cluster, without a kubeconfig."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    def become(api: PaperApi) -> None:
        def its_kubeconfig(_: object) -> dict[str, Any]:
            found = kubeconfig_of_pod(ENVIRONMENT, account)
            return {**found, "clusters": [{"name": IN_CLUSTER, "cluster": api.kubeconfig["clusters"][0]["cluster"]}]}

        monkeypatch.setattr(connection, "kubeconfig_of_pod", its_kubeconfig)

    return become


@pytest.mark.anyio
async def test_the_token_is_read_again_when_it_was_read_long_enough_ago_or_is_refused(
    pod_of: Callable[[PaperApi], None], account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(credentials, "monotonic", lambda: now)
    versions = [{"gitVersion": "v1"}, {"gitVersion": "v1"}, {"gitVersion": "v1"}, 401, {"gitVersion": "v1"}]
    async with serving({"GET /version": versions}) as api:
        pod_of(api)
        async with from_context(IN_CLUSTER) as kube:
            await kube.version()
            (account / "token").write_text("second")
            await kube.version()
            now = 61.0
            await kube.version()
            (account / "token").write_text("third")
            await kube.version()
            with environment_for(kube.access, "other") as environment:
                told = json.loads(await anyio.Path(environment["KUBECONFIG"].partition(":")[0]).read_text())
        assert [call.token for call in api.calls] == [
            f"Bearer {token}" for token in ("first", "first", "second", "second", "third")
        ]
    assert told["users"][0]["user"] == {
        "tokenFile": str(account / "token")
    }  # programs such as helm go the same way, and have no token of their own


@pytest.mark.anyio
async def test_a_token_that_cannot_be_read_again_is_used_until_it_is_refused(
    pod_of: Callable[[PaperApi], None], account: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(credentials, "monotonic", lambda: now)
    async with serving({"GET /version": [{"gitVersion": "v1"}]}) as api:
        pod_of(api)
        async with from_context(IN_CLUSTER) as kube:
            (account / "token").unlink()
            now = 61.0
            assert await kube.version() == "v1"
        assert [call.token for call in api.calls] == ["Bearer first"]


@pytest.mark.anyio
async def test_a_context_of_that_name_in_a_kubeconfig_is_meant_before_the_pod(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving({"GET /version": [{"gitVersion": "v1"}]}) as api:
        config = api.kubeconfig
        config["contexts"][0]["name"] = IN_CLUSTER
        (tmp_path / "config").write_text(json.dumps(config))
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        async with from_context(IN_CLUSTER) as kube:
            assert await kube.version() == "v1"


@pytest.mark.anyio
async def test_a_pod_without_a_kubeconfig_is_told_of_its_own_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setattr(connection, "is_in_cluster", lambda _: True)
    with pytest.raises(ClusterError, match="This is a Pod: its own cluster is context:in-cluster"):
        async with from_context("staging"):
            pytest.fail("there is none")
