"""`mitigate` prints the manifests with what was asked for, and says on standard error what it left as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from program import called

WORKLOAD = """apiVersion: {version}
kind: {kind}
metadata: {{name: {name}}}
spec:
  minReadySeconds: 10
  template:
    spec:
      containers:
        - name: web
          image: web:1
          lifecycle: {{preStop: {{exec: {{command: [{command}]}}}}}}
"""


def workload(kind: str, name: str, *command: str, version: str = "apps/v1") -> str:
    return WORKLOAD.format(kind=kind, name=name, version=version, command=", ".join(f'"{word}"' for word in command))


def mitigate(*arguments: str, given: str = "") -> tuple[int, str, str]:
    said = called("mitigate", *arguments, given_text=given)
    return said.code, said.out, said.err


def test_hooks_go_on_doing_what_they_do_and_what_was_left_alone_is_said(tmp_path: Path) -> None:
    text = "---\n".join(
        [
            "# what is no workload stays\napiVersion: v1\nkind: Service\nmetadata: {name:  front}\n",
            workload("StatefulSet", "cassandra", "/bin/sh", "-c", "nodetool drain"),
            workload("Deployment", "ingress", "/wait-shutdown"),
            workload("DaemonSet", "logs", "sleep", "1"),
            workload("Rollout", "shop", "sleep", "1", version="argoproj.io/v1alpha1"),
        ]
    )
    file = tmp_path / "all.yaml"
    file.write_text(text)
    code, out, err = mitigate(str(file), "--prestop", "5s", "--min-ready", "5s")
    hook = '"nodetool drain"]}}}\n'
    expected = text.replace(hook, '"sleep 5; nodetool drain"]}}}\n      terminationGracePeriodSeconds: 35\n')
    assert (code, out) == (0, expected)
    assert err.splitlines() == [
        "StatefulSet cassandra: its minReadySeconds stays at 10, which is more than 5",
        "Deployment ingress: the preStop hook of container web (exec /wait-shutdown) stays as it is, for no shell is "
        "known in its image that could sleep before it: let it sleep 5 s first",
        "Deployment ingress: its minReadySeconds stays at 10, which is more than 5",
        "left as they are, for only Deployments and StatefulSets are changed: DaemonSet logs, Rollout shop",
    ]


def test_twice_is_once_and_standard_input_is_read() -> None:
    given = workload("Deployment", "web", "/bin/sh", "-c", "drain")
    code, once, _ = mitigate("-", "--prestop", "5s", "--grace", "40s", given=given)
    assert (code, "sleep 5; drain" in once) == (0, True)
    assert mitigate("-", "--prestop", "5s", "--grace", "40s", given=once)[:2] == (0, once)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", "nothing was changed: there is no workload in it"),
        ("apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {jobTemplate: {}}\n", "changed: CronJob a"),
    ],
)
def test_a_file_without_a_workload_is_said_to_have_none(given: str, says: str) -> None:
    code, out, err = mitigate("-", "--prestop", "5s", given=given)
    assert (code, out) == (0, given)
    assert says in err


@pytest.mark.parametrize("given", ["a: [", "kind: Deployment", "just words"])
def test_what_is_no_manifest_is_one_clear_line(given: str) -> None:
    code, out, err = mitigate("-", "--prestop", "5s", given=given)
    assert (code, out) == (2, "")
    assert "reading -: " in err
    assert "Traceback" not in err
