"""The demo's nginx on a real cluster in Docker: from the command line, and by the fixtures of pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from kind_rollouts import TESTS

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.kind, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def worker_image() -> tuple[str, ...]:
    """The option for the image in ROLLOUT_HARNESS_WORKER_IMAGE, none for the one that is built; needs a Docker."""
    for program in ("docker", "kind"):
        if shutil.which(program) is None:
            pytest.skip(f"needs Docker and kind: {program} is not installed")
    answered = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False, timeout=200)
    if answered.returncode:
        pytest.skip(f"needs Docker and kind: Docker does not answer ({answered.stderr.strip().splitlines()[-1]})")
    image = os.environ.get("ROLLOUT_HARNESS_WORKER_IMAGE")
    return ("--worker-image", image) if image else ()


def test_the_default_drops_calls_and_both_mitigations_together_drop_none(
    worker_image: tuple[str, ...], repository: Path, tmp_path: Path
) -> None:
    experiment = repository / "fixtures" / "experiments" / "demo.yaml"
    command = ["rollout-harness", "run", str(experiment), "--cluster", "kind", *worker_image]
    done = subprocess.run([*command, "--out", str(tmp_path / "run")], check=False, timeout=850)
    assert done.returncode == 0


def test_the_fixtures_roll_on_it_in_this_process(worker_image: tuple[str, ...], pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    named = [f"--rollout-worker-image={image}" for image in worker_image[1:]]
    result = pytester.runpytest_inprocess("--rollout-cluster=kind", "-p", "no:xdist", *named)
    result.assert_outcomes(passed=2)


def test_two_workers_of_xdist_share_it(worker_image: tuple[str, ...], pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    named = [f"--rollout-worker-image={image}" for image in worker_image[1:]]
    result = pytester.runpytest_subprocess("-n", "2", "--rollout-cluster=kind", *named, timeout=850)
    result.assert_outcomes(passed=2)
