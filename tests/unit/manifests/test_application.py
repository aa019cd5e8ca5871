"""What is wrong with manifests is said before anything is touched."""

from pathlib import Path
from typing import Any

import pytest

from harness.errors import ManifestError
from harness.manifests.application import find_application
from harness.manifests.patch import image_patch, image_sequence, in_namespace
from harness.manifests.read import read_manifests


def deployment(**changes: Any) -> dict[str, Any]:
    spec = {
        "selector": {"matchLabels": changes.pop("selector", {"app": "web"})},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {"name": "nginx", "image": "nginx:1.28.0", "ports": [{"name": "http", "containerPort": 80}]}
                ]
            },
        },
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec | changes}


def service(selector: Any = None, ports: Any = None) -> dict[str, Any]:
    spec = {"selector": selector or {"app": "web"}, "ports": ports or [{"port": 80, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}


def find(*manifests: dict[str, Any], target: str = "deployment/web", port: int = 80) -> Any:
    return find_application(manifests, target=target, service="web", port=port)


def test_an_application_knows_its_parts() -> None:
    application = find(deployment(), service())
    assert (application.kind, application.name, application.service_name) == ("Deployment", "web", "web")
    assert application.containers == {"nginx": "nginx:1.28.0"}
    assert application.selector == {"app": "web"}


@pytest.mark.parametrize(
    ("manifests", "ask", "says"),
    [
        ([service()], {}, "looking for Deployment web: the manifests hold only Service web"),
        ([deployment()], {}, "looking for Service web: the manifests hold only Deployment web"),
        ([deployment(), service()], {"target": "statefulset/web"}, "looking for StatefulSet web"),
        ([deployment(), deployment(), service()], {}, "the manifests have 2 of them"),
        ([deployment(selector={"app": "shop"}), service()], {}, "does not match its pod template's labels"),
        ([deployment(), service(selector={"app": "shop"})], {}, "it would have no endpoint"),
        ([deployment(), service()], {"port": 8080}, "looking for port 8080 of Service web: it has 80"),
        (
            [deployment(), service(ports=[{"port": 80, "targetPort": "grpc"}])],
            {},
            "no container has a port of that name",
        ),
        ([deployment(template={}), service()], {}, "its spec lacks 'metadata'"),
    ],
)
def test_what_does_not_belong_together_is_named(manifests: Any, ask: dict[str, Any], says: str) -> None:
    with pytest.raises(ManifestError, match=r".") as error:
        find(*manifests, **ask)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_images_go_in_turn() -> None:
    application = find(deployment(), service())
    turns = {"nginx": ("nginx:1.29.1", "nginx:1.28.0")}
    assert [image_sequence(application, turns, n)["nginx"] for n in range(3)] == [
        "nginx:1.29.1",
        "nginx:1.28.0",
        "nginx:1.29.1",
    ]
    assert image_patch({"nginx": "nginx:1.29.1"}) == {
        "spec": {"template": {"spec": {"containers": [{"name": "nginx", "image": "nginx:1.29.1"}]}}}
    }


@pytest.mark.parametrize(
    ("turns", "rollout", "says"),
    [
        ({"nginx": ("nginx:1.28.0",)}, 0, "Kubernetes would roll nothing"),
        ({"nginx": ("nginx:1.29.1",)}, 1, "Kubernetes would roll nothing"),
        ({"sidecar": ("nginx:1.29.1",)}, 0, "the application has nginx"),
    ],
)
def test_an_update_that_would_change_nothing_is_refused(turns: Any, rollout: int, says: str) -> None:
    with pytest.raises(ManifestError, match=says):
        image_sequence(find(deployment(), service()), turns, rollout)


def test_a_namespace_is_given_to_objects_that_live_in_one() -> None:
    cluster_role = {"kind": "ClusterRole", "metadata": {"name": "a"}}
    assert in_namespace(deployment(), "here")["metadata"]["namespace"] == "here"
    assert in_namespace(cluster_role, "here") == cluster_role


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "it holds no object"),
        (b"a: [", "it is not YAML"),
        (b"just words", "has no apiVersion, kind and metadata.name"),
        (b"kind: Service", "has no apiVersion, kind and metadata.name"),
        (b"\xff\xfe\x00", "it is not text in UTF-8"),
    ],
)
def test_a_file_that_holds_no_manifests_is_named(tmp_path: Path, text: bytes, says: str) -> None:
    file = tmp_path / "web.yaml"
    file.write_bytes(text)
    with pytest.raises(ManifestError) as error:
        read_manifests([file])
    assert str(file) in str(error.value)
    assert says in str(error.value)


def test_a_list_counts_as_its_items(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text("kind: List\napiVersion: v1\nitems: [{apiVersion: v1, kind: Service, metadata: {name: web}}]\n")
    assert [m["metadata"]["name"] for m in read_manifests([file])] == ["web"]
