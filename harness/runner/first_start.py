"""A workload that has just been created -> one that is up and answers, or the reason why it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.disruptions.completion import Hear, Reached, until_complete
from harness.disruptions.last_words import LastWords, last_words
from harness.disruptions.obstacles import in_words, mends, obstacles
from harness.disruptions.pods_back import is_whole
from harness.disruptions.workload import Workload
from harness.errors import LoadError
from harness.kube.client import Kube
from harness.kube.view import View
from harness.model.disruption_table import row
from harness.runner.left_out import makes_pods
from harness.runner.pod_logs import logs_in
from harness.runner.preflight import measured_ports, undeclared_ports
from harness.runner.scenario import Scenario
from harness.spec.serving import named_ports
from harness.spec.workload import pod_spec, workload_name

_BY_NODES = ("clusterip", "nodeport")


class FirstStart:
    """The time from the workload's creation until it answers steadily."""

    def __init__(self, kube: Kube, workload: Workload, scenario: Scenario, view: View) -> None:
        self._workload, self._scenario, self._view = workload, scenario, view
        self._logs = logs_in(kube, workload.namespace)

    async def until_up(self, generation: int, hear: Hear) -> None:
        """Wait until all its pods are there and available.

        Where it is the only one among the manifests that makes pods, there is nothing to come up that it may be waiting
        for: then containers that end alike again and again end the wait.

        Raises:
            RolloutError: they are not in time, or never will be; says what holds them up.
        """
        application = self._scenario.application
        alone = not any(makes_pods(each) for each in application.manifests if each is not application.target)
        await until_complete(
            self._view,
            self._workload,
            generation,
            deadline_s=self._scenario.experiment.rollout_timeout_s,
            hear=hear,
            logs=self._logs,
            apart_from=frozenset() if alone else None,
            reached=None if row(self._scenario.experiment.asked[0]).rolls else self._whole(generation),
        )

    def _whole(self, generation: int) -> Reached:
        """What nobody is going to roll is up when its pods are: with OnDelete its update would never be complete."""
        return lambda now: is_whole(now, self._workload, generation=generation)

    @property
    def sent_to(self) -> str:
        """The ports of its pods to which the Service sends, in words; empty where what stands before them answers."""
        if self._scenario.experiment.way_in.name not in _BY_NODES:
            return ""
        target = self._scenario.application.target
        numbers = named_ports(pod_spec(target))
        ports = (numbers.get(str(port), port) for port in measured_ports(self._scenario))
        return f"port {' or '.join(map(str, ports))} of the pods of {workload_name(target)}"

    @asynccontextmanager
    async def explained(self) -> AsyncIterator[None]:
        """A block in which its answers are awaited: an error says what the pods show too.

        Pods without a readiness probe count as up as soon as their programs run, whatever becomes of these.
        """
        try:
            yield
        except LoadError as silent:
            standing = await LastWords(self._logs).added(obstacles(self._view, self._workload))
            wrong = [*undeclared_ports(self._scenario), *filter(None, [in_words(standing)])]
            silent.seen = "; ".join([silent.seen, *wrong])
            silent.do = mends(standing) or silent.do
            silent.details = last_words(standing)
            raise
