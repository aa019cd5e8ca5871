"""Run directories become CI artifacts: nothing secret may be in them, and what is equal stays recognisable as equal."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.store.redact import redact, redacted

SECRET = "hunter2"


def pod(**container: Any) -> dict[str, Any]:
    return {"kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "nginx", **container}]}}


def container(cleaned: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = cleaned["spec"]["containers"][0]
    return found


def test_values_of_environment_variables_go_and_their_names_stay() -> None:
    cleaned = container(redact(pod(env=[{"name": "TOKEN", "value": SECRET}, {"name": "B", "valueFrom": {"a": 1}}])))
    assert cleaned["env"] == [{"name": "TOKEN", "value": redacted(SECRET)}, {"name": "B", "valueFrom": {"a": 1}}]


def test_equal_values_stay_equal_and_show_nothing_else() -> None:
    assert redacted(SECRET) == redacted(SECRET) != redacted("other")
    assert redacted(SECRET) == "<redacted sha256:f52fbd32>"


def test_the_data_of_secrets_goes() -> None:
    cleaned = redact({"kind": "Secret", "data": {"password": SECRET}, "stringData": {"b": SECRET}})
    assert cleaned["data"] == {"password": redacted(SECRET)}
    assert cleaned["stringData"] == {"b": redacted(SECRET)}
    assert redact({"kind": "ConfigMap", "data": {"a": "b"}})["data"] == {"a": "b"}


def test_last_applied_configurations_and_managed_fields_go() -> None:
    key = "kubectl.kubernetes.io/last-applied-configuration"
    cleaned = redact({"kind": "Pod", "metadata": {"annotations": {key: SECRET, "a": "b"}, "managedFields": [{}]}})
    assert cleaned["metadata"] == {"annotations": {key: redacted(SECRET), "a": "b"}}


def test_of_managed_fields_stays_who_how_and_when() -> None:
    entry = {"manager": "kubectl-edit", "operation": "Update", "time": "2026-01-02T03:04:05Z"}
    cleaned = redact({"kind": "Service", "metadata": {"managedFields": [entry | {"fieldsV1": {"f:spec": SECRET}}]}})
    assert cleaned["metadata"] == {"managedFields": [entry]}


def test_headers_that_authenticate_go_and_others_stay() -> None:
    headers = [
        {"name": "Authorization", "value": SECRET},
        {"name": "COOKIE", "value": SECRET},
        {"name": "A", "value": "b"},
    ]
    cleaned = container(redact(pod(readinessProbe={"httpGet": {"path": "/", "httpHeaders": headers}})))
    values = [header["value"] for header in cleaned["readinessProbe"]["httpGet"]["httpHeaders"]]
    assert values == [redacted(SECRET), redacted(SECRET), "b"]


def test_commands_go_but_the_sleep_of_a_prestop_hook_stays() -> None:
    hook = {"preStop": {"exec": {"command": ["sleep", "12"]}}, "postStart": {"exec": {"command": ["sh", "-c", SECRET]}}}
    cleaned = container(redact(pod(command=["run", SECRET], args=[SECRET], lifecycle=hook)))
    assert cleaned["command"] == [redacted("run"), redacted(SECRET)]
    assert cleaned["args"] == [redacted(SECRET)]
    assert cleaned["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "12"]
    assert SECRET not in str(cleaned)


def test_the_object_itself_stays_as_it_was() -> None:
    given_object = pod(env=[{"name": "TOKEN", "value": SECRET}])
    redact(given_object)
    assert given_object == pod(env=[{"name": "TOKEN", "value": SECRET}])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["env", "value", "name", "command", "args", "data", "metadata", "a"]), inner, max_size=4
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(["kind", "data", "spec", "metadata"]), json_values))
def test_any_object_is_redacted_without_a_crash_and_once_is_enough_for_what_is_no_command(given_object: Any) -> None:
    redact(given_object)
