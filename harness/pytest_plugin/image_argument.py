"""The argument `image` of `rollout(...)`, and the workload -> by container the images that it goes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import UsageError
from harness.inputs.shown import near
from harness.manifests.read import Manifest
from harness.pytest_plugin.wrong_argument import TRIED, in_python, wrong
from harness.spec.workload import containers, pod_spec, workload_name


def turns(image: Any, workload: Manifest) -> dict[str, list[str]]:
    """By container the images that the rollouts go to in turn, the last of them the manifest's own.

    Raises:
        UsageError: a container that there is not, or several where one must be named.
    """
    pod = pod_spec(workload)
    inside = {container["name"]: container.get("image", "") for container in containers(pod)}
    given = [image] if isinstance(image, str | Mapping) else image
    if not isinstance(given, Sequence) or not given:
        raise wrong("image", f"{in_python(image)} is none")
    found: dict[str, list[str]] = {}
    steps = [_by_container(each, workload, inside) for each in given]
    for name in dict.fromkeys(name for step in steps for name in step):
        now, images = inside[name], []
        for step in steps:
            now = step.get(name, now)
            images.append(now)
        found[name] = [*images, inside[name]]
    return found


def _by_container(image: Any, workload: Manifest, inside: Mapping[str, str]) -> dict[str, str]:
    have = ", ".join(inside)
    if isinstance(image, str):
        main = {container["name"]: "" for container in pod_spec(workload).get("containers", ())}
        return {_main_container(workload, main): image}
    if not isinstance(image, Mapping) or not all(isinstance(value, str) for value in image.values()):
        raise wrong("image", f"{in_python(image)} is none")
    for name in image:
        if name not in inside:
            seen = f"there is no container {in_python(name)} in {workload_name(workload)}{near(str(name), inside)}"
            raise wrong("image", f"{seen}; there is {have}")
    return dict(image)


def _main_container(workload: Manifest, inside: Mapping[str, str]) -> str:
    """The only container; of several the one that kubectl takes by default, where an annotation says which."""
    template = (workload.get("spec") or {}).get("template") or {}
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    named = annotations.get("kubectl.kubernetes.io/default-container")
    if named in inside:
        return str(named)
    if len(inside) != 1:
        example = f'image={{"{next(iter(inside), "web")}": "..."}}'
        seen = f"{workload_name(workload)} has {len(inside)} containers: {', '.join(inside)}"
        raise UsageError(TRIED, f"image: {seen}", f"Name the one that changes: {example}.")
    return next(iter(inside))
