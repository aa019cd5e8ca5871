"""Strategic merge patches."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.apiserver.api_errors import StatusError
from harness.sandbox.apiserver.strategic import strategic


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers), **spec}}


WEB, SIDE = {"name": "web", "image": "a", "env": [{"name": "X", "value": "1"}]}, {"name": "side", "image": "b"}


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        (pod(WEB, SIDE), pod({"name": "side", "image": "c"}), pod(WEB, {"name": "side", "image": "c"})),
        (pod(WEB), pod(SIDE), pod(WEB, SIDE)),
        (pod(WEB, SIDE), pod({"name": "web", "$patch": "delete"}), pod(SIDE)),
        (pod(WEB, SIDE), pod({"$patch": "replace"}, SIDE), pod(SIDE)),
        (pod(WEB), pod({"name": "web", "env": [{"name": "Y", "value": "2"}]}),
         pod({**WEB, "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]})),
        (pod(WEB), pod({"name": "web", "command": ["a", "b"]}), pod({**WEB, "command": ["a", "b"]})),
        (pod(WEB, nodeName="n"), {"spec": {"nodeName": None}}, pod(WEB)),
        (pod(WEB, SIDE), {"spec": {"$setElementOrder/containers": [{"name": "side"}, {"name": "web"}]}},
         pod(SIDE, WEB)),
        (pod(WEB, volumes=[{"name": "v", "emptyDir": {}}]),
         {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/"}}]}},
         pod(WEB, volumes=[{"name": "v", "hostPath": {"path": "/"}}])),
        ({"metadata": {"finalizers": ["a", "b"]}}, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}},
         {"metadata": {"finalizers": ["b"]}}),
        ({"metadata": {"finalizers": ["a"]}}, {"metadata": {"finalizers": ["b"]}},
         {"metadata": {"finalizers": ["a", "b"]}}),
        ({"status": {"conditions": [{"type": "Ready", "status": "False"}, {"type": "Initialized", "status": "True"}]}},
         {"status": {"conditions": [{"type": "Ready", "status": "True"}]}},
         {"status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Initialized", "status": "True"}]}}),
    ],
)  # fmt: skip
def test_strategic_patches_merge_lists_by_their_keys(target: Any, patch: Any, expected: Any) -> None:
    assert strategic("V1Pod", target, patch) == expected


def test_a_strategy_is_replaced_where_the_patch_says_which_keys_stay() -> None:
    target = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic("V1Deployment", target, patch) == {"spec": {"strategy": {"type": "Recreate"}}}


def test_an_element_without_its_key_and_an_unknown_directive_are_refused() -> None:
    for patch in (pod({"image": "x"}), {"spec": {"$patch": "shuffle"}}):
        with pytest.raises(StatusError) as refused:
            strategic("V1Pod", pod(WEB), patch)
        assert refused.value.code == 400


TAINTS = [{"key": "a", "effect": "NoSchedule"}, {"key": "b", "effect": "NoSchedule"}]


@pytest.mark.parametrize(
    ("type_name", "target", "patch", "expected"),
    [
        ("V1Node", {"spec": {"taints": TAINTS}}, {"spec": {"taints": TAINTS[:1]}}, {"spec": {"taints": TAINTS[:1]}}),
        ("V1Node", {"spec": {"podCIDRs": ["a"]}}, {"spec": {"podCIDRs": ["b"]}}, {"spec": {"podCIDRs": ["a", "b"]}}),
        ("V1PodDisruptionBudget", {"spec": {"selector": {"matchLabels": {"a": "1"}}}},
         {"spec": {"selector": {"matchLabels": {"b": "2"}}}}, {"spec": {"selector": {"matchLabels": {"b": "2"}}}}),
        ("V1Job", {"status": {"conditions": [{"type": "A"}]}}, {"status": {"conditions": [{"type": "B"}]}},
         {"status": {"conditions": [{"type": "A"}, {"type": "B"}]}}),
        ("V1EndpointSlice", {"ports": [{"port": 1}]}, {"ports": [{"port": 2}]}, {"ports": [{"port": 2}]}),
    ],
)  # fmt: skip
def test_lists_without_a_merge_key_in_the_api_are_replaced(
    type_name: str, target: Any, patch: Any, expected: Any
) -> None:
    assert strategic(type_name, target, patch) == expected


@pytest.mark.parametrize(
    "directive", ["$retainKeys", "$deleteFromPrimitiveList/containers", "$setElementOrder/volumes"]
)
def test_directives_that_name_no_list_are_refused(directive: str) -> None:
    with pytest.raises(StatusError) as refused:
        strategic("V1Pod", pod(WEB, volumes=[{"name": "v"}]), {"spec": {directive: 7}})
    assert refused.value.code == 400
