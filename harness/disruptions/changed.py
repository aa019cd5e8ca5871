"""The workload before and now -> whether it is being rolled, by its own generation and pod template.

So a rollout is seen to begin whoever began it. Pure.
"""

from __future__ import annotations

from typing import Any

from harness.spec.template import same_template

Object = dict[str, Any]


def is_rolled(before: Object, now: Object) -> bool:
    """Whether what stands now is rolled out in the place of what stood before.

    A paused Deployment is rolled only when it goes on. One that was deleted and made again is another.
    """
    if now["spec"].get("paused"):
        return False
    if before["metadata"].get("uid") != now["metadata"].get("uid"):
        return True
    return not same_template(template(before), template(now))


def template(workload: Object) -> Object:
    """Its pod template."""
    found: Object = workload["spec"].get("template") or {}
    return found


def generation(workload: Object) -> int:
    """Which version of its spec it is."""
    return int(workload["metadata"].get("generation") or 0)


def by_whom(workload: Object) -> str | None:
    """The field manager that wrote it last, status left out; None where that is not told."""
    fields = [each for each in workload["metadata"].get("managedFields") or () if not each.get("subresource")]
    newest: Object = max(fields, key=lambda each: str(each.get("time") or ""), default={})
    return newest.get("manager")
