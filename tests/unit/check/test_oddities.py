"""Fields that Kubernetes does not know, and keys that stand twice: told with their line, and ignored like a rule."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.check.command import check, command

TEXT = """\
# of the shop
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replica: 3
  replicas: 2
  replicas: 3
  minReadySeconds: 5
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: web:1
          ports: [{containerPort: 8080}]
          readynessProbe: {tcpSocket: {port: 8080}}
          readinessProbe: {tcpSocket: {port: 8080}}
          lifecycle: {preStop: {sleep: {seconds: 5}}}
"""


def test_each_stands_on_its_line_and_is_no_error() -> None:
    found = check(given=TEXT)
    assert [(one["rule"], one["severity"], one["line"], one["found"]) for one in found.findings] == [
        ("unknown-field", "warning", 7, 'unknown field "spec.replica"; did you mean replicas?'),
        ("repeated-key", "warning", 9, "'replicas' stands in line 8 already"),
        (
            "unknown-field",
            "warning",
            19,
            'unknown field "spec.template.spec.containers[0].readynessProbe"; did you mean readinessProbe?',
        ),
    ]
    assert found.code == 0


def test_one_is_ignored_with_a_reason() -> None:
    ignored = TEXT.replace("  replica: 3\n", "  replica: 3  # rollout-harness: ignore unknown-field of an operator\n")
    found = check(given=ignored)
    assert [(one["rule"], one["ignored"] or "") for one in found.findings] == [
        ("unknown-field", "of an operator"),
        ("repeated-key", ""),
        ("unknown-field", "of an operator"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: shop.example/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {any: thing}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, managedFields: [{f:a: b}]}\nstatus: {any: thing}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: &a {name: a}\ndata: {a: b}\n",
    ],
    ids=["a custom kind", "what a server sets", "an anchor"],
)
def test_nothing_is_told_of_what_is_as_it_may_be(text: str) -> None:
    assert check(given=text).findings == []


def test_mitigate_says_them_beside_what_it_prints() -> None:
    done = command("mitigate", "-", "--prestop", "9s", given=TEXT)
    assert (done.code, "seconds: 9" in done.out) == (0, True)
    said = [line for line in done.error.splitlines() if line.startswith("mind: Deployment web, line ")]
    assert [line.rpartition(" (")[2] for line in said] == [
        'unknown field "spec.replica"; did you mean replicas?)',
        'unknown field "spec.template.spec.containers[0].readynessProbe"; did you mean readinessProbe?)',
        "'replicas' stands in line 8 already)",
    ]


def test_a_file_whose_name_is_not_utf_8_is_named_in_every_format(tmp_path: Path) -> None:
    (tmp_path / "web\udcff.yaml").write_text(TEXT)
    done = check(str(tmp_path), form="sarif")
    (run,) = json.loads(done.out)["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("/web%FF.yaml")
    for form in ("json", "text", "github"):
        assert check(str(tmp_path), form=form).code == 0
