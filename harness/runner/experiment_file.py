"""An experiment file -> an Experiment, or an error that names file, line, key and what was expected."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.errors import ExperimentError
from harness.inputs.files import file_text
from harness.inputs.shown import cut, printable
from harness.inputs.unfinished import unfinished
from harness.inputs.yaml_core import Document, document
from harness.inputs.yaml_nodes import YamlError
from harness.model.cluster_settings import SandboxImage
from harness.model.disruption import Disruption
from harness.model.experiment import Experiment
from harness.runner.experiment_problems import expected, fit

_MAX_SHOWN = 5
_EXAMPLE = "rollout-harness schema prints what one has; fixtures/experiments of the repository has some."


def read_experiment(path: Path) -> Experiment:
    """The experiment in a YAML file; the paths in it, which are relative to it, made relative to the working directory.

    Raises:
        ExperimentError: the file is missing, is not text, is not YAML, or does not say what it must.
    """
    written = _load(path)
    try:
        experiment = Experiment.model_validate(written.value)
    except ValidationError as error:
        raise ExperimentError(f"reading {path}", _described(error, written)) from None
    manifests = tuple(path.parent / manifest for manifest in experiment.manifests)
    request = experiment.request.in_folder(path.parent)
    requests = tuple(each.in_folder(path.parent) for each in experiment.requests)
    placed = experiment.model_copy(update={"manifests": manifests, "request": request, "requests": requests})
    if isinstance(placed.disruption, Disruption):
        placed = placed.model_copy(update={"disruption": placed.disruption.in_folder(path.parent)})
    return with_images_of(path.parent, placed, f"reading {path}")


def with_images_of(folder: Path, experiment: Experiment, tried: str) -> Experiment:
    """The experiment with the paths of its images' commands, which are relative to `folder`, made absolute.

    Raises:
        ExperimentError: there is no such file.
    """
    images = {name: _placed(folder, name, image, tried) for name, image in experiment.images.items()}
    return experiment.model_copy(update={"images": images})


def _placed(folder: Path, name: str, image: SandboxImage, tried: str) -> SandboxImage:
    """The image with the paths of its command made absolute: where it runs there is no experiment's folder.

    Links in them stay: what a program is called by may be what it finds its packages by, as a venv's `python` does.
    """
    folder = folder.resolve()
    words = tuple(
        os.path.abspath(folder / word) if word.startswith(("./", "../")) else word  # noqa: PTH100 - resolve() follows
        for word in image.command
    )
    for asked, word in zip(image.command, words, strict=True):
        if asked != word and not Path(word).exists():
            seen = f"images.{name}.command: there is no {asked}"
            raise ExperimentError(tried, seen, f"It is relative to {folder}.")
    return image.model_copy(update={"command": words})


def _load(path: Path) -> Document:
    tried = f"reading {path}"
    text = file_text(path, error=ExperimentError, hint=_EXAMPLE)
    try:
        found = document(text)
    except YamlError as error:
        if why := unfinished(text, error.line):
            raise ExperimentError(tried, str(why), why.do) from None
        raise ExperimentError(tried, str(error), _EXAMPLE) from None
    if found.value is None:
        raise ExperimentError(tried, "it is empty", _EXAMPLE)
    return found


def _described(error: ValidationError, document: Document) -> str:
    """One clause a problem: "line 7, load.new.rate: input should be greater than 0, not -1".

    Where a key may be of several kinds pydantic reports each kind that does not fit; what the writer meant is the one
    that fits best: whose problem lies deepest, and is one of the value rather than of its type. A key that is misspelt
    is told rather than that the right one is missing.
    """
    best: dict[int, tuple[tuple[int, int], Any, list[int | str]]] = {}
    for problem in error.errors(include_url=False, include_context=False):
        keys, line = _locate(problem["loc"], document, missing=problem["type"] == "missing")
        fits = fit(problem, keys)
        if line not in best or fits > best[line][0]:
            best[line] = (fits, problem, keys)
    clauses = [  # only what is shown is worded, since there may be thousands
        f"line {line}, {cut(printable('.'.join(map(str, keys))), 80) or 'the file'}: {expected(problem, keys)}"
        for line, (_, problem, keys) in sorted(best.items())[:_MAX_SHOWN]
    ]
    more = len(best) - _MAX_SHOWN
    return "; ".join([*clauses, *([f"and {more} more"] if more > 0 else [])])


def _locate(loc: tuple[int | str, ...], document: Document, *, missing: bool) -> tuple[list[int | str], int]:
    """The keys of `loc` that are keys of the file, and the line (from 1) of the deepest one that is there.

    pydantic puts the names of a union's branches into `loc`; they are no keys and are left out. A missing key is named,
    with the line of the mapping that lacks it.
    """
    keys: list[int | str] = []
    line = 1
    for part in loc:
        if (*keys, part) in document.lines:
            keys.append(part)
            line = document.lines[tuple(keys)]
    if missing:
        keys.append(loc[-1])
    return keys, line
