"""Two finished scenarios, written by hand after rollouts on a real cluster: `default` drops calls, `both` does not."""

from dataclasses import replace
from typing import Final

from harness.model.advice import ApplicationSettings, Measured, PredictedRollout, Remedy, Setting, Sizing
from harness.model.lags import Interval, Lag, Lags, Propagation
from harness.model.result import (
    Cause,
    Chart,
    ExperimentResult,
    FailedRequest,
    FailureBin,
    Latency,
    Outage,
    PodLife,
    RolloutFindings,
    ScenarioResult,
    StreamCount,
    Taker,
    Verdict,
    Window,
)
from harness.model.run import ClusterFacts, Expect, FactSource, ProxyFacts, RolloutMarks, RunInfo

OLD, NEW = "868cb8c998", "84b79b58f8"
SANDBOX = ClusterFacts(
    kind="sandbox",
    kubernetes="v1.36.2",
    nodes=1,
    proxy=ProxyFacts(mode="nftables", min_sync_period_s=1.0, source=FactSource.CONFIGURED),
    server="nginx/1.22.1 (Debian), under the names nginx:1.28.0 and nginx:1.29.1",
)

# tenths of a second, failed requests: one line for each stream and outcome
BINS: Final = {
    ("kept", "connect-refused"): "95:1 173:2",
    ("kept", "connect-timeout"): "92:2 93:1 94:1 165:1 167:1 171:1 172:1 175:1 177:1 179:1 252:1 257:1",
    ("new", "connect-refused"): "84:1 85:4 86:3 89:1 90:1 91:3 94:4 163:2 164:1 169:4 170:2 173:5 174:1 "
    "243:2 244:1 249:2 250:5 253:1 254:3 255:2",
    ("new", "connect-timeout"): "86:3 87:2 88:3 89:2 90:8 91:4 92:7 93:7 94:6 "
    "164:3 165:3 166:3 167:3 168:1 171:3 172:3 173:1 174:4 175:6 176:8 177:7 178:5 179:2 "
    "244:1 245:2 246:4 247:3 248:2 249:5 250:3 251:8 252:7 253:1 255:3 256:2 257:3 258:1 259:3 260:2 261:4 262:6 263:3",
}

# name, created, ready, deletion, gone; "." was not seen
DEFAULT_PODS: Final = f"""
web-{OLD}-hzrts   0.12  0.12  9.37  9.86
web-{OLD}-mwzr7   0.12  0.12  8.48  8.88
web-{OLD}-smp8m   0.12  0.12  9.00  9.88
web-{NEW}-96llw   8.16  8.46 17.33 17.93
web-{NEW}-rrvmn   8.55  8.94 16.31 16.92
web-{NEW}-n828v   9.02  9.35 16.91 17.91
web-{OLD}-7hxv5  15.96 16.27 25.37 25.94
web-{OLD}-k764w  16.32 16.88 24.93 25.96
web-{OLD}-gxvgs  16.98 17.31 24.32 24.92
web-{NEW}-lzq59  23.99 24.30     .     .
web-{NEW}-bbfd8  24.37 24.90     .     .
web-{NEW}-mp74f  25.01 25.35     .     .
"""
BOTH_PODS: Final = """
web-6b7b56bf58-5qp4w   0.15  0.15 12.77 18.02
web-6b7b56bf58-t677p   0.15  0.15 18.77 24.03
web-6b7b56bf58-xw9j8   0.15  0.15 24.77 30.04
web-6888db4df8-2dqs9   8.14  8.41 41.77 47.07
web-6888db4df8-5xbz4  12.81 13.96 46.77 52.08
web-6888db4df8-fv69j  18.80 20.02 51.77 57.10
web-6b7b56bf58-wvb6r  36.07 37.04 79.76 85.15
web-6b7b56bf58-7wwng  41.80 42.02 73.77 79.14
web-6b7b56bf58-cjmps  46.77 47.08 68.76 74.13
web-6888db4df8-j7nj6  63.14 64.35     .     .
web-6888db4df8-hmd6t  68.80 69.02     .     .
web-6888db4df8-rcgzt  73.79 75.09     .     .
"""


def bins(text: dict[tuple[str, str], str]) -> tuple[FailureBin, ...]:
    pairs = ((key, item.split(":")) for key, line in text.items() for item in line.split())
    return tuple(FailureBin(t=int(t) / 10, stream=s, outcome=o, failed=int(n)) for (s, o), (t, n) in pairs)


def pods(text: str) -> tuple[PodLife, ...]:
    return tuple(pod(*line.split()) for line in text.strip().splitlines())


def pod(name: str, *times: str) -> PodLife:
    created, ready, deletion, gone = (None if t == "." else float(t) for t in times)
    taker = None if gone is None else Taker.ROLLOUT
    return PodLife(
        uid=f"uid-{name}",
        name=name,
        revision=name.split("-")[1],
        created=created,
        ready=ready,
        deletion=deletion,
        gone=gone,
        taker=taker,
    )


def run_info(variant: str, expect: Expect, marks: str, end: float, **changes: object) -> RunInfo:
    rollouts = tuple(
        RolloutMarks(rollout=i, update=float(u), complete=float(c), settled=float(s))
        for i, (u, c, s) in enumerate(line.split() for line in marks.split(","))
    )
    facts: dict[str, object] = {
        "experiment": "demo",
        "scenario": variant,
        "variant": variant,
        "harness": "0.1.0",
        "manifests": (
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 3}},
        ),
        "target": "deployment/web",
        "cluster": SANDBOX,
        "streams": {"new": 100.0, "kept": 50.0},
        "pod_header": "X-Pod",
        "t0_wall": 1795474588.6,
        "control": (2.44, 8.12),
        "rollouts": rollouts,
        "planned_rollouts": 3,
        "quiet_s": 5.0,
        "expect": expect,
        "finished": True,
    }
    return RunInfo(**{**facts, **changes})  # type: ignore[arg-type]


DEFAULT_INFO: Final = run_info(
    "default", Expect.DROPPING, "8.14 9.42 9.93, 15.93 17.40 17.94, 23.94 25.49 26.01", 32.01
)
BOTH_INFO: Final = run_info("both", Expect.SEAMLESS, "8.12 24.81 30.04, 36.04 51.81 57.11, 63.11 79.84 85.21", 91.21)


def window(start: float, end: float, new: str, kept: str, refused: int, timeout: int, latency: Latency) -> Window:
    streams = tuple(
        StreamCount(stream=name, requests=int(requests), failed=int(failed))
        for name, (failed, requests) in (("new", new.split("/")), ("kept", kept.split("/")))
    )
    failed = refused + timeout
    return Window(
        start=start,
        end=end,
        requests=sum(s.requests for s in streams),
        failed=failed,
        streams=streams,
        by_outcome={"connect-refused": refused, "connect-timeout": timeout} if failed else {},
        by_cause={"termination-race": failed} if failed else {},
        latency=latency,
    )


def ms(p50: float, p99: float, longest: float) -> Latency:
    return Latency(p50_ms=p50, p99_ms=p99, max_ms=longest)


DEFAULT_ROLLOUTS: Final = (
    RolloutFindings(
        rollout=0,
        dropping=True,
        window=window(8.14, 15.93, "59/779", "5/375", 18, 46, ms(2.1, 18.3, 38.1)),
        update=8.14,
        complete=9.42,
        settled=9.93,
        outages=(
            Outage(stream="new", start=8.44, end=9.57, requests=59),
            Outage(stream="kept", start=9.18, end=9.59, requests=5),
        ),
        first_failure_s=0.34,
        last_failure_s=1.41,
        takers={f"web-{OLD}-{p}": "rollout" for p in ("hzrts", "mwzr7", "smp8m")},
    ),
    RolloutFindings(
        rollout=1,
        dropping=True,
        window=window(15.93, 23.94, "67/801", "9/385", 17, 59, ms(2.1, 11.1, 17.5)),
        update=15.93,
        complete=17.40,
        settled=17.94,
        outages=(
            Outage(stream="new", start=16.30, end=17.98, requests=67),
            Outage(stream="kept", start=16.46, end=18.00, requests=9),
        ),
        first_failure_s=0.41,
        last_failure_s=2.04,
        takers={f"web-{NEW}-{p}": "rollout" for p in ("96llw", "rrvmn", "n828v")},
    ),
    RolloutFindings(
        rollout=2,
        dropping=True,
        window=window(23.94, 32.01, "79/807", "2/392", 16, 65, ms(2.2, 12.9, 27.2)),
        update=23.94,
        complete=25.49,
        settled=26.01,
        outages=(
            Outage(stream="new", start=24.31, end=26.40, requests=79),
            Outage(stream="kept", start=25.20, end=25.82, requests=2),
        ),
        first_failure_s=0.40,
        last_failure_s=2.43,
        takers={f"web-{OLD}-{p}": "rollout" for p in ("7hxv5", "k764w", "gxvgs")},
    ),
)

DEFAULT: Final = ScenarioResult(
    scenario="default",
    variant="default",
    path="clusterip",
    verdict=Verdict.DROPPING,
    reason="221 requests failed by termination-race: sent to pods that had stopped listening",
    sentence="3 of 3 rollouts dropped calls: with 95 % confidence, at least 37 % of rollouts drop calls",
    expect=Expect.DROPPING,
    as_expected=True,
    requests=4395,
    failed=221,
    unsent=0,
    control=window(2.44, 8.14, "0/571", "0/285", 0, 0, ms(2.1, 4.8, 8.7)),
    rollouts=DEFAULT_ROLLOUTS,
    causes={"termination-race": 221},
    by_outcome={"connect-refused": 51, "connect-timeout": 170},
    propagation=Propagation(
        path="clusterip",
        removal=Lags(
            n=1,
            p50=Interval(earliest_s=0.6, latest_s=0.61),
            max=Interval(earliest_s=0.71, latest_s=1.02),
            pods=(
                Lag(
                    pod=f"web-{OLD}-mwzr7",
                    rollout=0,
                    since=8.31,
                    lag=Interval(earliest_s=0.41, latest_s=0.42),
                    by_worker={"0": Interval(earliest_s=0.41, latest_s=0.42)},
                ),
                Lag(pod=f"web-{OLD}-smp8m", rollout=0, since=8.9, note="no connection is known to have reached it"),
            ),
        ),
        addition=Lags(n=1, p50=Interval(earliest_s=0.44, latest_s=0.4401)),
        quiet=True,
        note="",
    ),
    sizing=Sizing(
        remedies=(
            Remedy(
                cause="termination-race",
                requests=64,
                needed="preStop 5 s",
                why="without a preStop hook a pod stops listening while requests are still sent to it",
                by_settings=True,
            ),
        ),
        prestop_s=Setting(
            have=None,
            measured=1.02,
            seen="the largest of 9 removal lags",
            recommended=5,
            why="minimum 5 s until 59 rollouts have been observed, 3 so far",
        ),
        min_ready_s=Setting(
            have=0.0,
            measured=0.44,
            seen="the largest of 9 addition lags",
            recommended=5,
            why="minimum 5 s until 59 rollouts have been observed, 3 so far",
        ),
        grace_s=Setting(
            have=30.0,
            measured=0.9,
            seen="the largest of 9 pods, from deletion to end",
            recommended=11,
            why="preStop 5 s + 1.0 s to stop",
        ),
        progress_deadline_s=Setting(
            have=600.0,
            measured=0.5,
            seen="the largest of 9 pods, from creation to Ready",
            recommended=42,
            why="one step takes 0.5 s to Ready",
        ),
        ci_time_limit_s=Setting(
            have=None, measured=1.5, seen="the largest of 3 rollouts", recommended=57, why="3 steps, 18 s in all"
        ),
        predicted_rollout_s=PredictedRollout(have=1.6, recommended=17.6, observed=1.5, replicas=3, steps=3),
        measured=Measured(removal_s=1.02, removals=9, addition_s=0.44, additions=9, rollouts=3),
        application=ApplicationSettings(replicas=3, steps=3),
    ),
    load={"lag_ms": {"p50": 1.4, "p99": 6.9}, "unsent": 0, "per_s": {"new": {"planned": 100.0, "sent": 99.9}}},
    chart=Chart(bin_s=0.1, failures=bins(BINS), pods=pods(DEFAULT_PODS)),
    failures=(
        FailedRequest(
            stream="new",
            worker=0,
            seq=604,
            rollout=0,
            cause=Cause.TERMINATION_RACE,
            pod=f"web-{OLD}-mwzr7",
            evidence="sent 0.01 s after web-868cb8c998-mwzr7 began to terminate; its kernel refused (observed); "
            "the proxy had not synced yet (inferred: period 1 s)",
        ),
    ),
)

BOTH: Final = ScenarioResult(
    scenario="both",
    variant="both",
    path="clusterip",
    verdict=Verdict.SEAMLESS,
    reason="no request failed in any of 3 rollouts",
    sentence="0 of 3 rollouts dropped calls: with 95 % confidence, at most 63 % of rollouts drop calls",
    expect=Expect.SEAMLESS,
    as_expected=True,
    requests=13281,
    failed=0,
    unsent=0,
    control=window(2.42, 8.12, "0/571", "0/285", 0, 0, ms(1.7, 4.1, 7.9)),
    rollouts=tuple(
        RolloutFindings(
            rollout=i,
            dropping=False,
            window=window(u, end, f"0/{new}", f"0/{kept}", 0, 0, ms(1.8, p99, 17.3)),
            update=u,
            complete=c,
            settled=s,
        )
        for i, (u, c, s, end, new, kept, p99) in enumerate(
            (
                (8.12, 24.81, 30.04, 36.04, 2792, 1384, 4.6),
                (36.04, 51.81, 57.11, 63.11, 2706, 1343, 5.0),
                (63.11, 79.84, 85.21, 91.21, 2810, 1390, 4.4),
            )
        )
    ),
    causes={},
    by_outcome={},
    notes=("Three rollouts say little: 59 without a failure are needed to show that at most 5 % drop calls.",),
    chart=Chart(bin_s=0.1, pods=pods(BOTH_PODS)),
)

COMPARISON: Final = {
    "a": "default",
    "b": "both",
    "dropping": [3, 0],
    "rollouts": [3, 3],
    "p": 0.03125,
    "p_holm": 0.03125,
    "significant": True,
    "needed": 3,
}
EXPERIMENT: Final = ExperimentResult(
    experiment="demo", scenarios=(DEFAULT, BOTH), exit_code=0, comparisons=(COMPARISON,)
)
INFOS: Final = {"default": DEFAULT_INFO, "both": BOTH_INFO}


def filled_with(text: str) -> tuple[RunInfo, ScenarioResult]:
    """`default` with one text in every place that a cluster, a server or a user may fill."""
    info = replace(
        DEFAULT_INFO,
        scenario=text,
        variant=text,
        target=text,
        harness=text,
        manifests=({"metadata": {"name": text, "annotations": {text: text}}},),
        cluster=replace(SANDBOX, kind=text, kubernetes=text, server=text, proxy=replace(SANDBOX.proxy, mode=text)),
        streams={text: 100.0},
        applied=(text,),
    )
    rollouts = tuple(
        replace(
            r,
            note=text,
            takers={text: text},
            window=replace(r.window, by_outcome={text: r.window.failed}, by_cause={text: r.window.failed}),
            outages=(Outage(stream=text, start=8.4, end=9.6, requests=59),),
        )
        for r in DEFAULT_ROLLOUTS
    )
    result = replace(
        DEFAULT,
        scenario=text,
        variant=text,
        path=text,
        reason=text,
        sentence=text,
        rollouts=rollouts,
        by_outcome={text: 221},
        notes=(text,),
        propagation=Propagation(
            path=text,
            removal=Lags(pods=(Lag(pod=text, rollout=0, since=1.0, note=text),)),
            addition=Lags(),
            quiet=False,
            note=text,
        ),
        sizing=replace(
            DEFAULT.sizing,
            cure=(text,),
            remedies=(Remedy(cause=text, requests=1, needed=text, why=text, by_settings=False),),
            prestop_s=Setting(have=None, measured=None, seen=text, recommended=1, why=text, not_alone=text),
            measured=Measured(plane=text),
            application=ApplicationSettings(gap=text, gap_cure=text),
            note=text,
        ),
        statistics={"list": [text, text]},
        load={"workers": [{text: text}], text: {text: 1}},
        chart=Chart(
            bin_s=0.1,
            failures=(FailureBin(t=8.5, stream=text, outcome=text, failed=3),),
            pods=(PodLife(uid="1", name=text, revision=text, created=2.0, ready=3.0, deletion=9.0, taker=Taker.CRASH),),
        ),
        failures=(replace(DEFAULT.failures[0], stream=text, pod=text, evidence=text),),
    )
    return info, result


HOSTILE: Final = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg/onload=alert(1)>",
    "]]><!-- --> &amp; &#x0; &copy;",
    "\x1b[31mred\x1b[0m\x07\x00\x9b2J",
    "\u202eright to left\u2066 \u200bzero width \ufeff",
    "a | b || c \\| d",
    "**bold** _it_ `code` ~~gone~~ [a](javascript:alert(1)) ![i](http://example.com/x.png)",
    "# heading",
    "1. one",
    "- item",
    "> quote",
    "---",
    "    indented",
    "two\nlines\r\nand\ttab",
    "@everyone $x$ {{ 7 * 7 }} {% raw %}",
    "\ud800 lone surrogate \uffff",
    "url(#hatch-0) datum.x",
    "x" * 300,
    "\U0001f600 \u4e2d\u6587",
)
