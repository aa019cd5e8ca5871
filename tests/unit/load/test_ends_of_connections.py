"""What the records say about each way in which a connection can end under a request: the ground that judges stand on.

Real processes and the kernel's own packets. `acked` is none or all of the request here, as one segment carries it. What
a kernel may do in two ways is asserted as the set of both, with the reason.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.load.lateness import LOOK_S, TICK_S
from harness.load.plan import Engine
from harness.load.records import parse_line
from harness.model.request import Outcome, Request, TcpFacts

from .ending import BLOCKED_S, WAYS, meet

NONE, ALL = "none", "all"
EITHER = {NONE, ALL}

EOF, RESET = {Outcome.EOF_BEFORE_RESPONSE}, {Outcome.RESET_BEFORE_RESPONSE}
CUT, CUT_RESET = {Outcome.EOF_MID_RESPONSE}, {Outcome.RESET_MID_RESPONSE}


@dataclass(frozen=True)
class Expected:
    """What may be recorded. `not_before_s`: from the request's leaving to its end, at least."""

    outcomes: set[Outcome]
    acked: set[str]
    not_before_s: float = 0.0


ON_KEPT = {
    # The FIN came before the request left. A socket that is closed answers it with RST, which acknowledges nothing.
    "idle close": Expected(EOF, {NONE}),
    "idle close, late reader": Expected(EOF, {NONE}),
    # One that is half-closed takes it and acknowledges at once or within some 40 ms: before we look, or after.
    "half-close": Expected(EOF, EITHER),
    # A FIN acknowledges what the kernel had taken before it, so all of what the process had read.
    "read, exit": Expected(EOF, {ALL}),
    "read, exit after 60 ms": Expected(EOF, {ALL}, not_before_s=0.06),
    "read, SIGKILL": Expected(EOF, {ALL}),
    "read, exit, late reader": Expected(EOF, {ALL}, not_before_s=BLOCKED_S),
    # Bytes unread make the kernel send RST, and only an acknowledgement before it counts: delayed by up to 40 ms
    # (TCP_ATO_MIN, and no longer on a round trip below that), or not at all on a connection that is young.
    "unread for 1 ms, exit": Expected(RESET, EITHER, not_before_s=0.001),
    "unread for 20 ms, exit": Expected(RESET, EITHER, not_before_s=0.02),
    "unread for 60 ms, exit": Expected(RESET, {ALL}, not_before_s=0.06),
    "unread for 200 ms, exit": Expected(RESET, {ALL}, not_before_s=0.2),
    "unread, SIGKILL": Expected(RESET, EITHER),
    "unread, exit, late reader": Expected(RESET, EITHER, not_before_s=BLOCKED_S),
    # The first segment of the answer acknowledges the request.
    "cut midway": Expected(CUT, {ALL}),
    "cut midway, unread": Expected(CUT_RESET, {ALL}),
}
NEEDS_IDLE = ("idle close", "idle close, late reader", "half-close")
ON_NEW = {name: expected for name, expected in ON_KEPT.items() if name not in NEEDS_IDLE}
CASES = [(name, "kept", expected) for name, expected in ON_KEPT.items()]
CASES += [(name, "new", expected) for name, expected in ON_NEW.items()]


def facts(record: Request) -> TcpFacts:
    assert record.tcp is not None
    return record.tcp


def acked(record: Request) -> str:
    tcp = facts(record)
    assert tcp.request_bytes
    assert tcp.acked in (0, tcp.request_bytes)
    return ALL if tcp.acked else NONE


def took(record: Request) -> float:
    """Seconds from the request's leaving, or the earliest moment at which it can have left, to its end."""
    assert record.started is not None
    assert record.ended is not None
    return record.ended - max(record.started, record.connected or 0.0)


def test_every_way_to_end_is_in_the_table() -> None:
    assert set(ON_KEPT) == set(WAYS)


@pytest.mark.parametrize(("name", "connection", "expected"), CASES, ids=[f"{c[0]} on {c[1]}" for c in CASES])
def test_an_end_is_recorded_as_the_kernel_had_it(
    name: str, connection: str, expected: Expected, engine: Engine
) -> None:
    record = meet(WAYS[name], kept=connection == "kept", engine=engine)
    assert record.outcome in expected.outcomes
    assert acked(record) in expected.acked
    assert took(record) >= expected.not_before_s
    assert facts(record).min_rtt
    late = facts(record).seen_late
    assert late is not None
    if "late reader" in name and (engine is Engine.ASYNCIO or record.outcome in EOF):
        # The pause began at most so long before a timer was due. What httpx makes of an end takes many turns of the
        # loop, more than the pause is remembered for where all is slow; of a FIN the kernel knows the age.
        assert late >= BLOCKED_S - max(LOOK_S + TICK_S, 2 * time.clock_getres(6))


def test_an_end_that_is_seen_at_once_is_not_called_late(engine: Engine) -> None:
    # One of some: the machine may well be slow for others.
    ends = (meet(WAYS["read, exit after 60 ms"], kept=True, engine=engine) for _ in range(40))
    assert any((late := facts(record).seen_late) is not None and late < LOOK_S for record in ends)


# --- with a round trip that is longer than a turn of the loop

DELAY_S = 0.02
HERE = Path(__file__).parent


def meet_afar(name: str, connection: str, engine: Engine) -> tuple[Request, float]:
    """The same at the other end of a wire on which each packet takes 20 ms, and how many seconds longer one may have
    taken."""
    if not Path("/dev/net/tun").exists() or shutil.which("nsenter") is None:
        pytest.skip("needs /dev/net/tun and nsenter (util-linux)")
    prefix = ["unshare", "-Urn", sys.executable]
    if subprocess.run([*prefix, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip("needs network namespaces (unshare -Urn)")
    command = [*prefix, str(HERE / "delay_line.py"), str(DELAY_S)]
    command += [sys.executable, "-m", "tests.unit.load.ending", name, connection, engine]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=HERE.parents[2], start_new_session=True
    ) as wire:
        try:
            said, complaint = wire.communicate(timeout=200)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(wire.pid, signal.SIGKILL)  # with all that it started
    assert wire.returncode == 0, complaint
    record = parse_line(said)
    assert isinstance(record, Request)
    tcp = facts(record)
    assert tcp.min_rtt is not None
    assert tcp.min_rtt >= 2 * DELAY_S
    return record, float(complaint.splitlines()[-1])


@pytest.mark.parametrize("name", ["idle close", "half-close", "idle close, late reader"])
def test_an_end_under_way_before_the_request_arrived_comes_within_the_round_trip(name: str, engine: Engine) -> None:
    record, late_s = meet_afar(name, "kept", engine)
    tcp = facts(record)
    assert record.outcome == Outcome.EOF_BEFORE_RESPONSE
    assert tcp.min_rtt is not None
    assert tcp.seen_late is not None
    assert took(record) - tcp.seen_late - late_s < tcp.min_rtt
    if took(record) < 2 * DELAY_S:
        # What the peer's kernel says about the request itself takes the whole round trip.
        assert tcp.acked == 0


@pytest.mark.parametrize("connection", ["kept", "new"])
@pytest.mark.parametrize(
    "name", ["read, exit", "read, SIGKILL", "unread for 1 ms, exit", "unread for 60 ms, exit", "cut midway"]
)
def test_an_end_that_the_request_met_takes_the_whole_round_trip(name: str, connection: str, engine: Engine) -> None:
    record, _ = meet_afar(name, connection, engine)
    expected = ON_KEPT[name]
    assert record.outcome in expected.outcomes
    assert acked(record) in expected.acked
    assert took(record) >= 2 * DELAY_S + expected.not_before_s
