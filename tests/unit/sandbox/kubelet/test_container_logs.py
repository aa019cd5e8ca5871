"""The log that is asked for is that of the run which the status tells of, as the kubelet chooses it.

Source: pkg/kubelet/kubelet_pods.go (validateContainerLogStatus): `previous` is the run of lastState.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.sandbox.kubelet.container_logs import log_of
from harness.sandbox.kubelet.logs import Log
from harness.sandbox.kubelet.records import Running, Terminated, Waiting

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RUNNING = Running(started_at=NOW)
WAITING = Waiting(reason="CrashLoopBackOff", message="back-off 10s")
TERMINATED = Terminated(
    exit_code=1, reason="Error", message="", started_at=NOW, finished_at=NOW, container_id="containerd://2"
)


def asked(state: Any, runs: int, *, previous: bool) -> str:
    """What the last line of the answer is, where run number n has said "run n"."""
    logs = []
    for number in range(1, runs + 1):
        logs.append(Log())
        logs[-1].feed(b"run %d\n" % number)
    container = SimpleNamespace(logs=logs, record=SimpleNamespace(state=state))
    kubelet = SimpleNamespace(worker=lambda *_: SimpleNamespace(containers={"web": container}))
    request = SimpleNamespace(
        match_info={"namespace": "shop", "pod": "a", "container": "web"},
        query={"previous": "true"} if previous else {},
    )
    found = log_of(cast(Any, kubelet), cast(Any, request))
    return found if isinstance(found, str) else found.last(1)[0].text.decode()


@pytest.mark.parametrize(
    ("state", "previous", "says"),
    [
        (RUNNING, False, "run 2"),
        (RUNNING, True, "run 1"),
        (TERMINATED, False, "run 2"),
        (TERMINATED, True, "run 1"),
        (WAITING, False, "run 2"),
        (WAITING, True, "run 2"),
    ],
)
def test_the_run_is_chosen_by_the_state_of_the_container(state: Any, previous: bool, says: str) -> None:
    assert asked(state, 2, previous=previous) == says


def test_where_there_was_no_run_before_it_says_so() -> None:
    assert asked(RUNNING, 1, previous=True) == 'previous terminated container "web" in pod "a" not found'
    assert asked(WAITING, 1, previous=True) == "run 1"
    assert asked(WAITING, 0, previous=True).endswith("not found")


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("ContainerCreating", "ContainerCreating"),
        ("PodInitializing", "PodInitializing"),
        ("ErrImagePull", "image can't be pulled"),
        ("ImagePullBackOff", "trying and failing to pull image"),
    ],
)
def test_a_container_that_never_ran_says_what_it_waits_for(reason: str, says: str) -> None:
    found = asked(Waiting(reason=reason), 0, previous=False)
    assert found == f'container "web" in pod "a" is waiting to start: {says}'
