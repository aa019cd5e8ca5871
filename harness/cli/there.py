"""An application that is there -> the experiment on it, by its file or by options alone, as the cluster shows it."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness.cli.described import told_file
from harness.cli.paper import check_options
from harness.errors import ManifestError, UsageError
from harness.model.providers import CONTEXT

if TYPE_CHECKING:
    from harness.kube.client import Kube
    from harness.manifests.read import Manifest
    from harness.model.cluster_settings import ClusterSettings
    from harness.model.experiment import Experiment

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What takes an experiment file's place. `image`: "CONTAINER=IMAGE", or the image where there is one container.

    `way`: the experiment's `path`, where it is given. `worker_image`, `budget` and `out` go with a file too.
    """

    target: str | None
    namespace: str | None
    service: str | None
    restart: bool
    image: Sequence[str]
    rollouts: int | None
    way: Mapping[str, Any]
    worker_image: str | None = None
    budget: Sequence[str] = ()
    out: Path | None = None

    def refused_beside(self, file: str) -> None:
        """Refuse what a file says itself; "-" are manifests, which do not say how often they are rolled.

        Raises:
            UsageError: one of them is given.
        """
        if file == "-":
            for name in ("restart", "image"):
                if getattr(self, name):
                    seen = "what comes on standard input is deployed anew, and rolled by its own restart"
                    raise UsageError(
                        f"reading --{name}", seen, "It goes with an application that is there: run --target."
                    )
            return
        for name in ("restart", "image", "rollouts"):
            if getattr(self, name):
                raise UsageError(f"reading --{name}", f"{file} says that itself", "It goes without a file.")


def experiment_of_options(options: Options, cluster: str | None) -> Experiment:
    """The experiment that options alone mean; the file that would say the same is printed.

    Raises:
        UsageError: something is not said that must be, or the cluster leaves a choice open.
        ClusterError: the cluster does not answer, or does not let the application be read.
    """
    from harness.clusters.choice import chosen
    from harness.model.cluster_settings import ClusterSettings
    from harness.model.experiment import Experiment
    from harness.model.providers import PROTECTED_CONTEXTS
    from harness.runner.there import kind_of

    tried = "reading the options of run, which has no experiment's file"
    target, namespace = options.target, options.namespace
    if target is None or namespace is None:
        missing = " and ".join(
            name for name, given in (("--target", target), ("--namespace", namespace)) if given is None
        )
        raise UsageError(tried, f"{missing} must say what is rolled", "Or give a file, or - for manifests.")
    if options.restart == bool(options.image):
        raise UsageError(tried, "what rolls it is not clear", "Give either --restart or --image.")
    kind_of(target)
    there = {"target": target.lower(), "namespace": namespace}
    done = {"rollouts": options.rollouts or 1, **options.way}
    check_options(
        {**there, "update": _images(options.image) or "restart", **done},
        service=options.service,
        worker_image=options.worker_image,
        budget=options.budget,
        out=options.out,
    )
    settings = chosen(cluster, ClusterSettings.model_validate({"sandbox": {}}))
    context = context_there(settings, target, PROTECTED_CONTEXTS)

    async def described(kube: Kube) -> dict[str, Any]:
        from harness.runner.from_cluster import described_there
        from harness.runner.there import manifests_there

        return described_there(
            manifests := await manifests_there(kube, namespace, target.lower()),
            **there,
            service=options.service,
            done={"update": _update(options.image, manifests[0]), **done},
            cluster={"context": context},
        )

    found = _asked(context, described)
    told_file("# This file would run the same:", found)
    return Experiment.model_validate(found)


def _images(given: Sequence[str]) -> dict[str, Any]:
    """The experiment's `update` as far as no container must be known; empty where no image is given.

    Raises:
        UsageError: one names no container before its "=", or no image after it.
    """
    turns: dict[str, list[str]] = {}
    for each in given:
        name, equals, image = each.partition("=")
        if equals and not (name and image):
            raise UsageError(f"reading --image {each}", "it lacks a container or an image", "Give CONTAINER=IMAGE.")
        turns.setdefault(name if equals else "", []).append(image if equals else each)
    return {"image": turns} if turns else {}


def _update(images: Sequence[str], workload: Manifest) -> str | dict[str, Any]:
    """The experiment's `update` for these images; a restart without any.

    Raises:
        UsageError: which container is meant is not clear.
    """
    from harness.spec.workload import pod_spec

    if not images:
        return "restart"
    inside = [str(container["name"]) for container in pod_spec(workload)["containers"]]
    turns: dict[str, list[str]] = {}
    for each in images:
        name, equals, image = each.partition("=")
        if not equals:
            if len(inside) != 1:
                have = f"its containers are {', '.join(inside)}"
                raise UsageError(f"reading --image {each}", have, f"Give --image {inside[0]}={shlex.quote(each)}.")
            name, image = inside[0], each
        turns.setdefault(name, []).append(image)
    return {"image": turns}


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """An experiment with what the cluster makes clear, and what stands there.

    `put_back`: what puts back what an earlier run has changed of it, as a sentence; empty where none has.
    """

    experiment: Experiment
    manifests: tuple[Manifest, ...] = ()
    put_back: str = ""

    @contextmanager
    def planning(self) -> Iterator[None]:
        """What cannot be planned of it in the block may be an earlier run's doing, and is told as that.

        Raises:
            ManifestError: it cannot be planned.
        """
        try:
            yield
        except ManifestError as error:
            if not self.put_back:
                raise
            seen = f"{error.seen}, since an earlier run has changed it and not put it back"
            raise ManifestError(error.tried, seen, self.put_back) from None


def application_there(experiment: Experiment, settings: ClusterSettings) -> There:
    """The experiment with what the cluster makes clear, and what is there; as it is where it brings its manifests.

    Raises:
        UsageError: nothing can be there, the target is not, or a choice is open.
        ClusterError: the cluster does not answer, or does not let it be read.
    """
    if not experiment.is_there:
        return There(experiment=experiment)
    context = context_there(settings, experiment.target, experiment.protected_contexts)

    async def read(kube: Kube) -> There:
        from harness.runner.there import as_it_stands, how_to_put_back

        clear, manifests = await as_it_stands(kube, experiment)
        put_back = await how_to_put_back(kube, experiment, f"{CONTEXT}:{context}")
        return There(experiment=clear, manifests=manifests, put_back=put_back)

    return _asked(context, read)


def context_there(settings: ClusterSettings, target: str, protected: Sequence[str]) -> str:
    """The context in which an application can be there, before anything is sent to it.

    Raises:
        UsageError: it is none of a kubeconfig, or one of the `protected`.
    """
    from harness.runner.protected import check_context

    if settings.context is None:
        raise UsageError(
            f"looking for {target}, which is to be there",
            f"a cluster of provider {settings.provider} is made for the run, with nothing in it",
            "Give --cluster context:NAME, or `manifests` to deploy.",
        )
    check_context(settings.context, protected)
    return settings.context


def _asked(context: str, ask: Callable[[Kube], Awaitable[Answer]]) -> Answer:
    """What a cluster answers."""
    import anyio

    async def asked() -> Answer:
        from harness.kube.connection import from_context

        async with from_context(context) as kube:
            await kube.version()
            return await ask(kube)

    return anyio.run(asked)
