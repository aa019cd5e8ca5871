"""A mitigation does what it says, raises what it must, weakens nothing, and leaves what it was given alone."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.manifests.mitigations import APPLY, mitigated
from harness.model.experiment import Mitigation
from harness.spec.hooks import exec_words, pre_stop, surely_serves_s
from harness.spec.rolling import rollout_spec
from harness.spec.termination import grace_period_s, longest_hook_s
from harness.spec.workload import containers, pod_spec

Object = dict[str, Any]


def workload(kind: str = "Deployment", **spec: Any) -> Object:
    inside = {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]}
    return {"kind": kind, "spec": {"template": {"spec": inside | spec.pop("pod", {})}} | spec}


def hooked(handler: Object | None, grace_s: int | None = None, **spec: Any) -> Object:
    """With this preStop hook in its only container."""
    container = {"name": "a", "image": "a:1"} | ({} if handler is None else {"lifecycle": {"preStop": handler}})
    more = {} if grace_s is None else {"terminationGracePeriodSeconds": grace_s}
    return workload(pod={"containers": [container], **more}, **spec)


def shell(line: str, *, options: str = "-c", name: str = "/bin/sh") -> Object:
    return {"exec": {"command": [name, options, line]}}


def program(*words: str) -> Object:
    return {"exec": {"command": list(words)}}


def hooks(manifest: Object) -> list[Object | None]:
    return [pre_stop(container) for container in containers(pod_spec(manifest))]


def grace_s(manifest: Object) -> float:
    return grace_period_s(pod_spec(manifest))


def apply(name: str, manifest: Object, value_s: int) -> Object:
    return APPLY[name](manifest, value_s).workload


def test_prestop_sleeps_in_every_container() -> None:
    assert hooks(apply("prestop", workload(), 5)) == [{"sleep": {"seconds": 5}}] * 2


def test_prestop_sleeps_in_native_sidecars_and_in_no_other_init_container() -> None:
    initial = [{"name": "set-up", "image": "a:1"}, {"name": "proxy", "image": "a:1", "restartPolicy": "Always"}]
    changed = pod_spec(apply("prestop", workload(pod={"initContainers": initial}), 5))
    assert "lifecycle" not in changed["initContainers"][0]
    assert pre_stop(changed["initContainers"][1]) == {"sleep": {"seconds": 5}}


def test_prestop_keeps_other_hooks() -> None:
    after_start = {"postStart": {"exec": {"command": ["true"]}}}
    given = workload(pod={"containers": [{"name": "a", "image": "a:1", "lifecycle": after_start}]})
    changed = pod_spec(apply("prestop", given, 5))["containers"][0]["lifecycle"]
    assert changed == after_start | {"preStop": {"sleep": {"seconds": 5}}}


def test_prestop_exec_calls_sleep() -> None:
    assert hooks(apply("prestop-exec", workload(), 7)) == [program("sleep", "7")] * 2


@pytest.mark.parametrize(
    ("has", "prestop_s", "becomes"),
    [(None, 5, None), (None, 20, None), (None, 25, 35), (10, 5, 15), (60, 5, 60), (60, 55, 65)],
)
def test_prestop_raises_the_grace_period_where_it_must_and_never_lowers_it(
    has: int | None, prestop_s: int, becomes: int | None
) -> None:
    given = workload(pod={} if has is None else {"terminationGracePeriodSeconds": has})
    assert pod_spec(apply("prestop", given, prestop_s)).get("terminationGracePeriodSeconds") == becomes


# What popular charts have: each of these was once replaced by a sleep of 5 s.

RABBITMQ = """if [[ -f /opt/bitnami/scripts/rabbitmq/nodeshutdown.sh ]]; then
    /opt/bitnami/scripts/rabbitmq/nodeshutdown.sh -t "120" -d "false"
else
    rabbitmqctl stop_app
fi
"""
POSTGRESQL = """export PGPASSWORD='it'"'"'s'
. /opt/bitnami/scripts/libpostgresql.sh
postgresql_stop
"""


@pytest.mark.parametrize(
    ("has", "becomes"),
    [
        (shell("nodetool drain"), shell("sleep 5; nodetool drain")),
        (shell("consul leave"), shell("sleep 5; consul leave")),
        (
            shell(RABBITMQ, options="-ec", name="/bin/bash"),
            shell(f"sleep 5\n{RABBITMQ}", options="-ec", name="/bin/bash"),
        ),
        (shell(POSTGRESQL, name="/bin/bash"), shell(f"sleep 5\n{POSTGRESQL}", name="/bin/bash")),
        (shell("sleep 5 && kill -SIGTERM $(pidof vault)"), shell("sleep 5 && kill -SIGTERM $(pidof vault)")),
        (shell("sleep 2 && drain"), shell("sleep 3; sleep 2 && drain")),
        (shell("drain; sleep 9"), shell("sleep 5; drain; sleep 9")),
        (shell("(drain)"), shell("sleep 5; (drain)")),
        (shell("# drain"), shell("sleep 5")),  # a comment does nothing
        (shell("sleep 3 # drain"), shell("sleep 5")),
        (shell("# first\ndrain"), shell("sleep 5\n# first\ndrain")),
        (shell("sleep 2; (drain)"), shell("sleep 3; sleep 2; (drain)")),
        (shell("sleep 2 & drain"), shell("sleep 5; sleep 2 & drain")),
        (shell("exec drain"), shell("sleep 5; exec drain")),
        (shell("echo 'open"), shell("sleep 5\necho 'open")),
        (
            program("/bin/bash", "-eo", "pipefail", "-c", "a | b"),
            program("/bin/bash", "-eo", "pipefail", "-c", "sleep 5; a | b"),
        ),
        (program("sh", "-c", "drain $1", "--", "now"), program("sh", "-c", "sleep 5; drain $1", "--", "now")),
        (program("/usr/bin/env", "bash", "-c", "drain"), program("/usr/bin/env", "bash", "-c", "sleep 5; drain")),
        # What only sleeps sleeps longer, in its own way.
        ({"sleep": {"seconds": 3}}, {"sleep": {"seconds": 5}}),
        (program("/bin/sleep", "3"), program("/bin/sleep", "5")),
        (shell("sleep 3"), shell("sleep 5")),
        # What sleeps as long already stays.
        ({"sleep": {"seconds": 20}}, {"sleep": {"seconds": 20}}),
        (program("sleep", "20"), program("sleep", "20")),
        (shell("sleep 20; drain"), shell("sleep 20; drain")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["prestop", "prestop-exec"])
def test_a_hook_that_does_something_sleeps_before_it(name: str, has: Object, becomes: Object) -> None:
    assert hooks(apply(name, hooked(has), 5)) == [becomes]


@pytest.mark.parametrize(
    "has",
    [
        program("/wait-shutdown"),
        program("nodetool", "drain"),
        program("/bin/sh", "/scripts/drain.sh"),
        program("/bin/bash", "-ec"),
        program("powershell", "-c", "Stop-Service"),
        {"httpGet": {"path": "/drain", "port": 80}},
    ],
)
def test_a_hook_that_cannot_be_made_to_sleep_stays_and_is_said(has: Object) -> None:
    done = APPLY["prestop"](hooked(has), 5)
    assert hooks(done.workload) == [has]
    (said,) = done.left_alone
    assert said.startswith(f"the preStop hook of container a ({next(iter(has))}")
    assert said.endswith(
        "stays as it is, for no shell is known in its image that could sleep before it: let it sleep 5 s first"
    )


def test_what_is_said_of_a_hook_names_its_program_and_no_argument() -> None:
    (said,) = APPLY["prestop"](hooked(program("/bin/leave", "--token=abc")), 5).left_alone
    assert "/bin/leave" in said
    assert "abc" not in said


@pytest.mark.parametrize(
    ("name", "given", "value_s", "stays", "said"),
    [
        (
            "prestop", hooked({"sleep": {"seconds": 20}}), 5, 30,
            "the preStop hook of container a (sleep) stays: it sleeps 20 s, which is more than 5 s",
        ),
        ("grace", hooked(None, 60), 40, 60, "its grace period stays at 60 s, which is more than 40 s"),
        ("grace", hooked(None), 20, 30, "its grace period stays at 30 s, which is more than 20 s"),
        ("min-ready", hooked(None, minReadySeconds=10), 5, 30, "its minReadySeconds stays at 10, which is more than 5"),
    ],
)  # fmt: skip
def test_what_is_longer_already_stays_and_is_said(
    name: str, given: Object, value_s: int, stays: float, said: str
) -> None:
    done = APPLY[name](given, value_s)
    assert (done.workload, grace_s(done.workload), done.left_alone) == (given, stays, (said,))


@pytest.mark.parametrize(
    ("has", "value_s", "becomes"),
    [
        (hooked(shell("drain"), 30), 5, 35),  # it has for draining what it had before
        (hooked(shell("sleep 2; drain"), 30), 5, 33),
        (hooked({"sleep": {"seconds": 60}}, 30), 5, 70),
        (hooked(program("/wait-shutdown"), 300), 5, 300),
    ],
)
def test_the_grace_period_covers_the_hook_and_what_it_did_before(has: Object, value_s: int, becomes: float) -> None:
    assert grace_s(apply("prestop", has, value_s)) == becomes


def test_a_grace_period_that_is_asked_for_covers_the_hook() -> None:
    assert grace_s(apply("grace", hooked({"sleep": {"seconds": 45}}), 40)) == 55


def test_min_ready_stays_below_the_progress_deadline() -> None:
    assert apply("min-ready", workload(), 5)["spec"].get("progressDeadlineSeconds") is None
    assert apply("min-ready", workload(), 600)["spec"]["progressDeadlineSeconds"] == 1200
    assert apply("min-ready", workload(progressDeadlineSeconds=10), 12)["spec"]["progressDeadlineSeconds"] == 612
    assert "progressDeadlineSeconds" not in apply("min-ready", workload("StatefulSet"), 900)["spec"]


LINES = st.lists(
    st.sampled_from(
        [
            "sleep 3",
            "sleep 12",
            "drain",
            "exec",
            "if x",
            "then",
            "fi",
            "'",
            "(",
            ")",
            ";",
            "&",
            "|",
            "&&",
            "||",
            "\n",
            "#",
        ]
    ),
    max_size=6,
).map(" ".join)
HOOKS = st.one_of(
    st.none(),
    st.integers(0, 40).map(lambda s: {"sleep": {"seconds": s}}),
    st.builds(shell, LINES, options=st.sampled_from(["-c", "-ec", "-e"])),
    st.lists(st.sampled_from(["sleep", "/bin/sleep", "3", "drain", "sh", "-c"]), min_size=1, max_size=3).map(
        lambda words: program(*words)
    ),
    st.just({"httpGet": {"port": 80}}),
)
WORKLOADS = st.builds(
    lambda first, second, grace, ready, kind: workload(
        kind,
        pod={
            "containers": [hooked(first)["spec"]["template"]["spec"]["containers"][0]],
            "initContainers": [
                {"name": "proxy", "restartPolicy": "Always"} | ({"lifecycle": {"preStop": second}} if second else {})
            ],
            **({} if grace is None else {"terminationGracePeriodSeconds": grace}),
        },
        **({} if ready is None else {"minReadySeconds": ready}),
    ),
    HOOKS,
    HOOKS,
    st.none() | st.integers(0, 90),
    st.none() | st.integers(0, 900),
    st.sampled_from(["Deployment", "StatefulSet"]),
)
MITIGATIONS = st.lists(
    st.builds(
        lambda name, s: Mitigation.model_validate({name: f"{s}s"}), st.sampled_from(list(APPLY)), st.integers(0, 900)
    ),
    max_size=4,
)


@given(given=WORKLOADS, mitigations=MITIGATIONS)
@example(given=hooked(shell("# drain")), mitigations=[Mitigation.model_validate({"prestop": "5s"})])
def test_nothing_is_weakened_and_twice_is_once(given: Object, mitigations: list[Mitigation]) -> None:
    before = deepcopy(given)
    once = mitigated(given, mitigations).workload
    assert given == before
    assert mitigated(once, mitigations).workload == once
    assert grace_s(once) >= grace_s(given)
    assert _min_ready_s(once) >= _min_ready_s(given)
    for old, new in zip(containers(pod_spec(given)), containers(pod_spec(once)), strict=True):
        assert (surely_serves_s(new) or 0.0) >= (surely_serves_s(old) or 0.0)
        assert _is_kept(pre_stop(old), pre_stop(new))


@given(given=WORKLOADS, mitigations=MITIGATIONS)
def test_what_was_asked_for_is_there_or_is_said(given: Object, mitigations: list[Mitigation]) -> None:
    done = mitigated(given, mitigations)
    for asked in mitigations:
        if asked.name == "min-ready":
            assert _min_ready_s(done.workload) >= asked.value_s
        elif asked.name == "grace":
            assert grace_s(done.workload) >= asked.value_s
        else:
            for container in containers(pod_spec(done.workload)):
                holds = (surely_serves_s(container) or 0.0) >= asked.value_s
                assert holds or any(f"container {container['name']} (" in said for said in done.left_alone)
            hook_s = longest_hook_s(pod_spec(done.workload))
            assert grace_s(done.workload) > hook_s or hook_s == 0


def _min_ready_s(manifest: Object) -> float:
    return rollout_spec(manifest["kind"], manifest["spec"]).min_ready_s


def _is_kept(old: Object | None, new: Object | None) -> bool:
    """Whether the new hook does what the old one did, as far as that was more than sleeping; a comment does nothing."""
    done = re.sub(r"(?:^|(?<=\s))#[^\n]*", "", " ".join(exec_words(old))) if old and "exec" in old else str(old)
    if old == new or old is None or not ("drain" in done or "httpGet" in old):
        return True
    assert new is not None
    before, after = old["exec"]["command"], new["exec"]["command"]
    return bool(after[:-1] == before[:-1] and after[-1].endswith(before[-1]))


def test_a_grace_period_is_not_said_to_stay_where_only_the_hook_made_it_longer() -> None:
    asked = [Mitigation.model_validate({"prestop": "5s"}), Mitigation.model_validate({"grace": "11s"})]
    done = mitigated(hooked(None, 3), asked)
    assert done.workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 15
    assert done.left_alone == ()
