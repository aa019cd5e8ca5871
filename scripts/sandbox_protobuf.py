"""Kubernetes' Go types -> harness/sandbox/apiserver/protobuf.json, the fields of what kubectl sends as protobuf.

    python scripts/sandbox_protobuf.py API APIMACHINERY    (git directories of kubernetes/api, kubernetes/apimachinery)

The file maps a type, such as `core/v1/Pod`, to its fields by number, each as "name:type". Types: s string, i integer,
b boolean, y bytes, q quantity, p int-or-string, t time, m time with microseconds, j JSON, or a name of the file;
[..] a list, {..} a map from strings, - what is left out. A "!" says that a zero is a value: the field is a pointer, or
always there. A name that is empty stands for fields that JSON has one level higher. Both come from the tags of the Go
structs.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

TARGET = Path(__file__).parents[1] / "harness" / "sandbox" / "apiserver" / "protobuf.json"
_META = "meta/v1"
_ROOTS = """
core/v1/Namespace core/v1/Node core/v1/ConfigMap core/v1/Secret core/v1/Service core/v1/ServiceAccount core/v1/Pod
core/v1/Event core/v1/ResourceQuota core/v1/LimitRange core/v1/PersistentVolumeClaim core/v1/Endpoints core/v1/Binding
core/v1/ReplicationController core/v1/PodTemplate apps/v1/Deployment apps/v1/ReplicaSet apps/v1/StatefulSet
apps/v1/DaemonSet apps/v1/ControllerRevision batch/v1/Job batch/v1/CronJob discovery/v1/EndpointSlice
coordination/v1/Lease autoscaling/v1/Scale autoscaling/v1/HorizontalPodAutoscaler autoscaling/v2/HorizontalPodAutoscaler
authorization/v1/SelfSubjectAccessReview authorization/v1/SelfSubjectRulesReview authentication/v1/TokenRequest
authentication/v1/TokenReview authentication/v1/SelfSubjectReview authorization/v1/SubjectAccessReview
authorization/v1/LocalSubjectAccessReview
policy/v1/PodDisruptionBudget policy/v1/Eviction networking/v1/Ingress networking/v1/IngressClass
networking/v1/NetworkPolicy events/v1/Event rbac/v1/Role rbac/v1/ClusterRole rbac/v1/RoleBinding
rbac/v1/ClusterRoleBinding scheduling/v1/PriorityClass node/v1/RuntimeClass meta/v1/DeleteOptions
""".split()  # noqa: SIM905  (a list would take fifty lines)
_LEAVES = {
    "string": "s", "int32": "i", "int64": "i", "int": "i", "uint32": "i", "bool": "b", "float64": "-", "[]byte": "y",
    "resource.Quantity": "q", "intstr.IntOrString": "p", "runtime.RawExtension": "j", "meta/v1/Time": "t",
    "meta/v1/MicroTime": "m", "types.UID": "s", "types.NodeName": "s", "meta/v1/FieldsV1": "-", "meta/v1/Duration": "-",
}  # fmt: skip
_FIELD = re.compile(r'^\s+(?:\w+\s+)?(?P<type>[\w.*\[\]]+)\s+`json:"(?P<json>[^"]*)"[^`]*protobuf:"\w+,(?P<n>\d+),')


def main(api: str, machinery: str) -> None:
    """Writes the file."""
    known, simple = _types(api, machinery)
    table: dict[str, dict[str, str]] = {}
    wanted = list(_ROOTS)
    while wanted:
        name = wanted.pop()
        if name in table:
            continue
        table[name] = {}
        for number, field, go_type, keeps_zero in known[name]:
            kind = _kind(go_type, simple)
            inner = kind.strip("[]{}")
            if "/" in inner:
                if inner not in known:
                    kind = "-"
                else:
                    wanted.append(inner)
            mark = "!" if keeps_zero and kind in ("s", "i", "b") else ""
            table[name][number] = f"{field}:{kind}{mark}"
    lines = [f"{json.dumps(name)}: {json.dumps(table[name], separators=(',', ':'))}" for name in sorted(table)]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _types(api: str, machinery: str) -> tuple[dict[str, list[tuple[str, str, str, bool]]], dict[str, str]]:
    """Structs by name, as (number, JSON name, Go type, whether zero is a value), and names of simpler types."""
    structs: dict[str, list[tuple[str, str, str, bool]]] = {}
    simple: dict[str, str] = {}
    packages = sorted({root.rpartition("/")[0] for root in _ROOTS} - {_META})
    sources = [(package, _shown(api, f"{package}/types.go")) for package in packages]
    sources.append((_META, _shown(machinery, "pkg/apis/meta/v1/types.go")))
    for package, source in sources:
        imports = _imports(source)
        current = ""
        for line in source.splitlines():
            if begun := re.match(r"type (\w+) struct \{", line):
                current = f"{package}/{begun[1]}"
                structs[current] = []
            elif named := re.match(r"type (\w+) ([\w.\[\]]+)$", line):
                simple[f"{package}/{named[1]}"] = _qualified(named[2], package, imports)
            elif current and (field := _FIELD.match(line)):
                name, _, options = field["json"].partition(",")
                keeps_zero = field["type"].startswith("*") or "omitempty" not in options
                go_type = _qualified(field["type"].lstrip("*"), package, imports)
                structs[current].append((field["n"], "" if "inline" in options else name, go_type, keeps_zero))
    return structs, simple


def _kind(go_type: str, simple: dict[str, str]) -> str:
    if go_type in _LEAVES:
        return _LEAVES[go_type]
    if go_type in simple:
        return _kind(simple[go_type], simple)
    if go_type.startswith("[]"):
        return f"[{_kind(go_type[2:].lstrip('*'), simple)}]"
    if found := re.match(r"map\[[^\]]+\](.*)", go_type):
        return f"{{{_kind(found[1], simple)}}}"
    return go_type


def _qualified(go_type: str, package: str, imports: dict[str, str]) -> str:
    """The type with its package before its name."""
    if found := re.match(r"(\[\]\*?|map\[[^\]]+\])(.*)", go_type):
        if go_type == "[]byte":
            return go_type
        return found[1].rstrip("*") + _qualified(found[2], package, imports)
    if go_type in _LEAVES:
        return go_type
    alias, _, name = go_type.rpartition(".")
    if not alias:
        return f"{package}/{name}"
    return f"{imports[alias]}/{name}" if alias in imports else go_type


def _imports(source: str) -> dict[str, str]:
    found = re.findall(r'^\s+(\w+)?\s*"k8s\.io/(?:api|apimachinery/pkg/apis)/(\w+/\w+)"', source, re.M)
    return {alias or path.rpartition("/")[2]: path for alias, path in found}


def _shown(repository: str, path: str) -> str:
    command = ["git", f"--git-dir={repository}", "show", f"HEAD:{path}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(*sys.argv[1:])
