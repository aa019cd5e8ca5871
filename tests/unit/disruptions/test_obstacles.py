"""What keeps a pod from being Ready is read from its status and its events, in Kubernetes' words and the harness's."""

from __future__ import annotations

from typing import Any

import pytest

from harness.disruptions.obstacle import LogPlace
from harness.disruptions.obstacles import in_words, mends, obstacles
from tests.unit.disruptions.histories import (
    DATABASE,
    WEB,
    an_object,
    deployment,
    event,
    pod,
    replica_set,
    shown,
    stateful_set,
)

APART = (
    "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod anti-affinity rules. no "
    "new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
)
FULL = (
    "0/1 nodes are available: 1 Too many pods. no new claims to deallocate, preemption: 0/1 nodes are available: "
    "1 No preemption victims found for incoming pod."
)
UNREADY = [{"type": "Ready", "status": "False"}]


def container(state: Any, *, last: Any = None, **more: Any) -> Any:
    """The status of a pod with one container."""
    status = {"name": "web", "image": "nginx:9", "state": state, "lastState": last or {}, **more}
    found = pod("a", containerStatuses=[status], conditions=UNREADY)
    return found | {"spec": {"containers": [{"name": "web", "ports": [{"containerPort": 8080}]}]}}


def waiting(reason: str, message: str = "", **more: Any) -> Any:
    return container({"waiting": {"reason": reason, "message": message}}, **more)


def terminated(code: int, reason: str = "Error", **more: Any) -> Any:
    return {"terminated": {"exitCode": code, "reason": reason, **more}}


RUNNING: Any = {"running": {}}
BACK_OFF = "back-off 20s restarting failed container=web pod=a_shop(uid-a)"
LIVENESS = "Liveness probe failed: Get http://10.0.0.7:8080/healthz: connection refused"
REFUSED = 'Get "http://10.0.0.7:8081/": dial tcp 10.0.0.7:8081: connect: connection refused'
NO_PROGRAM = "env: 'podcli': No such file or directory"
KILLING = "Container web failed liveness probe, will be restarted"


@pytest.mark.parametrize(
    ("found", "told", "says", "do"),
    [
        (
            waiting("CrashLoopBackOff", BACK_OFF, last=terminated(3), restartCount=4),
            [],
            "container web of a: CrashLoopBackOff, its last end was exit code 3, restarted 4 times",
            "See its log for why it ends.",
        ),
        (
            waiting("CrashLoopBackOff", BACK_OFF, last=terminated(1, message="no such\nfile"), restartCount=1),
            [],
            "container web of a: CrashLoopBackOff, its last end was exit code 1 (no such file)",
            "See its log for why it ends.",
        ),
        (
            container(RUNNING, last=terminated(137, "OOMKilled"), ready=False),
            [],
            "container web of a: its last end was exit code 137 (OOMKilled)",
            "See its log for why it ends.",
        ),
        (
            waiting("CrashLoopBackOff", BACK_OFF, last=terminated(137), restartCount=2),
            [("Unhealthy", LIVENESS), ("Killing", KILLING)],
            "container web of a: CrashLoopBackOff, its last end was exit code 137, restarted 2 times, "
            f"killed after: {LIVENESS}",
            "Give it a startupProbe, or its probe more time: it is killed before it serves.",
        ),
        (
            container(RUNNING, ready=False),
            [("Unhealthy", LIVENESS), ("Unhealthy", "Readiness probe failed: refused"), ("Killing", KILLING)],
            f"container web of a: killed after: {LIVENESS}",
            "Give it a startupProbe, or its probe more time: it is killed before it serves.",
        ),
        (
            container(RUNNING, ready=False),
            [("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")],
            "container web of a: Readiness probe failed: HTTP probe failed with statuscode: 503",
            "See why its probe fails, or give it more time.",
        ),
        (
            container(RUNNING, ready=False),
            [("Unhealthy", f"Readiness probe failed: {REFUSED}")],
            f"container web of a: Readiness probe failed: {REFUSED}",
            "Nothing listens on port 8081 (its container declares 8080): see its log for why, or correct the probe's "
            "port.",
        ),
        (
            container(RUNNING, ready=False),
            [("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404")],
            "container web of a: Readiness probe failed: HTTP probe failed with statuscode: 404",
            "It listens, and has nothing at that path: correct the probe's httpGet.path.",
        ),
        (
            container(RUNNING, ready=False),
            [("Unhealthy", "Startup probe failed: command timed out after 1s")],
            "container web of a: Startup probe failed: command timed out after 1s",
            "See why it answers so late, or raise the probe's timeoutSeconds.",
        ),
        (
            container(RUNNING, ready=False),
            [("Unhealthy", f"Readiness probe failed: {NO_PROGRAM}")],
            f"container web of a: Readiness probe failed: {NO_PROGRAM}",
            "The image has not what the probe runs: put it in, or let it ask by httpGet, tcpSocket or grpc, "
            "which need no program.",
        ),
        (
            container(RUNNING, ready=False),
            [("Unhealthy", f"Liveness probe failed: {NO_PROGRAM}"), ("Killing", KILLING)],
            f"container web of a: killed after: Liveness probe failed: {NO_PROGRAM}",
            "The image has not what the probe of web runs: put it in, or let it ask by httpGet, tcpSocket or grpc, "
            "which need no program.",
        ),
        (
            waiting("ImagePullBackOff", 'Back-off pulling image "nginx:9"'),
            [("Failed", 'Failed to pull image "nginx:9": manifest unknown')],
            'container web of a: ImagePullBackOff, image nginx:9 (Failed to pull image "nginx:9": manifest unknown)',
            "Name an image that its nodes can pull.",
        ),
        (
            waiting("ImagePullBackOff", 'Back-off pulling image "nginx:9": ErrImagePull: dial tcp: i/o timeout'),
            [],
            "container web of a: ImagePullBackOff, image nginx:9 "
            '(Back-off pulling image "nginx:9": ErrImagePull: dial tcp: i/o timeout)',
            "Do its nodes reach the registry, with its secret?",
        ),
        (
            waiting("RunContainerError", "no such program"),
            [],
            "container web of a: RunContainerError (no such program)",
            "See what its node says.",
        ),
        (
            pod("a", conditions=[{"type": "PodScheduled", "status": "False", "message": "0/3 nodes: 3 tainted."}]),
            [],
            "a: unschedulable (0/3 nodes: 3 tainted)",
            "Make room on a node that fits, or change what the pod asks for.",
        ),
        (
            pod("a", conditions=[{"type": "PodScheduled", "status": "False", "message": APART}]),
            [],
            "a: unschedulable (0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod "
            "anti-affinity rules)",
            "It must be apart from pods like it: add a node, let an old pod go first (maxSurge: 0, maxUnavailable: 1), "
            "or make the anti-affinity a preference.",
        ),
        (
            pod("a", conditions=[{"type": "PodScheduled", "status": "False", "message": FULL}]),
            [],
            "a: unschedulable (0/1 nodes are available: 1 Too many pods)",
            "Make room on a node that fits, or change what the pod asks for.",
        ),
        (
            pod("a", phase="Pending", conditions=UNREADY),
            [("FailedMount", 'MountVolume.SetUp failed for volume "v" : timed out')],
            'a: FailedMount (MountVolume.SetUp failed for volume "v" : timed out)',
            "See why its node cannot set the pod up.",
        ),
    ],
)
def test_a_pod_that_is_held_up_is_told_with_the_reason(
    found: Any, told: list[tuple[str, str]], says: str, do: str
) -> None:
    about = {"Unhealthy": "web", "Killing": "web", "Failed": "web"}
    events = [
        event(found, reason, message, container=about.get(reason, ""), at=at)
        for at, (reason, message) in enumerate(told)
    ]
    standing = obstacles(shown(deployment(), found, *events), WEB)
    assert (in_words(standing), mends(standing)) == (says, do)


@pytest.mark.parametrize(
    "found",
    [
        waiting("ContainerCreating"),
        waiting("PodInitializing"),
        container(RUNNING, ready=False),
        container(RUNNING, ready=True),
        container(terminated(0, "Completed"), ready=False),
        pod("a"),
        pod("a", going=True, conditions=UNREADY),
        pod("a", owner="uid-of-another", conditions=[{"type": "PodScheduled", "status": "False"}]),
    ],
    ids=["made", "initialized", "starts", "ready", "has done its work", "new", "goes", "another's"],
)
def test_what_happens_in_any_rollout_holds_nothing_up(found: Any) -> None:
    assert obstacles(shown(deployment(), found), WEB) == ()


def test_a_crash_loop_is_told_as_one_also_while_the_container_runs_for_a_moment() -> None:
    found = container(RUNNING, last=terminated(7), ready=False, restartCount=2)
    back_off = event(found, "BackOff", "Back-off restarting failed container web in pod a", container="web")
    assert in_words(obstacles(shown(deployment(), found, back_off), WEB)) == (
        "container web of a: CrashLoopBackOff, its last end was exit code 7, restarted 2 times"
    )


def test_what_is_to_serve_and_ends_well_again_and_again_is_held_up_and_what_was_to_end_is_not() -> None:
    done = {"name": "web", "state": terminated(0, "Completed"), "ready": False, "restartCount": 3}
    says = "container web of a: its last end was exit code 0"
    for kind, spec, expected in (
        ("containerStatuses", {"containers": [{"name": "web"}]}, says),
        ("initContainerStatuses", {"initContainers": [{"name": "web", "restartPolicy": "Always"}]}, says),
        ("initContainerStatuses", {"initContainers": [{"name": "web"}]}, ""),
    ):
        found = pod("a", **{kind: [done]}, conditions=UNREADY) | {"spec": spec}
        assert in_words(obstacles(shown(deployment(), found), WEB)) == expected


@pytest.mark.parametrize(
    ("probes", "killed", "do"),
    [
        (["startupProbe"], "Startup", "Give the startupProbe of web more time (failureThreshold x periodSeconds)"),
        (["startupProbe", "livenessProbe"], "Liveness", "Give the livenessProbe of web more time"),
        (["livenessProbe"], "Liveness", "Give it a startupProbe, or its probe more time"),
    ],
)
def test_a_container_that_a_probe_kills_is_advised_no_probe_that_it_has(
    probes: list[str], killed: str, do: str
) -> None:
    """Also while it is over with exit code 0, as it heeds its stop signal."""
    for state in (terminated(0, "Completed"), RUNNING):
        found = container(state, ready=False)
        found["spec"]["containers"][0] |= {key: {"tcpSocket": {"port": 8080}} for key in probes}
        events = [
            event(found, "Unhealthy", f"{killed} probe failed: refused", container="web"),
            event(found, "Killing", f"Container web failed {killed.lower()} probe, will be restarted", container="web"),
        ]
        standing = obstacles(shown(deployment(), found, *events), WEB)
        assert in_words(standing) == f"container web of a: killed after: {killed} probe failed: refused"
        assert mends(standing).startswith(do)


def test_a_refusal_of_the_next_pod_is_no_other_refusal() -> None:
    owner, said = replica_set(), set[str]()
    for at, name in enumerate(("web-1-x", "web-1-y")):
        refused = event(owner, "FailedCreate", f"Error creating: {QUOTA.replace('web-1-x', name)}", at=at)
        said.add(in_words(obstacles(shown(deployment(), refused), WEB)))
    assert len(said) == 1


def test_what_was_told_before_the_container_started_is_over() -> None:
    found = container(RUNNING, ready=False)
    old = event(found, "FailedMount", 'MountVolume.SetUp failed for volume "v" : configmap "v" not found', count=7)
    assert obstacles(shown(deployment(), found, old), WEB) == ()


def test_events_about_another_container_are_not_taken_for_this_ones() -> None:
    found = container(RUNNING, ready=False)
    theirs = event(found, "Unhealthy", "Readiness probe failed: refused", container="sidecar", count=9)
    assert obstacles(shown(deployment(), found, theirs), WEB) == ()


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ([], "a: its readiness gate example.com/lb is closed (nobody has set it)"),
        (
            [{"type": "example.com/lb", "status": "False"}],
            "a: its readiness gate example.com/lb is closed (it is False)",
        ),
        ([{"type": "example.com/lb", "status": "True"}], ""),
    ],
)
def test_a_closed_readiness_gate_is_named(condition: list[Any], says: str) -> None:
    found = pod("a", conditions=[*UNREADY, {"type": "ContainersReady", "status": "True"}, *condition])
    found["spec"] = {"readinessGates": [{"conditionType": "example.com/lb"}]}
    standing = obstacles(shown(deployment(), found), WEB)
    assert in_words(standing) == says
    assert not any(obstacle.final for obstacle in standing)


QUOTA = 'pods "web-1-x" is forbidden: exceeded quota: few, requested: pods=1, used: pods=3, limited: pods=3'
LEAVE = ", or leave priorityClassName out."
LIMITS = "Keep its requests and limits within what the namespace's LimitRange (kubectl describe limitrange) allows."
ACCOUNT = 'pods "web-1-" is forbidden: error looking up service account shop/runner: serviceaccount "runner" not found'


@pytest.mark.parametrize(
    ("message", "mend", "final"),
    [
        (QUOTA, "Raise the quota, or lower maxSurge or replicas.", False),
        (
            'pods "web-1-x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true (pod or ...)',
            "Have its pods meet the Pod Security Standard restricted:latest of their namespace, or use another "
            "namespace.",
            True,
        ),
        (
            'pods "web-1-x" is forbidden: failed quota: few: must specify limits.cpu for: web; requests.cpu for: web',
            "Give its containers what the namespace's ResourceQuota counts (limits.cpu for: web; requests.cpu for: "
            "web), or the namespace a LimitRange that does.",
            True,
        ),
        (ACCOUNT, "Put ServiceAccount runner into the manifests.", True),
        (
            'pods "web-1-" is forbidden: no PriorityClass with name high was found',
            f"Make PriorityClass high{LEAVE}",
            True,
        ),
        (
            'pods "web-1-" is forbidden: pod rejected: RuntimeClass "gvisor" not found',
            "Make RuntimeClass gvisor, or leave runtimeClassName out.",
            True,
        ),
        ('pods "web-1-x" is forbidden: maximum cpu usage per Container is 1, but limit is 2', LIMITS, True),
        (
            'Pod "web-1-x" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or '
            "equal to cpu limit of 1",
            LIMITS,
            True,
        ),
        ('admission webhook "a" denied the request', "Do what it asks for, or ask who runs that policy.", False),
        ("something that nobody knows", "See to it that the API takes its pods.", False),
    ],
)
def test_pods_that_the_api_refuses_are_told_until_one_is_taken(message: str, mend: str, final: bool) -> None:
    owner = replica_set()
    refused = event(owner, "FailedCreate", f"Error creating: {message}", at=3)
    (standing,) = obstacles(shown(deployment(), refused), WEB)
    why = message.partition("is forbidden: ")[2] or message.partition("is invalid: ")[2] or message
    assert (standing.what, standing.mend, standing.final) == (f"its pods are refused ({why})", mend, final)
    taken = event(owner, "SuccessfulCreate", "Created pod: web-1-x", at=4)
    assert obstacles(shown(deployment(), refused, taken), WEB) == ()


def test_a_stateful_set_is_told_of_the_pods_that_it_cannot_make() -> None:
    found = stateful_set(updated=1, ready=2)
    told = f"create Pod db-2 in StatefulSet db failed error: {QUOTA}"
    (standing,) = obstacles(shown(found, event(found, "FailedCreate", told)), DATABASE)
    assert str(standing) == (
        "statefulset/db: its pods are refused (create Pod db-2 in StatefulSet db failed error: exceeded quota: few, "
        "requested: pods=1, used: pods=3, limited: pods=3)"
    )


def test_pods_that_are_held_up_alike_are_counted_and_long_lists_are_cut() -> None:
    def unfit(name: str, why: str) -> Any:
        return pod(name, conditions=[{"type": "PodScheduled", "status": "False", "message": why}])

    alike = [unfit(name, "0/1 nodes") for name in ("a", "b", "c")]
    assert in_words(obstacles(shown(deployment(), *alike), WEB)) == "a and 2 more: unschedulable (0/1 nodes)"
    many = [unfit(name, f"reason {name}") for name in "abcdef"]
    assert in_words(obstacles(shown(deployment(), *many), WEB)).endswith("d: unschedulable (reason d); and 2 more")


def test_pods_whose_probes_fail_alike_are_told_as_one_whatever_their_addresses() -> None:
    found, events = [], []
    for name, address in (("a", "10.0.0.7"), ("b", "10.0.0.8")):
        each = pod(name, podIP=address, containerStatuses=[{"name": "web", "state": RUNNING}], conditions=UNREADY)
        said = f"Readiness probe failed: {REFUSED.replace('10.0.0.7', address)}"
        found.append(each)
        events.append(event(each, "Unhealthy", said, container="web"))
    words = in_words(obstacles(shown(deployment(), *found, *events), WEB))
    assert words == f"container web of a and 1 more: Readiness probe failed: {REFUSED}"


def test_the_log_of_a_container_is_that_of_the_run_that_ended() -> None:
    over = terminated(3, containerID="containerd://7")
    for state, previous in ((over, False), ({"waiting": {"reason": "CrashLoopBackOff"}}, True), (RUNNING, True)):
        (standing,) = obstacles(shown(deployment(), container(state, last=over, ready=False)), WEB)
        assert standing.log == LogPlace(pod="a", container="web", run="containerd://7", previous=previous)


def test_a_workload_that_is_gone_is_held_up_by_nothing() -> None:
    assert obstacles(shown(an_object("web-7", kind="Pod", status={})), WEB) == ()


def test_an_init_container_that_does_not_end_is_named() -> None:
    status = {"name": "wait-for-db", "state": RUNNING, "ready": False, "started": False}
    main = {"name": "web", "image": "nginx:9", "state": {"waiting": {"reason": "PodInitializing"}}, "ready": False}
    conditions = [*UNREADY, {"type": "Initialized", "status": "False"}]
    found = pod("a", conditions=conditions, initContainerStatuses=[status], containerStatuses=[main])
    found |= {"spec": {"initContainers": [{"name": "wait-for-db"}], "containers": [{"name": "web"}]}}
    (told,) = obstacles(shown(deployment(), found), WEB)
    assert str(told) == "container wait-for-db of a: it still runs, and the other containers wait for it to end"
    assert (told.mend, told.is_news) == ("See what wait-for-db waits for, or raise rollout_timeout.", False)
    sidecar = {"name": "wait-for-db", "restartPolicy": "Always"}
    found |= {"spec": {"initContainers": [sidecar], "containers": [{"name": "web"}]}}
    assert obstacles(shown(deployment(), found), WEB) == ()


ANOTHER = (
    "The image has not what the probe runs: put it in, or let it ask by httpGet, tcpSocket or grpc, which need no "
    "program."
)
MORE = "See why its probe fails, or give it more time."
NAMELESS = "No port of its container has the name admin: give it to one, or let the probe name a number."


@pytest.mark.parametrize(
    ("said", "mend", "final"),
    [
        ('errored: strconv.Atoi: parsing "admin": invalid syntax', NAMELESS, True),
        ('errored: exec: "healthy": executable file not found in $PATH', ANOTHER, True),
        ('errored: exec: "/bin/healthy": stat /bin/healthy: no such file or directory', ANOTHER, False),
        ("failed: sh: 1: healthy: not found", ANOTHER, False),
        ("failed: /bin/sh: healthy: not found", ANOTHER, False),
        ("failed: bash: line 1: healthy: command not found", ANOTHER, False),
        ("failed: sh: /healthy: No such file or directory", ANOTHER, False),
        ("failed: cat: can't open '/tmp/healthy': No such file or directory", MORE, False),  # the server may make it
        ("failed: cat: /tmp/healthy: No such file or directory", MORE, False),
        ("failed: sh: 1: cannot open /tmp/healthy: No such file", MORE, False),
        ("failed: ls: /tmp/ready: not found", MORE, False),
        (
            'failed: Get "http://127.0.0.1:80/": dial tcp 127.0.0.1:80: connect: connection refused',
            "A probe's host 127.0.0.1 is the node, not the pod: leave `host` out.",
            False,
        ),
    ],
)
def test_what_a_failing_probe_says_tells_what_mends_it(said: str, mend: str, final: bool) -> None:
    starting = container(RUNNING, ready=False)
    told = event(starting, "Unhealthy", f"Readiness probe {said}", count=3, container="web")
    (found,) = obstacles(shown(deployment(), starting, told), WEB)
    assert (found.mend, found.final) == (mend, final)
