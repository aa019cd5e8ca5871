"""A change of objects is written into their text, and nothing else of the text changes."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from harness.errors import ManifestError
from harness.manifests.kubectl_yaml import documents
from harness.manifests.read import Manifest
from harness.manifests.rewrite import rewritten

CONFIG = """# head
apiVersion: v1
kind: ConfigMap
metadata: {name: a}     # odd   spacing
data: { a:   "x", b: 0400 }
"""
WORKLOAD = """# Source: web
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  odd:
    date: 2026-01-31
    octal: 0400
    word: yes
    float: 1e3
    version: 1.10
    hex: 0x1F
    clock: 1:30
    equal: =
    quoted: "on"
    long: a line that is, indented as it has to be among all its items, longer than what an editor may have been set to
spec:
  template:
    spec:
      volumes:  # none
      containers:
        - name: web
          image: 'web:1'
          lifecycle:  # nothing yet
          args:
            - |
              a script
              of two lines
      # the end
"""


def with_hook(manifest: dict[str, Any]) -> dict[str, Any]:
    if manifest["kind"] != "Deployment":
        return manifest
    changed = deepcopy(manifest)
    for container in changed["spec"]["template"]["spec"]["containers"]:
        container["lifecycle"] = {"preStop": {"exec": {"command": ["sleep", "5", "on", "a\nb\n"]}}}
    return changed


STYLES = [
    "containers:\n- name: web\n  args:\n  - a\n  -   b\nother:  # odd\n    - x\n",
    "containers:\n    -   name: web\n        args:\n          - a\n          - b\nother: {a:  b}\n",
    "containers:\n  - name:   web\n    args: [a,  b]\nother:\n- x\n- y\n",
    "containers:\n  - name: web\n    env:\n      []\n    resources:\n      {}\n  \nother:\n  {}\nlast: ~\n",
]
"""A pod's spec in the styles that people write."""


@pytest.mark.parametrize("pod", STYLES)
@pytest.mark.parametrize("wide", [2, 4])
def test_lists_that_are_not_touched_keep_their_indents(pod: str, wide: int) -> None:
    head = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n"
    below = "".join(f"{' ' * wide * 3}{line}" for line in pod.splitlines(keepends=True))
    gap = " " * wide
    text = f"{head}{gap}name:   web\nspec:\n{gap}template:\n{gap * 2}spec:\n{below}"
    out = rewritten(text, with_hook, tried="reading it").splitlines()
    assert [line for line in text.splitlines() if line not in out] == []
    (name,) = (line for line in out if line.lstrip(" -").startswith("name:") and "- " in line)
    (new,) = (line for line in out if line.strip() == "lifecycle:")
    assert len(new) - len("lifecycle:") == name.index("name:")
    (deeper,) = (line for line in out if line.strip() == "preStop:")
    assert len(deeper) - len("preStop:") == name.index("name:") + wide


@pytest.mark.parametrize(
    ("written", "line"), [("\n\n{}", ""), ("{}\n\n", ""), ("\r\n{}\r\n", "\r"), ("{}", ""), ("{}# end\n", "")]
)
def test_what_surrounds_a_change_stays_as_it_is(written: str, line: str) -> None:
    own = (
        "apiVersion: v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: web}]}}}\n"
    )
    own += "status: null\nmore: null\n"
    text = written.format(own).replace("\r\n", "\n").replace("\n", f"{line}\n")

    def change(manifest: Manifest) -> Manifest:
        return {**manifest, "status": {"replicas": 1}}

    changed = f"status:{line}\n  replicas: 1{line}\n"
    assert rewritten(text, change, tried="reading it") == text.replace(f"status: null{line}\n", changed)


WRITTEN = """          lifecycle:  # nothing yet
            preStop:
              exec:
                command:
                  - sleep
                  - '5'
                  - 'on'
                  - |
                    a
                    b
"""


def test_what_is_new_stands_among_what_was_there_as_it_was_written() -> None:
    text = f"{CONFIG}--- # next\n{WORKLOAD}---\n{CONFIG}"
    expected = text.replace("          lifecycle:  # nothing yet\n", WRITTEN)
    assert rewritten(text, with_hook, tried="reading it") == expected


def test_items_of_a_list_are_changed_in_their_place() -> None:
    item = "    ".join(WORKLOAD.splitlines(keepends=True)[1:])
    text = f"kind: List  # of one\napiVersion: v1\nitems:\n  - {item}"
    expected = text.replace(
        "              lifecycle:  # nothing yet\n", "    ".join(["", *WRITTEN.splitlines(keepends=True)])
    )
    assert rewritten(text, with_hook, tried="reading it") == expected


@pytest.mark.parametrize("text", ["a: [", "just words", "kind: Deployment"])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ManifestError, match=r"reading it"):
        rewritten(text, with_hook, tried="reading it")


def test_where_an_alias_would_change_too_the_document_is_written_anew() -> None:
    text = WORKLOAD.replace("      volumes:  # none\n", "      volumes: [&v {name: a}]\n      affinity: *v\n")

    def change(manifest: dict[str, Any]) -> dict[str, Any]:
        changed = deepcopy(manifest)
        if manifest["kind"] != "Deployment":
            return changed
        changed["spec"]["template"]["spec"]["volumes"][0]["name"] = "b"
        return changed

    changed = rewritten(f"{CONFIG}---\n{text}", change, tried="reading it")
    assert changed.startswith(f"{CONFIG}---\n# Written anew, without its comments")
    _, after = documents(changed)
    (_, before) = documents(f"{CONFIG}---\n{text}")
    pod = after["spec"]["template"]["spec"]
    assert (pod["volumes"], pod["affinity"]) == ([{"name": "b"}], {"name": "a"})
    assert after["metadata"] == before["metadata"]


def test_what_only_libyaml_reads_is_written_anew() -> None:
    text = WORKLOAD.replace(
        "            - |\n              a script", "            - |\n        \n              a script"
    )
    changed = rewritten(text, with_hook, tried="reading it")
    (before,), (after,) = documents(text), documents(changed)
    assert after["metadata"] == before["metadata"]
    assert after["spec"]["template"]["spec"]["containers"][0]["args"] == ["\na script\nof two lines\n"]


def test_of_a_key_that_comes_twice_the_last_is_kept() -> None:
    text = WORKLOAD.replace("          image: 'web:1'\n", "          image: 'web:0'\n          image: 'web:1'\n")
    (after,) = documents(rewritten(text, with_hook, tried="reading it"))
    assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "web:1"


def test_a_key_that_ruamel_takes_for_another_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(*_: object) -> None:
        raise KeyError("lifecycle")

    monkeypatch.setattr("harness.manifests.rewrite._change", other)
    with pytest.raises(KeyError):  # of what is written anew every key is its own
        rewritten(WORKLOAD, with_hook, tried="reading it")
    calls = []

    def once(*of: object) -> None:
        calls.append(of)
        if len(calls) == 1:
            raise KeyError("lifecycle")
        change(*of)

    monkeypatch.undo()
    from harness.manifests.rewrite import _change as change

    monkeypatch.setattr("harness.manifests.rewrite._change", once)
    assert rewritten(WORKLOAD, with_hook, tried="reading it").startswith("# Written anew")


@pytest.mark.parametrize("indent", [None, 2])
def test_json_stays_json(indent: int | None) -> None:
    pod = {"containers": [{"name": "web", "ports": [{"containerPort": 80}]}]}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": pod}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [deployment]}

    def slower(manifest: Manifest) -> Manifest:
        return {**manifest, "spec": {**manifest["spec"], "minReadySeconds": 5}}

    changed = rewritten(json.dumps(listed, indent=indent), slower, tried="reading it")
    assert json.loads(changed) == {**listed, "items": [slower(deployment)]}


def test_a_flow_list_of_mappings_stays_one() -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: web}]\n  x: [{a: 1}]\n"
    changed = rewritten(text, lambda each: {**each, "spec": {**each["spec"], "more": 1}}, tried="reading it")
    assert changed == f"{text}  more: 1\n"
