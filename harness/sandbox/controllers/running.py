"""A client of the API -> all controllers at work, until they are cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from harness.sandbox.controllers.accounttokens import AccountTokensController
from harness.sandbox.controllers.caches import Caches
from harness.sandbox.controllers.cronjob import CronJobController
from harness.sandbox.controllers.customkinds import CustomKinds
from harness.sandbox.controllers.daemonset import DaemonSetController
from harness.sandbox.controllers.deployment import DeploymentController
from harness.sandbox.controllers.disruption import DisruptionController
from harness.sandbox.controllers.endpointscontroller import EndpointsController
from harness.sandbox.controllers.endpointslice import EndpointSliceController
from harness.sandbox.controllers.endpointslicemirroring import EndpointSliceMirroringController
from harness.sandbox.controllers.garbage import GarbageCollector
from harness.sandbox.controllers.job import JobController
from harness.sandbox.controllers.kubernetesservice import KubernetesServiceController
from harness.sandbox.controllers.namespace import NamespaceController
from harness.sandbox.controllers.quota import QuotaController
from harness.sandbox.controllers.replicaset import ReplicaSetController
from harness.sandbox.controllers.scheduler import Scheduler
from harness.sandbox.controllers.statefulset import StatefulSetController
from harness.sandbox.controllers.tainteviction import TaintEvictionController

if TYPE_CHECKING:
    from harness.sandbox.apiclient import ApiClient


async def run_controllers(client: ApiClient, root_ca: str, ready: asyncio.Event) -> None:
    """Runs every controller; `ready` is set once all caches have listed."""
    caches = Caches(client)
    custom = CustomKinds(caches)
    controllers = (
        DeploymentController(caches),
        ReplicaSetController(caches),
        StatefulSetController(caches),
        DaemonSetController(caches),
        JobController(caches),
        CronJobController(caches),
        EndpointSliceController(caches),
        EndpointsController(caches),
        EndpointSliceMirroringController(caches),
        KubernetesServiceController(caches),
        Scheduler(caches),
        TaintEvictionController(caches),
        NamespaceController(caches, root_ca),
        AccountTokensController(caches, root_ca),
        QuotaController(caches),
        DisruptionController(caches),
        GarbageCollector(caches, custom),
        custom,
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(caches.run())
        await caches.wait_synced()
        ready.set()
        for controller in controllers:
            group.create_task(controller.run(), name=type(controller).__name__)
