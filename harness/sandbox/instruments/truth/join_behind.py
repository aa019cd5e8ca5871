"""A recorder's file, a proxy's log and a run directory -> truth.csv and truth-pods.json of a path that a proxy ends."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.sandbox.instruments.truth.behind import Behind
from harness.sandbox.instruments.truth.causes import CUT
from harness.sandbox.instruments.truth.join import Joined, client_of, recorded_lines, write_told
from harness.sandbox.instruments.truth.proxied import End, Log, by_haproxy
from harness.sandbox.instruments.truth.traefik import by_traefik
from harness.sandbox.instruments.truth.world import TruthIncomplete, world

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.sandbox.instruments.truth.causes import Attempt, Cause
    from harness.sandbox.instruments.truth.proxied import Passed
    from harness.sandbox.instruments.truth.world import Pod


def write_truth_behind_haproxy(run: Path, record: Path) -> Joined:
    """Write truth.csv and truth-pods.json of a run behind the sandbox's balancer of layer 7, by HAProxy's log beside
    the recorder's file and by the kernel.

    Raises:
        TruthIncomplete: HAProxy wrote of no request, events were lost, or the load came from several addresses.
    """
    info = json.loads((run / "run.json").read_text())
    client_of(info)
    passed = by_haproxy(record.parent.glob(f"{record.stem}-haproxy-*.jsonl"), info["t0_wall"])
    sources = dict.fromkeys(each.source[0] for each in passed if each.source)
    if not sources:
        raise TruthIncomplete(f"beside {record} there is no word of HAProxy of a request that it passed on")
    return _write(run, info, record, passed, sources)


def write_truth_behind_traefik(run: Path, record: Path, logs: Path) -> Joined:
    """Write truth.csv and truth-pods.json of a run behind a Traefik that ran as `traefik.ARGUMENTS` says, by its logs
    in the folder `logs` and by the kernel.

    Raises:
        TruthIncomplete: Traefik wrote of no request, events were lost, or the load came from several addresses.
    """
    info = json.loads((run / "run.json").read_text())
    client = client_of(info)
    passed = by_traefik(logs, info["t0_wall"])
    if not passed:
        raise TruthIncomplete(f"in {logs} there is no word of Traefik of a request that it passed on")
    return _write(run, info, record, passed, (client,))


def _write(
    run: Path, info: Mapping[str, Any], record: Path, passed: tuple[Passed, ...], clients: Iterable[str]
) -> Joined:
    """`info`: the run's run.json; `clients`: by whose connections pods are looked for, the proxy's own where its log
    tells them."""
    (front, *_) = (hop for hop in info["hops"] if hop["kind"] == "reverse-proxy")
    lines, timeline = recorded_lines(record), recorded_lines(run / "timeline.jsonl")
    worlds = {each: world(lines, timeline, t0_wall=info["t0_wall"], client=each) for each in clients}
    removal_s = float((front["removal"] or {}).get("most_s", 0.0))
    behind = Behind(worlds=worlds, by_node=front["targets"] == "nodes", removal_s=removal_s)
    log = Log(passed)

    def tell(attempt: Attempt, until: float) -> tuple[Pod | None, Cause]:
        found = log.of(attempt.port, attempt.started, attempt.ended, until)
        if found is not None and found.end is End.ANSWERED and attempt.outcome in CUT:
            found = replace(found, end=End.CUT)  # it had begun to pass the answer on, and that was all it had
        given_up = attempt.ended if attempt.outcome == "read-timeout" else None
        return behind.pod(found), behind.cause(found, given_up)

    return write_told(run, next(iter(worlds.values())), tell)
