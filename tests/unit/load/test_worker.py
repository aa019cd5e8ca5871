"""The worker as a program: what it reads, what it writes, and that it ends when it should."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.load import (
    BEGIN_PATH,
    LINES_PATH,
    RECEIVED_PATH,
    SIGN_PATH,
    End,
    Engine,
    Plan,
    Statistics,
    Stream,
    parse_line,
    plan_json,
)
from harness.load.plan import GREETING_S
from harness.model.request import Outcome, Request, TcpFacts

from .servers import Server, says, silence

WORKER = [sys.executable, "-m", "harness.load"]
NEW = Stream(name="new", rate_per_s=100)
KEPT = Stream(name="kept", rate_per_s=50, connections=5)


def start(*prefix: str, plan: Path | None = None, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*prefix, *WORKER, *([str(plan)] if plan else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )


@pytest.fixture(params=Engine)
def engine(request: pytest.FixtureRequest) -> Engine:
    """What sends in workers, which are processes of their own: the archive's tests start those of a stock Python."""
    return Engine(request.param)


@pytest.fixture
def worker() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a worker; what still runs at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def run(*prefix: str, plan: Path | None = None, **environment: str) -> subprocess.Popen[str]:
        started.append(start(*prefix, plan=plan, **environment))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()


def tell(process: subprocess.Popen[str], plan: Plan) -> None:
    assert process.stdin is not None
    process.stdin.write(plan_json(plan) + "\n")
    process.stdin.flush()


def read(lines: list[str]) -> tuple[list[Request], list[Statistics], End]:
    """What a worker that ended in good order wrote; its end line comes last and every line is understood."""
    parsed = [parse_line(text) for text in lines]
    assert None not in parsed, lines[parsed.index(None)]
    end = parsed.pop()
    assert isinstance(end, End)
    requests = [entry for entry in parsed if isinstance(entry, Request)]
    for stream, count in end.end.items():
        assert sorted(r.seq for r in requests if r.stream == stream) == list(range(count))
    return requests, [entry for entry in parsed if isinstance(entry, Statistics)], end


def wait_for_request(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_plan_with_an_end_is_followed_to_it(
    server: Callable[..., Server], worker: Callable[..., subprocess.Popen[str]]
) -> None:
    zero_ns = time.monotonic_ns()
    plan = Plan(url=server().url(), streams=(NEW, KEPT), worker=7, t0_monotonic_ns=zero_ns, start_s=1.5, duration_s=1.0)
    process = worker()
    tell(process, plan)
    assert process.stdout is not None
    requests, seconds, end = read(process.stdout.read().splitlines())
    assert process.wait(60) == 0
    assert end.end == {"new": 100, "kept": 50}
    assert {request.outcome for request in requests} == {Outcome.OK}
    assert {request.worker for request in requests} == {7}
    assert sorted(r.scheduled for r in requests if r.stream == "new") == pytest.approx(
        [1.5 + n / 100 for n in range(100)]
    )
    now = (time.monotonic_ns() - zero_ns) / 1e9
    assert all(r.started is not None and r.ended is not None and 1.5 <= r.started <= r.ended < now for r in requests)
    assert sum(second.sent for second in seconds) == 150
    assert sum(second.unsent for second in seconds) == 0
    assert seconds[-1].in_flight == 0


def test_times_count_from_the_zero_that_the_plan_names(
    server: Callable[..., Server], worker: Callable[..., subprocess.Popen[str]]
) -> None:
    begun_ns = time.monotonic_ns()
    plan = Plan(url=server().url(), streams=(NEW,), start_s=100.0 + 1.5, duration_s=0.05)
    process = worker()
    tell(process, replace(plan, t0_monotonic_ns=begun_ns - 100 * 10**9))
    assert process.stdout is not None
    requests, _, _ = read(process.stdout.read().splitlines())
    took = (time.monotonic_ns() - begun_ns) / 1e9
    assert all(r.ended is not None and 101.5 <= r.ended <= 100 + took for r in requests)


def test_a_worker_with_a_clock_of_its_own_says_the_time_and_then_begins_without_haste(
    server: Callable[..., Server], worker: Callable[..., subprocess.Popen[str]]
) -> None:
    """Whatever its node's wall clock says: its first request is due when it has greeted, and none is caught up."""
    process = worker()
    tell(process, Plan(url=server().url(), streams=(NEW,), start_s=7.25, duration_s=0.5, own_clock=True))
    assert process.stdout is not None
    lines = process.stdout.read().splitlines()
    greeting = next(n for n, text in enumerate(lines) if not text.startswith("{"))
    requests, seconds, _ = read(lines)
    assert greeting >= 3
    assert 7.25 - GREETING_S <= seconds[0].t < 7.25
    assert min(r.scheduled for r in requests) == pytest.approx(7.25)
    assert all(r.started is not None and 7.25 <= r.started < 8.5 for r in requests)


@pytest.mark.parametrize("how", ["stdin", "SIGTERM", "SIGINT", "SIGHUP"])
def test_a_worker_that_is_told_to_stop_waits_for_what_is_in_flight(
    server: Callable[..., Server], worker: Callable[..., subprocess.Popen[str]], how: str
) -> None:
    process = worker()
    mute = Stream(name="slow", rate_per_s=5)
    tell(process, Plan(url=server(lambda n: silence).url(), streams=(mute,), read_timeout_s=1.0))
    first = wait_for_request(process)  # after a second, with four more in flight
    stopped = time.monotonic()
    assert process.stdin is not None
    if how == "stdin":
        process.stdin.close()
    else:
        process.send_signal(signal.Signals[how])
    assert process.stdout is not None
    requests, _, end = read([first, *process.stdout.read().splitlines()])
    assert process.wait(60) == 0
    assert time.monotonic() - stopped < 5
    assert {request.outcome for request in requests} == {Outcome.READ_TIMEOUT}
    assert len(requests) == end.end["slow"] > 3


def in_file(folder: Path, plan: Plan) -> Path:
    file = folder / "plan.json"
    file.write_text(plan_json(plan))
    return file


def test_in_a_pod_the_plan_comes_from_a_file_and_sigterm_stops_it(
    server: Callable[..., Server], worker: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = worker(plan=in_file(tmp_path, Plan(url=server().url(), streams=(NEW,))))
    assert process.stdin is not None
    process.stdin.close()  # as in a Pod: this is not the end
    lines = [wait_for_request(process) for _ in range(30)]
    process.terminate()
    assert process.stdout is not None
    requests, _, _ = read([*lines, *process.stdout.read().splitlines()])
    assert process.wait(60) == 0
    assert len(requests) >= 29


def sign(port: int) -> bytes | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{SIGN_PATH}", timeout=200) as answer:
            return bytes(answer.read())
    except urllib.error.URLError:
        return None


def test_a_worker_without_a_parent_tells_its_harness_that_it_listens_for_signs(
    server: Callable[..., Server], worker: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    with socket.create_server(("", 0)) as free:
        port = free.getsockname()[1]
    plan = Plan(url=server().url(), streams=(NEW,), own_clock=True, sign_port=port)
    process = worker(plan=in_file(tmp_path, plan))
    deadline = time.monotonic() + 20
    while (heard := sign(port)) is None and time.monotonic() < deadline:
        wait_for_request(process)
    assert isinstance(json.loads(heard or b"{}")["t"], float)
    urllib.request.urlopen(f"http://127.0.0.1:{port}{RECEIVED_PATH}", timeout=200).close()  # so that it does not wait
    process.terminate()
    assert process.stdout is not None
    printed = [line.rstrip("\n") for line in iter(process.stdout.readline, "") if "ability" not in line]
    assert process.wait(20) == 0
    assert printed[-1].startswith('{"end"')


def test_a_worker_waits_to_be_told_when_to_begin_and_gives_its_lines_again_until_all_were_received(
    server: Callable[..., Server], worker: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    with socket.create_server(("", 0)) as free:
        port = free.getsockname()[1]
    plan = Plan(
        url=server().url(), streams=(NEW,), own_clock=True, sign_port=port, hold_s=60.0, start_s=1.0, duration_s=0.5
    )
    process = worker(plan=in_file(tmp_path, plan))
    deadline = time.monotonic() + 20
    while (heard := sign(port)) is None and time.monotonic() < deadline:
        wait_for_request(process)
    at = json.loads(heard or b"{}")["t"] + 0.7
    page = f"http://127.0.0.1:{port}"
    urllib.request.urlopen(f"{page}{BEGIN_PATH}?at={at:.6f}", timeout=200).close()
    assert process.stdout is not None
    printed: list[str] = []
    while not (printed and printed[-1].startswith('{"end"')):
        printed += [line for line in [process.stdout.readline().rstrip("\n")] if "ability" not in line]
    rows = [said for said in map(parse_line, printed) if isinstance(said, Request)]
    assert min(row.scheduled for row in rows) == pytest.approx(at, abs=1e-5)
    before = {said.lines - n for n, said in enumerate(map(parse_line, printed)) if isinstance(said, Statistics)}
    assert len(before) == 1, "it counts what it prints; so many lines were read before"
    first = before.pop() + 5
    with urllib.request.urlopen(f"{page}{LINES_PATH}?from={first}&to={first + 40}", timeout=200) as answer:
        assert json.load(answer)["lines"] == printed[5:45]
    urllib.request.urlopen(f"{page}{RECEIVED_PATH}", timeout=200).close()
    assert process.wait(20) == 0


PARENT = """
import subprocess, sys, time
plan, by_stdin = sys.argv[1], sys.argv[2] == "stdin"
worker = subprocess.Popen(
    [sys.executable, "-m", "harness.load", *([] if by_stdin else [plan])], text=True, stdout=subprocess.PIPE,
    stdin=subprocess.PIPE if by_stdin else subprocess.DEVNULL,
)
if by_stdin:
    print(plan, file=worker.stdin, flush=True)
worker.stdout.readline()  # it runs
print(worker.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("plan_by", ["stdin", "file"])
def test_a_worker_ends_when_its_parent_was_killed(server: Callable[..., Server], plan_by: str, tmp_path: Path) -> None:
    whole = Plan(url=server().url(), streams=(NEW,), duration_s=60)
    plan = plan_json(whole) if plan_by == "stdin" else str(in_file(tmp_path, whole))
    with subprocess.Popen([sys.executable, "-c", PARENT, plan, plan_by], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    ended, _, _ = select.select([worker], [], [], 10)  # readable once the process is gone
    if not ended:
        signal.pidfd_send_signal(worker, signal.SIGKILL)
    os.close(worker)
    assert ended, "the worker outlived its parent"


def test_a_reader_that_went_away_ends_the_worker(
    server: Callable[..., Server], worker: Callable[..., subprocess.Popen[str]]
) -> None:
    process = worker()
    tell(process, Plan(url=server().url(), streams=(NEW,)))
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == 0


@pytest.mark.parametrize("broken", ["", "{}", "not json", '{"url": "http://x/", "streams": [], "colour": 1}'])
def test_a_plan_that_cannot_be_followed_is_one_line_and_exit_code_2(
    worker: Callable[..., subprocess.Popen[str]], broken: str
) -> None:
    out, said = worker().communicate(broken + "\n", timeout=200)
    assert (out, len(said.splitlines())) == ("", 1)
    assert "Traceback" not in said


def test_a_header_value_goes_to_the_server_and_nowhere_else(
    server: Callable[..., Server], worker: Callable[..., subprocess.Popen[str]]
) -> None:
    hostile = b"HTTP/1.1 200 OK\r\nX-Pod: =cmd|' /C calc'!A0,\"x\"\r\nServer: <b>\x01\xff\r\nContent-Length: 0\r\n\r\n"
    plan = Plan(
        url=server(lambda n: says(hostile)).url(),
        streams=(NEW,),
        duration_s=0.1,
        headers=(("Authorization", "Bearer s3cret"),),
    )
    out, said = worker().communicate(plan_json(plan) + "\n", timeout=200)
    assert "s3cret" not in out + said


def test_what_a_hostile_server_says_stays_in_its_field(
    server: Callable[..., Server], worker: Callable[..., subprocess.Popen[str]]
) -> None:
    hostile = b"HTTP/1.1 200 OK\r\nX-Pod: =cmd|' /C calc'!A0,\"x\"\r\nServer: {<b>\xff\r\nContent-Length: 0\r\n\r\n"
    process = worker()
    tell(process, Plan(url=server(lambda n: says(hostile)).url(), streams=(NEW,), duration_s=0.1))
    assert process.stdout is not None
    requests, _, _ = read(process.stdout.read().splitlines())
    assert {(request.outcome, request.pod, request.via) for request in requests} == {
        (Outcome.OK, "cmd_' /C calc'_A0__x_".replace("'", "_"), "__b__")
    }


# --- in a network namespace of its own: nothing leaves it


def namespace(*script: str) -> list[str]:
    """A command prefix that runs the rest in a fresh network namespace, after `script`."""
    if subprocess.run(["unshare", "-Urn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs network namespaces (unshare -Urn)")
    return ["unshare", "-Urn", "sh", "-c", "\n".join([*script, 'exec "$@"']), "sh"]


def whole_run(plan: Plan, prefix: list[str]) -> list[Request]:
    done = subprocess.run(
        [*prefix, *WORKER], input=plan_json(plan) + "\n", capture_output=True, text=True, timeout=200, check=True
    )
    return read(done.stdout.splitlines())[0]


def in_namespace(url: str, engine: Engine, prefix: list[str], **settings: float) -> set[Outcome]:
    plan = Plan(url=url, streams=(NEW,), duration_s=0.05, engine=engine, **settings)  # type: ignore[arg-type]
    requests = whole_run(plan, prefix)
    assert all(request.connected is None and request.ended is not None for request in requests)
    return {request.outcome for request in requests}


def test_without_a_route_a_pod_is_unreachable(engine: Engine) -> None:
    assert in_namespace("http://10.244.0.7/", engine, namespace()) == {Outcome.UNREACHABLE}


def test_a_route_that_says_unreachable_does_so(engine: Engine) -> None:
    prefix = namespace("ip link set lo up", "ip route add unreachable 10.244.0.0/16")
    assert in_namespace("http://10.244.0.7/", engine, prefix) == {Outcome.UNREACHABLE}


def test_a_host_that_never_answers_is_a_connect_timeout(engine: Engine) -> None:
    # 10.244.0.0/16 is local, and what comes for port 80 is dropped: the SYN vanishes as in a pod's network torn down.
    prefix = namespace(
        "ip link set lo up",
        "ip route add local 10.244.0.0/16 dev lo",
        "nft add table ip t",
        "nft 'add chain ip t c { type filter hook input priority 0; }'",
        "nft add rule ip t c tcp dport 80 drop",
    )
    outcomes = in_namespace("http://10.244.0.7/", engine, prefix, connect_timeout_s=0.3)
    assert outcomes == {Outcome.CONNECT_TIMEOUT}


ANSWER_ONCE = """
import http.server
http.server.HTTPServer(("127.0.0.1", 80), http.server.SimpleHTTPRequestHandler).handle_request()
"""


def test_a_lost_syn_is_a_slow_request_whose_connection_says_so(engine: Engine) -> None:
    # The first SYN is dropped, and no other: the kernel sends it again after a second, within the default time-out.
    prefix = namespace(
        "ip link set lo up",
        "nft add table ip t",
        "nft 'add chain ip t c { type filter hook input priority 0; }'",
        "nft add rule ip t c tcp flags syn / syn,ack tcp dport 80 limit rate 1/day burst 1 packets drop",
        f"{sys.executable} -S -c '{ANSWER_ONCE}' 2>/dev/null &",
        "until ss -ltn | grep -q :80",
        "do :",
        "done",
    )
    (resent,) = whole_run(Plan(url="http://127.0.0.1/", streams=(NEW,), duration_s=0.001, engine=engine), prefix)
    assert resent.outcome == Outcome.OK
    assert resent.tcp == TcpFacts(retransmits=1)
    assert resent.connected is not None
    assert resent.started is not None
    assert resent.connected - resent.started > 0.9


def test_a_connect_timeout_says_how_often_the_kernel_tried_again(engine: Engine) -> None:
    prefix = namespace(
        "ip link set lo up",
        "nft add table ip t",
        "nft 'add chain ip t c { type filter hook input priority 0; }'",
        "nft add rule ip t c tcp dport 80 drop",
    )
    plan = Plan(url="http://127.0.0.1/", streams=(NEW,), duration_s=0.001, engine=engine)
    (request,) = whole_run(plan, prefix)
    assert request.outcome == Outcome.CONNECT_TIMEOUT
    # After 1 s and, since Linux 6.5, 2 s (tcp_syn_linear_timeouts); before that the next was due after 3 s.
    assert request.tcp in (TcpFacts(retransmits=1), TcpFacts(retransmits=2))


def test_a_proxy_that_rejects_is_refused_or_unreachable_as_the_icmp_says(engine: Engine) -> None:
    rules = ("ip link set lo up", "ip route add local 10.244.0.0/16 dev lo", "nft add table ip t")
    chain = "nft 'add chain ip t c { type filter hook input priority 0; }'"
    for reject, outcome in (
        ("reject with icmp port-unreachable", Outcome.CONNECT_REFUSED),
        ("reject with icmp host-unreachable", Outcome.UNREACHABLE),
        ("reject with tcp reset", Outcome.CONNECT_REFUSED),
    ):
        prefix = namespace(*rules, chain, f"nft add rule ip t c tcp dport 80 {reject}")
        assert in_namespace("http://10.244.0.7/", engine, prefix) == {outcome}


def test_a_name_without_a_name_server_is_a_dns_error(engine: Engine) -> None:
    assert in_namespace("http://shop.test/", engine, namespace(), connect_timeout_s=0.5) == {Outcome.DNS_ERROR}


def test_a_source_address_that_is_not_ours_is_refused_before_anything_is_sent(
    server: Callable[..., Server], worker: Callable[..., subprocess.Popen[str]]
) -> None:
    started = server()
    process = worker()
    plan = Plan(url=started.url(), streams=(NEW,), duration_s=0.1, source_addresses=("127.0.0.1", "192.0.2.1"))
    out, said = process.communicate(plan_json(plan) + "\n", timeout=200)
    assert (process.returncode, out, started.requests) == (2, "", 0)
    assert "192.0.2.1" in said
    assert len(said.splitlines()) == 1


def test_a_worker_takes_precedence_until_it_would_starve_what_it_measures(
    server: Callable[..., Server], worker: Callable[..., subprocess.Popen[str]]
) -> None:
    may = subprocess.run(["chrt", "--rr", "1", "true"], capture_output=True, check=False).returncode == 0
    process = worker()
    # Far more than any worker can do, on one slot: it spends its time recording what it could not send.
    flood = Stream(name="new", rate_per_s=200_000, slots=1)
    tell(process, Plan(url=server().url(), streams=(flood,)))
    assert process.stdout is not None
    process.stdout.readline()
    policies = [os.sched_getscheduler(process.pid) & ~os.SCHED_RESET_ON_FORK]
    seconds = 0
    for text in process.stdout:
        seconds += isinstance(parse_line(text), Statistics)
        if seconds == 2:
            break
    policies.append(os.sched_getscheduler(process.pid) & ~os.SCHED_RESET_ON_FORK)
    assert policies == [os.SCHED_RR if may else os.SCHED_OTHER, os.SCHED_OTHER]
