"""The arguments of `run` -> the experiment that they mean: a file's, or one made of manifests on standard input."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.ending import tell
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.model.experiment import Experiment

_FILE = "manifests.yaml"


class StandIns(StrEnum):
    """As `--stand-in` takes them; see `harness.model.cluster_settings.StandIn`."""

    FINISHES = "finishes"
    EXITS = "exits"
    IGNORES = "ignores"
    REFUSES = "refuses"


@contextmanager
def described_experiment(
    file: Path,
    target: str | None,
    service: str | None,
    stand_in: StandIns | None,
    latency: str | None,
    way: Mapping[str, Any],
) -> Iterator[Experiment]:
    """The experiment that file and options mean; `way`: its `path`, and of manifests also `rollouts`, where given."""
    from harness.runner.experiment_file import read_experiment

    if latency is not None and stand_in is None:
        raise UsageError(
            f"reading --latency {latency}", "it is a stand-in's, and none is asked for", "Give --stand-in."
        )
    latency_s, kind = _seconds(latency), None if stand_in is None else stand_in.value
    if str(file) == "-":
        with _experiment_of_standard_input(
            target=target, service=service, stand_in=kind, latency_s=latency_s, way=way
        ) as experiment:
            yield experiment
        return
    for name, value in (("--target", target), ("--service", service), ("--path", way.get("path"))):
        if value is not None:
            raise UsageError(
                f"reading {name} {value if isinstance(value, str) else ''}".rstrip(),
                f"{file} says that itself",
                "It goes with `run -`, or without a file.",
            )
    experiment = read_experiment(file)
    if kind is not None:
        from harness.model.cluster_settings import SandboxImage
        from harness.runner.from_manifests import stand_in_entry

        standing = SandboxImage.model_validate(stand_in_entry(kind, latency_s))
        experiment = experiment.model_copy(update={"images": {**experiment.images, "*": standing}})
    yield experiment


def _seconds(text: str | None) -> float | None:
    from harness.model.duration import seconds

    try:
        return None if text is None else seconds(text)
    except ValueError as error:
        raise UsageError(f"reading --latency {text}", str(error)) from None


@contextmanager
def _experiment_of_standard_input(
    *,
    target: str | None,
    service: str | None,
    stand_in: str | None,
    latency_s: float | None,
    way: Mapping[str, Any],
) -> Iterator[Experiment]:
    """The experiment that the manifests amount to, printed as the file that would say the same.

    It lasts as long as the block: it reads its manifests from a file that is gone afterwards.

    Raises:
        UsageError: nothing comes on standard input, or what comes leaves a choice open.
        ManifestError: what comes holds no Kubernetes objects.
    """
    from harness.inputs.files import standard_input_text
    from harness.model.experiment import Experiment
    from harness.runner.from_manifests import described_experiment
    from harness.runner.refused_manifests import manifests_of_kinds

    text = standard_input_text(what="manifests", error=UsageError, hint="Pipe: helm template ... | ...")
    with tempfile.TemporaryDirectory(prefix="rollout-harness-") as folder:
        file = Path(folder) / _FILE
        file.write_text(text, encoding="utf-8")
        described = described_experiment(
            manifests_of_kinds([file]), target=target, service=service, stand_in=stand_in, latency_s=latency_s
        )
        described |= way
        words = f"# What was read from standard input, as {_FILE}, and this file beside it would run the same:"
        told_file(words, {**described, "manifests": [_FILE]})
        yield Experiment.model_validate({**described, "manifests": [str(file)]})


def told_file(words: str, described: dict[str, Any]) -> None:
    """Print an experiment's file, after words that say what it is, before anything that standard error says later."""
    for line in [words, *yaml_text(described).splitlines(), ""]:
        tell(line)
    sys.stdout.flush()  # where both go to one file, as in CI


def yaml_text(described: dict[str, Any]) -> str:
    """An experiment as its file would hold it."""
    from ruamel.yaml import YAML

    text = io.StringIO()
    yaml = YAML(typ="rt", pure=True)
    yaml.default_flow_style = None  # what is innermost on one line
    yaml.dump(described, text)
    return text.getvalue()
