"""The line of a field, by the path in which an API server and the readers name it."""

from __future__ import annotations

import pytest

from harness.manifests.located import Located, Unreadable, located_objects

TEXT = """\
# a comment
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata:
      name: of-shop
      annotations:
        a: "1"
        prometheus.io/path: /metrics
        prometheus.io: "2"
    data:
      a b: c
      a.b: c
  - apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      template:
        spec:
          initContainers:
            - name: first
              image: a
          containers:
            - name: web
              image: a
              env:
                - name: A
                - name: B
                  value: "1"
            - name: log
              image: b
"""
POD = "spec.template.spec"


@pytest.mark.parametrize(
    ("number", "path", "line"),
    [
        (0, "", 6),
        (0, "metadata.annotations.prometheus.io/path", 12),
        (0, "metadata.annotations.prometheus.io", 13),
        (0, "metadata.annotations.absent", 10),
        (0, "data[a b]", 15),
        (0, "data[a.b]", 16),
        (0, "data.a.b", 16),
        (0, "data[c d]", 14),
        (1, f"{POD}.containers[0].env[1].value", 32),
        (1, f"{POD}.containers[0].env[1].valueFrom", 31),
        (1, f"{POD}.containers[0].env[7].name", 29),
        (1, f"{POD}.containers[1].image", 34),
        (1, f"{POD}.containers[].image", 28),
        (1, f"{POD}.initContainers[0].image", 25),
        (1, "spec.replicas", 20),
    ],
)
def test_a_field_stands_on_its_line_or_on_that_of_the_innermost_that_is_there(
    number: int, path: str, line: int
) -> None:
    found = [each for each in located_objects(TEXT) if isinstance(each, Located)]
    assert found[number].line_of(path) == line


def test_the_container_that_is_meant_may_be_an_init_container() -> None:
    (_, web) = [each for each in located_objects(TEXT) if isinstance(each, Located)]
    assert [web.line_of(f"{POD}.containers[].image", name) for name in ("log", "first", "web")] == [34, 25, 28]


def test_a_field_of_another_shape_is_told_with_its_own_line() -> None:
    text = TEXT.replace("                - name: B\n", "                - 5\n                - name: B\n")
    (wrong,) = [each for each in located_objects(text) if isinstance(each, Unreadable)]
    assert (wrong.line, wrong.refused, wrong.do) == (31, True, "Kubernetes would refuse it.")
    assert wrong.why == f"Deployment web: {POD}.containers[0].env[1] is 5, where a mapping is wanted"
