"""A new Pod -> with its ServiceAccount's token mounted and its priority, or refused where it names what is not there.

What the admission plugins ServiceAccount, Priority and RuntimeClass do. Source: kubernetes
`plugin/pkg/admission/{serviceaccount,priority,runtimeclass}/admission.go`.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from harness.sandbox.apiserver import api_errors
from harness.sandbox.apiserver.generated_names import with_suffix
from harness.sandbox.apiserver.resources import PODS, PRIORITY_CLASSES, RUNTIME_CLASSES, SERVICE_ACCOUNTS

if TYPE_CHECKING:
    from harness.sandbox.apiserver.store import Object, Store

DEFAULT_ACCOUNT = "default"
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
ROOT_CA = "kube-root-ca.crt"
_VOLUME = "kube-api-access-"
_EXPIRES_S = 3607
_MODE = 0o644


def admit_pod(store: Store, namespace: str, pod: Object) -> None:
    """Completes the pod in place. Raises: StatusError (403)."""
    _priority(store, pod)
    _runtime_class(store, pod)
    _service_account(store, namespace, pod)


def default_account_missing(store: Store, namespace: str, pod: Object) -> bool:
    """Whether the pod is to run as an account that its namespace's controller has yet to make."""
    spec = pod.get("spec")
    named = (spec.get("serviceAccountName") or spec.get("serviceAccount")) if isinstance(spec, dict) else None
    wanted = named in (None, "", DEFAULT_ACCOUNT)
    return wanted and store.get(SERVICE_ACCOUNTS, namespace, DEFAULT_ACCOUNT) is None


def default_account_pause_s() -> float:
    """How long admission waits before it looks for such an account again."""
    return random.uniform(0.1, 0.2)


def _refused(pod: Object, why: str) -> api_errors.StatusError:
    return api_errors.forbidden(PODS, str(pod["metadata"].get("name", "")), why)


def _service_account(store: Store, namespace: str, pod: Object) -> None:
    spec = pod["spec"]
    name = str(spec.get("serviceAccountName") or DEFAULT_ACCOUNT)
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    stored = store.get(SERVICE_ACCOUNTS, namespace, name)
    if stored is None:
        why = f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        raise _refused(pod, why)
    wished = spec.get("automountServiceAccountToken")
    if wished is None:
        wished = stored.obj.get("automountServiceAccountToken")
    if wished is not False:
        _mount_token(spec)
    if not spec.get("imagePullSecrets") and (secrets := stored.obj.get("imagePullSecrets")):
        spec["imagePullSecrets"] = [dict(item) for item in secrets]


def _mount_token(spec: Object) -> None:
    """Every container that has nothing of its own at that path sees the token, the CA and the namespace there."""
    volumes = spec.get("volumes") or []
    present = next((item["name"] for item in volumes if str(item.get("name", "")).startswith(_VOLUME)), None)
    name = present or with_suffix(_VOLUME)
    needed = False
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        mounts = container.get("volumeMounts") or []
        if any(mount.get("mountPath") == TOKEN_PATH for mount in mounts):
            continue
        container["volumeMounts"] = [*mounts, {"name": name, "readOnly": True, "mountPath": TOKEN_PATH}]
        needed = True
    if needed and present is None:
        spec["volumes"] = [*volumes, {"name": name, "projected": _token_volume()}]


def _token_volume() -> Object:
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    return {
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": _EXPIRES_S, "path": "token"}},
            {"configMap": {"name": ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
        ],
        "defaultMode": _MODE,
    }


def _priority(store: Store, pod: Object) -> None:
    spec = pod["spec"]
    name = spec.get("priorityClassName") or ""
    if name:
        stored = store.get(PRIORITY_CLASSES, "", name)
        if stored is None:
            raise _refused(pod, f"no PriorityClass with name {name} was found")
        chosen: Object | None = stored.obj
    else:
        ranked = [each.obj for each in store.items(PRIORITY_CLASSES) if each.obj.get("globalDefault")]
        chosen = min(ranked, key=lambda each: each.get("value", 0), default=None)
        if chosen is not None:
            spec["priorityClassName"] = chosen["metadata"]["name"]
    value = 0 if chosen is None else chosen.get("value", 0)
    policy = (chosen or {}).get("preemptionPolicy") or "PreemptLowerPriority"
    if spec.get("priority") not in (None, value):
        why = (
            f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; priority admission "
            f"controller computed {value} from the given PriorityClass name"
        )
        raise _refused(pod, why)
    if spec.get("preemptionPolicy") not in (None, policy):
        why = (
            f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec; "
            f"priority admission controller computed {policy} from the given PriorityClass name"
        )
        raise _refused(pod, why)
    spec["priority"], spec["preemptionPolicy"] = value, policy


def _runtime_class(store: Store, pod: Object) -> None:
    spec = pod["spec"]
    name = spec.get("runtimeClassName")
    if name is None:
        return
    stored = store.get(RUNTIME_CLASSES, "", name)
    if stored is None:
        raise _refused(pod, f'pod rejected: RuntimeClass "{name}" not found')
    scheduling = stored.obj.get("scheduling") or {}
    for key, value in (scheduling.get("nodeSelector") or {}).items():
        if (spec.get("nodeSelector") or {}).get(key, value) != value:
            raise _refused(pod, f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}")
        spec.setdefault("nodeSelector", {})[key] = value
    if tolerations := scheduling.get("tolerations"):
        spec["tolerations"] = [*(spec.get("tolerations") or ()), *tolerations]
    if overhead := (stored.obj.get("overhead") or {}).get("podFixed"):
        spec["overhead"] = dict(overhead)
