"""What is built and installed outside of the checkout runs there: wheel and source distribution. `make wheel`"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTALL_S = 300
UV = (Path(sys.executable).parent / "uv", "--system-certs")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * INSTALL_S)]


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A program that knows nothing of the checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment |= index()
    return subprocess.run(
        list(map(str, words)), cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=INSTALL_S
    )


def index() -> dict[str, str]:
    """pip's index, which uv does not read from pip's configuration."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False
    )
    return {"UV_DEFAULT_INDEX": told.stdout.strip()} if told.returncode == 0 else {}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both distributions."""
    folder = tmp_path_factory.mktemp("dist")
    done = run(*UV, "build", "--quiet", "--out-dir", folder, ROOT, cwd=folder)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_it_installs_and_runs_outside_of_the_checkout(kind: str, built: Path, tmp_path: Path) -> None:
    (distribution,) = built.glob(kind)
    venv.create(tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    installed = run(*UV, "pip", "install", "--quiet", "--python", python, distribution, cwd=tmp_path)
    assert installed.returncode == 0, installed.stderr[-2000:]
    program = tmp_path / "venv/bin/rollout-harness"

    where = run(tmp_path / "venv/bin/python", "-c", "import harness; print(harness.__file__)", cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(tmp_path / "venv"), where

    assert "--quick" in run(program, "demo", "--help", cwd=tmp_path).stdout
    assert json.loads(run(program, "schema", cwd=tmp_path).stdout)["title"]

    fixtures = next((tmp_path / "venv/lib").glob("python*/site-packages/harness/fixtures"))
    checked = run(program, "check", fixtures / "manifests" / "nginx.yaml", "--json", cwd=tmp_path)
    assert checked.returncode == 1, checked
    assert json.loads(checked.stdout)

    explained = run(program, "explain", ROOT / "tests/recordings/default-3replicas-sync1s", cwd=tmp_path)
    assert explained.returncode == 0, explained
    assert "YES  listener-closed: termination-race" in explained.stdout

    judged = run(program, "report", ROOT / "tests/recordings/sigterm-stop", "--out", "again", "-q", cwd=tmp_path)
    assert judged.stdout == "sigterm-stop: dropping, not as expected: seamless expected\n", judged
    assert (tmp_path / "again" / "report.html").stat().st_size > 10_000
