"""Every rule holds in a rollout as Kubernetes does it, and is broken by the smallest change that breaks it."""

from __future__ import annotations

import pytest

from harness.traces.invariants import INVARIANTS, broken
from harness.traces.lifecycles import lifecycles
from tests.unit.traces.literal import trace

ROLLING = """
0.0  deployment replicas=1 surge=1 unavailable=0 minready=3 deadline=8 generation=1
0.1  rs r1 size=1
0.1  pod a r1 prestop=2 grace=10 delay=2
0.2  pod a scheduled
0.5  pod a running
2.6  pod a ready
2.7  slice a=ready
5.7  rs r1 available=1
5.7  deployment progressing=NewReplicaSetAvailable available=1 observed=1
7.0  deployment generation=2
7.1  rs r2 size=1
7.1  deployment progressing=NewReplicaSetCreated
7.2  pod b r2 prestop=2 grace=10
7.3  pod b scheduled
7.4  deployment observed=2
7.5  pod b running
7.6  pod b ready
7.7  slice a=ready b=ready
10.7 rs r2 available=1
10.8 rs r1 size=0
10.9 pod a deleting
11.0 deployment progressing=NewReplicaSetAvailable
11.1 slice a=terminating b=ready
13.2 pod a ended
13.3 slice b=ready
14.0 pod a gone
20.0 deployment progressing=ProgressDeadlineExceeded
"""

RECREATE = """
0.0 deployment replicas=1 strategy=Recreate
0.1 rs r1 size=1
0.1 pod a r1
0.2 pod a scheduled
0.5 pod a ready
2.0 rs r1 size=0
2.0 pod a deleting
2.3 pod a ended
2.4 rs r2 size=1
2.4 pod b r2
2.9 pod a gone
"""

PAUSED = """
0.0 deployment replicas=2 generation=1 observed=1
0.1 rs r1 size=2
1.0 deployment generation=2 paused=true
1.1 deployment observed=2
2.0 rs r1 available=2
3.0 deployment generation=3 paused=false
3.1 rs r1 size=1
"""

STATEFUL = """
0.0 statefulset replicas=2 partition=0
0.1 pod web-0 r1
0.1 pod web-0 scheduled
0.2 pod web-0 ready
0.3 pod web-1 r1
0.3 pod web-1 scheduled
0.4 pod web-1 ready
1.0 pod web-1 deleting
1.1 pod web-1 ended
1.2 pod web-1 gone
1.3 pod web-1 again r2
1.4 pod web-1 scheduled
1.5 pod web-1 ready
1.6 pod web-0 deleting
1.7 pod web-0 ended
1.8 pod web-0 gone
1.9 pod web-0 again r2
1.9 pod web-0 scheduled
2.0 pod web-0 ready
"""

CASES = {
    "a ReplicaSet's size is raised before its pod is created": (ROLLING, "7.1  rs r2 size=1\n", ""),
    "a pod runs only where it is scheduled": (ROLLING, "7.3  pod b scheduled\n", ""),
    "a pod is Ready only when it runs, after its probe's delay": (ROLLING, "2.6  pod a ready", "1.0  pod a ready"),
    "an endpoint is ready only when its pod is Ready": (ROLLING, "7.5  pod b running", "7.5  slice a=ready b=ready"),
    "an endpoint is terminating only when its pod is": (
        ROLLING,
        "10.9 pod a deleting\n",
        "10.9 slice a=terminating b=ready\n10.9 pod a deleting\n",
    ),
    "no endpoint is ready and terminating": (ROLLING, "11.1 slice a=terminating", "11.1 slice a=both"),
    "an endpoint stays listed until its pod has ended": (
        ROLLING,
        "11.1 slice a=terminating b=ready",
        "11.1 slice b=ready",
    ),
    "a pod is gone only after its containers ended": (ROLLING, "13.2 pod a ended\n", ""),
    "containers end only after preStop": (ROLLING, "13.2 pod a ended", "11.2 pod a ended"),
    "a pod is gone within its grace period": (ROLLING, "14.0 pod a gone", "26.0 pod a gone"),
    "available means Ready for minReadySeconds": (ROLLING, "10.7 rs r2 available=1", "9.0 rs r2 available=1"),
    "progressDeadlineSeconds is waited for": (ROLLING, "20.0 deployment", "16.0 deployment"),
    "observedGeneration follows generation": (ROLLING, "available=1 observed=1", "available=1 observed=2"),
    "what is stored later is not seen earlier": (ROLLING, "14.0 pod a gone", "5.0 pod a gone"),
    "an available pod goes only when enough others are available": (ROLLING, "7.6  pod b ready", "9.9  pod b ready"),
    "there are never more pods than maxSurge allows": (
        ROLLING,
        "7.3  pod b scheduled",
        "7.2  rs r2 size=2\n7.2  pod c r2\n7.3  pod b scheduled",
    ),
    "Recreate starts the new pods when all old ones have ended": (RECREATE, "2.3 pod a ended\n", ""),
    "a rollout is complete when all its pods are available and the old ones go": (
        ROLLING,
        "10.9 pod a deleting\n11.0 deployment progressing=NewReplicaSetAvailable\n",
        "10.9 deployment progressing=NewReplicaSetAvailable\n10.9 pod a deleting\n",
    ),
    "nothing is scaled while a Deployment is paused": (PAUSED, "2.0 rs r1 available=2", "2.0 rs r1 size=1"),
    "a StatefulSet creates its pods in order, each when those below are Ready": (STATEFUL, "0.2 pod web-0 ready\n", ""),
    "a StatefulSet replaces one pod at a time, from the highest ordinal": (STATEFUL, "1.5 pod web-1 ready\n", ""),
    "a StatefulSet leaves ordinals below its partition alone": (STATEFUL, "partition=0", "partition=1"),
    "a StatefulSet's pod comes back only when the one before is gone": (STATEFUL, "1.2 pod web-1 gone\n", ""),
}


@pytest.mark.parametrize(
    "text", [ROLLING, RECREATE, PAUSED, STATEFUL], ids=["rolling", "recreate", "paused", "stateful"]
)
def test_every_rule_holds_in_a_rollout_as_it_should_be(text: str) -> None:
    assert {rule: breaks for rule, breaks in broken(lifecycles(trace(text))).items() if breaks} == {}


def test_there_is_a_case_for_every_rule() -> None:
    assert CASES.keys() == INVARIANTS.keys()


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_notices_what_breaks_it(rule: str) -> None:
    text, before, after = CASES[rule]
    assert text.count(before) == 1
    assert broken(lifecycles(trace(text.replace(before, after))))[rule]


def test_whole_seconds_make_a_pod_available_up_to_a_second_early() -> None:
    early = ROLLING.replace("10.7 rs r2 available=1", "9.7 rs r2 available=1")
    assert not broken(lifecycles(trace(early)))["available means Ready for minReadySeconds"]


def test_the_end_of_everything_breaks_no_rule() -> None:
    ending = ROLLING.replace("20.0 deployment progressing=ProgressDeadlineExceeded", "")
    ending += "15.0 mark delete\n15.0 deployment gone\n15.1 rs r2 gone\n15.1 pod b deleting\n15.2 slice\n"
    ending += "17.3 pod b ended\n17.9 pod b gone\n"
    assert not any(broken(lifecycles(trace(ending))).values())


FROM_FIVE = STATEFUL.replace("partition=0", "start=5 partition=0").replace("web-1", "web-6").replace("web-0", "web-5")
FROM_FIVE_CASES = {
    rule: (broken_by[1].replace("web-1", "web-6").replace("web-0", "web-5"), broken_by[2])
    for rule, broken_by in CASES.items()
    if broken_by[0] == STATEFUL
}


def test_ordinals_count_from_their_start() -> None:
    assert not any(broken(lifecycles(trace(FROM_FIVE))).values())


@pytest.mark.parametrize("rule", FROM_FIVE_CASES)
def test_with_another_start_the_same_changes_break_the_same_rules(rule: str) -> None:
    old, new = FROM_FIVE_CASES[rule]
    assert old in FROM_FIVE
    assert broken(lifecycles(trace(FROM_FIVE.replace(old, new))))[rule]
