"""The archive of the load worker: small, pure Python, and a whole worker for a Python that has nothing else."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.clusters.worker_archive import worker_archive
from harness.load import Ability, End, Engine, Plan, Refusal, Statistics, Stream, parse_line, plan_json
from harness.model.request import Outcome, Request

from .servers import Server, reset, says, silence

STOCK = (sys.executable, "-I", "-S")
"""A Python with nothing but its standard library, and blind to this checkout."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("archive") / "harness.load.pyz"
    file.write_bytes(worker_archive())
    return file


def run(program: Path, plan: Plan, *python: str) -> tuple[int, list[object], str]:
    """Its exit code, its lines, and what it complained of."""
    file = program.parent / "plan.json"
    file.write_text(plan_json(plan))
    done = subprocess.run(
        [*(python or STOCK), program, file],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=200,
        check=False,
    )
    return done.returncode, [parse_line(line) for line in done.stdout.splitlines()], done.stderr


def test_it_is_well_below_what_a_secret_may_hold_and_holds_nothing_that_is_compiled(program: Path) -> None:
    names = zipfile.ZipFile(program).namelist()
    assert program.stat().st_size < 200_000
    assert {name.rpartition(".")[2] for name in names if not name.endswith("/")} == {"py", "txt"}
    assert "h11/LICENSE.txt" in names


def test_every_module_in_it_can_be_imported_with_the_standard_library_alone(program: Path) -> None:
    names = [name for name in zipfile.ZipFile(program).namelist() if name.startswith("harness/load/")]
    modules = [name.removesuffix(".py").replace("/", ".") for name in names if name.endswith(".py")]
    wanted = [m for m in modules if not m.endswith(("__init__", "__main__", "archive_main")) and "httpx" not in m]
    assert len(wanted) > 15
    code = f"import sys; sys.path.insert(0, {str(program)!r})\n" + "\n".join(f"import {module}" for module in wanted)
    subprocess.run([*STOCK, "-c", code], check=True, timeout=200)


def test_a_stock_python_sends_what_the_plan_says_and_sees_every_outcome(
    program: Path, server: Callable[..., Server]
) -> None:
    behaviours = {10: reset, 11: says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), 12: silence}
    behaviours[13] = says(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
    behaviours[14] = says(b"SSH-2.0-OpenSSH_9.7\r\n")
    started = server(lambda n: behaviours.get(n))
    streams = (Stream(name="new", rate_per_s=50), Stream(name="kept", rate_per_s=50, connections=3))
    plan = Plan(url=started.url(), streams=streams, own_clock=True, start_s=0.3, duration_s=1.0, read_timeout_s=0.3)
    code, lines, complaint = run(program, plan)
    assert (code, complaint) == (0, "")
    assert isinstance(lines[0], Ability)
    assert lines[0].engine == "asyncio and h11"
    assert lines[0].python == sys.version.split()[0]
    rows = [line for line in lines if isinstance(line, Request)]
    assert [line for line in lines if not isinstance(line, Ability | Request | Statistics)] == [lines[-1]]
    assert lines[-1] == End(end={"new": 50, "kept": 50})
    assert len(rows) == 100
    failed = sorted(row.outcome for row in rows if row.outcome is not Outcome.OK)
    assert failed == sorted(
        (
            Outcome.RESET_BEFORE_RESPONSE,
            Outcome.EOF_MID_RESPONSE,
            Outcome.READ_TIMEOUT,
            Outcome.STATUS,
            Outcome.PROTOCOL_ERROR,
        )
    )
    assert {row.pod for row in rows if row.outcome is Outcome.OK} == {"web-1"}


def test_where_there_is_httptools_and_uvloop_it_uses_them(program: Path, server: Callable[..., Server]) -> None:
    plan = Plan(url=server().url(), streams=(Stream(name="new", rate_per_s=20),), duration_s=0.2)
    code, lines, _ = run(program, plan, sys.executable)
    assert code == 0
    assert isinstance(lines[0], Ability)
    assert lines[0].engine == "uvloop and httptools"


@pytest.mark.parametrize(
    ("change", "why", "do"),
    [
        ({"rate_per_s": 1e6}, "it can hold ", "Lower the rates, or give --worker-image one with httptools and uvloop"),
        (
            {"engine": Engine.HTTPX},
            "engine httpx needs packages that this image does not have (http",
            "Give --worker-image one",
        ),
    ],
)
def test_a_plan_that_it_cannot_follow_there_is_refused_before_a_request(
    program: Path, server: Callable[..., Server], change: dict[str, object], why: str, do: str
) -> None:
    started = server()
    stream = Stream(name="kept", rate_per_s=float(str(change.get("rate_per_s", 10))), connections=2, slots=10)
    plan = Plan(url=started.url(), streams=(stream,), duration_s=1.0, engine=Engine(change.get("engine", "asyncio")))
    code, lines, complaint = run(program, plan)
    assert (code, complaint) == (2, "")
    (refusal,) = lines
    assert isinstance(refusal, Refusal)
    assert refusal.refused.startswith(why)
    assert refusal.do.startswith(do)
    assert started.requests == 0


def test_the_first_file_it_runs_is_read_by_an_old_python_and_says_what_it_needs(program: Path) -> None:
    main = zipfile.ZipFile(io.BytesIO(worker_archive())).read("__main__.py").decode()
    ast.parse(main, feature_version=(3, 4))
    pretend = "import runpy, sys; sys.version_info = (3, 8, 10, 'final', 0)\n"
    pretend += f"runpy.run_path({str(program)!r}, run_name='__main__')"
    done = subprocess.run([*STOCK, "-c", pretend], capture_output=True, text=True, timeout=200, check=False)
    assert (done.returncode, done.stderr) == (2, "")
    assert json.loads(done.stdout)["refused"] == "the image has Python 3.8.10, and the load worker needs 3.11 or newer"
