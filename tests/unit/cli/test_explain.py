"""`explain` tells of one failure in a screen, and of what cannot be told in clear words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from program import called

RECORDINGS = Path(__file__).parents[2] / "recordings"
RACE = RECORDINGS / "default-3replicas-sync1s"


def test_one_request_is_explained_in_a_screen_of_80_columns() -> None:
    said = called("explain", RACE, "--request", "new/606")
    assert said.code == 0, said
    lines = said.out.splitlines()
    assert lines[0] == "new/0/606: connect-refused, termination-race"
    assert max(map(len, lines)) <= 80
    assert len(lines) < 60
    for words in (
        "the pod     told to stop",
        "the API     terminating",
        "data plane  still sent",
        "YES  listener-closed",
    ):
        assert words in said.out, said.out
    assert "\x1b" not in said.out


def test_json_has_the_same() -> None:
    found = json.loads(called("explain", RACE, "--request", "new/0/606", "--json").out)["explanations"]
    assert [(one["cause"], one["rule"], one["tried"][-1]["holds"]) for one in found] == [
        ("termination-race", "listener-closed", True)
    ]


def test_the_node_of_the_worker_that_sent_it_is_named_where_it_was_on_one(tmp_path: Path) -> None:
    placed = tmp_path / "run"
    shutil.copytree(RACE, placed)
    written = json.loads((placed / "run.json").read_text())
    (placed / "run.json").write_text(json.dumps(written | {"workers": [{"worker": 0, "node": "node-2"}]}))
    (one,) = json.loads(called("explain", placed, "--request", "new/0/606", "--json").out)["explanations"]
    assert one["request"]["client_node"] == "node-2"
    port = one["request"]["local_port"]
    assert f"from port {port} of node node-2" in " ".join(called("explain", placed, "--request", "new/606").out.split())


def test_without_options_there_is_one_failure_of_each_cause_and_what_else_can_be_asked() -> None:
    said = called("explain", RECORDINGS / "sigterm-stop")
    assert "in-flight-kill: 13 requests" in said.out
    assert "termination-race: " in said.out
    assert "--rollout NUMBER" in said.out


def test_what_cannot_be_explained_is_said() -> None:
    well = called("explain", RACE, "--request", "new/5")
    assert (well.code, "it did not fail" in well.out) == (0, True)
    assert "its requests of new are 0 to" in called("explain", RACE, "--request", "new/99999999").error
    assert "it has no worker 1 of stream new; it has 0" in called("explain", RACE, "--request", "new/1/5").error
    assert "its requests of new are 0 to" in called("explain", RACE, "--request", "new/0/99999999").error
    assert "it has no stream fresh; it has" in called("explain", RACE, "--request", "fresh/1").error
    assert "that does not name a request" in called("explain", RACE, "--request", "new").error
    assert "no failed request of cause idle-close" in called("explain", RACE, "--cause", "idle-close").out
    assert "did you mean termination-race?" in called("explain", RACE, "--cause", "terminaton-race").error
    assert "in 1 rollout" in called("explain", RACE, "--rollout", "9").error
    assert "there is no such folder" in called("explain", RACE / "nowhere").error


def test_a_damaged_record_is_explained_as_far_as_it_goes(tmp_path: Path) -> None:
    torn = tmp_path / "run"
    shutil.copytree(RACE, torn)
    text = (torn / "timeline.jsonl").read_text().splitlines()
    (torn / "timeline.jsonl").write_text("\n".join([*text[:-20], '{"t": nonsense']))
    said = called("explain", torn)
    assert said.code == 0, said
    assert "the record is damaged:" in said.out
    (torn / "run.json").write_text("{")
    assert called("explain", torn).code == 3


def test_hostile_names_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    bad = tmp_path / "run"
    shutil.copytree(RACE, bad)
    for name in ("requests.csv", "timeline.jsonl"):
        text = (bad / name).read_text()
        named = "web-868cb8c998-mwzr7"
        evil = f"{named}\\u001b[2J\\u202e" if name.endswith("jsonl") else f"{named}\x1b[2J\u202e"
        (bad / name).write_text(text.replace(named, evil))
    said = called("explain", bad, "--request", "new/606")
    assert said.code == 0, said
    assert "web-868cb8c998-mwzr7\\x1b[2J\\u202e" in said.out
    assert all(line.isprintable() for line in said.out.splitlines())
