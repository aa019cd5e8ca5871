"""A damaged run directory ends in a verdict in doubt, or in one line with file and row; never in a stack trace."""

from __future__ import annotations

import json
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from program import told

from harness.errors import DamagedRunError, RunFormatError
from harness.exit_codes import ExitCode
from harness.spec.observed_shape import observed_fault
from harness.store.reader import read_run
from harness.store.run_json import from_json

from .test_generated import called

SHARED = Path(__file__).parents[4] / "shared" / "rich"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    source = SHARED / "no-probe-slowstart-1replica"
    if not source.is_dir():
        pytest.skip("the recordings are not here")
    for name in ("run.json", "requests.csv", "timeline.jsonl"):
        (tmp_path / "run").mkdir(exist_ok=True)
        shutil.copyfile(source / name, tmp_path / "run" / name)
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"t0_wall": 1e308}, r"t0_wall is 1e\+308, where seconds since 1970"),
        ({"t0_wall": float("nan")}, "t0_wall is nan"),
        ({"t0_wall": float("inf")}, "t0_wall is inf"),
        ({"clocks": [{"worker": None, "offset_s": None, "uncertainty_s": "x"}]}, r"clocks\[0\]\.worker is missing"),
        ({"clocks": 5}, "clocks is 5, where a list"),
        ({"control": ["a", "b"]}, r"control\[0\] is 'a' \(text\)"),
        ({"control": [1.0]}, "a value is missing or is not what format 1 says"),
        ({"rollouts": {"rollout": 1}}, r"rollouts is a mapping \(rollout\), where a list"),
        ({"rollouts": [{"rollout": 0}]}, r"rollouts\[0\]\.update is missing"),
        ({"streams": {"new": "many"}}, r"streams\.new is 'many'"),
        ({"manifests": [5]}, r"manifests\[0\] is 5"),
        ({"expect": "perfection"}, "a value is not what format 1 says"),
        ({"provisos": "none"}, "provisos is 'none'"),
        ({"t0_wall": 10**400}, "t0_wall is a number of more than 80 digits"),
        ({"variant": "x" * 5000}, "variant is .*, where text of 300 characters at most"),
        ({"streams": {"new": None}}, "a value is missing or is not what format 1 says$"),
    ],
)
def test_a_run_json_of_other_kinds_is_3_with_the_key(change: dict[str, Any], says: str) -> None:
    with pytest.raises(DamagedRunError, match=says):
        from_json({"format": 1, **change})
    assert DamagedRunError.exit_code == ExitCode.INCONCLUSIVE


@pytest.mark.parametrize("version", [7, 10**400, True, "1", 1.5])
def test_a_format_of_the_future_is_no_damage(version: object) -> None:
    with pytest.raises(RunFormatError) as refused:
        from_json({"format": version})
    assert refused.value.exit_code == ExitCode.USAGE
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("kind", "shown", "says"),
    [
        ("Pod", {"metadata": 5}, "metadata is 5, where a mapping is wanted"),
        ("Pod", {"status": {"conditions": "Ready"}}, "status.conditions is 'Ready' (text), where a list is wanted"),
        (
            "Pod",
            {"status": {"containerStatuses": [{"name": "c", "restartCount": "x"}]}},
            "status.containerStatuses[0].restartCount",
        ),
        ("Pod", {"spec": {"containers": {}}}, "spec.containers is an empty mapping, where a list is wanted"),
        ("Deployment", {"spec": {"replicas": "two"}}, "spec.replicas is 'two' (text)"),
        ("EndpointSlice", {"endpoints": [True]}, "endpoints[0] is true, where a mapping is wanted"),
        ("Event", {"involvedObject": []}, "involvedObject is a list of 0, where a mapping is wanted"),
        ("Mark", {"rollout": "first"}, "rollout is 'first' (text)"),
        ("Anything", {"spec": 5}, ""),
        ("Pod", {"metadata": None, "status": None, "spec": None}, ""),
    ],
)
def test_what_no_api_sends_is_told(kind: str, shown: dict[str, Any], says: str) -> None:
    found = observed_fault(kind, shown)
    assert found.startswith(says)
    assert bool(found) == bool(says)


def test_lines_of_other_kinds_are_left_out_and_counted_with_the_first_row(run: Path) -> None:
    lines = (run / "timeline.jsonl").read_text().splitlines()
    whole = len(read_run(run, fault_of=observed_fault).timeline)
    pods = [number for number, line in enumerate(lines) if json.loads(line)["kind"] == "Pod"]
    for number in pods[3:5]:
        event = json.loads(lines[number])
        event["object"]["status"] = [event["object"]["status"]]
        lines[number] = json.dumps(event)
    (run / "timeline.jsonl").write_text("\n".join(lines) + "\n")
    read = read_run(run, fault_of=observed_fault)
    assert len(read.timeline) == whole - 2
    (damage,) = read.damage
    assert damage.startswith(
        f"2 lines of timeline.jsonl are no events as the API sends them (line {pods[3] + 1}: status is a"
    )


@pytest.mark.parametrize("text", ["{", "null", "5", '{"scenarios": 5}', '{"scenarios": [null]}', "[" * 100_000])
def test_a_plan_that_names_no_scenarios_is_3_and_no_word_of_python(run: Path, text: str) -> None:
    (run.parent / "experiment.json").write_text(text)
    said = called("report", run.parent)
    assert said.code == ExitCode.INCONCLUSIVE
    assert said.error.startswith(f"error: reading {run.parent / 'experiment.json'}: it ")


@pytest.mark.parametrize("text", ["{", "null", "5", '{"format": 1, "patch": 5}', "[]"])
def test_what_is_to_be_undone_is_said_or_is_asked_for_by_hand(run: Path, text: str) -> None:
    (run / "undo.json").write_text(text)
    said = called("restore", run)
    assert said.code == ExitCode.USAGE
    assert said.error.endswith("Put the workload back by hand: kubectl rollout undo.")


def test_a_folder_may_have_any_name(run: Path) -> None:
    other = run.rename(run.with_name("x[1]\udcff*"))  # brackets and stars, and a byte that is no UTF-8
    assert told("report", other).code == ExitCode.NOT_AS_EXPECTED


SPOILT = (None, 5, "x", [], True, [[None]], {"x": None}, -1, 1e300)


@pytest.mark.parametrize("value", SPOILT, ids=str)
def test_events_that_are_spoilt_in_every_field_end_in_no_stack_trace(run: Path, value: object) -> None:
    lines = []
    for number, line in enumerate((run / "timeline.jsonl").read_text().splitlines()):
        event = json.loads(line)
        places = [event["object"], *(inner for inner in event["object"].values() if isinstance(inner, dict))]
        holder = places[number % len(places)]
        if holder and number % 2:
            holder[sorted(holder)[number % len(holder)]] = deepcopy(value)
        lines.append(json.dumps(event))
    (run / "timeline.jsonl").write_text("\n".join(lines) + "\n")
    said = called("report", run)
    assert said.code in (ExitCode.NOT_AS_EXPECTED, ExitCode.INCONCLUSIVE), said.err


def test_a_record_that_nobody_can_judge_is_3_and_names_the_trace(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_: object) -> None:
        raise KeyError("pod")

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("harness.analysis.judge", faulty)
    said = called("report", run)
    assert said.code == ExitCode.INCONCLUSIVE
    (trace,) = (tmp_path / "rollout-harness").iterdir()
    assert f"judging {run}" in said.error
    assert str(trace) in said.error
    assert not (run / "result.json").exists()
