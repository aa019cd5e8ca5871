"""Which Job a CronJob is due to start, and what it looks like."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from harness.sandbox.controllers.cronjob import job_of, last_due
from harness.sandbox.cronschedule import parsed

NOW = datetime(2026, 11, 27, 12, 7, 30, tzinfo=UTC)


def cron_job(last: str = "", **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}, "spec": {"template": {}}}
    metadata = {"name": "tick", "namespace": "shop", "uid": "u1", "creationTimestamp": "2026-11-27T12:01:00Z"}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata,
        "spec": {"jobTemplate": template, **spec},
        "status": {"lastScheduleTime": last} if last else {},
    }


@pytest.mark.parametrize(
    ("line", "last", "deadline_s", "due"),
    [
        ("*/5 * * * *", "", None, "12:05"),
        ("*/5 * * * *", "2026-11-27T12:05:00Z", None, ""),
        ("* * * * *", "2026-11-27T12:01:00Z", None, "12:07"),  # what was missed before is made up for by the newest
        ("0 * * * *", "", None, ""),
        ("*/5 * * * *", "", 60, ""),  # too late for that one
        ("*/5 * * * *", "", 200, "12:05"),
    ],
)
def test_the_newest_moment_that_is_due(line: str, last: str, deadline_s: int | None, due: str) -> None:
    spec = {} if deadline_s is None else {"startingDeadlineSeconds": deadline_s}
    found = last_due(cron_job(last, **spec), parsed(line), NOW)
    assert (found.strftime("%H:%M") if found else "") == due


def test_a_job_is_named_by_its_minute_and_owned() -> None:
    due = datetime(2026, 11, 27, 12, 5, tzinfo=UTC)
    metadata = job_of(cron_job(), due)["metadata"]
    assert metadata["name"] == f"tick-{int(due.timestamp() / 60)}"
    assert metadata["labels"] == {"a": "b"}
    scheduled = {"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-11-27T12:05:00Z"}
    assert metadata["annotations"] == {"c": "d", **scheduled}
    assert [(item["kind"], item["name"], item["controller"]) for item in metadata["ownerReferences"]] == [
        ("CronJob", "tick", True)
    ]
