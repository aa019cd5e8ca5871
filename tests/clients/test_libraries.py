"""Python's clients and a pytest plugin against the sandbox, each in an environment that has nothing of the harness.

`programs/` holds what their users would write. A test here runs one of these files as such a user runs it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("client", "options"),
    [
        ("kr8s", []),
        ("lightkube", []),
        ("kubernetes_asyncio", []),
        ("pytest_kubernetes", ["--k8s-kubeconfig={kubeconfig}"]),
        ("kopf", []),
    ],
)
def test_what_a_user_does_with_a_client_works(
    client: str, options: list[str], clients_python: Path, environment: dict[str, str]
) -> None:
    given = [option.format(kubeconfig=environment["KUBECONFIG"]) for option in options]
    command = [str(clients_python), "-m", "pytest", "-c", "pytest.ini", "-q", *given, f"test_{client}.py"]
    done = subprocess.run(command, cwd=PROGRAMS, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, f"{done.stdout[-12000:]}\n{done.stderr[-4000:]}"
    assert "skipped" not in done.stdout
