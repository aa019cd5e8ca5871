"""The arguments of one call of `rollout(...)` -> an Experiment with one variant, or what would do instead."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.fixture_files import fixtures
from harness.manifests.application import KINDS
from harness.manifests.read import Manifest
from harness.model.duration import duration
from harness.model.experiment import Experiment
from harness.pytest_plugin.image_argument import turns
from harness.pytest_plugin.mitigations_argument import named_mitigations
from harness.pytest_plugin.wrong_argument import TRIED, WOULD_DO, in_python, wrong
from harness.runner.choice import Asked, chosen_front, chosen_target
from harness.runner.experiment_file import with_images_of
from harness.runner.experiment_problems import best_fitting
from harness.runner.from_cluster import called
from harness.runner.from_manifests import LOAD, rollout_timeout_s
from harness.runner.refused_manifests import manifests_of_kinds
from harness.spec.workload import workload_name

VARIANT = "rollout"
_NEXT_IMAGE = "nginx:1.29.1"


def manifest_files(manifest: Any, places: Sequence[Path], folder: Path) -> tuple[Path, ...]:
    """The files that hold what is meant; parsed documents are written into `folder`.

    `places`: where a relative path is looked for, in turn.

    Raises:
        UsageError: there is none, or it is neither a path nor a document.
    """
    if manifest is None:
        return (fixtures() / "manifests" / "nginx.yaml",)
    if isinstance(manifest, str | os.PathLike):
        return _files_at(_path(manifest), places)
    documents = [manifest] if isinstance(manifest, Mapping) else manifest
    if not isinstance(documents, Sequence) or not documents:
        raise wrong("manifest", f"{in_python(manifest)} is none")
    if all(isinstance(each, Mapping) for each in documents):
        return (_written(documents, folder),)
    if all(isinstance(each, str | os.PathLike) for each in documents):
        return tuple(file for each in documents for file in _files_at(_path(each), places))
    raise wrong("manifest", "the list holds neither only paths nor only documents")


def target_there(namespace: Any, target: Any, manifest: Any) -> str:
    """The target that is there in a namespace, "deployment/web".

    Raises:
        UsageError: it is not said which, or something is to be deployed besides.
    """
    if not isinstance(namespace, str):
        raise wrong("namespace", f"{in_python(namespace)} is no text")
    if manifest is not None:
        raise wrong("namespace", "it is given beside manifest; what is there is not deployed")
    if not isinstance(target, str) or target.partition("/")[0].lower() not in KINDS:
        raise wrong("target", f"{in_python(target)} does not say what is there in namespace {namespace}")
    return target.lower()


def _path(given: Any) -> Path:
    return Path(os.fspath(given))


def _files_at(path: Path, places: Sequence[Path]) -> tuple[Path, ...]:
    found = next((place / path for place in places if (place / path).exists()), None)
    if found is None:
        where = " nor ".join(str(place) for place in dict.fromkeys(places))
        raise wrong("manifest", f"there is no {path}" + ("" if path.is_absolute() else f" in {where}"))
    if not found.is_dir():
        return (found,)
    files = tuple(sorted(file for file in found.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file()))
    if not files:
        raise wrong("manifest", f"there is no .yaml file in {found}")
    return files


def _written(documents: Iterable[Mapping[str, Any]], folder: Path) -> Path:
    import yaml

    file = folder / "documents.yaml"
    try:
        file.write_text(yaml.safe_dump_all([_plain(each) for each in documents], sort_keys=False), encoding="utf-8")
    except yaml.YAMLError as error:
        raise wrong("manifest", f"a document cannot be written as YAML: {error}") from None
    return file


def _plain(node: Any) -> Any:
    """Mappings and sequences of any kind, such as a YAML library's, as those that every library writes."""
    if isinstance(node, Mapping):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str | bytes):
        return [_plain(value) for value in node]
    return node


def experiment_of(
    files: Sequence[Path],
    *,
    default: bool,
    target: str | None,
    service: str | None,
    image: Any,
    disruption: Any,
    rollouts: Any,
    load: Any,
    path: Any,
    mitigations: Any,
    budget: Any,
    expect: Any,
    images: Any = None,
    folder: Path = Path(),
    namespace: str | None = None,
    there: Sequence[Manifest] = (),
) -> Experiment:
    """The experiment that the arguments mean.

    `default`: the files are ours, which are rolled by a new image. `folder`: where paths of `images` begin. `there`:
    what stands in `namespace`, in place of files.

    Raises:
        UsageError: an argument is not what an experiment allows, or the manifests leave a choice that was not made.
        ManifestError: the files are no manifests.
    """
    for name, value in (("target", target), ("service", service)):
        if value is not None and not isinstance(value, str):
            raise wrong(name, f"{in_python(value)} is no text")
    manifests = there or manifests_of_kinds(files)
    asked = Asked(target, service, '{}="{}"')
    workload = chosen_target(manifests, asked)
    front, port = chosen_front(manifests, workload, asked)
    if image is not None and disruption is not None:
        raise wrong("disruption", "it is given beside image; a rollout has one")
    if image is None and disruption is None and default:
        image = _NEXT_IMAGE
    described = {
        "version": 1,
        "name": "pytest",
        **(_as_there(there, asked, namespace) if there else {"manifests": list(map(str, files))}),
        "target": workload_name(workload),
        "service": {"name": front, "port": port},
        "path": path,
        "disruption": _disruption(disruption) if image is None else {"image": turns(image, workload)},
        "rollouts": rollouts,
        "rollout_timeout": duration(rollout_timeout_s(manifests, workload)),
        "load": _load(load),
        "variants": {VARIANT: {"mitigations": named_mitigations(mitigations), "expect": expect}},
        **({} if images is None else {"images": _mapping("images", images)}),
        **({} if budget is None else {"budget": _mapping("budget", budget)}),
    }
    try:
        return with_images_of(folder, Experiment.model_validate(described), TRIED)
    except ValidationError as error:
        keys, words = best_fitting(error, described)
        raise wrong(_argument(keys, image is not None), words) from None


def _as_there(there: Sequence[Manifest], asked: Asked, namespace: str | None) -> dict[str, Any]:
    """What an experiment on it says in place of manifests."""
    request = called(there, asked).request
    return {"namespace": namespace, **({"request": request} if request else {})}


def _argument(keys: Sequence[int | str], by_image: bool) -> str:
    """The argument that ended up at this place of an experiment, and the place in it: "load.new.rate"."""
    first, *rest = map(str, keys or ["manifest"])
    if first == "variants":
        first, *rest = rest[1:] or ["mitigations"]
    if first == "disruption" and by_image:
        first = "image"
    return ".".join([first, *rest]) if first in WOULD_DO else "manifest"


def _disruption(disruption: Any) -> Any:
    return "restart" if disruption is None else _plain(disruption)


def _load(load: Any) -> dict[str, Any]:
    if load is None:
        return LOAD
    if isinstance(load, int | float) and not isinstance(load, bool):
        return {"new": {"rate": load}}
    return _mapping("load", load)


def _mapping(argument: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise wrong(argument, f"{in_python(given)} is no mapping")
    plain: dict[str, Any] = _plain(given)
    return plain


def paths_in_turn(test_file: Path, root: Path) -> tuple[Path, ...]:
    """Where relative paths of a test are looked for: beside its file, then in pytest's root directory."""
    return (test_file.parent, root)
