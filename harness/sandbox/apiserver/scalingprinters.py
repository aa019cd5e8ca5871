"""A HorizontalPodAutoscaler -> what `kubectl get` shows of its metrics.

Source: kubernetes `pkg/printers/internalversion/printers.go`, formatHPAMetrics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.apiserver.store import Object

_UNKNOWN = "<unknown>"
_MOST = 2
_PARTS = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def targets(spec: Object, status: Object) -> str:
    """Each metric's present value and its target, the first two of them.

    >>> cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    >>> targets({"metrics": [{"type": "Resource", "resource": cpu}]}, {})
    'cpu: <unknown>/50%'
    >>> targets({}, {})
    '<none>'
    """
    metrics, current = spec.get("metrics") or [], status.get("currentMetrics") or []
    shown = [_shown(metric, current[n] if n < len(current) else {}) for n, metric in enumerate(metrics[:_MOST])]
    if not shown:
        return "<none>"
    more = f" + {len(metrics) - _MOST} more..." if len(metrics) > _MOST else ""
    return ", ".join(shown) + more


def _shown(metric: Object, current: Object) -> str:
    kind = metric.get("type", "")
    part = metric.get(_PARTS.get(kind, "")) or {}
    now = (current.get(_PARTS.get(kind, "")) or {}).get("current") or {}
    wanted = part.get("target") or {}
    name = f"{part['name']}: " if kind in ("Resource", "ContainerResource") else ""
    if wanted.get("averageUtilization") is not None:
        used = now.get("averageUtilization")
        return f"{name}{_UNKNOWN if used is None else f'{used}%'}/{wanted['averageUtilization']}%"
    if wanted.get("averageValue") is not None:
        average = " (avg)" if kind in ("Object", "External") else ""
        return f"{name}{now.get('averageValue') or _UNKNOWN}/{wanted['averageValue']}{average}"
    return f"{name}{now.get('value') or _UNKNOWN}/{wanted.get('value') or _UNKNOWN}"
