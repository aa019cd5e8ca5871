"""Run directories become CI artifacts: nothing secret may be in them, and what is equal stays recognisable as equal."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.redaction import Redaction

SECRET = "hunter2!"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@pytest.fixture
def door() -> Redaction:
    return Redaction()


def pod(**container: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "nginx", **container}]}}


def container(cleaned: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = cleaned["spec"]["containers"][0]
    return found


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_values_of_environment_variables_go_and_their_names_stay(door: Redaction) -> None:
    cleaned = container(door.object(pod(env=[{"name": "A", "value": SECRET}, {"name": "B", "valueFrom": {"a": 1}}])))
    assert cleaned["env"] == [{"name": "A", "value": door.digest(SECRET)}, {"name": "B", "valueFrom": {"a": 1}}]


def test_equal_values_look_equal_through_one_door_and_show_nothing_else() -> None:
    one, other = Redaction(), Redaction()
    assert one.digest(SECRET) == one.digest(SECRET) != one.digest("other")
    assert one.digest(SECRET) != other.digest(SECRET)  # keyed: nobody can try passwords against it
    assert Redaction(b"key").digest(SECRET) == "<redacted hmac:2a3152cb>"
    assert one.digest(one.digest(SECRET)) == one.digest(SECRET)


def test_the_data_of_secrets_goes_and_equals_what_was_made_of_it(door: Redaction) -> None:
    cleaned = door.object({"kind": "Secret", "data": {"a": base64_of(SECRET)}, "stringData": {"b": SECRET}})
    assert cleaned["data"] == {"a": door.digest(SECRET)}
    assert cleaned["stringData"] == {"b": door.digest(SECRET)}
    assert door.object({"kind": "ConfigMap", "data": {"a": "b"}})["data"] == {"a": "b"}


def test_a_secret_in_a_list_is_one(door: Redaction) -> None:
    cleaned = door.object({"kind": "List", "items": [{"kind": "Secret", "data": {"a": base64_of(SECRET)}}]})
    assert cleaned["items"][0]["data"] == {"a": door.digest(SECRET)}


def test_last_applied_configurations_and_managed_fields_go(door: Redaction) -> None:
    cleaned = door.object(
        {"kind": "Pod", "metadata": {"annotations": {LAST_APPLIED: SECRET, "a": "b"}, "managedFields": [{}]}}
    )
    assert cleaned["metadata"] == {"annotations": {LAST_APPLIED: door.digest(SECRET), "a": "b"}}


def test_what_is_secret_in_a_last_applied_configuration_is_known_elsewhere(door: Redaction) -> None:
    applied = json.dumps(pod(env=[{"name": "A", "value": SECRET}]))
    door.object({"kind": "Pod", "metadata": {"annotations": {LAST_APPLIED: applied}}})
    assert door.text(f"it said {SECRET}") == f"it said {door.digest(SECRET)}"


def test_of_managed_fields_stays_who_how_and_when(door: Redaction) -> None:
    entry = {"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-02T03:04:05Z"}
    managed = [entry | {"fieldsV1": {"f:spec": SECRET}}]
    cleaned = door.object({"kind": "Service", "metadata": {"managedFields": managed}})
    assert cleaned["metadata"] == {"managedFields": [entry]}


@pytest.mark.parametrize("name", ["Authorization", "COOKIE", "X-Api-Key", "X-Anything"])
def test_headers_of_probes_go(door: Redaction, name: str) -> None:
    headers = [{"name": name, "value": SECRET}, {"name": "Host", "value": "shop"}]
    cleaned = container(door.object(pod(readinessProbe={"httpGet": {"path": "/", "httpHeaders": headers}})))
    assert cleaned["readinessProbe"]["httpGet"]["httpHeaders"] == [
        {"name": name, "value": door.digest(SECRET)},
        {"name": "Host", "value": "shop"},
    ]


@pytest.mark.parametrize("name", ["Authorization", "Cookie", "X-Api-Key", "X-Auth-Request"])
def test_headers_that_a_route_or_a_middleware_sets_go(door: Redaction, name: str) -> None:
    headers = [{"name": name, "value": SECRET}, {"name": "X-Shard", "value": "blue-1"}]
    route = {"kind": "HTTPRoute", "spec": {"rules": [{"filters": [{"requestHeaderModifier": {"set": headers}}]}]}}
    kept = door.object(route)["spec"]["rules"][0]["filters"][0]["requestHeaderModifier"]["set"]
    assert kept == [{"name": name, "value": door.digest(SECRET)}, headers[1]]
    middleware = {"kind": "Middleware", "spec": {"headers": {"customRequestHeaders": {name: SECRET, "X-Shard": "b"}}}}
    found = door.object(middleware)["spec"]["headers"]["customRequestHeaders"]
    assert found == {name: door.digest(SECRET), "X-Shard": "b"}


def test_commands_go_but_what_the_judge_reads_of_a_hook_stays(door: Redaction) -> None:
    line = (
        f"curl -u shop:{SECRET} localhost/drain; curl -H 'Authorization: Bearer {SECRET}' --token={SECRET} b; sleep 7"
    )
    hooks = {
        "preStop": {"exec": {"command": ["sh", "-c", line]}},
        "postStart": {"exec": {"command": ["drain", "--password", "abc", "--port", "80"]}},
    }
    cleaned = container(door.object(pod(command=["run", SECRET], args=[SECRET], lifecycle=hooks)))
    assert cleaned["command"] == [door.digest("run"), door.digest(SECRET)]
    assert cleaned["args"] == [door.digest(SECRET)]
    shown = cleaned["lifecycle"]["preStop"]["exec"]["command"][2]
    assert shown.startswith("curl -u <redacted ")
    assert shown.endswith(" b; sleep 7")
    assert cleaned["lifecycle"]["postStart"]["exec"]["command"] == [
        "drain", "--password", door.digest("abc"), "--port", "80",
    ]  # fmt: skip
    assert SECRET not in json.dumps(cleaned)


def test_a_sleep_stays_wherever_it_stands(door: Redaction) -> None:
    probe = {"exec": {"command": ["sleep", "12"]}}
    assert container(door.object(pod(livenessProbe=probe)))["livenessProbe"] == probe


@pytest.mark.parametrize("name", ["DB_PASSWORD", "api-key", "auth.token"])
def test_a_value_under_a_name_that_says_so_goes_from_config_maps_and_annotations(door: Redaction, name: str) -> None:
    cleaned = door.object(
        {"kind": "ConfigMap", "metadata": {"annotations": {name: SECRET}}, "data": {name: SECRET, "a": "b"}}
    )
    assert cleaned["data"] == {name: door.digest(SECRET), "a": "b"}
    assert cleaned["metadata"]["annotations"] == {name: door.digest(SECRET)}


def test_what_the_judge_goes_by_stays_though_a_variable_is_equal_to_it(door: Redaction) -> None:
    """A setting may be called as a pod, a phase or an image is: that must turn no verdict."""
    values = ["web-frontend", "Terminating9", "registry/web-frontend:1.0", "10.244.0.17", "web-frontend-7d9f-x2x4z"]
    before = {
        "kind": "Pod",
        "metadata": {"name": "web-frontend-7d9f-x2x4z", "labels": {"app": "web-frontend"}, "uid": values[1]},
        "spec": {"containers": [{"name": "web-frontend", "image": values[2]}]},
        "status": {"phase": values[1], "podIP": values[3], "conditions": [{"type": values[1], "reason": values[1]}]},
    }
    door.learn_manifests([pod(env=[{"name": f"A{n}", "value": value} for n, value in enumerate(values)])])
    assert door.object(before) == before


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_a_key_of_the_users_own_makes_no_name_of_a_secret(door: Redaction, kind: str) -> None:
    tables = {"kind": kind, "stringData": {"name": SECRET, "key": SECRET}, "data": {"type": base64_of(SECRET)}}
    door.learn_manifests([tables])
    assert door.text(f"it said {SECRET}") == f"it said {door.digest(SECRET)}"


def test_what_a_spec_refers_to_stays_what_it_refers_to(door: Redaction) -> None:
    gate, port = "example.com/balanced", "http-metrics"
    spec = {"readinessGates": [{"conditionType": gate}], "containers": [{"name": "a", "ports": [{"name": port}]}]}
    pods = {"kind": "Pod", "spec": spec, "status": {"conditions": [{"type": gate, "status": "True"}]}}
    door.learn_manifests([pod(env=[{"name": "A", "value": gate}, {"name": "B", "value": port}])])
    assert door.object(pods) == pods
    assert door.object({"kind": "Service", "spec": {"ports": [{"targetPort": port}]}})["spec"]["ports"] == [
        {"targetPort": port}
    ]


def test_a_message_of_a_status_that_holds_nothing_else_is_read(door: Redaction) -> None:
    door.learn(SECRET)
    cleaned = door.object({"kind": "Pod", "status": {"phase": "Failed", "message": f"said {SECRET}"}})
    assert cleaned["status"] == {"phase": "Failed", "message": f"said {door.digest(SECRET)}"}


def test_the_object_itself_stays_as_it_was(door: Redaction) -> None:
    given_object = pod(env=[{"name": "TOKEN", "value": SECRET}])
    door.object(given_object)
    assert given_object == pod(env=[{"name": "TOKEN", "value": SECRET}])


_KEYS = (
    "env",
    "value",
    "name",
    "command",
    "args",
    "data",
    "stringData",
    "annotations",
    "labels",
    "status",
    "lifecycle",
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["kind", "data", "spec", "metadata"]), json_values))
def test_any_object_is_redacted_without_a_crash_and_once_is_enough(given_object: Any) -> None:
    door = Redaction()
    once = door.object(given_object)
    assert door.object(once) == once
