"""On a Mac all works that needs no sandbox, and the sandbox says that it needs Linux.

The Mac is this machine with what a Mac has not taken out of the standard library (macos.py), in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
NGINX = str(ROOT / "fixtures" / "manifests" / "nginx.yaml")
QUICK = str(ROOT / "fixtures" / "experiments" / "demo-quick.yaml")
RECORDED = str(ROOT / "tests" / "recordings" / "sigterm-stop")

PROGRAM = """
import contextlib, importlib, io, json, pkgutil, sys
sys.path.insert(0, {here!r})
import macos
macos.pretend()

import harness
OWN = ("harness.sandbox", "harness.__main__", "harness.load.__main__", "harness.load.archive_main")
for module in pkgutil.walk_packages(harness.__path__, "harness."):
    if not module.name.startswith(OWN):
        importlib.import_module(module.name)

from harness.cli import main
from harness.observers.heartbeat import slept_s
found = {{"slept": slept_s()}}
for name, arguments in {commands!r}.items():
    sys.argv = ["rollout-harness", *arguments]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = main()
        except SystemExit as end:
            code = end.code
    found[name] = [code or 0, said.getvalue()]
print(json.dumps(found))
"""


def test_what_needs_no_sandbox_works_on_a_mac_and_the_sandbox_says_that_it_needs_linux(tmp_path: Path) -> None:
    """Every module but the sandbox's own is imported, those of runs by context too."""
    out = str(tmp_path / "out")
    commands = {
        "check": ["check", NGINX],
        "mitigate": ["mitigate", NGINX, "--prestop", "5s"],
        "plan": ["run", QUICK, "--cluster", "context:staging", "--dry-run"],
        "report": ["report", RECORDED, "--out", str(tmp_path / "again")],
        "run": ["run", QUICK, "--cluster", "sandbox", "--out", out],
        "sandbox": ["sandbox", "up", "--kubeconfig", str(tmp_path / "kubeconfig")],
    }
    program = PROGRAM.format(here=str(HERE), commands=commands)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("slept") == 0.0
    codes = {name: code for name, (code, _) in found.items()}
    assert codes == {"check": 1, "mitigate": 0, "plan": 0, "report": 1, "run": 2, "sandbox": 2}, found
    assert (tmp_path / "again" / "report.html").exists()
    assert "preStop" in found["mitigate"][1]
    for name in ("run", "sandbox"):
        assert "The sandbox needs Linux namespaces; on other systems use --cluster kind" in found[name][1]
    assert not Path(out).exists()
