"""The objects of all texts -> what is around each workload: Services, Ingresses, Namespace, autoscaler, budget,
claims."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from harness.check.sources import Source
from harness.manifests.located import Located
from harness.spec.claims import CLAIM, claim_names
from harness.spec.counts import protects, scales
from harness.spec.ingresses import sends_to
from harness.spec.workload import Object, selects, spec_of

AROUND = ("Service", "Ingress", "Namespace", "HorizontalPodAutoscaler", "PodDisruptionBudget", CLAIM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object and the text that it is in."""

    located: Located
    source: Source

    @property
    def manifest(self) -> Object:
        """The object itself."""
        return self.located.manifest

    @property
    def namespace(self) -> str | None:
        """Where it says that it is."""
        named: str | None = (self.manifest.get("metadata") or {}).get("namespace")
        return named

    @property
    def name(self) -> str:
        """Its name."""
        return str((self.manifest.get("metadata") or {}).get("name"))


@dataclass(slots=True)
class Index:
    """What may stand around a workload: by kind, namespace and text, by kind, namespace and folder, and without."""

    _by_place: dict[tuple[str | None, ...], list[Found]] = field(default_factory=dict)

    def add(self, found: Found) -> None:
        """Take it in."""
        kind = str(found.manifest.get("kind"))
        if kind in AROUND:
            for place in _places(kind, found.namespace, found.source):
                self._by_place.setdefault(place, []).append(found)

    def services(self, workload: Found) -> tuple[Found, ...]:
        """Those that send to its pods."""
        labels = _pod_labels(workload)

        def sends(found: Found) -> bool:
            return selects(spec_of(found.manifest).get("selector") or {}, labels)

        return self._nearest("Service", workload, sends)

    def ingresses(self, workload: Found, services: Iterable[Found]) -> tuple[Found, ...]:
        """Those that send to these Services."""
        names = {service.name for service in services}
        return self._nearest("Ingress", workload, lambda found: bool(sends_to(found.manifest) & names))

    def autoscalers(self, workload: Found) -> tuple[Found, ...]:
        """Those that set its replicas."""
        return self._nearest(
            "HorizontalPodAutoscaler", workload, lambda found: scales(found.manifest, workload.manifest), most=2
        )

    def budgets(self, workload: Found) -> tuple[Found, ...]:
        """Those that limit the eviction of its pods."""
        labels = _pod_labels(workload)
        return self._nearest("PodDisruptionBudget", workload, lambda found: protects(found.manifest, labels), most=2)

    def claims(self, workload: Found) -> tuple[Found, ...]:
        """Those that its pods name."""
        return tuple(found for name in claim_names(workload.manifest) for found in self._claim(name, workload))

    def _claim(self, name: str, workload: Found) -> tuple[Found, ...]:
        return self._nearest(CLAIM, workload, lambda found: found.name == name)[:1]

    def namespace(self, workload: Found) -> Found | None:
        """Its own; where it does not say which, the only one of its text."""
        if workload.namespace is not None:
            own = self._nearest("Namespace", workload, lambda found: found.name == workload.namespace)
        else:
            own = self._nearest("Namespace", workload, lambda found: found.source is workload.source)
        return own[0] if len(own) == 1 else None

    def _nearest(
        self, kind: str, workload: Found, wanted: Callable[[Found], bool], *, most: int = 3
    ) -> tuple[Found, ...]:
        """Of its own text; where there is none, of its folder; where there is none, of all: a name comes often in the
        overlays of one application. `most`: how many of these three are looked at."""
        for place in _places(kind, workload.namespace, workload.source)[:most]:
            if found := tuple(each for each in self._by_place.get(place, ()) if wanted(each)):
                return found
        return ()


def _pod_labels(workload: Found) -> dict[str, str]:
    template = spec_of(workload.manifest).get("template") or {}
    return dict((template.get("metadata") or {}).get("labels") or {})


def _places(kind: str, namespace: str | None, source: Source) -> tuple[tuple[str | None, ...], ...]:
    """The nearest first; a Namespace is in none."""
    named = (kind, None if kind == "Namespace" else namespace)
    return (*named, "in", source.file), (*named, "beside", source.folder), named
