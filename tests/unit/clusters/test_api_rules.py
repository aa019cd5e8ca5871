"""Why an API server would refuse a manifest, in sentences that stay short."""

from __future__ import annotations

from typing import Any

import pytest

from harness.clusters.api_rules import refusals
from harness.model.refusal import refused_words


def config_map(*keys: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": dict.fromkeys(keys, "b")}


def refused(manifest: dict[str, Any]) -> str:
    return refused_words(refusals(manifest))


def test_what_is_taken_has_no_words() -> None:
    assert refused(config_map("a", "b")) == ""


def test_of_many_fields_the_first_three_are_told() -> None:
    told = refused(config_map("a b", "c d", "e f", "g h", "i j"))
    assert told.startswith('data[a b]: Invalid value: "a b": a valid config key must ')
    assert "data[e f]" in told
    assert told.endswith("; and 2 more")


def test_what_would_hide_in_a_terminal_is_shown() -> None:
    assert "\x1b" not in refused(config_map("a\x1b[2J"))


def test_a_value_of_another_type_is_told_before_the_rules() -> None:
    assert refused({**config_map("a b"), "immutable": "yes"}) == (
        "immutable is 'yes' (text), where true or false is wanted"
    )


def of_kind(version: str, kind: str) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "a"}}


@pytest.mark.parametrize(
    ("version", "kind", "said"),
    [
        ("apps/v1", "Deploymnet", "there is no kind 'Deploymnet' in apps/v1; did you mean Deployment?"),
        ("v1", "Deployment", "there is no kind 'Deployment' in v1: its apiVersion is apps/v1"),
        ("apps/v1", "Service", "there is no kind 'Service' in apps/v1: its apiVersion is v1"),
        (
            "extensions/v1beta1",
            "Ingress",
            "there is no kind 'Ingress' in extensions/v1beta1: since Kubernetes 1.22 no cluster serves it, and its "
            "apiVersion is networking.k8s.io/v1",
        ),
        (
            "extensions/v1beta1",
            "DaemonSet",
            "there is no kind 'DaemonSet' in extensions/v1beta1: since Kubernetes 1.16 no cluster serves it, and its "
            "apiVersion is apps/v1",
        ),
        (
            "autoscaling/v2beta2",
            "HorizontalPodAutoscaler",
            "there is no kind 'HorizontalPodAutoscaler' in autoscaling/v2beta2: since Kubernetes 1.26 no cluster "
            "serves it, and its apiVersion is autoscaling/v2",
        ),
        (
            "policy/v1beta1",
            "PodSecurityPolicy",
            "there is no kind 'PodSecurityPolicy' in policy/v1beta1: since Kubernetes 1.25 no cluster serves it, and "
            "Pod Security Admission has taken its place",
        ),
        ("extensions/v1beta1", "Service", "there is no kind 'Service' in extensions/v1beta1: its apiVersion is v1"),
        ("autoscaling/v1", "HorizontalPodAutoscaler", ""),
        ("storage.k8s.io/v1beta1", "VolumeAttributesClass", ""),
        ("admissionregistration.k8s.io/v1beta1", "ValidatingAdmissionPolicy", ""),
        ("v1", "ReplicationController", ""),
        ("v1", "Zebra", ""),
        ("apps.kruise.io/v1alpha1", "StatefulSet", ""),
        ("networking.k8s.io/v1beta1", "ServiceCIDR", ""),
    ],
)
def test_a_kind_that_there_is_not_is_named_with_the_one_that_is_meant(version: str, kind: str, said: str) -> None:
    assert refused(of_kind(version, kind)) == said


@pytest.mark.parametrize(
    ("since", "old", "kind", "now"),
    [
        ("1.16", "extensions/v1beta1", "NetworkPolicy", "networking.k8s.io/v1"),
        ("1.16", "extensions/v1beta1", "ReplicaSet", "apps/v1"),
        ("1.16", "extensions/v1beta1", "Deployment", "apps/v1"),
        ("1.16", "apps/v1beta2", "StatefulSet", "apps/v1"),
        ("1.22", "networking.k8s.io/v1beta1", "Ingress", "networking.k8s.io/v1"),
        ("1.22", "rbac.authorization.k8s.io/v1beta1", "Role", "rbac.authorization.k8s.io/v1"),
        ("1.22", "apiextensions.k8s.io/v1beta1", "CustomResourceDefinition", "apiextensions.k8s.io/v1"),
        ("1.25", "autoscaling/v2beta1", "HorizontalPodAutoscaler", "autoscaling/v2"),
        ("1.25", "batch/v1beta1", "CronJob", "batch/v1"),
        ("1.25", "discovery.k8s.io/v1beta1", "EndpointSlice", "discovery.k8s.io/v1"),
        ("1.25", "policy/v1beta1", "PodDisruptionBudget", "policy/v1"),
        ("1.32", "flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", "flowcontrol.apiserver.k8s.io/v1"),
    ],
)
def test_a_kind_that_no_cluster_serves_any_longer_says_since_when_and_where_it_is_now(
    since: str, old: str, kind: str, now: str
) -> None:
    gone = f"since Kubernetes {since} no cluster serves it, and its apiVersion is {now}"
    assert refused(of_kind(old, kind)) == f"there is no kind '{kind}' in {old}: {gone}"
    assert "no cluster serves it" not in refused(of_kind(now, kind))
