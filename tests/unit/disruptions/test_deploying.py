"""What a deploy command does to its own rollout while it runs: takes it back, pauses it, lets it go on."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import anyio
import pytest

from harness.disruptions.deploying import _Deploy
from harness.model.deploy_command import DeployCommand
from tests.unit.disruptions.histories import deployment, show
from tests.unit.disruptions.stages import stage

pytestmark = pytest.mark.anyio


def version(image: str, generation: int, **spec: Any) -> dict[str, Any]:
    """deployment/web, rolled out, of that image."""
    made = deepcopy(deployment(seen=generation))
    made["metadata"]["generation"] = generation
    made["spec"] |= {"template": {"spec": {"containers": [{"name": "web", "image": image}]}}, **spec}
    return made


async def generation_of(before: dict[str, Any], script: Callable[[_Deploy], Any]) -> int:
    """What comes of a command that does what `script` does."""
    deploy = _Deploy(stage=stage(None, [before]), command=DeployCommand(run=("x",)), words=("x",))  # type: ignore[arg-type]
    found = 0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(script, deploy)
        with anyio.fail_after(5):
            found = await deploy.rolled({})
    return found


async def test_one_that_takes_its_rollout_back_has_rolled() -> None:
    async def script(deploy: _Deploy) -> None:
        show(deploy.stage.view, version("srv:2", 3))
        await anyio.wait_all_tasks_blocked()
        show(deploy.stage.view, version("srv:1", 4))
        deploy.over = anyio.current_time()
        deploy.ended.set()

    assert await generation_of(version("srv:1", 2), script) == 4


async def test_one_that_pauses_its_rollout_and_resumes_it_is_waited_for() -> None:
    async def script(deploy: _Deploy) -> None:
        unfinished = version("srv:2", 3)
        unfinished["status"]["updatedReplicas"] = 1
        show(deploy.stage.view, unfinished)
        await anyio.wait_all_tasks_blocked()
        show(deploy.stage.view, {**unfinished, "spec": {**unfinished["spec"], "paused": True}})
        await anyio.wait_all_tasks_blocked()
        show(deploy.stage.view, version("srv:2", 5))
        deploy.over = anyio.current_time()
        deploy.ended.set()

    assert await generation_of(version("srv:1", 2), script) == 5
