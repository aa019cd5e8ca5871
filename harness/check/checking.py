"""The texts of manifests -> a report: every workload in them held against the table of hazards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from harness.check.ignores import BAD_IGNORE, NEEDED, Ignore, ignores, reason_for
from harness.check.oddities import ODDITIES, Oddity, oddities
from harness.check.report import Finding, PassedOver, Place, Report
from harness.check.sources import Source
from harness.check.surroundings import Found, Index
from harness.check.unchecked import Unchecked, foreign, is_part, is_workload, named, part_of_it, unchecked, unreadable
from harness.manifests.as_applied import as_applied
from harness.manifests.located import Located, Unreadable, located_objects
from harness.model.refusal import ApiRules, refused_words
from harness.spec.around import Around, balancer
from harness.spec.counts import autoscaler, budget
from harness.spec.hazard import Hazard, Severity, Where
from harness.spec.hazards import hazards
from harness.spec.rollout_shape import predicted_rollout_s, rollout_shape
from harness.spec.workload import Object, pod_spec, spec_of

_MOST_TOLD = 10  # of one object: who has made so many of a kind has made them by a program


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What manifests do not say, as far as it is known; as in `Around`."""

    kubernetes: tuple[int, int] | None = None
    proxy_period_s: float | None = None
    stop_s: float | None = None
    ci_timeout_s: float | None = None


@dataclass(slots=True)
class _Text:
    """A text, its objects and its comments."""

    source: Source
    objects: list[Located]
    ignores: tuple[Ignore, ...]
    odd: list[tuple[Found, Oddity]] = field(default_factory=list)


@dataclass(slots=True)
class _Check:
    """What is gathered on the way."""

    known: Known
    rules: ApiRules
    unknown: ApiRules
    index: Index = field(default_factory=Index)
    texts: dict[str, _Text] = field(default_factory=dict)
    workloads: list[Found] = field(default_factory=list)
    judged: int = 0
    findings: list[Finding] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)

    def read(self, source: Source) -> None:
        """Take in what stands in a text."""
        text = _Text(source, [], ignores(source.text))
        self.texts[source.file] = text
        for each in located_objects(source.text):
            if isinstance(each, Unreadable):
                self._pass_over(source, each.line, unreadable(each, source))
            else:
                text.objects.append(each)
                found = Found(located=each, source=source)
                text.odd += ((found, oddity) for oddity in oddities(each, self.unknown))
                if not self._is_refused(found):
                    self.take(found)
        self.findings += (self._odd(*each) for each in text.odd)
        self.findings += (_bad(ignore, source) for ignore in text.ignores if ignore.wrong)

    def _is_refused(self, found: Found) -> bool:
        """Whether an API server refuses the object, which is told here; it stands around others all the same.

        One in a folder that is not whole may be a patch of kustomize, and what that builds has the rest.
        """
        wrong, source = self.rules(as_applied(found.manifest)), found.source
        name, is_patch = named(found.manifest), not source.given and is_part(found.manifest, wrong)
        if not wrong or (is_patch and is_workload(found.manifest)):
            return False
        if is_patch:
            self._pass_over(source, found.located.line, Unchecked(f"{name} {part_of_it(refused_words(wrong))}"))
        told = () if is_patch else wrong[:_MOST_TOLD]
        for each in told:
            self._pass_over(source, found.located.line_of(each.field), Unchecked(f"{name}: {each}", refused=True))
        if told and (more := wrong[_MOST_TOLD:]):
            why = f"{name}: {len(more)} more of its fields, {more[0].field} and what follows"
            self._pass_over(source, found.located.line_of(more[0].field), Unchecked(why, refused=True))
        self.index.add(found)
        return True

    def take(self, found: Found) -> None:
        """Take in an object."""
        self.index.add(found)
        if is_workload(found.manifest):
            self.workloads.append(found)
        elif why := foreign(found.manifest):
            self._pass_over(found.source, found.located.line or None, why)

    def judge(self) -> None:
        """Hold every workload against the table."""
        for workload in self.workloads:
            services = self.index.services(workload)
            scalers = self.index.autoscalers(workload)
            fewest = autoscaler(scalers[0].manifest).least if scalers else None
            if why := unchecked(workload.manifest, services, replicas=fewest):
                self._pass_over(workload.source, workload.located.line or None, why)
                continue
            self.judged += 1
            self.findings += self._of(workload, services, scalers)

    def _of(self, workload: Found, services: tuple[Found, ...], scalers: tuple[Found, ...]) -> Iterator[Finding]:
        ingresses = self.index.ingresses(workload, services)
        namespace = self.index.namespace(workload)
        fronts = [service.manifest for service in services]
        budgets = self.index.budgets(workload)
        scaler = autoscaler(scalers[0].manifest) if scalers else None
        said = spec_of(workload.manifest).get("replicas")
        replicas = None if scaler is None else max(scaler.least, said or 0)
        around = Around(
            balancer=balancer(fronts, [ingress.manifest for ingress in ingresses]),
            namespace=namespace.manifest if namespace is not None else None,
            kubernetes=self.known.kubernetes,
            proxy_period_s=self.known.proxy_period_s,
            stop_s=self.known.stop_s,
            ci_timeout_s=self.known.ci_timeout_s,
            rollout_s=_rollout_s(workload.manifest, fronts, replicas),
            replicas=said if workload.located.node is not None else None,  # what stands in a cluster is not applied
            autoscaler=scaler,
            budget=budget(budgets[0].manifest) if budgets else None,
        )
        beside = {
            Where.SERVICE: services,
            Where.BALANCER: tuple(each for each in (*ingresses, *services) if _makes(each, around)),
            Where.NAMESPACE: (namespace,) if namespace is not None else (),
            Where.AUTOSCALER: scalers,
            Where.BUDGET: budgets,
        }
        claims = [claim.manifest for claim in self.index.claims(workload)]
        for hazard in hazards(workload.manifest, fronts, replicas=replicas, around=around, claims=claims):
            at = _at(hazard, workload, beside.get(hazard.where, ()))
            ignored = self._reason(hazard.id, workload) or self._reason(hazard.id, at)
            yield _finding(hazard, workload, at, ignored)

    def _reason(self, rule: str, found: Found) -> str:
        text = self.texts.get(found.source.file)
        return reason_for(rule, found.located, text.objects, text.ignores) if text is not None else ""

    def _odd(self, found: Found, oddity: Oddity) -> Finding:
        wrong, mend = ODDITIES[oddity.rule]
        return Finding(
            rule=oddity.rule,
            severity=Severity.WARNING,
            workload=named(found.manifest),
            place=Place(file=found.source.file, line=oddity.line),
            wrong=wrong,
            found=oddity.found,
            mend=mend,
            ignored=self._reason(oddity.rule, found),
        )

    def _pass_over(self, source: Source, line: int | None, reason: Unchecked) -> None:
        place = Place(file=source.file, line=line)
        self.passed_over.append(PassedOver(place=place, why=reason.why, refused=reason.refused))


def check(found: Iterable[Source | PassedOver], known: Known, *, rules: ApiRules, unknown: ApiRules) -> Report:
    """What is wrong with the workloads in these texts; `rules`, `unknown`: of what an API server refuses, and of the
    fields that it does not know."""
    checked = _Check(known, rules, unknown)
    for each in found:
        if isinstance(each, PassedOver):
            checked.passed_over.append(each)
        else:
            checked.read(each)
    has_text = any(text.source.text.strip() for text in checked.texts.values())
    return replace(_reported(checked, files=len(checked.texts)), is_empty=not has_text and not checked.passed_over)


def check_objects(objects: Iterable[Object], where: str, known: Known) -> Report:
    """What is wrong with those that stand in a cluster, which `where` names and whose API server took them."""
    checked = _Check(known, lambda _: (), lambda _: ())
    source = Source(file=where, text="", given=False)
    for manifest in objects:
        located = Located(manifest=manifest, line=0, document=0, node=None, offset=0)
        checked.take(Found(located=located, source=source))
    return _reported(checked, files=0)


def _at(hazard: Hazard, workload: Found, beside: tuple[Found, ...]) -> Found:
    """Where it is mended: of several Services in the first that has it alone, too."""
    if hazard.where is not Where.SERVICE or len(beside) == 1:
        return next(iter(beside), workload)

    def has_it(service: Found) -> bool:
        return any(one.id is hazard.id for one in hazards(workload.manifest, [service.manifest], around=Around()))

    return next(filter(has_it, beside), next(iter(beside), workload))


def _makes(found: Found, around: Around) -> bool:
    """Whether it is the object that makes the balancer."""
    return around.balancer is not None and around.balancer.name == f"{found.manifest['kind']} {found.name}"


def _reported(checked: _Check, *, files: int) -> Report:
    checked.judge()
    order = {file: number for number, file in enumerate(checked.texts)}
    findings = sorted(checked.findings, key=lambda one: (order.get(one.place.file, 0), one.place.line or 0))
    return Report(
        findings=tuple(findings), passed_over=tuple(checked.passed_over), workloads=checked.judged, files=files
    )


def _finding(hazard: Hazard, workload: Found, at: Found, ignored: str) -> Finding:
    container = hazard.containers[0] if hazard.containers else ""
    line = at.located.line_of(hazard.path, container) or None
    return Finding(
        rule=hazard.id.value,
        severity=hazard.severity,
        workload=named(workload.manifest),
        place=Place(file=at.source.file, line=line),
        wrong=hazard.wrong,
        found=hazard.found,
        mend=hazard.mend,
        cause=hazard.cause,
        ignored=ignored,
    )


def _bad(ignore: Ignore, source: Source) -> Finding:
    return Finding(
        rule=BAD_IGNORE,
        severity=Severity.ERROR,
        workload="a comment",
        place=Place(file=source.file, line=ignore.line),
        wrong="it ignores nothing",
        found=ignore.wrong,
        mend=NEEDED,
    )


def _rollout_s(workload: Object, services: list[Object], replicas: int | None) -> float:
    return predicted_rollout_s(rollout_shape([workload, *services], replicas=replicas), pod_spec(workload))
