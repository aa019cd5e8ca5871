"""Two traces differ where Kubernetes would have to be broken, and not where it was only quicker or luckier."""

from __future__ import annotations

import pytest

from harness.traces.comparison import compare
from harness.traces.sidebyside import side_by_side
from tests.unit.traces.literal import trace
from tests.unit.traces.test_invariants import ROLLING

COMPLETE = ROLLING.replace("0.2  pod a scheduled", "0.2  pod a scheduled\n0.2  event a Scheduled\n0.3  event a Started")


def differences(text: str, base: str = COMPLETE) -> list[str]:
    return [f"{row.section}: {row.name}" for row in compare(trace(base), trace(text)).differences]


def replaced(*pairs: tuple[str, str]) -> str:
    text = COMPLETE
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    return text


def test_a_trace_is_the_same_as_itself() -> None:
    assert differences(COMPLETE) == []


def test_hashes_and_random_ends_of_names_do_not_matter() -> None:
    assert differences(COMPLETE.replace(" a ", " x ").replace(" a=", " x=").replace("r2", "r7")) == []


def test_a_hundred_milliseconds_do_not_matter() -> None:
    assert differences(replaced(("0.5  pod a running", "0.6  pod a running"))) == []


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("0.3  event a Started\n", "", "Events: Pod web-r1-*"),
        ("progressing=NewReplicaSetCreated", "progressing=FoundNewReplicaSet", "Workload: Deployment web Progressing"),
        ("11.1 slice a=terminating b=ready\n", "", "Endpoints: web-r1-*"),
        ("14.0 pod a gone\n", "", "Objects: Pod web-r1-*"),
        ("7.2  pod b", "7.2  rs r2 size=2\n7.2  pod c r2\n7.2  pod b", "Objects: Pod web-r2-*"),
        ("10.8 rs r1 size=0\n", "", "ReplicaSets: web-r1 size"),
        ("13.2 pod a ended\n13.3 slice b=ready\n14.0", "16.2 pod a ended\n16.3 slice b=ready\n17.0", "Durations"),
        (
            "7.6  pod b ready",
            "10.8  pod b ready",
            "Orders: an available pod goes only when enough others are available",
        ),
    ],
)
def test_what_must_hold_and_does_not_is_a_difference(before: str, after: str, where: str) -> None:
    assert any(difference.startswith(where) for difference in differences(replaced((before, after))))


def test_revisions_are_compared_only_where_both_recorders_watched_them() -> None:
    watched, not_watched = "0 statefulset replicas=1\n0 controllerrevision r1\n", "0 statefulset replicas=1\n"
    assert differences(not_watched, base=watched) == []
    assert differences(watched + "1 controllerrevision r2\n", base=watched) == ["Objects: ControllerRevisions"]


def test_durations_may_differ_by_the_tolerance_and_not_by_more() -> None:
    late = replaced(("13.2 pod a ended\n13.3 slice b=ready\n14.0", "14.6 pod a ended\n14.6 slice b=ready\n14.7"))
    later = replaced(("13.2 pod a ended\n13.3 slice b=ready\n14.0", "14.8 pod a ended\n14.8 slice b=ready\n14.9"))
    assert differences(late) == []
    assert differences(later) == ["Durations (s, median): deletion until containers ended, beyond preStop"]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_is_wider_than_asked(width: int) -> None:
    text = side_by_side(compare(trace(COMPLETE, "a" * 90), trace(ROLLING, "b" * 90)), width=width)
    assert max(len(line) for line in text.splitlines()[:-1]) <= width  # the verdict is one sentence, for logs


def test_differences_are_marked_in_the_margin_and_between_the_columns() -> None:
    text = side_by_side(compare(trace(COMPLETE, "left"), trace(ROLLING, "right")), width=80, only_differences=True)
    assert text == "\n".join(
        [
            "    left                                   right",
            "",
            "Events",
            "! Pod web-r1-*",
            "    1 x Normal Scheduled (kubelet)       <",
            "    1 x Normal Started (kubelet)         <",
            "",
            "1 difference in what must hold: Events: Pod web-r1-*.",
        ]
    )


def test_what_is_the_same_is_shown_on_one_height() -> None:
    text = side_by_side(compare(trace(COMPLETE), trace(COMPLETE)), width=80)
    assert "    object gone                            object gone" in text.splitlines()
    assert text.endswith("The same in all that must hold.")
