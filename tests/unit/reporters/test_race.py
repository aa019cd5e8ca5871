"""The race of a rollout as words, as rows of a picture, and as characters."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from harness.analysis import judge, judge_experiment, pool
from harness.model.race import Beat, Between, LostRequest, PodRace, Race
from harness.reporters.html import experiment_html
from harness.reporters.markdown import experiment_markdown
from harness.reporters.pod_spans import BALANCER, pod_spans
from harness.reporters.race_rows import race_rows
from harness.reporters.race_text import race_text
from harness.reporters.race_words import Kind, gaps, lost_facts, pod_table
from harness.store.reader import read_run

RECORDING = Path(__file__).parents[2] / "recordings" / "default-3replicas-sync1s"

OLD: Final = PodRace(
    uid="1",
    name="web-old-1",
    node="node-1",
    listening=0.1,
    told=11.0,
    closed=11.1,
    ended=11.4,
    ready=0.1,
    listed=((0.1, 11.0),),
    leaving=11.0,
    gone=11.9,
    sent_until=Between(earliest=11.5, latest=11.97),
)
NEW: Final = PodRace(
    uid="2",
    name="web-new-1",
    created=10.2,
    listening=10.9,
    ready=10.5,
    listed=((10.5, 16.0),),
    sent_from=Between(earliest=10.6, latest=10.7),
)
LOST: Final = LostRequest(
    stream="kept",
    worker=0,
    seq=1234,
    scheduled=11.2,
    started=11.201,
    connected=None,
    handshake=None,
    first_byte=None,
    ended=11.203,
    local_port=40001,
    reused=False,
    outcome="connect-refused",
    status=None,
    via="",
    tls_trouble="",
    cause="termination-race",
    rule="listener-closed",
    pod="web-old-1",
    candidates=("web-old-1",),
    evidence="refused",
)
RACE: Final = Race(
    rollout=0,
    start=9.0,
    end=15.4,
    update=10.0,
    complete=12.0,
    settled=12.5,
    beat_s=0.1,
    failed=1,
    pods=(OLD, NEW),
    lost=(LOST,),
    beats=(
        Beat(t=11.1, stream="kept", sent=5, unsent=0, failed={}, p50_ms=1.0, p99_ms=2.0),
        Beat(t=11.2, stream="kept", sent=5, unsent=0, failed={"connect-refused": 1}, p50_ms=1.0, p99_ms=2.0),
    ),
)


DEAF: Final = replace(NEW, listening=None, never_listened_on="port 8080", refused=Between(earliest=10.7, latest=15.2))


def test_a_pod_that_never_listened_is_drawn_as_that_and_not_as_serving() -> None:
    rows = pod_spans(DEAF, RACE)
    assert rows["pod"] == (("starting", 10.2, 10.5), ("never listening", 10.5, 15.4))
    assert rows["data plane"] == (("sends", 10.7, 15.2),)
    (gap,) = gaps(DEAF)
    assert (gap.words, gap.kind) == ("sent to, never listening on port 8080", Kind.RACE)
    text = race_text(replace(RACE, pods=(DEAF,)))
    assert "o never listening on the Service's port" in text
    assert "=" not in text.splitlines()[1]
    assert "o never listening" not in race_text(RACE)


def test_words_of_what_fills_the_picture_stand_upon_it() -> None:
    (row,) = race_rows(replace(RACE, pods=(DEAF,)), ())["gaps"]
    assert (row["at"], row["late"]) == (row["from"], False)


def test_each_gap_is_measured_and_says_whether_it_did_harm() -> None:
    assert [(gap.words, gap.kind) for gap in gaps(OLD)] == [
        ("", Kind.LATE),
        ("", Kind.RACE),
        ("0.50-0.97 s: deleted, still sent to", Kind.MAYBE),
    ]
    assert [(gap.start, gap.end) for gap in gaps(OLD)] == [(11.0, 11.1), (11.1, 11.5), (11.5, 11.97)]
    assert [(gap.words, gap.kind) for gap in gaps(NEW)] == [("0.20 s: sent to, not listening yet", Kind.RACE)]
    held = replace(OLD, closed=16.0, ended=16.2)
    assert gaps(held)[0].words == "0.50-0.97 s: deleted, still sent to, still listening"
    assert gaps(replace(NEW, listening=10.5))[0].words == "0.10-0.20 s: ready, not sent to yet"


def test_the_rows_of_the_picture_are_what_the_table_says() -> None:
    rows = race_rows(RACE, ())
    parts = [(row["lane"][3:].strip(), row["tip"].split(": for")[0], row["from"], row["to"]) for row in rows["spans"]]
    assert ("aweb-old-1", "web-old-1 closing", 1.1, 1.4) in parts
    assert ("bAPI", "web-old-1 terminating", 1.0, 1.9) in parts
    assert ("ddata plane", "web-old-1 may send", 1.5, 1.97) in parts
    assert sum(row["requests"] for row in rows["outcomes"]) == 10
    assert [(row["t"], row["ms"]) for row in rows["lost"]] == [(1.2, 3.0)]
    assert pod_table(RACE)[0][-3:] == ("+1.50 to +1.97 s", "+1.90 s", "0.50-0.97 s: deleted, still sent to")


def test_a_lost_request_is_told_with_what_the_three_said_of_the_pod() -> None:
    facts = dict(lost_facts(LOST, RACE, {"listener-closed": "As it was sent: ..."}))
    assert facts["could have taken it"] == "only web-old-1 on node-1"
    assert facts["then"] == (
        "web-old-1: told to stop 0.20 s before; out of the EndpointSlice for 0.20 s; "
        "the data plane still sent new connections to it, for up to 0.77 s more."
    )
    assert facts["times"] == "sent 1.00 ms after it was due; lost 2.00 ms later"
    assert "client node" not in facts
    assert dict(lost_facts(replace(LOST, client_node="node-2"), RACE, {}))["client node"] == "node-2"


def test_the_race_in_characters() -> None:
    lines = race_text(RACE).splitlines()
    assert lines[0].index("|update") - lines[1].index("=") == 10
    assert lines[1].split()[2] == "=" * 20 + "~" + "xxx"
    assert lines[3].split()[1] == "=" * 20 + "~!!!!?????"
    assert "█  (at most 1)" in lines[7]


def test_what_a_balancer_found_is_a_row_where_gates_tell_it() -> None:
    gated = replace(RACE, pods=(OLD, replace(NEW, up=10.5, healthy=13.0)))
    spans = race_rows(gated, ())["spans"]
    found = [
        (row["lane"], row["tip"].split(": for")[0], row["from"], row["to"]) for row in spans if "healthy" in row["tip"]
    ]
    assert found == [
        ("001cbalancer ", "web-new-1 not found healthy", 0.5, 3.0),
        ("001cbalancer ", "web-new-1 found healthy", 3.0, 5.4),
    ]
    text = race_text(gated)
    assert text.count("balancer") == 2  # one row, and what its characters mean
    assert "balancer" not in race_text(RACE)


def test_a_gate_that_never_opened_is_waited_for_until_the_pod_leaves() -> None:
    never = replace(OLD, up=9.5, healthy=None)
    assert [(what, end) for what, start, end in pod_spans(never, RACE)[BALANCER] if start < end] == [
        ("not found healthy", OLD.leaving)
    ]


def test_no_name_ends_the_block_of_code() -> None:
    text = race_text(replace(RACE, pods=(replace(OLD, name="```\n# heading"),)))
    assert "`" not in text
    assert "\n#" not in text


@pytest.fixture(scope="module")
def hundreds() -> tuple[str, str]:
    """The pages of 684 rollouts that lost more than 40,000 requests, as if the recorded one had been made so often."""
    run = read_run(RECORDING)
    result = pool([judge(run)] * 684)
    experiment = judge_experiment([result], experiment="hundreds")
    assert result.failed > 40_000
    infos = {result.scenario: run.info}
    return experiment_html(experiment, infos), experiment_markdown(experiment, infos)


def test_a_page_has_room_for_hundreds_of_rollouts(hundreds: tuple[str, str]) -> None:
    page, markdown = hundreds
    assert len(page.encode()) < 2_000_000
    assert len(markdown) < 20_000
    assert "And 644 other rollouts: 644 dropped calls" in page
    assert "lost requests" in markdown
