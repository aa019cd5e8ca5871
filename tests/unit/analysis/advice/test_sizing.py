"""Sizes that would have held."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from harness.analysis import judge
from harness.analysis.advice.cures import (
    A_POD_ON_EACH_NODE,
    ALWAYS_ONE,
    BUDGET,
    FINISH,
    ONE_LEFT,
    PROBE,
    RESEND,
    SELECTED,
    SERVE,
)
from harness.analysis.advice.endings import BOUND, END, NO_SETTING, UNENDING
from harness.analysis.advice.sizing import pooled_sizing, sizes
from harness.model.advice import ApplicationSettings, Measured, Setting, Sizing
from harness.model.deed_words import deed_words
from harness.model.run import ClusterFacts, FactSource, ProxyFacts

from ..literal import history, nameless

RUN = """
    update 8.0 complete 9.0 settled 9.8
    pod old-1 deleted 8.5 ended 8.8 gone 9.0
    pod new-1 revision r2 created 8.1 ready 8.4
    ok new 0..8.5 every 0.01 by old-1
    ok new 9.5..30 every 0.01 by new-1
    connect-timeout new 8.9 9.4
"""


UNENDED = RUN.replace("ended 8.8 gone 9.0", "ended 28.5 gone 28.8 killed").replace("pod old-1", "pod old-1 ready 0.2")


def deployment(replicas: int = 3, **spec: Any) -> dict[str, Any]:
    return {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": replicas, **spec}}


def rolling(surge: Any, unavailable: Any) -> dict[str, Any]:
    return {"strategy": {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}


def sized(text: str = RUN, **more: Any) -> dict[str, Any]:
    return judge(history(text, **more)).sizing


def test_new_pods_that_the_service_does_not_select_are_told() -> None:
    """A deploy changes the labels of the pods, and the Service's selector keeps the old ones."""
    text = """
        update 8.0 complete 9.0 settled 9.8
        pod old-1 deleted 8.5 ended 8.8 gone 9.0
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..8.5 every 0.01 by old-1
        connect-refused new 9.2..30 every 0.1
    """
    run = history(text)
    unlisted = [
        replace(
            seen, object={**seen.object, "endpoints": [one for one in seen.object["endpoints"] if "old" in str(one)]}
        )
        if seen.kind == "EndpointSlice"
        else seen
        for seen in run.timeline
    ]
    found = judge(replace(run, timeline=tuple(unlisted))).sizing
    assert SELECTED in found.cure
    (remedy,) = (one for one in found.remedies if one.cause == "no-endpoints")
    assert remedy.why.startswith("1 pod was Ready, and the Service listed none of them for its port")


def test_prestop_covers_the_lag_that_was_seen() -> None:
    lag = judge(history(RUN)).propagation.removal.pods[0].lag
    assert lag.earliest_s == pytest.approx(0.9, abs=0.01)
    assert sized().prestop_s.recommended >= lag.latest_s


def test_few_rollouts_advise_the_rule_of_thumb() -> None:
    assert sized().prestop_s.recommended == 5
    assert sized(path="loadbalancer").prestop_s.recommended == 30
    assert "until 59 rollouts have been observed" in sized().prestop_s.why


def period(seconds: float, source: FactSource | None = None) -> ClusterFacts:
    return ClusterFacts(kind="literal", proxy=ProxyFacts(min_sync_period_s=seconds, source=source))


def test_no_advice_goes_below_a_known_period() -> None:
    assert sized(cluster=period(10.0, FactSource.READ)).prestop_s.recommended == 11


def test_an_assumed_period_is_not_known() -> None:
    assert sized(cluster=period(10.0, FactSource.ASSUMED)).prestop_s.recommended == 5


def test_grace_holds_prestop_and_the_slowest_answer() -> None:
    found = sized(RUN + "ok slow 12 until 15 by new-1")
    assert found.grace_s.recommended == 5 + 3 + 5
    assert "begins before preStop" in found.grace_s.why


def test_a_pod_that_was_killed_needs_longer_than_it_was_given() -> None:
    found = sized(UNENDED + "ok slow 12 until 25 by new-1")
    assert found.grace_s.recommended == 5 + 2 * 20 + 5
    assert "1 pod was killed" in found.grace_s.why


def test_a_pod_that_had_all_the_time_for_its_answers_and_did_not_end_is_given_no_longer_grace() -> None:
    found = sized(UNENDED)
    assert found.measured.never_ends
    assert found.grace_s.recommended == 11  # 5 s + 0.001 s + 5 s, in whole seconds
    assert found.grace_s.why.endswith(f"1 pod was killed when theirs was over: {UNENDING}")
    assert found.predicted_rollout_s.recommended >= found.predicted_rollout_s.have


DRAINS = {"lifecycle": {"preStop": {"exec": {"command": ["/drain.sh"]}}}}
TOO_LONG = {"lifecycle": {"preStop": {"sleep": {"seconds": 30}}}}


@pytest.mark.parametrize("hook", [DRAINS, TOO_LONG], ids=["a hook of unknown length", "a hook as long as the grace"])
def test_when_the_stop_signal_came_must_be_known_to_say_that_a_pod_does_not_end_at_it(hook: dict[str, Any]) -> None:
    found = sized(UNENDED, manifests=(deployment(3, template=container(**hook)),))
    assert (found.measured.killed, found.measured.never_ends) == (1, False)


def test_pods_that_end_by_themselves_show_that_the_signal_is_heard() -> None:
    found = sized(UNENDED + "pod old-2 ready 0.2 deleted 8.5 ended 9.5 gone 9.7")
    assert (found.measured.stopped, found.measured.killed_unending, found.measured.never_ends) == (1, 1, False)


def test_every_size_has_its_present_value_and_its_reason() -> None:
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 7}}}}
    pod = {"spec": {"terminationGracePeriodSeconds": 40, "containers": [hook]}}
    found = sized(manifests=(deployment(3, minReadySeconds=4, template=pod),))
    have = {name: getattr(found, name).have for name in ("prestop_s", "min_ready_s", "grace_s", "progress_deadline_s")}
    assert have == {"prestop_s": 7.0, "min_ready_s": 4.0, "grace_s": 40.0, "progress_deadline_s": 600.0}
    assert all(getattr(found, name).why for name in (*have, "ci_time_limit_s"))
    assert found.ci_time_limit_s.recommended > found.predicted_rollout_s.recommended


def test_without_churn_it_says_that_a_busy_cluster_may_be_slower() -> None:
    assert "busy cluster" in sized().note
    assert sized(churn_s=0.2).note == ""


def container(**more: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "web", "readinessProbe": {"httpGet": {"port": 80}}, **more}]}}


@pytest.mark.parametrize(
    ("replicas", "spec", "cure"),
    [
        (3, {"strategy": {"type": "Recreate"}, "template": container()}, ["strategy: RollingUpdate"]),
        (1, rolling(0, 0) | {"template": container()}, ["maxSurge: 1 and maxUnavailable: 0"]),
        (2, rolling(1, "100%") | {"template": container()}, ["maxUnavailable: 0"]),
        (3, rolling(0, 1) | {"template": container()}, []),
        (1, {"template": container()}, []),
        (3, {"template": container(readinessProbe=None)}, ["a readiness probe on every container"]),
    ],
)
def test_what_no_number_of_seconds_cures_is_said(replicas: int, spec: dict[str, Any], cure: list[str]) -> None:
    found = sized(manifests=(deployment(replicas, **spec),))
    assert list(found.cure) == cure
    assert ("this setting alone is not enough" in found.min_ready_s.not_alone) == bool(cure)


def test_sizes_of_several_runs_keep_the_cure() -> None:
    one = sized(manifests=(deployment(3, strategy={"type": "Recreate"}, template=container()),))
    assert pooled_sizing([one, one]).cure == ("strategy: RollingUpdate",)


LOST = {
    "race": "connect-refused new 8.7 8.71",
    "kill": "eof-before-response kept 8.7 by old-1 reused took 0.1 acked 60",
    "start": "connect-refused new 8.38 8.39",
}
HISTORY = """
    period 1
    update 8 complete 9 settled 9.8
    pod old-1 deleted 8.6 ended 8.9 gone 9.1
    pod old-2
    pod new-1 revision r2 created 8.1 ready 8.35 {probe}
    ok new 0..8.35 every 0.01 by old-2
    ok new 9.2..30 every 0.01 by new-1
"""


def advised(lost: str, probe: str = "", **more: Any) -> tuple[set[str], tuple[str, ...]]:
    sizing = judge(history(HISTORY.format(probe=probe) + LOST[lost], **more)).sizing
    names = ("prestop_s", "min_ready_s", "grace_s", "progress_deadline_s")
    return {name for name in names if getattr(sizing, name).advised}, sizing.cure


def test_a_termination_race_is_cured_by_a_prestop_and_the_grace_that_it_takes() -> None:
    assert advised("race") == ({"prestop_s", "grace_s"}, ())


def test_work_cut_in_hand_is_cured_by_the_application_alone() -> None:
    assert advised("kill") == (set(), (FINISH,))


def test_a_creation_race_behind_a_balancer_is_cured_by_min_ready_seconds() -> None:
    found = advised("start", "noprobe", path="loadbalancer")
    assert found == ({"min_ready_s", "progress_deadline_s"}, ())


def test_a_creation_race_inside_the_cluster_is_not_for_a_pod_is_sent_to_as_soon_as_it_is_ready() -> None:
    assert advised("start", "noprobe") == (set(), (PROBE,))


def test_a_stateful_set_has_no_progress_deadline() -> None:
    stateful = {"kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {"replicas": 2, "template": container()}}
    assert sized(manifests=(stateful,)).progress_deadline_s is None


def test_a_probe_of_another_port_is_mended_and_not_waited_for() -> None:
    web = {"ports": [{"containerPort": 80}], "readinessProbe": {"httpGet": {"port": 9}}}
    service = {"kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    found = sized(manifests=(deployment(2, template=container(**web)), service))
    assert found.cure == ("a readiness probe of the port that serves",)
    assert not found.min_ready_s.advised


def told(causes: dict[str, int], *, app: dict[str, Any] | None = None, **measured: Any) -> Sizing:
    """The sizing of a run that showed so much."""
    facts = {"rollouts": 3, "period_s": 1.0, "plane": "proxy period 1 s", "removals": 9, "removal_s": 1.1}
    facts |= {"removal_rollouts": 3, "addition_rollouts": 3} | measured
    return sizes(Measured(causes=causes, **facts), ApplicationSettings(**(app or {})), "")


def test_what_is_not_advised_makes_no_rollout_longer() -> None:
    """A pod that never listened is cured by no seconds, and no longer rollout is predicted for it."""
    never = told({"creation-race": 7}, never_listened=7, target="port 8080").predicted_rollout_s
    assert never.recommended == never.have
    raced = told({"termination-race": 7}, app={"waits_for_stop": True}).predicted_rollout_s
    assert raced.recommended == pytest.approx(raced.have + 5.0)


def raised(sizing: Sizing) -> dict[str, int]:
    return {name: setting.recommended for name, setting in sizing.raised.items()}


def test_what_was_measured_stands_beside_what_is_recommended() -> None:
    found = told({"termination-race": 7}).prestop_s
    assert (found.measured, found.seen) == (1.1, "the largest of 9 removal lags")
    assert (found.recommended, found.why) == (5, "minimum 5 s until 59 rollouts have been observed, 3 so far")


@pytest.mark.parametrize(
    ("measured", "recommended", "why"),
    [
        ({"period_s": 10.0, "plane": "proxy period 10 s"}, 11, "a change may wait for the whole proxy period 10 s"),
        ({"removal_s": 7.2}, 8, "so long it took"),
        ({"removal_rollouts": 60}, 2, "a change may wait for the whole proxy period 1 s"),
        ({"period_s": None, "plane": "the proxy's period is not known"}, 5, "the proxy's period is not known"),
        ({"external": True}, 30, "minimum 30 s until 59 rollouts"),
        ({"external": True, "late_s": 2.5}, 5, "minimum 5 s until 59 rollouts"),
        ({"external": True, "late_s": 60.5}, 61, "a change may take so long, as it is configured"),
        ({"removal_rollouts": 1, "rollouts": 70}, 5, "until 59 rollouts have been observed, 1 so far"),
        (
            {"removal_s": None, "removals": 0, "removal_rollouts": 0},
            5,
            "until 59 rollouts have been observed, 0 so far",
        ),
    ],
)
def test_the_reason_is_what_decided(measured: dict[str, Any], recommended: int, why: str) -> None:
    found = told({"termination-race": 7}, **measured).prestop_s
    assert found.recommended == recommended
    assert why in found.why


def test_every_setting_has_its_own_measure() -> None:
    found = told({}, addition_s=0.4, additions=8, end_s=2.5, ends=9, start_s=0.6, starts=7, rollout_s=4.0)
    told_of = {
        "min_ready_s": (0.4, "the largest of 8 addition lags"),
        "grace_s": (2.5, "the largest of 9 pods, from deletion to end"),
        "progress_deadline_s": (0.6, "the largest of 7 pods, from creation to Ready"),
        "ci_time_limit_s": (4.0, "the largest of 3 rollouts"),
    }
    for name, pair in told_of.items():
        setting: Setting = getattr(found, name)
        assert (setting.measured, setting.seen) == pair


def test_a_hook_that_is_longer_than_the_advice_has_room_in_the_grace_period() -> None:
    found = told({"in-flight-kill": 3}, app={"hook_s": 20.0, "prestop_s": 20.0, "has_prestop": True}, killed=2)
    assert found.grace_s.recommended == 25
    assert "preStop" not in found.raised


HELD = {"has_prestop": True, "prestop_s": 8.0, "hook_s": 8.0}
GAP = {"gap": "all go at once", "gap_cure": "strategy: RollingUpdate", "mends": ("recreate",)}


@pytest.mark.parametrize(
    ("cause", "measured", "app", "needed", "settings"),
    [
        ("termination-race", {}, {}, "preStop 5 s", {"preStop": 5}),
        ("termination-race", {}, {"grace_s": 4.0}, "terminationGracePeriodSeconds 10 s", None),
        ("termination-race", {}, HELD, SERVE, {}),
        ("termination-race", {}, GAP, "strategy: RollingUpdate, preStop 5 s", {"preStop": 5}),
        ("creation-race", {}, {}, PROBE, {}),
        ("creation-race", {"external": True}, {}, "minReadySeconds 30 s", {"minReadySeconds": 30}),
        ("creation-race", {}, {"probed": False}, "a readiness probe on every container", {}),
        ("creation-race", {}, {"probe_cure": "a probe of the port"}, "a probe of the port", {}),
        ("in-flight-kill", {}, {}, FINISH, {}),
        ("in-flight-kill", {"killed": 2, "killed_serving": 1}, {}, END, {}),
        ("in-flight-kill", {"killed": 2, "killed_serving": 1, "stopped": 4}, {}, BOUND, {}),
        ("in-flight-kill", {"killed": 2, "stop_s": 30.0}, HELD, "terminationGracePeriodSeconds 73 s", None),
        ("no-endpoints", {}, GAP, "strategy: RollingUpdate", {"preStop": 5}),
        ("no-endpoints", {}, {}, ALWAYS_ONE, {}),
        ("no-endpoints", {"words": deed_words("scale")}, {}, ONE_LEFT, {}),
        ("no-endpoints", {"words": deed_words("evict")}, {}, BUDGET, {}),
        ("no-endpoints", {"words": deed_words("drain"), "bare_s": 4.0}, {}, BUDGET, {}),
        ("no-endpoints", {"unlisted": 2}, {}, SELECTED, {}),
        ("no-endpoints", {"bare_node": 9}, {}, A_POD_ON_EACH_NODE, {}),
        ("idle-close", {}, {}, RESEND, {}),
    ],
)
def test_each_cause_has_its_remedy(
    cause: str, measured: dict[str, Any], app: dict[str, Any], needed: str, settings: dict[str, int] | None
) -> None:
    found = told({cause: 7}, app=app, **measured)
    (remedy,) = found.remedies
    assert (remedy.cause, remedy.requests) == (cause, 7)
    assert needed in remedy.needed
    if settings is not None:
        assert raised(found) == settings
    by_application = needed in {
        SERVE,
        PROBE,
        FINISH,
        END,
        BOUND,
        ALWAYS_ONE,
        ONE_LEFT,
        RESEND,
        SELECTED,
        A_POD_ON_EACH_NODE,
        BUDGET,
    }
    assert remedy.by_settings is not by_application
    assert (needed in found.cure) or not by_application


def test_what_two_causes_may_have_done_calls_for_both() -> None:
    found = told({"termination-race or in-flight-kill": 2})
    (remedy,) = found.remedies
    assert remedy.needed == f"preStop 5 s; {FINISH}"
    assert not remedy.by_settings


def test_a_partition_is_said_where_it_keeps_pods_from_the_rollout() -> None:
    update = {"rollingUpdate": {"partition": 1}}
    spec = {"replicas": 3, "template": container(), "updateStrategy": update}
    found = sized(manifests=({"kind": "StatefulSet", "metadata": {"name": "db"}, "spec": spec},))
    assert "ordinals below its partition keep their revision (partition: 1, replicas: 3)" in found.note
    assert found.predicted_rollout_s.steps == 2
    assert found.application.replaced == 2


def test_one_replica_of_a_stateful_set_is_mended_by_another_and_of_a_deployment_by_nothing() -> None:
    stateful = {"kind": "StatefulSet", "metadata": {"name": "db"}, "spec": {"replicas": 1, "template": container()}}
    assert sized(manifests=(stateful,)).mends == ("lone-stateful-pod",)
    assert sized(manifests=(stateful,)).progress_deadline_s is None
    assert sized(manifests=(deployment(1, template=container()),)).mends == ()


@pytest.mark.parametrize("causes", [{}, {"termination-race": 7}])
def test_pods_that_were_killed_and_cost_nothing_call_for_nothing(causes: dict[str, int]) -> None:
    assert told(causes, killed=2, killed_serving=2).cure == ()


KILLED = """
    period 1
    update 8 complete 9 settled 14
    pod old-1 ready 0.2 deleted 8.5 ended 12.5 gone 12.8 killed
    pod new-1 revision r2 created 8.1 ready 8.35
    ok new 0..8.4 every 0.01 by old-1
    ok new 9..30 every 0.01 by new-1
    eof-before-response kept 12.2 by old-1 reused took 0.3 acked 60
"""


@pytest.mark.parametrize(
    ("served", "serving", "cure"),
    [
        ("ok kept 8.5..12 every 0.1 by old-1", 1, (END,)),
        ("ok kept 8..8.4 every 0.1 by old-1", 0, (END,)),
        ("ok slow 9.5 until 12.5 by new-1", 0, ()),
    ],
    ids=["took requests until then", "had the time for its answers", "had not"],
)
def test_a_pod_that_is_killed_has_to_end_by_itself_unless_its_answers_take_that_long(
    served: str, serving: int, cure: tuple[str, ...]
) -> None:
    template = {"spec": container()["spec"] | {"terminationGracePeriodSeconds": 4}}
    found = judge(history(KILLED + served, manifests=(deployment(2, template=template),))).sizing
    assert (found.measured.killed, found.measured.killed_serving) == (1, serving)
    assert found.cure == cure
    assert ("terminationGracePeriodSeconds" in raised(found)) != bool(cure)


def test_where_no_answer_names_its_pod_what_was_cut_with_it_shows_that_it_took_requests_until_then() -> None:
    template = {"spec": container()["spec"] | {"terminationGracePeriodSeconds": 4}}
    run = history(nameless(KILLED), manifests=(deployment(2, template=template),))
    found = judge(run).sizing
    assert (found.measured.killed, found.measured.killed_serving) == (1, 1)
    assert found.cure == (END,)


def test_a_pod_that_does_not_end_by_itself_says_nothing_of_the_time_that_others_need() -> None:
    lone = f"{KILLED}\nok kept 8.4..12.3 every 0.1 by old-1"
    beside = f"{lone}\npod old-2 deleted 8.5 ended 10.0 gone 10.3\nok new 8.0 by old-2"
    template = {"spec": container()["spec"] | {"terminationGracePeriodSeconds": 4}}
    one, two = (judge(history(text, manifests=(deployment(2, template=template),))).sizing for text in (lone, beside))
    assert (one.measured.stop_s, one.measured.killed_unending) == (4.0, 1)
    assert (two.measured.stop_s, two.measured.killed_unending, two.measured.stopped) == (1.5, 1, 1)
    assert "terminationGracePeriodSeconds" not in two.raised


@pytest.mark.parametrize("grace_s", [5.0, 30.0, 75.0, 161.0])
def test_an_application_that_never_ends_is_not_told_a_longer_grace_whatever_it_had(grace_s: float) -> None:
    never = {"killed": 6, "killed_unending": 6, "stop_s": grace_s, "answer_s": 0.31}
    found = told({"in-flight-kill": 5}, app={"grace_s": grace_s}, **never)
    assert (found.cure, raised(found)) == ((END,), {})
    (remedy,) = found.remedies
    assert (remedy.needed, remedy.by_settings) == (END, False)
    assert f"killed when the grace period of {grace_s:g} s was over (SIGKILL, exit code 137)" in remedy.why
    assert "the slowest answer took 0.31 s" in remedy.why
    assert remedy.why.endswith(UNENDING)
    for words in ("PID 1", "handler", "exec form"):
        assert words in END
    some = told({"in-flight-kill": 5}, app={"grace_s": grace_s}, **(never | {"stopped": 1}))
    assert set(raised(some)) == {"terminationGracePeriodSeconds"}


AWAY = """
    period 1
    update 8 complete 9 settled 14
    pod old-1 ready 0.2 {hook} deleted 8.5 ended 14 gone 14.2
    pod old-2 ready 0.2
    pod new-1 revision r2 created 8.1 ready 8.35
    ok new 0..30 every 0.02 by old-2
    ok kept 0..8.4 every 0.1 by old-1 reused
"""
KEPT_AWAY = "status kept 12..14 every 0.1 by old-1 reused\n"
NEW_AWAY = "status new 12..12.5 every 0.1 by old-1\n"


def test_errors_of_a_stopping_pod_on_kept_connections_are_cured_by_the_application_and_no_prestop() -> None:
    found = judge(history(AWAY.format(hook="") + KEPT_AWAY)).sizing
    assert found.measured.causes == {"termination-race": 20}
    assert found.measured.turned_away_kept == 20
    assert (found.cure, raised(found)) == ((SERVE,), {})
    (remedy,) = found.remedies
    assert (remedy.needed, remedy.by_settings) == (SERVE, False)
    assert "20 requests came on kept connections" in remedy.why
    assert "a preStop only moves new connections away" in remedy.why


def test_behind_what_ends_tcp_a_kept_connection_leads_to_no_pod_and_a_prestop_cures_what_came_on_it() -> None:
    found = judge(history(AWAY.format(hook="") + KEPT_AWAY, path="ingress")).sizing
    assert found.measured.causes == {"termination-race": 20}
    assert found.measured.turned_away_kept == 0
    assert "preStop" in raised(found)
    assert all(remedy.by_settings for remedy in found.remedies)


def test_where_new_connections_were_turned_away_too_the_application_comes_first_and_a_prestop_then() -> None:
    found = judge(history(AWAY.format(hook="") + KEPT_AWAY + NEW_AWAY)).sizing
    assert found.cure == (SERVE,)
    assert raised(found) == {"preStop": 5}
    (remedy,) = found.remedies
    assert (remedy.needed, remedy.by_settings) == (f"{SERVE}; for the other 5: preStop 5 s", False)


def test_errors_on_new_connections_alone_are_cured_by_a_prestop() -> None:
    found = judge(history(AWAY.format(hook="") + NEW_AWAY)).sizing
    assert (found.cure, raised(found)) == ((), {"preStop": 5})
    assert found.remedies[0].by_settings


def test_what_a_container_beside_the_one_that_serves_lost_is_cured_by_its_hook() -> None:
    app = ApplicationSettings(has_prestop=True, prestop_s=5, hook_s=5, beside_cure="the same hook")
    lost = Measured(causes={"termination-race": 12}, beside=12)
    found = sizes(lost, app, "")
    assert (found.cure, found.mends, raised(found)) == (("the same hook",), ("sidecar-stops-first",), {})
    assert (found.remedies[0].needed, found.remedies[0].by_settings) == ("the same hook", True)
    assert sizes(replace(lost, beside=0), app, "").cure == (SERVE,)


def test_what_cures_the_most_comes_first() -> None:
    assert told({"termination-race": 398, "in-flight-kill": 3}, turned_away_kept=398).cure == (SERVE, FINISH)
    assert told({"in-flight-kill": 398, "termination-race": 3}, turned_away_kept=3).cure == (FINISH, SERVE)


def test_only_rollouts_that_told_a_lag_are_counted_for_it() -> None:
    text = """
        period 1
        update 8 complete 9 settled 9.8
        update 20 complete 21 settled 21.8
        pod old-1 deleted 8.5 ended 8.8 gone 9
        pod new-1 revision r2 created 8.1 ready 8.4 deleted 20.5 ended 20.8 gone 21
        pod last-1 revision r3 created 20.1 ready 20.4
        ok new 0..8.5 every 0.01 by old-1
        ok new 22..30 every 0.01 by last-1
        connect-timeout new 8.9
    """
    measured = judge(history(text)).sizing.measured
    assert (measured.rollouts, measured.removal_rollouts, measured.addition_rollouts) == (2, 1, 1)
    assert pooled_sizing([judge(history(text)).sizing] * 2).measured.removal_rollouts == 2


LISTED = ApplicationSettings(
    has_prestop=True, prestop_s=5.0, listing="its Service lists them all", listing_cure="no publishNotReadyAddresses"
)


@pytest.mark.parametrize("cause", ["creation-race", "termination-race"])
def test_where_the_service_lists_pods_that_do_not_serve_nothing_else_comes_first(cause: str) -> None:
    found = sizes(Measured(causes={cause: 9}, rollouts=2, removal_s=0.9), LISTED, "")
    assert found.cure == ("no publishNotReadyAddresses",)
    (remedy,) = found.remedies
    assert (remedy.needed, remedy.why) == ("no publishNotReadyAddresses", "its Service lists them all")


def test_a_lag_that_only_nobody_could_exclude_is_none_that_was_measured() -> None:
    """A second container keeps the pod for 12 s after the one that serves has ended."""
    text = """
        period 1
        update 8 complete 9 settled 22
        pod old-1 deleted 8.5 ended 20.5 gone 20.8
        pod old-2
        pod new-1 revision r2 created 8.1 ready 8.4
        ok new 0..40 every 0.05
        reset-before-response new 8.61 8.93 9.21
    """
    run = history(text)
    assert judge(run).propagation.removal.pods[0].lag.latest_s > 10
    assert judge(run).sizing.measured.removal_s == 1.5  # the period, and the time that a sync may take
    assert judge(history(text.replace("period 1", "period 4"))).sizing.measured.removal_s == 4.5


@pytest.mark.parametrize(
    ("waited", "words"),
    [
        (0, "the pods ended by themselves, with requests in hand; neither"),
        (9, "the pods that were stopping left requests unanswered for longer than the client waits (read_timeout); n"),
        (
            4,
            "the pods ended by themselves, with requests in hand; the pods that were stopping left requests unanswered",
        ),
    ],
)
def test_what_was_cut_in_hand_is_told_by_how_it_was(waited: int, words: str) -> None:
    (remedy,) = sizes(Measured(causes={"in-flight-kill": 9}, waited=waited), ApplicationSettings(), "").remedies
    assert remedy.why.startswith(words)
    assert remedy.needed == FINISH


@pytest.mark.parametrize(
    ("cut_kept", "words"), [(1, "; neither preStop, minReadySeconds"), (0, "and the slowest answer (8.20 s) together")]
)
def test_a_hook_that_outlasts_them_saves_requests_on_connections_of_their_own(cut_kept: int, words: str) -> None:
    measured = Measured(causes={"in-flight-kill": 9}, answer_s=8.2, cut_kept=cut_kept)
    (remedy,) = sizes(measured, ApplicationSettings(), "").remedies
    assert words in remedy.why


CUT_NEW = AWAY.format(hook="") + "eof-mid-response new 8.6..9.2 every 0.05 by old-1\n"


def test_new_connections_that_a_stopping_pod_cuts_are_kept_from_it_by_a_prestop() -> None:
    found = judge(history(CUT_NEW)).sizing
    assert found.measured.causes == {"in-flight-kill": 12}
    assert (found.cure, raised(found)) == ((), {"preStop": 5})
    (remedy,) = found.remedies
    assert (remedy.needed, remedy.by_settings) == ("preStop 5 s", True)
    assert "12 requests came on new connections after the stop signal" in remedy.why


def test_of_those_cut_in_hand_or_on_kept_connections_no_prestop_is_said_to_save_any() -> None:
    found = judge(history(CUT_NEW + "eof-mid-response kept 8.6..8.9 every 0.1 by old-1 reused\n")).sizing
    assert (found.cure, raised(found)) == ((FINISH,), {"preStop": 5})
    (remedy,) = found.remedies
    assert (remedy.needed, remedy.by_settings) == (f"{FINISH}; for 12 on new connections: preStop 5 s", False)
    assert remedy.why.endswith("of the other 3: the pods ended by themselves, with requests in hand; " + NO_SETTING)


def test_a_prestop_that_is_shorter_than_an_answer_saves_none_of_them() -> None:
    found = sizes(Measured(causes={"in-flight-kill": 9}, cut_new=9, answer_s=8.2), ApplicationSettings(), "")
    assert (found.cure, raised(found)) == ((FINISH,), {})


ALL_WENT = """
    period 1
    update 8 complete 11 settled 14
    pod old-1 deleted 8.5 ended 8.6 gone 8.7
    pod old-2 deleted 8.5 ended 8.6 gone 8.7
    pod new-1 revision r2 created 8.5 ready 10.2
    ok new 0..8.5 every 0.02 by old-1
    connect-refused new 8.9..10.2 every 0.05
    ok new 10.5..30 every 0.02 by new-1
"""


def test_a_prestop_bridges_the_time_until_new_pods_are_ready_where_all_ended_at_once() -> None:
    """From their deletion it was 1.7 s until one was listed, 2 s until it was sent to."""
    found = judge(history(ALL_WENT)).sizing
    assert found.measured.bare_s == pytest.approx(2.0, abs=0.1)
    (remedy,) = (one for one in found.remedies if one.cause == "no-endpoints")
    assert remedy.needed == f"{ALWAYS_ONE}; or a preStop of {math.ceil(found.measured.bare_s)} s"
    assert remedy.by_settings
    assert NO_SETTING not in remedy.why


def test_no_prestop_bridges_what_no_pods_end_made() -> None:
    """The last pods were taken from the list before they were deleted: their probe failed."""
    failing = ALL_WENT.replace("deleted 8.5 ended 8.6 gone 8.7", "deleted 30 ended 30.6 gone 30.7", 1)
    lost = Measured(causes={"no-endpoints": 9})
    assert judge(history(failing)).sizing.measured.bare_s is None
    assert sizes(lost, ApplicationSettings(), "").cure == (ALWAYS_ONE,)


@pytest.mark.parametrize("mends", [("recreate",), ()])
def test_a_gap_that_no_change_of_the_manifest_mends_is_cured_by_no_setting(mends: tuple[str, ...]) -> None:
    """As of a database alone on a claim that one pod may use."""
    app = ApplicationSettings(gap="all old pods go first", gap_cure="several pods on one disk", mends=mends)
    (remedy,) = sizes(Measured(causes={"no-endpoints": 3}), app, "").remedies
    assert remedy.by_settings is bool(mends)
