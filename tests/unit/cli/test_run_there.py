"""`run` without a file: what options must say, before any cluster is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param("--restart", "--target and --namespace must say what is rolled", id="nothing"),
        pytest.param("--target deployment/web --restart", "--namespace must say what is rolled", id="no namespace"),
        pytest.param("--target deployment/web -n staging", "Give either --restart or --image", id="no update"),
        pytest.param(
            "--target deployment/web -n staging --restart --image a:1", "either --restart or --image", id="two"
        ),
        pytest.param(
            "--target deployment/web -n staging --restart", "made for the run, with nothing in it", id="sandbox"
        ),
        pytest.param("shop.yaml --rollouts 3", "shop.yaml says that itself", id="beside a file"),
    ],
)
def test_what_is_not_said_is_asked_for(words: str, said: str) -> None:
    command = [sys.executable, "-m", "harness", "run", *words.split()]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr
