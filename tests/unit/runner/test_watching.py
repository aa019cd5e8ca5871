"""Rollouts that others make begin and end by the workload's own generation and template, whatever else changes it."""

from __future__ import annotations

import copy
from typing import Any, cast

import anyio
import pytest

from harness.errors import NothingRolled, RolloutError
from harness.model.observation import MarkType
from harness.model.run import RolloutMarks
from harness.model.watch_settings import Watch
from harness.runner import watching
from harness.runner.watching import Versions, Watched
from tests.unit.disruptions.histories import WEB, gone, pod, show, shown

pytestmark = pytest.mark.anyio

Object = dict[str, Any]


def web(generation: int, image: str, *, done: bool = True, **spec: Any) -> Object:
    """deployment/web in a generation, with one replica of that image, rolled out or not yet."""
    status = {
        "observedGeneration": generation if done else generation - 1,
        "replicas": 1,
        "updatedReplicas": 1,
        "availableReplicas": 1,
    }
    template = {"spec": {"containers": [{"name": "a", "image": image}]}}
    return {
        "kind": "Deployment",
        "metadata": {
            "name": "web",
            "uid": "uid-web",
            "generation": generation,
            "managedFields": [
                {"manager": "argocd-controller", "time": f"2026-01-01T00:00:{generation:02}Z"},
                {"manager": "kube-controller-manager", "subresource": "status", "time": "2026-02-01T00:00:00Z"},
            ],
        },
        "spec": {"replicas": 1, "template": template, **spec},
        "status": status,
    }


class Scene:
    """A watch on paper: the clock stands at `t`, and shows what a test makes it show."""

    def __init__(self, **settings: Any) -> None:
        self.t, self.view, self.versions = 0.0, shown(pod("a")), Versions()
        self.marks: list[tuple[str, float]] = []
        self.details: list[Object] = []
        self.rollouts: tuple[RolloutMarks, ...] = ()
        self.quiet = anyio.Event()
        self.at(0.1, web(1, "a:1"))
        nothing: Any = None
        self.watched = Watched(
            workload=WEB,
            settings=Watch.model_validate(settings),
            view=self.view,
            versions=self.versions,
            load=cast(Any, self),
            writer=cast(Any, self),
            mark_at=self.mark_at,
            phase=lambda *_: nothing,
            hear=lambda _: nothing,
            quiet_s=1.0,
            finish_s=0.0,
            original=web(1, "a:1"),
        )

    info = property(lambda self: self)

    def now(self) -> float:
        return self.t

    def update(self, *, rollouts: tuple[RolloutMarks, ...]) -> None:
        self.rollouts = rollouts

    async def until_sending(self) -> None:
        await anyio.lowlevel.checkpoint()

    async def until_quiet(self, quiet_s: float, *, cap_s: float) -> None:
        await self.quiet.wait()

    def mark_at(self, t: float, type_: MarkType, details: Object) -> float:
        self.marks.append((str(type_), t))
        self.details.append(details)
        return t

    def at(self, t: float, *objects: Object) -> None:
        """The watch shows these now."""
        self.t = t
        for each in objects:
            if each["kind"] == "Deployment":
                self.versions.take(t, each)
            show(self.view, each)

    async def until(self, *marks: str) -> None:
        with anyio.fail_after(60):
            while [name for name, _ in self.marks] != list(marks):
                await anyio.lowlevel.checkpoint()

    async def run(self, story: Any) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(story)
            await self.watched.run()


async def test_a_rollout_is_from_its_template_until_its_pods_are_there_and_the_others_gone() -> None:
    scene = Scene(**{"for": "600s", "until_rollouts": 1})
    old = pod("old", going=True)

    async def story() -> None:
        scene.at(2.0, web(2, "a:1", replicas=1))  # somebody else writes something else
        scene.at(5.0, web(3, "a:2", done=False), old)
        await scene.until("update")
        scene.at(8.0, web(3, "a:2"))
        await scene.until("update", "complete")
        gone(scene.view, old)
        scene.t = 9.0
        await scene.until("update", "complete", "settled")
        scene.quiet.set()

    await scene.run(story)
    assert scene.marks == [("update", 5.0 - watching.LEAD_S), ("complete", 8.0), ("settled", 9.0)]
    assert scene.details[0] == {"rollout": 0, "disruption": "watch", "generation": 3, "by": "argocd-controller"}
    assert scene.rollouts[0].by == "argocd-controller"
    assert scene.rollouts == (RolloutMarks(rollout=0, update=4.0, complete=8.0, settled=9.0, by="argocd-controller"),)


async def test_who_deploys_again_before_the_old_pods_are_gone_goes_on_with_the_same_rollout() -> None:
    scene = Scene(**{"for": "600s", "until_rollouts": 1})
    old = pod("old", going=True)

    async def story() -> None:
        scene.at(5.0, web(2, "a:2"), old)
        await scene.until("update", "complete")
        scene.at(6.0, web(3, "a:3", done=False))
        scene.at(9.0, web(3, "a:3"))
        await scene.until("update", "complete", "complete")
        gone(scene.view, old)
        await scene.until("update", "complete", "complete", "settled")
        scene.quiet.set()

    await scene.run(story)
    assert scene.rollouts == (RolloutMarks(rollout=0, update=4.0, complete=9.0, settled=9.0, by="argocd-controller"),)


async def test_who_deploys_in_the_quiet_time_begins_another_one() -> None:
    scene = Scene(**{"for": "600s", "until_rollouts": 2})

    async def story() -> None:
        scene.at(5.0, web(2, "a:2"))
        await scene.until("update", "complete", "settled")
        scene.at(5.5, web(3, "a:3"))
        await scene.until("update", "complete", "settled", "update", "complete", "settled")
        scene.quiet.set()

    await scene.run(story)
    assert [rollout.update for rollout in scene.rollouts] == [4.0, 5.0], "not before the first has settled"


async def test_a_paused_deployment_is_rolled_when_it_goes_on() -> None:
    scene = Scene(**{"for": "600s", "until_rollouts": 1})

    async def story() -> None:
        scene.at(5.0, web(2, "a:2", paused=True))
        scene.at(20.0, web(3, "a:2"))
        await scene.until("update", "complete", "settled")
        scene.quiet.set()

    await scene.run(story)
    assert scene.rollouts[0].update == 19.0


async def test_one_that_never_ends_is_left_without_its_end() -> None:
    scene = Scene(**{"for": "200ms"})

    async def story() -> None:
        scene.at(5.0, web(2, "a:2", done=False))
        await anyio.lowlevel.checkpoint()

    await scene.run(story)
    assert scene.rollouts == (RolloutMarks(rollout=0, update=4.0, by="argocd-controller"),)


async def test_where_too_few_come_that_is_said() -> None:
    async def story() -> None:
        await anyio.lowlevel.checkpoint()

    with pytest.raises(ExceptionGroup) as none:
        await Scene(**{"for": "10ms"}).run(story)
    assert none.group_contains(NothingRolled, match="no rollout began: its pod template did not change")
    assert NothingRolled("").exit_code == 3

    scene = Scene(**{"for": "200ms", "until_rollouts": 2})
    scene.quiet.set()
    scene.at(5.0, web(2, "a:2"))
    with pytest.raises(ExceptionGroup) as few:
        await scene.run(story)
    assert few.group_contains(NothingRolled, match="1 rollout of 2 began")
    assert len(scene.rollouts) == 1


async def test_a_workload_that_is_gone_at_the_end_is_said() -> None:
    scene = Scene(**{"for": "10ms"})

    async def story() -> None:
        gone(scene.view, web(1, "a:1"))
        await anyio.lowlevel.checkpoint()

    with pytest.raises(ExceptionGroup) as ended:
        await scene.run(story)
    assert ended.group_contains(RolloutError, match="deployment/web is gone")


def test_an_object_that_was_made_again_is_another_version() -> None:
    versions = Versions()
    first, again = web(1, "a:1"), copy.deepcopy(web(1, "a:1"))
    again["metadata"]["uid"] = "uid-other"
    for t, each in enumerate([first, first, again]):
        versions.take(float(t), each)
    assert versions.rolled(first) == (2.0, again)
    assert versions.rolled(again) is None
