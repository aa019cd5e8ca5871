"""A run that is over -> what is seen of it, and what of its row does not hold."""

from __future__ import annotations

import csv
import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from harness.model.request import COLUMNS

from .fault import NONE, SEAMLESS, Left, Records
from .processes import alive, command, load_workers
from .scene import HARNESS, Scene

LOAD_GONE_S, MACHINE_GONE_S, NAMESPACE_GONE_S = 30.0, 10.0, 30.0
KEPT_S = 0.5
_CRASH = re.compile(r"Traceback \(most recent|Exception ignored|\w+Warning: ")


@dataclass(slots=True, kw_only=True)
class Seen:
    """What came of a run: for the judges of the row, and for the page."""

    verdict: str = NONE
    reason: str = ""
    code: int | None = None
    requests: int = 0
    failed: int = 0
    ended_s: float | None = None  # after the injection
    left: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


async def seen(scene: Scene) -> Seen:
    """Look at everything: the injection itself, exit code, verdict, records, cluster, machine."""
    assert scene.process is not None
    found = Seen(code=scene.process.returncode)
    if scene.struck is None or scene.ended is None:
        found.wrong.append(f"the phase {scene.fault.begins} never came")
        return found
    _injected(scene, found)
    assert scene.began is not None
    found.ended_s = scene.ended - scene.began
    holds = scene.fault.holds
    if found.ended_s - scene.waited_s > holds.within_s:  # where a machine has no time for it, that is no hang
        found.wrong.append(f"it ended {found.ended_s:.0f} s after the injection, not within {holds.within_s:g} s")
    if found.code not in holds.codes:
        found.wrong.append(f"exit code {found.code}, not {' or '.join(map(str, holds.codes))}")
    said = "\n".join([*scene.stdout, *scene.stderr])
    if crash := _CRASH.search(said):
        found.wrong.append(f"it shows {said[crash.start() : crash.start() + 2000]!r}")
    if not re.search(holds.says, said):
        found.wrong.append(f"it does not say {holds.says!r}")
    await _verdict(scene, found)
    _records(scene, found)
    await _machine(scene, found)
    if scene.target is not None:
        await _cluster(scene, found)
    return found


def _injected(scene: Scene, found: Seen) -> None:
    if scene.proxy is not None:
        missed = [rule for rule in scene.armed if not scene.proxy.hits[rule]]
        found.wrong += [f"no call met the rule {rule.do} {rule.verbs} {rule.path!r}" for rule in missed]
    if not scene.done and scene.fault.needs_its_end:
        found.wrong.append("the harness ended before the injection did")


async def _verdict(scene: Scene, found: Seen) -> None:
    holds = scene.fault.holds
    if not (scene.out / "result.json").is_file() and (scene.record / "requests.csv").is_file():
        done = await anyio.run_process([*HARNESS, "report", str(scene.out)], cwd=scene.folder, check=False)
        if _CRASH.search(done.stderr.decode()) or done.returncode not in (0, 1, 2, 3):
            found.wrong.append(f"`report` of it ends with {done.returncode}: {done.stderr.decode()[-300:]}")
    result = _json(scene.out / "result.json")
    for scenario in result.get("scenarios", ()):
        found.verdict, found.reason = scenario["verdict"], scenario.get("reason") or ""
    if found.verdict not in holds.verdicts:
        found.wrong.append(f"{found.verdict} ({found.reason}), not {' or '.join(holds.verdicts)}")
    if found.verdict == SEAMLESS and found.code == 1:
        found.wrong.append(f"seamless, and exit code {found.code}")


def _json(path: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return loaded


def _records(scene: Scene, found: Seen) -> None:
    wanted = scene.fault.holds.records
    rows = _rows(scene.record / "requests.csv")
    found.requests = len(rows)
    found.failed = sum(row["outcome"] not in ("ok", "unsent") for row in rows)
    if wanted in (Records.ANY, Records.READABLE):
        if wanted is Records.READABLE and not rows:
            found.wrong.append("no request is on disk")
        return
    numbers: dict[tuple[str, str], set[int]] = {}
    for row in rows:
        numbers.setdefault((row["worker"], row["stream"]), set()).add(int(row["seq"]))
    if not numbers:
        found.wrong.append("no request is on disk")
        return
    for (worker, stream), seqs in numbers.items():
        if wanted is Records.WHOLE and (missing := max(seqs) + 1 - len(seqs)):
            found.wrong.append(f"{missing} requests of stream {stream} of worker {worker} are not on disk")
    run = scene.run_json()
    if wanted is Records.WHOLE:
        for end in run.get("ends") or ():
            for stream, count in end["requests"].items():
                if (have := len(numbers.get((str(end["worker"]), stream), ()))) != count:
                    found.wrong.append(f"{have} requests of stream {stream} are on disk, of {count} that were sent")
        if not run.get("ends"):
            found.wrong.append("run.json does not say how many requests the worker sent")
    if wanted is Records.KEPT:
        assert scene.struck is not None
        last = max(float(row["ended"]) for row in rows if row["ended"]) + run["t0_wall"]
        if scene.struck - last > KEPT_S:
            found.wrong.append(f"the last {scene.struck - last:.2f} s of requests are not on disk")


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    cells = [row for row in csv.reader(lines[1:]) if len(row) == len(COLUMNS)]
    return [dict(zip(COLUMNS, row, strict=True)) for row in cells]


async def _machine(scene: Scene, found: Seen) -> None:
    end = time.monotonic() + MACHINE_GONE_S
    while left := alive(scene.known):
        if time.monotonic() > end:
            found.wrong.append(f"still there: {', '.join(command(pid)[:80] for pid in left)}")
            return
        await anyio.sleep(0.05)


async def _cluster(scene: Scene, found: Seen) -> None:
    assert scene.target is not None
    assert scene.ended is not None
    while workers := load_workers(scene.target.sandbox.pid):
        if time.time() > scene.ended + LOAD_GONE_S:
            found.wrong.append(f"{len(workers)} load workers still send requests after {LOAD_GONE_S:g} s")
            break
        await anyio.sleep(0.1)
    prefix = f"rollout-{scene.name}-"
    found.left = await scene.target.namespaces(prefix)
    allowed = scene.fault.holds.cluster
    if allowed is Left.NOTHING and found.left:
        found.wrong.append(f"left on the cluster: {', '.join(found.left)}")
    said = "\n".join([*scene.stdout, *scene.stderr])
    if allowed is Left.NAMED:
        named = [name for name in found.left if not re.search(rf"(kubectl|rollout-harness) .*{name}", said)]
        if named:
            found.wrong.append(f"left on the cluster without a command that removes it: {', '.join(named)}")
