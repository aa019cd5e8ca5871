"""Turns the sizing of a result into words: what was measured beside what is recommended, and what nothing cures."""

from collections.abc import Iterator, Sequence
from json import dumps
from typing import Any, Final, NamedTuple

from harness.model.advice import Remedy, Setting, Sizing
from harness.model.quantity import things
from harness.model.result import ScenarioResult, Verdict
from harness.model.run import RunInfo
from harness.reporters.escaping import visible
from harness.reporters.figures import count, seconds
from harness.reporters.objects import figure

_OF_THE_MANIFEST: Final = ("prestop_s", "min_ready_s", "grace_s", "progress_deadline_s")
_SETTINGS: Final = {
    "prestop_s": "preStop",
    "min_ready_s": "minReadySeconds",
    "grace_s": "terminationGracePeriodSeconds",
    "progress_deadline_s": "progressDeadlineSeconds",
    "ci_time_limit_s": "time limit in CI",
    "predicted_rollout_s": "a rollout takes (predicted)",
}


_CONTAINERS: Final = ("initContainers", "containers")  # the first has the native sidecars, which may serve as well


_ONE_HANDLER: Final = "a hook has one handler: what this one does must come after the sleep, or be done without it"


class Advice(NamedTuple):
    """One setting in words: what it is, what was measured, what is recommended, and why that."""

    setting: str
    has: str
    measured: str
    recommended: str
    why: str


def advice(sizing: Sizing | None) -> tuple[Advice, ...]:
    """Every setting, what was measured and what is recommended side by side, and why the two differ."""
    if sizing is None:
        return ()
    settings = _settings(sizing, *_OF_THE_MANIFEST, "ci_time_limit_s")
    rows = (_advice(_SETTINGS[key], one) for key, one in settings)
    predicted = sizing.predicted_rollout_s
    took = Advice(
        setting=_SETTINGS["predicted_rollout_s"],
        has=_seconds(predicted.have),
        measured="none" if predicted.observed is None else seconds(predicted.observed),
        recommended=_seconds(predicted.recommended),
        why=_steps(sizing),
    )
    return (*rows, took)


def _advice(name: str, setting: Setting) -> Advice:
    saved = "" if setting.advised else "it would not have saved any of the lost requests"
    why = "; ".join(filter(None, (setting.why, setting.not_alone, saved)))
    return Advice(
        setting=name,
        has=_seconds(setting.have),
        measured=_measured(setting),
        recommended=_seconds(setting.recommended),
        why=why,
    )


def _steps(sizing: Sizing) -> str:
    app = sizing.application
    kept = f", of which {count(app.replaced)} replaced" if app.kept else ""
    return f"{things(app.replicas, 'replica')}{kept}, {things(app.steps, 'step')}"


def changes(sizing: Sizing | None) -> tuple[str, ...]:
    """What must be set for the rollouts to hold ("strategy: RollingUpdate"), each setting beside what was measured."""
    if sizing is None:
        return ()
    place_of = sizing.application.place_of
    raised = (
        f"{name} {_seconds(one.recommended)}{place_of(name)} ({_beside(one)})" for name, one in sizing.raised.items()
    )
    return (*sizing.cure, *raised)


def held(result: ScenarioResult) -> tuple[str, ...]:
    """What would have held, together, of a variant that drops calls; nothing of another."""
    return changes(result.sizing) if result.verdict is Verdict.DROPPING else ()


def _beside(setting: Setting) -> str:
    told = _measured(setting)
    return f"{told if setting.measured is None else f'measured {told}'}; {setting.why}"


def _measured(setting: Setting) -> str:
    return setting.seen if setting.measured is None else f"{seconds(setting.measured)}, {setting.seen}"


def remains(info: RunInfo, result: ScenarioResult) -> tuple[str, ...]:
    """Of a variant that drops calls with the advice of an earlier run applied: what was applied, and what is left.

    Of another only what no setting cures.
    """
    if result.verdict is not Verdict.DROPPING or result.sizing is None:
        return ()
    left, told = result.sizing.remedies, held(result)
    if info.applied:
        return (f"applied: {', '.join(info.applied)}", *(f"what remains: {_remedy(one, told)}" for one in left))
    return tuple(f"no setting prevents every loss: {_remedy(one, told)}" for one in left if not one.by_settings)


def _remedy(remedy: Remedy, told: Sequence[str]) -> str:
    """What was lost and why, and what it needs unless that is among what is `told` beside it."""
    needed = "" if remedy.needed in told else f". Needed: {remedy.needed}"
    return f"{things(remedy.requests, 'request')} by {remedy.cause}: {remedy.why}{needed}"


def _settings(sizing: Sizing, *keys: str) -> tuple[tuple[str, Setting], ...]:
    """The settings of those names; one that the workload has not is left out."""
    return tuple((key, found) for key in keys if (found := getattr(sizing, key)) is not None)


def patch(info: RunInfo, sizing: Sizing) -> str:
    """The settings to raise as a strategic merge patch of the workload; empty where none is to be raised.

    https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/. preStop.sleep is on by
    default since Kubernetes 1.30 (KEP-3960).
    """
    raised = {name: one.recommended for name, one in sizing.raised.items()}
    lines = [f"  {name}: {raised[name]}" for name in ("minReadySeconds", "progressDeadlineSeconds") if name in raised]
    pod = [f"      {name}: {raised[name]}" for name in ("terminationGracePeriodSeconds",) if name in raised]
    if "preStop" in raised:
        pod += _hooks(info, sizing, raised["preStop"])
    lines += ["  template:", "    spec:", *pod] if pod else []
    return "\n".join(["spec:", *lines]) if lines else ""


def _hooks(info: RunInfo, sizing: Sizing, value_s: int) -> Iterator[str]:
    """The lines that give the hook to each container that serves. Names are JSON, which is YAML too."""
    specs = [_pod_spec(manifest) for manifest in info.manifests if info.target and _is_target(manifest, info)]
    among = {key: [str(one.get("name")) for spec in specs for one in spec.get(key) or ()] for key in _CONTAINERS}
    wanted = sizing.application.hooked or among["containers"][:1]
    if not wanted or (not sizing.application.hooked and len(among["containers"]) > 1):
        among, wanted = {"containers": [""]}, ("",)  # which serves is for people to say
    for key, names in among.items():
        serving = [name for name in names if name in wanted]
        yield from [f"      {key}:"] if serving else []
        for name in serving:
            yield f"        - name: {dumps(visible(name)) if name else 'CONTAINER  # the one that serves'}"
            yield "          lifecycle:"
            yield "            preStop:"
            yield f"              sleep: {{seconds: {value_s}}}"
            yield from (f"              {handler}: null  # {_ONE_HANDLER}" for handler in _other_handlers(specs, name))


def _other_handlers(specs: Sequence[dict[str, Any]], name: str) -> list[str]:
    """What the container's hook does now, which an API server takes beside no sleep."""
    there = [one for spec in specs for key in _CONTAINERS for one in spec.get(key) or () if one.get("name") == name]
    hooks = [(one.get("lifecycle") or {}).get("preStop") or {} for one in there]
    return sorted({handler for hook in hooks for handler, value in hook.items() if handler != "sleep" and value})


def _pod_spec(manifest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = ((manifest.get("spec") or {}).get("template") or {}).get("spec") or {}
    return found


def _is_target(manifest: dict[str, Any], info: RunInfo) -> bool:
    name = (manifest.get("metadata") or {}).get("name")
    return f"{str(manifest.get('kind')).lower()}/{name}" == info.target


def _seconds(value: Any) -> str:
    return "none" if value is None else figure(value, " s")
