"""Findings of servers -> docs/servers.md."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.model.result import Cause
from scripts.servers.catalogue import SERVERS
from scripts.servers.findings import FILE, Finding, right_wrong_unknown

if TYPE_CHECKING:
    from pathlib import Path

_SETTINGS = {"prestop": "preStop 5 s", "min-ready": "minReadySeconds 5 s", "both": "both"}
_KILLED = 137  # by SIGKILL, when the grace period was over
_MOMENT_S = 0.25  # what is not later after the signal counts as at once

HEAD = """# What servers do when they are stopped

Made by `make servers`: each server, configured as most people run it (`fixtures/servers`), is stopped as PID 1 of a
container with clients in every state, and then rolled on the sandbox (3 replicas, maxSurge 1, proxy period 1 s,
grace 30 s): one rollout as it is, with preStop 5 s, with minReadySeconds 5 s, and with both, under answers of 5 ms,
250 ms and 5 s on new and on kept connections (77 requests a second in all). One rollout says little: a cost is an order
of magnitude, and a zero is no promise. Servers marked * pass requests on to an application that is not rolled.

## At the stop signal

Seconds after the signal. *New one*: a connection made 0.1 s after it. *Idle*: a kept connection without a request.
*Asked late*: a request on such a connection 1 s after the signal. *In hand*: requests with answers of 250 ms and 5 s,
under way at the signal.

| server | version | signal | PID 1 | listens until | new one | idle | asked late | in hand: 250 ms | 5 s | end |
|---|---|---|---|---|---|---|---|---|---|---|
"""

COST = """
## What a rollout costs

Calls lost by the truth: the kernel's record of every connection, and each server's own note of what it had taken. In
brackets: of these killed in flight, so that what was asked may have been done. *2 to 7*: of five calls not even the
truth can tell whether an idle connection was closed under them or they were taken and thrown away (the connection ended
1 to 20 ms after the request was sent, and no program had noted it).

| server | as it is | preStop | minReady | both | what cures it |
|---|---|---|---|---|---|
"""

BY_STREAM = """
## Which calls

Lost as it is, by length of answer and kind of connection.

| server | 5 ms new | 5 ms kept | 250 ms new | 250 ms kept | 5 s new | 5 s kept |
|---|---|---|---|---|---|---|
"""

JUDGE = """
## The judge on them

Whether the verdict was right, and of the failed requests the share whose cause was right, wrong, or left open. Left out
are requests whose cause not even the truth can tell, and verdicts where it cannot tell whether anything was lost.

| server | verdicts | failed | right | wrong | unknown | could not be told |
|---|---|---|---|---|---|---|
"""


def page(out: Path) -> str:
    """The page, of all servers that have findings below `out`."""
    found = [json.loads((out / name / FILE).read_text()) for name in SERVERS if (out / name / FILE).is_file()]
    text = HEAD + "".join(_stop_row(server) for server in found) + COST
    variants = {server["server"]: [Finding(**variant) for variant in server["variants"]] for server in found}
    deaf = {server["server"] for server in found if server["stop"]["exit_code"] == _KILLED}
    text += "".join(_cost_row(name, server, deaf=name in deaf) for name, server in variants.items()) + BY_STREAM
    text += "".join(_stream_row(name, server[0]) for name, server in variants.items()) + JUDGE
    return text + "".join(_judge_row(name, server) for name, server in variants.items())


def _title(name: str) -> str:
    return SERVERS[name].title + (" *" if SERVERS[name].passes_on else "")


def _row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |\n"


def _stop_row(server: dict[str, Any]) -> str:
    stop = server["stop"]
    closed = "only at its end" if stop["listener_closed_s"] is None else _when(stop["listener_closed_s"])
    killed = " (SIGKILL)" if stop["exit_code"] == _KILLED else f" ({stop['exit_code']})" if stop["exit_code"] else ""
    idle = "not kept alive" if stop["idle"]["what"] == "not kept" else _fate(stop["idle"])
    late = "" if stop["idle"]["what"] == "not kept" else _fate(stop["asked_late"])
    work = [_fate(stop["work"][path]) for path in ("/250ms", "/5s")]
    exits = f"{stop['exit_s']:.1f}{killed}"
    name = server["server"]
    new = _fate(stop["new"])
    return _row(
        _title(name), server["version"], stop["signal"], stop["first_process"], closed, new, idle, late, *work, exits
    )


def _when(after_s: float) -> str:
    return "at once" if after_s <= _MOMENT_S else f"after {after_s:.1f}"


def _fate(fate: dict[str, Any]) -> str:
    what, after_s = fate["what"], fate["after_s"]
    if what in ("answered", "refused", "closed before", "open"):
        return str(what)
    ended = {"eof": "closed", "reset": "reset"}.get(what, f"answered {what}")
    return f"{ended} {_when(after_s)}"


def _cost_row(name: str, variants: list[Finding], *, deaf: bool) -> str:
    cure = "it must heed its stop signal, and finish the work that it has in hand" if deaf else _cure(variants)
    return _row(_title(name), *(_cost(variant) for variant in variants), cure)


def _cost(found: Finding) -> str:
    killed = found.truth.get(Cause.IN_FLIGHT_KILL, 0)
    lost = f"{found.lost} to {found.lost + found.perhaps_lost}" if found.perhaps_lost else str(found.lost)
    return f"{lost} ({killed})" if killed else lost


def _cure(variants: list[Finding]) -> str:
    """The least that lost nothing here; where nothing did, why not, by what was lost under both."""
    clean = [variant.variant for variant in variants if variant.lost == variant.perhaps_lost == 0]
    if "default" in clean:
        return "nothing was lost"
    if clean:
        return " or ".join(_SETTINGS[variant] for variant in clean if variant != "both" or len(clean) == 1)
    if any(variant.lost == 0 for variant in variants):
        return "perhaps " + _cure([replace(variant, perhaps_lost=0) for variant in variants])
    both = variants[-1]
    killed = both.truth.get(Cause.IN_FLIGHT_KILL, 0)
    if killed == both.lost:
        return "no setting that was tried: it must finish the work that it has in hand"
    if killed:
        return "no setting that was tried: it must go on answering, and finish, what reaches it while it stops"
    return "no setting that was tried"


def _stream_row(name: str, found: Finding) -> str:
    streams = [f"{kind}-{answer}" for answer in ("5ms", "250ms", "5s") for kind in ("new", "kept")]
    return _row(_title(name), *(found.lost_by_stream.get(stream, 0) for stream in streams))


def _judge_row(name: str, variants: list[Finding]) -> str:
    right, wrong, unknown = (sum(parts) for parts in zip(*map(right_wrong_unknown, variants), strict=True))
    verdicts = [variant.verdict_right for variant in variants if variant.verdict_right is not None]
    untold = sum(variant.truth.get(Cause.UNKNOWN, 0) for variant in variants)
    failed = sum(variant.failed for variant in variants)
    shares = [_share(part, failed - untold) for part in (right, wrong, unknown)]
    return _row(_title(name), f"{sum(verdicts)} of {len(verdicts)}", failed, *shares, untold)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""
