"""A DaemonSet and a node -> whether its pod belongs there, and the pod; a pod -> the node that it is meant for. Pure.

Source: kubernetes `pkg/controller/daemon/daemon_controller.go` (NodeShouldRunDaemonPod) and `util/daemonset_util.go`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.apiserver.strategy import TEMPLATE_GENERATION
from harness.sandbox.controllers.nodefit import selected
from harness.sandbox.controllers.pods import from_template
from harness.sandbox.controllers.taints import untolerated

if TYPE_CHECKING:
    from harness.sandbox.apiclient import Object

REVISION_LABEL, GENERATION_LABEL = "controller-revision-hash", "pod-template-generation"
_NODE_NAME = "metadata.name"
# What every daemon puts up with, so that it stays on nodes, and comes to nodes, that have trouble.
_TOLERATED = (
    ("not-ready", "NoExecute"),
    ("unreachable", "NoExecute"),
    ("disk-pressure", "NoSchedule"),
    ("memory-pressure", "NoSchedule"),
    ("pid-pressure", "NoSchedule"),
    ("unschedulable", "NoSchedule"),
)


def belongs(daemon_set: Object, node: Object) -> tuple[bool, bool]:
    """Whether a pod is to be made on the node, and whether one that is there may stay."""
    spec, name = daemon_set["spec"]["template"]["spec"], node["metadata"]["name"]
    if spec.get("nodeName") not in (None, "", name) or not selected({"spec": spec}, node):
        return False, False
    taints = [taint for taint in node.get("spec", {}).get("taints") or () if taint["effect"] != "PreferNoSchedule"]
    lacking = untolerated(_tolerations(spec), taints)
    return not lacking, all(taint["effect"] != "NoExecute" for taint in lacking)


def pod_for(daemon_set: Object, node: str, revision_hash: str) -> Object:
    """The pod of the present template for a node: the scheduler binds it, as it can go nowhere else."""
    template = daemon_set["spec"]["template"]
    pod = from_template(template, daemon_set)
    labels = {**(pod["metadata"].get("labels") or {}), REVISION_LABEL: revision_hash}
    if generation := (daemon_set["metadata"].get("annotations") or {}).get(TEMPLATE_GENERATION):
        labels[GENERATION_LABEL] = generation
    pod["metadata"]["labels"] = labels
    affinity = dict(template["spec"].get("affinity") or {})
    only = {"matchFields": [{"key": _NODE_NAME, "operator": "In", "values": [node]}]}
    on_nodes = dict(affinity.get("nodeAffinity") or {})
    on_nodes["requiredDuringSchedulingIgnoredDuringExecution"] = {"nodeSelectorTerms": [only]}
    affinity["nodeAffinity"] = on_nodes
    pod["spec"] = {**template["spec"], "affinity": affinity, "tolerations": _tolerations(template["spec"])}
    return pod


def target_node(pod: Object) -> str | None:
    """The node on which the pod is, or to which it is to go; None where it names none."""
    if name := pod["spec"].get("nodeName"):
        return str(name)
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field["key"] == _NODE_NAME and field["operator"] == "In" and len(field["values"]) == 1:
                return str(field["values"][0])
    return None


def _tolerations(spec: Object) -> list[Object]:
    given = list(spec.get("tolerations") or ())
    tolerated = [*_TOLERATED, *([("network-unavailable", "NoSchedule")] if spec.get("hostNetwork") else [])]
    own = [{"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": effect} for key, effect in tolerated]
    return given + [one for one in own if one not in given]
