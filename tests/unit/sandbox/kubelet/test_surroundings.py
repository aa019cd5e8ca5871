"""What a kubelet puts around a container: variables of Services, tokens, hosts, last words, resources in units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from harness.sandbox.kubelet import pod_tokens
from harness.sandbox.kubelet.hosts_file import hosts_file
from harness.sandbox.kubelet.resource_fields import resource_value
from harness.sandbox.kubelet.runtime_spec import Mount, tabled
from harness.sandbox.kubelet.service_links import variables

if TYPE_CHECKING:
    from pathlib import Path


def service(name: str, namespace: str = "shop", ip: str = "10.96.0.9") -> dict[str, Any]:
    ports = [{"name": "web", "port": 80, "protocol": "TCP"}, {"name": "dns", "port": 53, "protocol": "UDP"}]
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": ip, "ports": ports}}


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "namespace": "shop", "uid": "u"}, "spec": spec}


def hosts_of(found: dict[str, bytes]) -> dict[str, str]:
    return {name: text.decode() for name, text in found.items() if name.endswith("_SERVICE_HOST")}


def test_a_pod_is_told_of_its_namespaces_services_and_of_the_api() -> None:
    api = service("kubernetes", "default", "10.96.0.1")
    there = [service("my-db"), service("none", ip="None"), service("other", "bank"), api]
    told = dict(variables(pod(), there))
    assert hosts_of(told) == {"MY_DB_SERVICE_HOST": "10.96.0.9", "KUBERNETES_SERVICE_HOST": "10.96.0.1"}
    assert told["MY_DB_PORT"] == b"tcp://10.96.0.9:80"
    assert told["MY_DB_PORT_53_UDP"] == b"udp://10.96.0.9:53"
    assert told["MY_DB_SERVICE_PORT_DNS"] == b"53"
    assert hosts_of(dict(variables(pod(enableServiceLinks=False), there))) == {"KUBERNETES_SERVICE_HOST": "10.96.0.1"}
    own = service("kubernetes", ip="10.96.0.50")
    assert hosts_of(dict(variables(pod(), [own, api]))) == {"KUBERNETES_SERVICE_HOST": "10.96.0.50"}


@pytest.mark.parametrize(
    ("resource", "divisor", "value"),
    [
        ("limits.cpu", None, "2"),
        ("limits.cpu", "1m", "1500"),
        ("limits.cpu", "100m", "15"),
        ("requests.cpu", "1m", "250"),
        ("limits.memory", "1Mi", "100"),
        ("limits.memory", "1M", "105"),
        ("requests.memory", "1Mi", "100"),  # the limit, where no request is set
        ("requests.ephemeral-storage", None, "0"),
    ],
)
def test_a_resource_is_told_in_units_of_its_divisor_rounded_up(resource: str, divisor: str | None, value: str) -> None:
    limits = {"cpu": "1500m", "memory": "100Mi"}
    container = {"name": "c", "resources": {"limits": limits, "requests": {"cpu": "250m"}}}
    reference = {"resource": resource, "containerName": "c"} | ({"divisor": divisor} if divisor else {})
    assert resource_value(reference, ({"name": "other"}, container), None) == value


def test_a_limit_that_is_not_set_is_what_the_machine_has() -> None:
    assert int(resource_value({"resource": "limits.memory", "divisor": "1Mi"}, (), {"name": "c"})) > 0
    with pytest.raises(LookupError, match="container nosuch not found"):
        resource_value({"resource": "limits.cpu", "containerName": "nosuch"}, (), {"name": "c"})
    with pytest.raises(LookupError, match=r"unsupported container resource : limits\.pods"):
        resource_value({"resource": "limits.pods"}, (), {"name": "c"})


def test_host_aliases_follow_the_pods_own_name() -> None:
    aliases = [{"ip": "10.1.2.3", "hostnames": ["a.example", "a"]}]
    assert hosts_file({"hostAliases": aliases}, "10.244.1.2", "web-0").splitlines()[2:] == [
        "10.244.1.2\tweb-0",
        "",
        "# Entries added by HostAliases.",
        "10.1.2.3\ta.example\ta",
    ]


def test_only_mounts_onto_plain_folders_that_no_other_covers_go_into_the_table(tmp_path: Path) -> None:
    paths = ("/run/secrets/x", "/dev/termination-log", "/srv/data", "/tmp/a", "/tmp/a/b", "/tmp/with space")
    mounts = tuple(Mount(source=tmp_path, path=path, read_only=path.startswith("/run")) for path in paths)
    early = tabled(mounts)
    assert [mount.path for mount in early] == ["/run/secrets/x", "/dev/termination-log", "/tmp/a"]
    assert early[0].line(tmp_path / "root") == f"{tmp_path} {tmp_path}/root/run/secrets/x none bind,ro 0 0\n"


class Api:
    """Gives out tokens that say the how many-th they are."""

    def __init__(self) -> None:
        self.asked = 0

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        assert path == "/api/v1/namespaces/shop/serviceaccounts/robot/token"
        assert body["spec"]["boundObjectRef"] == {"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": "u"}
        return {"status": {"token": f"token {self.asked}", "expirationTimestamp": "2100-01-01T00:00:00Z"}}


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_token_whose_time_is_over_is_asked_for_anew_and_written() -> None:
    token = {"serviceAccountToken": {"path": "token", "expirationSeconds": 0.5, "audience": "vault"}}
    asker = pod(serviceAccountName="robot", volumes=[{"name": "v", "projected": {"sources": [token]}}])
    (wish,) = pod_tokens.wishes(asker)
    assert wish.audience == "vault"
    data: dict[tuple[str, str], dict[str, bytes] | None] = {}
    api: Any = Api()
    written = anyio.Event()
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(pod_tokens.keep_tokens, api, asker, data, written.set)
            await written.wait()
            group.cancel_scope.cancel()
    assert data == {wish.key: {"token": b"token 1"}}
