"""Files become objects as kubectl would send them: null is absent, and what only a server sets is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from harness.errors import ManifestError
from harness.manifests.as_applied import as_applied
from harness.manifests.read import read_manifests


def read(tmp_path: Path, text: str | bytes) -> tuple[dict[str, Any], ...]:
    file = tmp_path / "web.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_manifests([file])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "it holds no object"),
        (b"a: [", "it is not YAML"),
        (b"just words", "has no apiVersion, kind and metadata.name"),
        (b"kind: Service", "object 1 in it has no apiVersion and metadata.name"),
        (b"\xff\xfe\x00", "it is not text in UTF-8"),
        (b"kind: List\napiVersion: v1\nitems: [1]", "object 1 in it has no apiVersion"),
        (
            b"kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\nresources: [web.yaml]",
            "is a Kustomization, which says of what manifests are built. Build them first: kubectl kustomize FOLDER",
        ),
    ],
)
def test_a_file_that_holds_no_manifests_is_named(tmp_path: Path, text: bytes, says: str) -> None:
    with pytest.raises(ManifestError) as error:
        read(tmp_path, text)
    assert str(tmp_path / "web.yaml") in str(error.value)
    assert says in str(error.value)


def test_a_list_counts_as_its_items_and_a_typed_one_gives_them_its_kind(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "{kind: List, apiVersion: v1, items: [{apiVersion: v1, kind: Service, metadata: {name: a}},"
        " {kind: DeploymentList, apiVersion: apps/v1, items: [{metadata: {name: b}}]}]}",
    )
    assert [(m["apiVersion"], m["kind"], m["metadata"]["name"]) for m in found] == [
        ("v1", "Service", "a"),
        ("apps/v1", "Deployment", "b"),
    ]


def test_an_empty_list_and_empty_documents_hold_nothing(tmp_path: Path) -> None:
    text = "---\n# nothing\n---\n{kind: List, apiVersion: v1, items: []}\n---\n"
    with pytest.raises(ManifestError, match="it holds no object"):
        read(tmp_path, text)


def test_a_list_whose_items_are_null_is_an_empty_one(tmp_path: Path) -> None:
    """As charts render it where a loop ran over nothing."""
    text = "{kind: List, apiVersion: v1, items: null}\n---\n{kind: Service, apiVersion: v1, metadata: {name: a}}"
    assert [m["metadata"]["name"] for m in read(tmp_path, text)] == ["a"]


def test_of_an_object_that_comes_twice_the_last_counts(tmp_path: Path) -> None:
    def text(*objects: tuple[str, str, str]) -> str:
        form = "{{apiVersion: {}, kind: ReplicaSet, metadata: {{name: web}}, spec: {{{}}}}}"
        return "\n---\n".join(
            [form.format(version, spec).replace("name: web", name) for version, name, spec in objects]
        )

    found = read(
        tmp_path,
        text(
            ("apps/v1", "name: web", "replicas: 2"),
            ("apps/v1", "name: api", "replicas: 1"),
            ("apps/v1", "name: web", "replicas: 3"),
            ("apps/v1", "name: web, namespace: other", "replicas: 4"),
            ("extensions/v1beta1", "name: web", "replicas: 5"),
        ),
    )
    assert [(m["metadata"]["name"], m["spec"]["replicas"]) for m in found] == [
        ("web", 3), ("api", 1), ("web", 4), ("web", 5)
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "Service"])
def test_what_is_measured_must_not_come_twice(tmp_path: Path, kind: str) -> None:
    """Not even where both are equal: one that is mended later, and not the other, would go unseen."""
    twice = f"{{apiVersion: v1, kind: {kind}, metadata: {{name: web}}}}"
    with pytest.raises(ManifestError, match=rf"{kind} web comes twice: it has 2 of them\. Which is meant\?"):
        read(tmp_path, f"{twice}\n---\n{twice}")
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(twice)
    with pytest.raises(ManifestError, match=r"reading .*b\.yaml: .* stands in .*a\.yaml already, so there are 2"):
        read_manifests([tmp_path / "a.yaml", tmp_path / "b.yaml"])


def test_a_generated_name_is_one_that_no_other_has(tmp_path: Path) -> None:
    job = "{apiVersion: batch/v1, kind: Job, metadata: {generateName: migrate-}}"
    found = read(tmp_path, f"{job}\n---\n{job}")
    assert [m["metadata"] for m in found] == [{"name": "migrate-00000"}, {"name": "migrate-00001"}]


def test_json_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    (found,) = read(tmp_path, b'\xef\xbb\xbf{"apiVersion": "v1",\n\t"kind": "Service",\n\t"metadata": {"name": "a"}}')
    assert found["metadata"] == {"name": "a"}


def manifest(text: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(text)
    return found


def test_null_is_absent_in_fields_empty_text_in_labels_and_keeps_its_place_in_lists() -> None:
    sent = as_applied(
        manifest(
            """
            kind: Deployment
            metadata: {name: web, annotations: , labels: {a: }}
            spec: {replicas: , template: {spec: {initContainers: , containers: [{name: web, lifecycle: , args: [~]}]}}}
            """
        )
    )
    assert sent == {
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": {"a": ""}},
        "spec": {"template": {"spec": {"containers": [{"name": "web", "args": [None]}]}}},
    }


SERVER_SET = (
    "uid: 0b1c, resourceVersion: '12', generation: 7, creationTimestamp: '2026-01-01T00:00:00Z', selfLink: /x, "
    "managedFields: [{manager: kubectl}], deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30, "
    "ownerReferences: [{uid: 1}], finalizers: [a/b]"
)


@pytest.mark.parametrize(
    ("exported", "sent"),
    [
        (
            "{kind: Deployment, metadata: {name: a, annotations: {deployment.kubernetes.io/revision: '3', mine: x}, "
            f"{SERVER_SET}}}, spec: {{replicas: 2}}, status: {{replicas: 2}}}}",
            "{kind: Deployment, metadata: {name: a, annotations: {mine: x}}, spec: {replicas: 2}}",
        ),
        (
            f"{{kind: Service, metadata: {{name: a, {SERVER_SET}}}, "
            "spec: {clusterIP: 10.0.0.7, clusterIPs: [10.0.0.7], ipFamilies: [IPv4], ipFamilyPolicy: SingleStack, "
            "healthCheckNodePort: 31000, ports: [{port: 80, nodePort: 31234}]}, status: {loadBalancer: {}}}",
            "{kind: Service, metadata: {name: a}, spec: {ports: [{port: 80}]}}",
        ),
        (
            f"{{kind: Service, metadata: {{name: a, {SERVER_SET}}}, spec: {{clusterIP: None, clusterIPs: [None]}}}}",
            "{kind: Service, metadata: {name: a}, spec: {clusterIP: None, clusterIPs: [None]}}",
        ),
        (
            "{kind: PersistentVolumeClaim, metadata: {name: a, annotations: {pv.kubernetes.io/bind-completed: 'yes'}, "
            f"{SERVER_SET}}}, spec: {{volumeName: pvc-1, accessModes: [a]}}}}",
            "{kind: PersistentVolumeClaim, metadata: {name: a, annotations: {}}, spec: {accessModes: [a]}}",
        ),
        (
            f"{{kind: Job, metadata: {{name: a, {SERVER_SET}}}, spec: {{selector: {{matchLabels: {{x: y}}}}, "
            "template: {metadata: {labels: {controller-uid: '1', job-name: a, mine: x}}}}}",
            "{kind: Job, metadata: {name: a}, spec: {template: {metadata: {labels: {mine: x}}}}}",
        ),
    ],
)
def test_an_export_can_be_applied_elsewhere(exported: str, sent: str) -> None:
    assert as_applied(manifest(exported)) == manifest(sent)


def test_an_address_from_a_cluster_goes_where_the_metadata_of_the_export_were_tidied() -> None:
    tidied = manifest("{kind: Service, metadata: {name: a}, spec: {clusterIP: 10.0.0.7, clusterIPs: [10.0.0.7]}}")
    assert as_applied(tidied) == manifest("{kind: Service, metadata: {name: a}, spec: {}}")


def test_what_somebody_wrote_stays() -> None:
    written = (
        "{kind: Service, metadata: {name: a, finalizers: [a/b]}, "
        "spec: {clusterIP: 10.0.0.7, ports: [{port: 80, nodePort: 31234}]}}"
    )
    assert as_applied(manifest(written)) == manifest(written)


def test_what_was_read_stays_as_it_was() -> None:
    written = manifest("{kind: Service, metadata: {name: a, uid: b}, spec: {clusterIP: 10.0.0.7, ports: }}")
    before = manifest("{kind: Service, metadata: {name: a, uid: b}, spec: {clusterIP: 10.0.0.7, ports: }}")
    as_applied(written)
    assert written == before
