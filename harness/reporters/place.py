"""Turns a run's facts into the words that say where and how it ran: no report goes without them."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from harness.model.deed_words import deed_words
from harness.model.kubernetes_version import applied_at_once
from harness.model.paths import Hop
from harness.model.providers import CONTEXT, PROVIDERS
from harness.model.quantity import things
from harness.model.reasons import Reason
from harness.model.result import Cause, ScenarioResult, Verdict
from harness.model.run import ClusterFacts, ProxyFacts, RunInfo

_KINDS = {**PROVIDERS, "unknown": "a cluster of unknown kind"}


def where(info: RunInfo) -> str:
    """Where the run was made, in one sentence; what is not known is said to be not known."""
    cluster = info.cluster
    parts = [_kubernetes(cluster), proxy(cluster.proxy)]
    parts += [f"path: {path(info)}"] if info.hops else []
    parts.append(f"requests answered by {cluster.server}" if cluster.server else "server behind the image not known")
    if info.churn_s is not None:
        parts.append(f"endpoint churn every {info.churn_s:g} s")
    return " ".join((f"Ran on {_kind(cluster.kind)}. {'; '.join(parts)}.", *info.provisos))


def path(info: RunInfo) -> str:
    """The path by its hops, from the client to the pods: "loadbalancer: client -> ... -> pods"."""
    return f"{info.path}: {' -> '.join(('client', *(hop.name for hop in info.hops), 'pods'))}"


def hop_words(hop: Hop) -> str:
    """What a hop is, how late by what it was set to, whether it sends again what failed, and what that implies."""
    lag = {True: f"late by {hop.removal} about a pod that left, by {hop.addition} about one that came"}
    known = hop.removal is not None and hop.addition is not None
    resends = {
        True: "sends a failed request again, which hides the failure and shows as latency",
        False: "sends nothing again",
        None: "whether it sends a failed request again is not known",
    }[hop.retries]
    settings = ", ".join(f"{name} {value}" for name, value in hop.settings.items())
    parts = (
        lag.get(known and hop.decides, "" if known else "its delay is not known"),
        resends,
        hop.implies,
        settings,
    )
    return "; ".join(filter(None, parts))


def notes(info: RunInfo, result: ScenarioResult) -> tuple[str, ...]:
    """What every report says beside the verdict: the result's notes, and what a clean one rests on."""
    rest = _rests_on_quiet(info) if result.verdict is Verdict.SEAMLESS else ""
    return tuple(filter(None, (*result.notes, _of_the_application(result), *_untold(result), rest)))


def _of_the_application(result: ScenarioResult) -> str:
    """How many requests failed by the application's own errors; the sentence of a clean run, or of a new version's
    errors, says that itself."""
    own = result.causes.get(Cause.APPLICATION, 0)
    if not own or result.verdict is Verdict.SEAMLESS or result.reason == Reason.NEW_VERSION_ERRORS:
        return ""
    errors = "is an error" if own == 1 else "are errors"
    return (
        f"{own:,} of {things(result.failed, 'failed request')} {errors} of the application itself, which no "
        f"{result.words.noun} is charged with (cause application)"
    )


def _untold(result: ScenarioResult) -> Iterator[str]:
    """How many failed requests no one cause could be shown for, and what was seen of most of them."""
    unknown = [one for one in result.failures if one.cause == Cause.UNKNOWN]
    for label, number in result.causes.items():
        seen = Counter(one.evidence for one in unknown if one.cause_label == label)
        if label != Cause.UNKNOWN and (not seen or label in result.reason):
            continue
        said = f"for {number:,} of {things(result.failed, 'failed request')}"
        said = f"no cause could be shown {said}" if label == Cause.UNKNOWN else f"{said} it is {label}"
        (evidence, times), *others = seen.most_common() or [("", 0)]
        if evidence and not others:
            yield f"{said}: {evidence}"
        else:
            mostly = f"; most often ({times:,} times): {evidence}" if times > 1 else ""
            yield f"{said}: failures.csv says why{mostly}"


def _rests_on_quiet(info: RunInfo) -> str:
    """That nothing else kept the proxy busy; empty where something did."""
    if info.churn_s is not None or info.cluster.proxy.min_sync_period_s == 0:
        return ""
    return (
        f"measured without churn: after quiet {applied_at_once(info.cluster.kubernetes)}, on a busy cluster only when "
        "its period is over; churn: 200ms in the experiment keeps it as busy"
    )


def _kind(kind: str) -> str:
    if kind.startswith(f"{CONTEXT}:"):
        return f"the cluster of context {kind.removeprefix(f'{CONTEXT}:')}"
    return _KINDS.get(kind, f"a cluster of kind {kind}")


def _kubernetes(cluster: ClusterFacts) -> str:
    version = f"Kubernetes {cluster.kubernetes}" if cluster.kubernetes else "Kubernetes version not known"
    if cluster.nodes is None:
        return version
    return f"{version}, {cluster.nodes} node{'' if cluster.nodes == 1 else 's'}"


def proxy(facts: ProxyFacts) -> str:
    """Mode, minSyncPeriod and how they are known: "proxy iptables, minSyncPeriod 1 s (configured)"."""
    if facts.replaces_kube_proxy and facts.min_sync_period_s is None and facts.source is not None:
        return f"proxy {facts.mode} in place of kube-proxy"
    mode = f"proxy {facts.mode}" if facts.mode else "proxy mode not known"
    if facts.min_sync_period_s is None:
        return f"{mode}, minSyncPeriod not known"
    source = facts.source.value if facts.source else "source not known"
    return f"{mode}, minSyncPeriod {facts.min_sync_period_s:g} s ({source})"


def particulars(info: RunInfo) -> tuple[tuple[str, str], ...]:
    """The same and the load, label by label, for a table."""
    streams = ", ".join(f"{name} {rate:g}/s" for name, rate in info.streams.items()) or "not known"
    planned = f" of {info.planned_rollouts} planned" if info.planned_rollouts is not None else ""
    return (
        ("cluster", info.cluster.kind),
        ("Kubernetes", info.cluster.kubernetes or "not known"),
        ("nodes", str(info.cluster.nodes) if info.cluster.nodes is not None else "not known"),
        ("proxy", proxy(info.cluster.proxy).removeprefix("proxy ")),
        *([("path", path(info))] if info.hops else ()),
        *((f"hop {number}", f"{hop.name}: {hop_words(hop)}") for number, hop in enumerate(info.hops, start=1)),
        ("server", info.cluster.server or "not known"),
        *([("provisos", " ".join(info.provisos))] if info.provisos else ()),
        ("target", info.target or "not known"),
        ("load", streams),
        *([("requests", _requests(info))] if info.requests else ()),
        ("time-outs", f"connect {info.load.connect_timeout_s:g} s, read {info.load.read_timeout_s:g} s"),
        (deed_words(info.disruption).plural, f"{len(info.rollouts)}{planned}"),
        *([("deploy command", _commands(info))] if info.commands else ()),
        ("quiet time", f"{info.quiet_s:g} s" if info.quiet_s is not None else "not known"),
        ("started", started(info) or "not known"),
        ("finished", "yes" if info.finished else f"no: {info.stopped or 'cut short'}"),
        ("harness", info.harness or "not known"),
    )


def _requests(info: RunInfo) -> str:
    """What was sent: "3 of 4 GET / (200-299), 1 of 4 POST /orders (200, 204)"."""
    whole = sum(one.weight for one in info.requests if one.stream is None)
    parts = []
    for one in info.requests:
        share = f"{one.weight} of {whole} " if one.stream is None and whole > one.weight else ""
        stream = f" on {one.stream}" if one.stream else ""
        parts.append(f"{share}{one.method} {one.path}{stream} ({', '.join(one.success)})")
    return ", ".join(parts)


def _commands(info: RunInfo) -> str:
    """How each run of the deploy command ended: "helm upgrade shop: exit code 0 after 12.3 s, 0 after 4.0 s"."""
    ends = (f"{_exit(run.exit_code)} after {run.seconds:.1f} s" for run in info.commands)
    return f"{info.commands[0].command}: {', '.join(ends)}"


def _exit(code: int | None) -> str:
    if code is None:
        return "killed"
    return f"exit code {code}" if code >= 0 else f"ended by signal {-code}"


def started(info: RunInfo) -> str | None:
    """When the run's clock showed 0, as UTC: "2026-11-24 21:56:29 UTC"; None where it was not recorded."""
    if not info.t0_wall:
        return None
    return datetime.fromtimestamp(info.t0_wall, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
