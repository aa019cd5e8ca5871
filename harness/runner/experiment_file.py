"""An experiment file -> an Experiment, or an error that names file, line, key and what was expected."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from harness.errors import ExperimentError
from harness.model.experiment import Experiment, HeaderSource, SandboxImage

_MAX_SHOWN = 5


def read_experiment(path: Path) -> Experiment:
    """The experiment in a YAML file; the paths in it, which are relative to it, made relative to the working directory.

    Raises:
        ExperimentError: the file is missing, is not text, is not YAML, or does not say what it must.
    """
    document = _load(path)
    try:
        experiment = Experiment.model_validate(document)
    except ValidationError as error:
        raise ExperimentError(f"reading {path}", _described(error, document)) from None
    manifests = tuple(path.parent / manifest for manifest in experiment.manifests)
    headers = {name: _from_here(value, path.parent) for name, value in experiment.request.headers.items()}
    request = experiment.request.model_copy(update={"headers": headers})
    images = {name: _placed(path, name, image) for name, image in experiment.images.items()}
    return experiment.model_copy(update={"manifests": manifests, "request": request, "images": images})


def _placed(file: Path, name: str, image: SandboxImage) -> SandboxImage:
    """The image with the paths of its command made absolute: where it runs there is no experiment's folder.

    Links in them stay: what a program is called by may be what it finds its packages by, as a venv's `python` does.
    """
    folder = file.parent.resolve()
    words = tuple(
        os.path.abspath(folder / word) if word.startswith(("./", "../")) else word  # noqa: PTH100 - resolve() follows
        for word in image.command
    )
    for asked, word in zip(image.command, words, strict=True):
        if asked != word and not Path(word).exists():
            raise ExperimentError(
                f"reading {file}", f"images.{name}.command: there is no {asked}", "It is relative to the file."
            )
    return image.model_copy(update={"command": words})


def _from_here(value: str | HeaderSource, folder: Path) -> str | HeaderSource:
    if isinstance(value, str) or value.file is None:
        return value
    return value.model_copy(update={"file": folder / value.file})


def _load(path: Path) -> CommentedMap:
    tried = f"reading {path}"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ExperimentError(tried, "there is no such file", "See fixtures/experiments/demo.yaml for one.") from None
    except IsADirectoryError:
        raise ExperimentError(tried, "it is a directory", "Give the experiment's YAML file.") from None
    except UnicodeDecodeError as error:
        raise ExperimentError(tried, f"it is not text in UTF-8 (byte {error.start})", "Give a YAML file.") from None
    except OSError as error:
        raise ExperimentError(tried, error.strerror or str(error)) from None
    try:
        document = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ExperimentError(tried, f"{where}it is not YAML ({error.problem or error.context})") from None
    except YAMLError as error:
        raise ExperimentError(tried, f"it is not YAML ({str(error).splitlines()[0]})") from None
    except (IndexError, ValueError) as error:  # a scalar that the parser takes for a number, such as `+_`
        raise ExperimentError(tried, f"it has a number that is none ({error})") from None
    if document is None:
        raise ExperimentError(tried, "it is empty", "See fixtures/experiments/demo.yaml for one.")
    if not isinstance(document, CommentedMap):
        raise ExperimentError(tried, "it holds no mapping", "Start with `version: 1`, `name: ...`; see `schema`.")
    return document


def _described(error: ValidationError, document: CommentedMap) -> str:
    """One clause a problem: "line 7, load.new.rate: input should be greater than 0, not -1".

    Where a key may be of several kinds pydantic reports each kind that does not fit; what the writer meant is the one
    that fits best: whose problem lies deepest, and is one of the value rather than of its type.
    """
    best: dict[int, tuple[tuple[int, bool], str]] = {}
    for problem in error.errors(include_url=False, include_context=False):
        keys, line = _locate(problem["loc"], document, missing=problem["type"] == "missing")
        fits = (len(keys), problem["type"] == "value_error")
        if line not in best or fits > best[line][0]:
            best[line] = (fits, f"line {line}, {'.'.join(map(str, keys)) or 'the file'}: {_expected(problem)}")
    clauses = [clause for _, (_, clause) in sorted(best.items())]
    more = len(clauses) - _MAX_SHOWN
    return "; ".join(clauses[:_MAX_SHOWN] + ([f"and {more} more"] if more > 0 else []))


def _expected(problem: Any) -> str:
    kind, message = problem["type"], str(problem["msg"])
    if kind == "extra_forbidden":
        return "there is no such key"
    if kind == "missing":
        return "it is missing"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    shown = problem.get("input")
    return f"{message}, not {shown!r}" if isinstance(shown, str | int | float) else message


def _locate(loc: tuple[int | str, ...], document: CommentedMap, *, missing: bool) -> tuple[list[int | str], int]:
    """The keys of `loc` that are keys of the file, and the line (from 1) of the deepest one that is there.

    pydantic puts the names of a union's branches into `loc`; they are no keys and are left out. A missing key is named,
    with the line of the mapping that lacks it.
    """
    node: Any = document
    keys: list[int | str] = []
    line = 0
    for part in loc:
        if isinstance(node, CommentedMap) and part in node:
            line = node.lc.key(part)[0]
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line = node.lc.item(part)[0]
        else:
            continue
        keys.append(part)
        node = node[part]
    if missing:
        keys.append(loc[-1])
    return keys, line + 1
