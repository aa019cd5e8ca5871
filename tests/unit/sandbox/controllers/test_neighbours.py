"""Affinity between pods and their spread over domains: who may stand beside whom, and what is said where not.

A cluster is a word a node: `a:xy` is a node of zone a with a pod of app x and one of app y (`-`: nobody; `X`: one of
app x that is leaving).
"""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.controllers.nodefit import Obstacle, obstacle
from harness.sandbox.controllers.nodeinfo import NodeInfo
from harness.sandbox.controllers.surroundings import Surroundings

Object = dict[str, Any]
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
AFFINITY = "node(s) didn't match pod affinity rules"
ANTI = "node(s) didn't match pod anti-affinity rules"
OTHERS = "node(s) didn't satisfy existing pods anti-affinity rules"
SELECTION = "node(s) didn't match Pod's node affinity/selector"
UNEVEN = "node(s) didn't match pod topology spread constraints"
NO_DOMAIN = "node(s) didn't match pod topology spread constraints (missing required label)"


def pod(app: str, uid: str = "new", namespace: str = "shop", **spec: Any) -> Object:
    labels = {"app": app.lower(), "pod-template-hash": uid}
    metadata = {"name": uid, "uid": uid, "namespace": namespace, "labels": labels}
    if app.isupper():
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": metadata, "spec": {"containers": [{"name": "c"}], **spec}, "status": {}}


def cluster(words: str, others: Object | None = None, namespace: str = "shop") -> Surroundings:
    nodes, infos = {}, {}
    for number, word in enumerate(words.split(), 1):
        zone, _, there = word.partition(":")
        name = f"node{number}"
        labels = {HOST: name, **({ZONE: zone} if zone != "?" else {})}
        status = {"conditions": [{"type": "Ready", "status": "True"}]}
        nodes[name] = {"metadata": {"name": name, "labels": labels}, "spec": {}, "status": status}
        infos[name] = NodeInfo.of(
            pod(app, f"{name}-{place}", namespace, **(others or {})) for place, app in enumerate(there.replace("-", ""))
        )
    return Surroundings(nodes, infos, {"shop": {"team": "a"}, "bank": {"team": "b"}})


def term(app: str, key: str = HOST, **more: Any) -> Object:
    return {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key, **more}


def beside(*terms: Object) -> Object:
    return {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}}


def apart(*terms: Object) -> Object:
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": list(terms)}}}


def spread(key: str = ZONE, skew: int = 1, app: str = "x", when: str = "DoNotSchedule", **more: Any) -> Object:
    selector = {"matchLabels": {"app": app}}
    one = {"maxSkew": skew, "topologyKey": key, "whenUnsatisfiable": when, "labelSelector": selector, **more}
    return {"topologySpreadConstraints": [one]}


def said(one: Object, around: Surroundings) -> list[str]:
    """What each node says; empty where it takes the pod."""
    found = [obstacle(one, node, around) for node in around.nodes.values()]
    return [each.reasons[0] if each else "" for each in found]


@pytest.mark.parametrize(
    ("spec", "words", "right"),
    [
        (apart(term("x")), "a:x a:y a:-", [ANTI, "", ""]),
        (apart(term("x")), "a:X a:-", [ANTI, ""]),  # until it is gone
        (apart(term("x", ZONE)), "a:x a:- b:-", [ANTI, ANTI, ""]),
        (apart(term("x", "rack")), "a:x", [""]),  # a node of no domain is apart from all
        (beside(term("y")), "a:x a:y", [AFFINITY, ""]),
        (beside(term("y", ZONE)), "a:y a:- b:-", ["", "", AFFINITY]),
        (beside(term("y"), term("x")), "a:x a:y", [AFFINITY, AFFINITY]),  # one pod must be what all terms mean
        (beside(term("x")), "a:- a:y", ["", ""]),  # the first of a group that seeks itself
        (beside(term("x")), "a:- a:x", [AFFINITY, ""]),
        (beside(term("x", "rack")), "a:-", [AFFINITY]),
        (spread(), "a:x b:-", [UNEVEN, ""]),
        (spread(), "a:x b:x", ["", ""]),
        (spread(), "a:X b:-", ["", ""]),  # one that is leaving does not count
        (spread(skew=2), "a:x b:-", ["", ""]),
        (spread(), "a:x a:- b:-", [UNEVEN, UNEVEN, ""]),
        (spread(), "?:- a:xx", [NO_DOMAIN, ""]),  # a node without the label is no domain
        (spread(app="y"), "a:y b:-", ["", ""]),  # the pod itself is not counted
        (spread(minDomains=3), "a:x b:x", [UNEVEN, UNEVEN]),
        (spread(when="ScheduleAnyway"), "a:xx b:-", ["", ""]),
        ({**spread(), "nodeSelector": {ZONE: "a"}}, "a:x b:-", ["", SELECTION]),
        ({**spread(nodeAffinityPolicy="Ignore"), "nodeSelector": {ZONE: "a"}}, "a:x b:-", [UNEVEN, SELECTION]),
    ],
)  # fmt: skip
def test_where_a_pod_may_stand(spec: Object, words: str, right: list[str]) -> None:
    assert said(pod("x", **spec), cluster(words)) == right


def test_pods_that_are_there_keep_others_away_too() -> None:
    assert said(pod("x"), cluster("a:y a:-", apart(term("x")))) == [OTHERS, ""]


def test_a_term_means_pods_of_its_own_namespace_unless_it_says_others() -> None:
    around = cluster("a:x", namespace="bank")
    assert said(pod("x", **apart(term("x"))), around) == [""]
    assert said(pod("x", **apart(term("x", namespaces=["bank"]))), around) == [ANTI]
    assert said(pod("x", **apart(term("x", namespaceSelector={}))), around) == [ANTI]
    assert said(pod("x", **apart(term("x", namespaceSelector={"matchLabels": {"team": "a"}}))), around) == [""]


def test_keys_of_the_pods_own_labels_narrow_a_term() -> None:
    """So pods of one revision keep apart, and do not mind those of the one before."""
    around = cluster("a:x")
    assert said(pod("x", **apart(term("x", matchLabelKeys=["pod-template-hash"]))), around) == [""]
    assert said(pod("x", **apart(term("x", mismatchLabelKeys=["pod-template-hash"]))), around) == [ANTI]
    assert said(pod("x", **spread(matchLabelKeys=["pod-template-hash"])), cluster("a:x b:-")) == ["", ""]


def test_only_what_others_could_mend_by_going_is_told_so() -> None:
    def lasting(spec: Object, words: str) -> bool:
        around = cluster(words)
        found = obstacle(pod("x", **spec), around.nodes["node1"], around)
        assert isinstance(found, Obstacle)
        return found.lasting

    assert [lasting(apart(term("x")), "a:x"), lasting(spread(), "a:x b:-")] == [False, False]
    assert [lasting(beside(term("y")), "a:x"), lasting(spread(), "?:-")] == [True, True]
