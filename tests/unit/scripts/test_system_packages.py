"""scripts/system-packages.sh says what to do where it cannot do it itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "system-packages.sh"
TOOLS = ("sh", "grep", "cat", "tee", "chmod", "rm", "env", "true", "printf")


@pytest.fixture
def machine(tmp_path: Path):
    """A PATH of its own, with programs that answer as on some other machine."""
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(subprocess.check_output(["which", tool], text=True).strip())

    def run(**programs: str) -> subprocess.CompletedProcess[str]:
        for name, script in programs.items():
            (tmp_path / name.replace("_", "-")).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name.replace("_", "-")).chmod(0o755)
        command = ["/bin/sh", str(SCRIPT), "nginx-light", "nftables"]
        return subprocess.run(
            command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=200
        )

    return run


def test_nothing_is_done_where_nothing_is_missing(machine) -> None:
    done = machine(uname="echo Linux", dpkg_query="echo 'install ok installed'")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_elsewhere_than_on_linux_it_says_what_to_do_with_docker(machine) -> None:
    done = machine(uname="echo Darwin")
    assert done.returncode == 2
    assert "needs Linux" in done.stderr
    assert "--cluster kind" in done.stderr


def test_without_rights_it_prints_the_one_line_to_run(machine) -> None:
    done = machine(uname="echo Linux", dpkg_query="exit 1", apt_get="exit 9", id="echo 1000", sudo="exit 1")
    assert done.returncode == 2
    assert "sudo apt-get install -y --no-install-recommends nginx-light nftables" in done.stderr


def test_without_apt_it_names_what_is_missing(machine) -> None:
    done = machine(uname="echo Linux", dpkg_query="exit 1", id="echo 0")
    assert done.returncode == 2
    assert "Missing: nginx-light nftables" in done.stderr
