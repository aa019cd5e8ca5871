"""What a container finds around it: the API and a token for it, Services, host names, a place for its last words."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from wholecluster import SHELL, Cluster, Maker, Object, cluster_of, container, ended, pod_of

from harness.sandbox.images import Image
from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

PYTHON = Image(name="python", entrypoint=(sys.executable, "-I", "-S"), shared=(sys.prefix, sys.base_prefix))
PLACE = "/var/run/secrets/kubernetes.io/serviceaccount"
# As every client in a pod does it: the address from the environment, the rest from the mounted files.
ASK = f"""
import json, os, ssl, urllib.request
place = {PLACE!r}
read = lambda name: open(f"{{place}}/{{name}}").read()
url = f"https://{{os.environ['KUBERNETES_SERVICE_HOST']}}:{{os.environ['KUBERNETES_SERVICE_PORT']}}"
def ask(path):
    request = urllib.request.Request(url + path, headers={{"Authorization": f"Bearer {{read('token')}}"}})
    context = ssl.create_default_context(cafile=f"{{place}}/ca.crt")
    try:
        with urllib.request.urlopen(request, context=context, timeout=200) as answer:
            return answer.status, json.load(answer)["kind"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["message"]
home = read("namespace")
print(json.dumps([home, ask(f"/api/v1/namespaces/{{home}}/pods"), ask("/api/v1/nodes")]))
"""
RBAC = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"


@pytest.fixture(scope="module")
async def cluster(anyio_backend: str) -> AsyncIterator[Cluster]:
    async with cluster_of(Settings(images=(SHELL, PYTHON), nodes=2)) as started:
        yield started


async def bind(cluster: Cluster, account: str) -> None:
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
    await cluster.client.create(f"{RBAC}/roles", {"metadata": {"name": "reader"}, "rules": [rule]})
    subject = {"kind": "ServiceAccount", "namespace": "default", "name": account}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    binding = {"metadata": {"name": "reader"}, "roleRef": reference, "subjects": [subject]}
    await cluster.client.create(f"{RBAC}/rolebindings", binding)


@pytest.mark.parametrize("node", ["node1", "node2"])
async def test_a_pod_reaches_the_api_as_its_account_and_may_what_its_role_gives(cluster: Cluster, node: str) -> None:
    account = f"asker-{node}"
    await cluster.create({"kind": "ServiceAccount", "metadata": {"name": account}})
    if node == "node1":
        await bind(cluster, account)
    main = {"name": "main", "image": "python", "args": ["-c", ASK]}
    spec = {"serviceAccountName": account, "nodeName": node, "restartPolicy": "Never"}
    await cluster.create(pod_of(account, main, spec=spec))
    await cluster.pod(account, ended)
    home, pods, nodes = json.loads(await cluster.logs(account))
    user = f"system:serviceaccount:default:{account}"
    assert home == "default"
    assert nodes == [
        403, f'nodes is forbidden: User "{user}" cannot list resource "nodes" in API group "" at the cluster scope',
    ]  # fmt: skip
    if node == "node1":
        assert pods == [200, "PodList"]
    else:
        where = 'in API group "" in the namespace "default"'
        assert pods == [403, f'pods is forbidden: User "{user}" cannot list resource "pods" {where}']


async def test_a_pod_that_wants_no_token_gets_none(cluster: Cluster, shell: Maker) -> None:
    line = f"ls {PLACE} 2>/dev/null; echo $KUBERNETES_SERVICE_HOST"
    spec: dict[str, Any] = {"restartPolicy": "Never", "automountServiceAccountToken": False}
    made = await cluster.create(shell("tokenless", line, **spec))
    assert "volumes" not in made["spec"]
    await cluster.pod("tokenless", ended)
    assert (await cluster.logs("tokenless")).split() == ["10.96.0.1"]


async def test_services_hosts_and_resources_are_told(cluster: Cluster, shell: Maker) -> None:
    ports = [{"name": "http-web", "port": 80, "targetPort": 8080}]
    service = {"kind": "Service", "metadata": {"name": "the-shop"}, "spec": {"clusterIP": "10.96.0.77", "ports": ports}}
    await cluster.create(service)
    limit = {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}
    main: Object = {"env": [{"name": "CPU", "valueFrom": limit}, {"name": "URL", "value": "$(THE_SHOP_PORT)"}]}
    main["resources"] = {"limits": {"cpu": "1500m"}}
    aliases = [{"ip": "10.9.8.7", "hostnames": ["shop.example", "shop"]}]
    line = "env | grep -e THE_SHOP -e CPU -e URL | sort; getent hosts shop.example"
    await cluster.create(shell("told", line, container=main, hostAliases=aliases, restartPolicy="Never"))
    await cluster.pod("told", ended)
    *env, hosts = (await cluster.logs("told")).splitlines()
    assert env == [
        "CPU=1500",
        "THE_SHOP_PORT=tcp://10.96.0.77:80",
        "THE_SHOP_PORT_80_TCP=tcp://10.96.0.77:80",
        "THE_SHOP_PORT_80_TCP_ADDR=10.96.0.77",
        "THE_SHOP_PORT_80_TCP_PORT=80",
        "THE_SHOP_PORT_80_TCP_PROTO=tcp",
        "THE_SHOP_SERVICE_HOST=10.96.0.77",
        "THE_SHOP_SERVICE_PORT=80",
        "THE_SHOP_SERVICE_PORT_HTTP_WEB=80",
        "URL=tcp://10.96.0.77:80",
    ]
    assert hosts.split() == ["10.9.8.7", "shop.example", "shop"]
    await cluster.create(shell("untold", "env", enableServiceLinks=False, restartPolicy="Never"))
    await cluster.pod("untold", ended)
    assert "THE_SHOP" not in await cluster.logs("untold")


@pytest.mark.parametrize(
    ("name", "line", "fields", "message"),
    [
        ("default", "echo from the log; echo bye > /dev/termination-log", {}, "bye\n"),
        ("elsewhere", "echo bye >> /srv/last", {"terminationMessagePath": "/srv/last"}, "bye\n"),
        ("log", "echo out; exit 3", {"terminationMessagePolicy": "FallbackToLogsOnError"}, "out\n"),
        ("well", "echo out", {"terminationMessagePolicy": "FallbackToLogsOnError"}, ""),
        ("long", "seq 2000 > /dev/termination-log", {}, "".join(f"{n}\n" for n in range(1, 2001))[-4096:]),
    ],
)
async def test_the_last_words_of_a_container_are_in_its_status(
    cluster: Cluster, shell: Maker, name: str, line: str, fields: Object, message: str
) -> None:
    await cluster.create(shell(f"words-{name}", line, container=fields, restartPolicy="Never"))
    pod = await cluster.pod(f"words-{name}", ended)
    assert container(pod)["state"]["terminated"].get("message", "") == message
