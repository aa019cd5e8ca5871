"""The text of manifests and mitigations -> the text with them, what changed, and what is to be said of the rest."""

from __future__ import annotations

import difflib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from harness.check.checking import Known
from harness.check.checking import check as checked
from harness.check.oddities import ODDITIES, oddities
from harness.check.sources import Source
from harness.clusters.api_fields import unknown_fields
from harness.clusters.api_rules import refusals
from harness.errors import ManifestError
from harness.manifests.as_applied import as_applied
from harness.manifests.located import Located, Unreadable, located_objects
from harness.manifests.losses import losses
from harness.manifests.mitigations import Mitigated, mitigated
from harness.manifests.objects import REFUSED
from harness.manifests.patch_of import patch_of
from harness.manifests.read import Manifest
from harness.manifests.rewrite import rewritten
from harness.manifests.safer import safer
from harness.model.experiment import Mitigation
from harness.model.refusal import refused_words
from harness.spec.claims import claims_among
from harness.spec.hazard import Severity
from harness.spec.shape import named
from harness.spec.workload import WORKLOAD_KINDS, Object, is_foreign, pod_spec, selects, services, spec_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """`workloads`: each before and after. `said`: the lines for standard error."""

    before: str
    text: str
    workloads: tuple[tuple[Manifest, Manifest], ...]
    said: tuple[str, ...]

    def diff(self, name: str) -> str:
        """A unified diff, which `patch` takes; empty where nothing changed."""
        lines = (self.before.splitlines(keepends=True), self.text.splitlines(keepends=True))
        found = difflib.unified_diff(*lines, fromfile=name, tofile=name)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found)

    def patches(self) -> str:
        """A patch of kustomize for each workload that changed."""
        from ruamel.yaml import YAML

        yaml = YAML(typ="rt", pure=True)
        yaml.default_flow_style = False
        yaml.indent(mapping=2, sequence=4, offset=2)
        texts = []
        for patch in filter(None, (patch_of(*pair) for pair in self.workloads)):
            text = io.StringIO()
            yaml.dump(patch, text)
            texts.append(text.getvalue())
        return "---\n".join(texts)


def change_text(
    text: str, mitigations: Sequence[Mitigation], *, tried: str, mend: bool, asked: Iterable[str] = ()
) -> Changed:
    """The text with the mitigations; `mend`: without what else `check` calls errors, as far as a manifest cures them.

    `asked`: as in `safer`.

    Raises:
        ManifestError: it holds no object, what is no Kubernetes object, or what an API server would refuse.
    """
    there = _located(text, tried)
    objects = [each.manifest for each in there]
    change = _Change(mitigations, services(objects) if mend else None, claims_among(objects), tuple(asked))
    new = rewritten(text, change, tried=tried)
    if not change.objects:
        raise ManifestError(tried, "it holds no object")
    for located, after in zip(there, change.objects, strict=True):
        _check(located, after, tried)
    said = (
        *change.said(),
        *(f"mind: {words}" for words in losses(text, new)),
        *(line for each in there for line in _odd(each)),
        *(_remaining(new) if mend else ()),
    )
    return Changed(before=text, text=new, workloads=tuple(change.workloads), said=said)


def _located(text: str, tried: str) -> tuple[Located, ...]:
    """The objects of the text.

    Raises:
        ManifestError: something in it is none; says on which line.
    """
    found = tuple(located_objects(text))
    if first := next((each for each in found if isinstance(each, Unreadable)), None):
        raise ManifestError(f"{tried}:{first.line}", first.why, first.do)
    return tuple(each for each in found if isinstance(each, Located))


def _check(located: Located, after: Manifest, tried: str) -> None:
    """Refuse what an API server would not take as it is printed: a mitigation may be what cures it.

    Raises:
        ManifestError: says where, and why.
    """
    if wrong := refusals(as_applied(after)):
        at = f"{tried}:{located.line_of(wrong[0].field)}"
        raise ManifestError(at, f"{named(after)}: {refused_words(wrong)}", REFUSED)


def _odd(located: Located) -> Iterator[str]:
    for each in oddities(located, unknown_fields):
        yield f"mind: {named(located.manifest)}, line {each.line}: {ODDITIES[each.rule][0]} ({each.found})"


def _remaining(text: str) -> list[str]:
    """The errors that `check` still finds, and what it cannot check."""
    report = checked([Source(file="", text=text, given=True)], Known(), rules=refusals, unknown=unknown_fields)
    errors = [finding for finding in report.told if finding.severity is Severity.ERROR]
    unchecked = [f"cannot be checked: {each.why}" for each in report.passed_over if each.refused]
    return [*(f"still an error ({one.rule}): {one.sentence}. Needed: {one.mend}" for one in errors), *unchecked]


@dataclass(slots=True)
class _Change:
    """Mitigates one object after the other, and keeps what is to be said of them."""

    mitigations: Sequence[Mitigation]
    services: tuple[Object, ...] | None
    claims: tuple[Object, ...]
    asked: tuple[str, ...]
    workloads: list[tuple[Manifest, Manifest]] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    objects: list[Manifest] = field(default_factory=list)

    def __call__(self, manifest: Manifest) -> Manifest:
        self.objects.append(changed := self._changed(manifest))
        return changed

    def _changed(self, manifest: Manifest) -> Manifest:
        name = named(manifest)
        if manifest["kind"] not in WORKLOAD_KINDS or not pod_spec(manifest).get("containers"):
            if is_foreign(manifest):
                self.unknown.append(name)
            return manifest
        done = self._done(manifest)
        self.workloads.append((manifest, done.workload))
        self.left_alone += [f"{name}: {words}" for words in done.left_alone]
        return done.workload

    def _done(self, manifest: Manifest) -> Mitigated:
        if self.services is None:
            return mitigated(manifest, self.mitigations)
        labels = ((spec_of(manifest).get("template") or {}).get("metadata") or {}).get("labels") or {}
        fronts = [each for each in self.services if selects(spec_of(each).get("selector") or {}, labels)]
        return safer(manifest, fronts, self.mitigations, asked=self.asked, claims=self.claims)

    def said(self) -> list[str]:
        """The lines for standard error."""
        known = "only Deployments and StatefulSets are changed"
        lines = list(self.left_alone)
        if self.unknown:
            lines.append(f"left unchanged, because {known}: {', '.join(self.unknown)}")
        elif not self.workloads:
            lines.append(f"nothing was changed: it contains no workload, and {known}")
        return lines
