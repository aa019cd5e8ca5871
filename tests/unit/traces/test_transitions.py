"""What a life looks like when chance is taken out of it."""

from __future__ import annotations

from harness.traces.lifecycles import lifecycles
from harness.traces.replica_counts import counts_told, scaling_steps
from harness.traces.transitions import Lines, condition_transitions, endpoint_transitions, pod_transitions
from tests.unit.traces.literal import trace

START = "0 pod a r1\n0 pod a scheduled\n0 pod a preparing\n0 pod a prepared\n"
STOP = "2 pod a deleting\n3 pod a ended\n3 pod a zero\n3 pod a gone\n"


def lives(text: str) -> list[Lines]:
    return [lines for _, lines in pod_transitions(lifecycles(trace(text)).of("Pod"))]


def life(text: str) -> Lines:
    (only,) = lives(text)
    return only


def test_a_pod_is_told_by_what_changed() -> None:
    assert life(START + "1 pod a ready\n" + STOP) == (
        "phase Pending",
        "node assigned, PodScheduled True",
        "PodReadyToStartContainers False, Ready False (ContainersNotReady), nginx waiting ContainerCreating",
        "PodReadyToStartContainers True",
        "phase Running, ip given, Ready True, nginx running started ready",
        "deletion in 30 s",
        "phase Succeeded, Ready False (PodCompleted), nginx terminated Completed 0",
        "deletion in 0 s",
        "object gone",
    )


def test_whether_running_was_seen_before_ready_is_chance() -> None:
    assert life(START + "1 pod a running\n1 pod a ready\n") == life(START + "1 pod a ready\n")


def test_a_pod_that_never_gets_ready_is_seen_running() -> None:
    assert life(START + "1 pod a running\n")[-1] == "phase Running, ip given, nginx running started"


def test_losing_readiness_in_service_is_no_chance() -> None:
    assert life(START + "1 pod a ready\n2 pod a unready\n") != life(START + "1 pod a ready\n")


def test_losing_readiness_while_stopping_is_chance() -> None:
    stopping = START + "1 pod a ready\n1 pod a deleting\n1 pod a unready\n2 pod a ended\n"
    assert life(stopping) == life(stopping.replace("1 pod a unready\n", ""))


def test_how_often_errors_take_turns_is_chance() -> None:
    once = START + "1 pod a pulling\n2 pod a backoff\n"
    assert life(once + "3 pod a pulling\n4 pod a backoff\n") == life(once)


def test_a_step_not_reported_counts_where_another_pod_shows_it() -> None:
    busy = (START + "1 pod a ready\n").replace("0 pod a preparing\n", "").replace("pod a", "pod b")
    assert len(set(lives(START + "1 pod a ready\n" + busy))) == 1


def test_a_start_reported_only_when_it_was_over_counts_where_another_pod_shows_it() -> None:
    busy = "0 pod b r1\n0 pod b scheduled\n1 pod b ready\n"
    assert len(set(lives(START + "1 pod a ready\n" + busy))) == 1


def test_a_start_that_is_not_over_is_told_as_far_as_it_came() -> None:
    assert len(set(lives(START + "1 pod a ready\n" + "0 pod b r1\n0 pod b scheduled\n"))) == 2


def test_a_step_that_no_pod_shows_is_missing() -> None:
    assert life((START + "1 pod a ready\n").replace("0 pod a preparing\n", "")) != life(START + "1 pod a ready\n")


def endpoint(text: str) -> Lines:
    seen = lifecycles(trace("0 pod a r1\n" + text))
    return endpoint_transitions(seen.of("Pod")[0], seen.of("EndpointSlice"), seen.cut)


def test_an_endpoint_goes_from_ready_to_terminating_to_gone() -> None:
    assert endpoint("1 slice a=starting\n1 slice a=ready\n2 slice a=terminating\n3 slice\n") == (
        "ready true, serving true, terminating false",
        "ready false, terminating true",
        "object gone",
    )


def test_an_endpoint_that_leaves_without_terminating_is_told_so() -> None:
    assert endpoint("1 slice a=ready\n3 slice\n") == ("ready true, serving true, terminating false", "object gone")


def test_whether_a_stopping_endpoint_is_seen_not_serving_is_chance() -> None:
    both = "1 slice a=ready\n2 slice a=terminating\n2 slice a=silent\n3 slice\n"
    assert endpoint(both) == endpoint(both.replace("2 slice a=silent\n", ""))


def test_what_happens_to_endpoints_when_everything_is_deleted_is_left_out() -> None:
    assert endpoint("1 slice a=ready\n2 mark delete\n2 slice\n") == ("ready true, serving true, terminating false",)


def progressing(*reasons: str) -> Lines:
    seen = lifecycles(trace("\n".join(f"{t} deployment progressing={reason}" for t, reason in enumerate(reasons))))
    assert seen.workload is not None
    return condition_transitions(seen.workload, "Progressing", seen.cut)


def test_a_deadline_exceeded_on_the_way_is_chance_and_in_the_end_is_not() -> None:
    assert progressing("ReplicaSetUpdated", "ProgressDeadlineExceeded", "NewReplicaSetAvailable") == (
        "True (ReplicaSetUpdated)",
        "True (NewReplicaSetAvailable)",
    )
    assert progressing("ReplicaSetUpdated", "ProgressDeadlineExceeded")[-1] == "True (ProgressDeadlineExceeded)"


def steps(*sizes: int, certain: bool) -> Lines:
    seen = lifecycles(trace("\n".join(f"{t} rs r1 size={size}" for t, size in enumerate(sizes))))
    return scaling_steps(seen.of("ReplicaSet")[0], seen.cut, certain=certain)


def test_certain_steps_are_told_one_by_one() -> None:
    assert steps(3, 3, 2, 1, 0, certain=True) == ("3 > 2 > 1 > 0",)


def test_of_other_steps_only_the_first_the_ways_and_the_last_are_told() -> None:
    assert steps(10, 8, 7, 5, 2, 0, certain=False) == steps(10, 8, 5, 4, 1, 0, certain=False)
    assert steps(10, 8, 7, 5, 2, 0, certain=False) != steps(10, 9, 7, 5, 2, 0, certain=False)
    assert steps(0, 2, 4, 1, 0, certain=False) == ("0 > 2 > up > down > 0",)


def test_numbers_are_told_as_zero_or_more() -> None:
    seen = lifecycles(trace("0 deployment updated=0\n1 deployment updated=2 available=3\n2 deployment updated=3"))
    assert seen.workload is not None
    assert counts_told(seen.workload, seen.cut) == ("availableReplicas more than 0", "updatedReplicas 0 and more")
