"""Labels say who started a run, until when it may last, and in which process; this machine knows its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.kube.ownership import Ownership, is_running, label_value, new_ownership, ownership

VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")  # apimachinery, IsValidLabelValue
BY_A_CHILD = "from harness.kube.ownership import new_ownership; print(new_ownership(60).process, flush=True); input()"


@given(st.text())
def test_whatever_a_user_or_a_host_is_called_makes_a_valid_value(text: str) -> None:
    value = label_value(text)
    assert VALUE.fullmatch(value)
    assert len(value) <= 63


def test_a_new_run_can_be_read_back_from_its_labels_which_are_valid() -> None:
    made = new_ownership(90.0)
    assert all(VALUE.fullmatch(value) and len(value) <= 63 for value in made.labels.values())
    found = ownership(made.labels)
    assert found is not None
    assert found.run == made.run
    assert found.owner
    assert found.expiry is not None
    assert timedelta(seconds=80) < found.expiry - datetime.now(UTC) <= timedelta(seconds=90)
    assert is_running(found)


def test_two_runs_are_told_apart() -> None:
    assert new_ownership(1).run != new_ownership(1).run


def test_a_run_of_any_length_has_an_expiry_that_can_be_written() -> None:
    assert new_ownership(1e12).expiry is not None


@pytest.mark.parametrize("expiry", ["", "soon", "99999999T999999Z"])
def test_labels_that_somebody_changed_are_read_as_far_as_they_go(expiry: str) -> None:
    labels = {"rollout-harness/run": "1a", "rollout-harness/expiry": expiry, "app": "web"}
    assert ownership(labels) == Ownership(run="1a")
    assert is_running(Ownership(run="1a")) is None


@pytest.mark.parametrize("labels", [None, {}, {"rollout-harness/owner": "ada"}])
def test_what_carries_no_run_is_not_ours(labels: dict[str, str] | None) -> None:
    assert ownership(labels) is None


def test_a_process_is_known_to_run_and_known_to_be_gone_once_it_is_killed_even_before_it_is_reaped() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BY_A_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        theirs = Ownership(run="1", process=child.stdout.readline().strip())
        assert is_running(theirs) is True
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is still in the table
        assert is_running(theirs) is False
    assert is_running(theirs) is False


def test_a_later_process_of_the_same_number_is_another() -> None:
    machine, pid, start = new_ownership(1).process.split(".")
    assert is_running(Ownership(run="1", process=f"{machine}.{pid}.{int(start) - 1}")) is False


@pytest.mark.parametrize("process", ["", "0123456789abcdef.1.2", "x", "..", "0123456789abcdef.x.2"])
def test_of_another_machine_nothing_is_known(process: str) -> None:
    assert is_running(Ownership(run="1", process=process)) is None
