"""What an API server refuses is told by `check`, `mitigate` and a dry run in the same words, with its line, and ends
them with the same exit code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from program import called

from harness.clusters.api_rules import refusals
from harness.manifests.as_applied import as_applied
from harness.manifests.read import read_manifests

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  minReadySeconds: 5
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: nginx:1.29.1
          ports: [{name: http, containerPort: 80}]
          readinessProbe: {httpGet: {path: /, port: http}}
          lifecycle: {preStop: {sleep: {seconds: 5}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
    - port: 80
      targetPort: http
"""
EXPERIMENT = """\
version: 1
name: shop
manifests: [web.yaml]
target: deployment/web
service: {name: web, port: 80}
load: {new: {rate: 10}}
cluster: {sandbox: {}}
"""
# What is changed, the line on which it is wrong then, and what is said of it.
REFUSED = [
    pytest.param(
        "          ports: [{name: http,",
        "          env: [{name: A=B}]\n          ports: [{name: http,",
        14,
        'spec.template.spec.containers[0].env[0].name: Invalid value: "A=B": a valid environment variable name',
        id="a rule",
    ),
    pytest.param(
        "      labels: {app: web}\n",
        "      labels: {app: web}\n      annotations:\n        prometheus.io/scrape: true\n",
        11,
        "spec.template.metadata.annotations.prometheus.io/scrape is true, as YAML reads y, yes and on without quotes, "
        "where text is wanted",
        id="a type, of what is read",
    ),
    pytest.param(
        "      labels: {app: web}\n",
        "      labels: {app: web}\n      annotations:\n        a b: c\n",
        10,
        'spec.template.annotations: Invalid value: "a b": name part must consist of',
        id="a rule, of what the server calls otherwise",
    ),
    pytest.param(
        "    spec:\n",
        "    spec:\n      priorityClassName: 1\n",
        11,
        "spec.template.spec.priorityClassName is 1, a number without quotes, where text is wanted",
        id="a type, of what is not",
    ),
    pytest.param(
        "  ports:\n",
        "  ports:\n    - port: 81\n",
        24,
        "spec.ports[0].name: Required value; spec.ports[1].name: Required value",
        id="two of another object",
    ),
    pytest.param(
        "      targetPort: http\n",
        "      targetPort: http\n---\napiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: green}\n",
        28,
        "there is no kind 'Deploymnet' in apps/v1; did you mean Deployment?",
        id="a kind",
    ),
    pytest.param(
        "kind: Deployment",
        "kind: deployment",
        2,
        "there is no kind 'deployment' in apps/v1; did you mean Deployment?",
        id="the kind of the target",
    ),
]


def refused(folder: Path, old: str, new: str) -> Path:
    assert WEB.count(old) == 1
    (folder / "web.yaml").write_text(WEB.replace(old, new))
    (folder / "experiment.yaml").write_text(EXPERIMENT)
    return folder / "web.yaml"


@pytest.mark.parametrize(("old", "new", "line", "says"), REFUSED)
def test_each_command_says_the_same_of_the_same_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, line: int, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = refused(tmp_path, old, new)
    for words in (("run", "--dry-run", "experiment.yaml"), ("mitigate", "web.yaml", "--for", "unknown")):
        said = called(*words)
        assert (said.code, said.out) == (2, ""), said
        assert f"web.yaml:{line}" in said.err
        assert says in said.err
        assert "Kubernetes would refuse it." in said.err
    checked = called("check", "web.yaml")
    assert checked.code == 2, checked.out
    first, *more = says.split("; spec")
    assert re.search(rf"web\.yaml:{line}: error: cannot be checked: \w+ \w+: {re.escape(first)}", checked.out)
    assert all(words in checked.out for words in more)
    piped = called("check", "-", given_text=file.read_text())
    assert (piped.code, piped.out) == (2, checked.out.replace("web.yaml:", "standard-input:"))
    piped = called("mitigate", "-", given_text=file.read_text())
    assert f"standard-input:{line}" in piped.err


def test_what_only_lacks_something_is_a_part_where_it_was_found_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(WEB)
    patch = tmp_path / "patch.yaml"
    patch.write_text("apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: NodePort}\n")
    said = called("check", str(tmp_path))
    assert "Service web is not whole (spec.ports: Required value), as a patch of kustomize" in said.out
    assert "cannot be checked" not in said.out
    said = called("check", str(patch))
    assert (said.code, f"{patch}:4: error: cannot be checked: Service web: spec.ports: Req" in said.out) == (2, True)


def test_of_very_many_fields_of_an_object_the_first_are_told_and_how_many_there_are() -> None:
    keys = "".join(f"  a {number}: b\n" for number in range(200))
    said = called("check", "-", given_text=f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n{keys}")
    *lines, more, _ = said.out.splitlines()
    assert (said.code, len(lines)) == (2, 10)
    words = "ConfigMap a: 190 more of its fields, data[a 10] and what follows"
    assert more == f"standard-input:15: error: cannot be checked: {words}"


def test_a_mitigation_may_be_what_cures_it(tmp_path: Path) -> None:
    file = refused(tmp_path, "seconds: 5}", "seconds: 31}")
    assert called("mitigate", str(file), "--min-ready", "5s").code == 2
    assert called("mitigate", str(file), "--grace", "40s").code == 0


PRINTED = """\
apiVersion: v1
kind: List
metadata: {resourceVersion: ""}
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    annotations: {deployment.kubernetes.io/revision: "1"}
    creationTimestamp: "2026-01-02T15:04:05Z"
    generation: 1
    managedFields: [{apiVersion: apps/v1, fieldsType: FieldsV1, fieldsV1: {f:spec: {}}, manager: a, operation: Apply}]
    name: web
    namespace: shop
    resourceVersion: "7"
    uid: 11d63dd1-6a67-4a9a-9a3b-6a5b9a1f0a3b
  spec:
    replicas: 2
    selector: {matchLabels: {app: web}}
    template:
      metadata: {creationTimestamp: null, labels: {app: web}}
      spec:
        containers: [{name: web, image: "nginx:1.29.1", ports: [{containerPort: 80}], resources: {}}]
  status: {availableReplicas: 2, conditions: [{type: Available, status: "True"}]}
- apiVersion: v1
  kind: Service
  metadata: {name: web, namespace: shop, resourceVersion: "8", uid: 11d63dd1-6a67-4a9a-9a3b-6a5b9a1f0a3c}
  spec:
    clusterIP: 10.96.0.17
    clusterIPs: [10.96.0.17]
    ipFamilies: [IPv4]
    ipFamilyPolicy: SingleStack
    ports: [{nodePort: 30080, port: 80, protocol: TCP, targetPort: 80}]
    selector: {app: web}
    type: NodePort
  status: {loadBalancer: {}}
- apiVersion: batch/v1
  kind: Job
  metadata: {name: once, namespace: shop, uid: 11d63dd1-6a67-4a9a-9a3b-6a5b9a1f0a3d}
  spec:
    selector: {matchLabels: {batch.kubernetes.io/controller-uid: 11d63dd1-6a67-4a9a-9a3b-6a5b9a1f0a3d}}
    template:
      metadata: {labels: {batch.kubernetes.io/controller-uid: 11d63dd1-6a67-4a9a-9a3b-6a5b9a1f0a3d}}
      spec: {restartPolicy: Never, containers: [{name: once, image: busybox}]}
- apiVersion: monitoring.coreos.com/v1
  kind: ServiceMonitor
  metadata: {name: web, namespace: shop}
  spec: {endpoints: [{port: 80}], interval: true}
"""


def test_what_a_cluster_printed_is_taken_and_a_kind_that_is_not_known_is_said_to_be(tmp_path: Path) -> None:
    said = called("check", "-", given_text=PRINTED)
    assert (said.code, "cannot be checked" in said.out) == (1, False), said.out
    assert "no-readiness-probe: Deployment shop/web" in said.out
    assert "ServiceMonitor shop/web is no Deployment and no StatefulSet" in said.out
    assert called("mitigate", "-", "--for", "unknown", given_text=PRINTED).code == 0
    (file := tmp_path / "all.yaml").write_text(PRINTED)
    assert [refusals(as_applied(each)) for each in read_manifests([file])] == [(), (), (), ()]
