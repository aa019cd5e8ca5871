"""A mitigation changes what it says, raises what it must, and leaves the manifest that it was given alone."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.manifests.mitigations import APPLY, mitigated
from harness.model.experiment import Mitigation


def workload(kind: str = "Deployment", **spec: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]}
    return {"kind": kind, "spec": {"template": {"spec": pod | spec.pop("pod", {})}} | spec}


def pod(manifest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return found


def test_prestop_sleeps_in_every_container() -> None:
    changed = APPLY["prestop"](workload(), 5)
    hooks = [container["lifecycle"]["preStop"] for container in pod(changed)["containers"]]
    assert hooks == [{"sleep": {"seconds": 5}}] * 2


def test_prestop_keeps_other_hooks() -> None:
    given = workload()
    pod(given)["containers"][0]["lifecycle"] = {"postStart": {"exec": {"command": ["true"]}}}
    changed = APPLY["prestop"](given, 5)
    assert pod(changed)["containers"][0]["lifecycle"]["postStart"] == {"exec": {"command": ["true"]}}


def test_prestop_exec_calls_sleep() -> None:
    changed = APPLY["prestop-exec"](workload(), 7)
    assert pod(changed)["containers"][1]["lifecycle"]["preStop"] == {"exec": {"command": ["sleep", "7"]}}


@pytest.mark.parametrize(
    ("has", "prestop_s", "becomes"),
    [(None, 5, None), (None, 20, None), (None, 25, 35), (10, 5, 15), (60, 5, 60), (60, 55, 65)],
)
def test_prestop_raises_the_grace_period_where_it_must_and_never_lowers_it(
    has: int | None, prestop_s: int, becomes: int | None
) -> None:
    given = workload(pod={} if has is None else {"terminationGracePeriodSeconds": has})
    assert pod(APPLY["prestop"](given, prestop_s)).get("terminationGracePeriodSeconds") == becomes


def test_min_ready_stays_below_the_progress_deadline() -> None:
    assert APPLY["min-ready"](workload(), 5)["spec"].get("progressDeadlineSeconds") is None
    assert APPLY["min-ready"](workload(), 600)["spec"]["progressDeadlineSeconds"] == 1200
    assert APPLY["min-ready"](workload(progressDeadlineSeconds=10), 12)["spec"]["progressDeadlineSeconds"] == 612
    assert "progressDeadlineSeconds" not in APPLY["min-ready"](workload("StatefulSet"), 900)["spec"]


@given(
    mitigations=st.lists(
        st.builds(
            lambda name, s: Mitigation.model_validate({name: f"{s}s"}),
            st.sampled_from(list(APPLY)),
            st.integers(0, 900),
        ),
        max_size=4,
    )
)
def test_the_manifest_that_was_given_stays_as_it_was(mitigations: list[Mitigation]) -> None:
    given = workload()
    before = deepcopy(given)
    mitigated(given, mitigations)
    assert given == before


@given(name=st.sampled_from(list(APPLY)), value_s=st.integers(0, 900))
def test_applying_twice_is_applying_once(name: str, value_s: int) -> None:
    once = APPLY[name](workload(), value_s)
    assert APPLY[name](once, value_s) == once
