"""What requests were lost by -> what cures each cause: a setting, the manifest, or the application."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from harness.analysis.advice import cures
from harness.analysis.advice.endings import END, LED_TOO_SOON, NO_SETTING, UNENDING, cut_words, ending
from harness.model.advice import ApplicationSettings, Measured, Remedy, Setting
from harness.model.deed_words import deed_words
from harness.model.quantity import things
from harness.model.result import Cause
from harness.spec.hazards import HazardId, row


def lost_by(measured: Measured, cause: Cause) -> bool:
    """Whether requests were lost by that cause, or may have been; also where none was lost."""
    return not measured.causes or any(cause in label for label in measured.causes)


def grace_cut(measured: Measured) -> bool:
    """Whether pods were killed at the end of their grace period while they finished what they had accepted."""
    return measured.killed > measured.killed_serving and not measured.never_ends


def prestop_helps(measured: Measured, prestop_s: float) -> bool:
    """Whether one of so long may have saved some of what was lost: not what was turned away on connections kept open,
    nor what another container's end cost, nor what pods lost that were not given their grace period."""
    if measured.hurried and measured.causes:
        return False
    saved = _lost(measured, Cause.TERMINATION_RACE) - measured.turned_away_kept - measured.beside
    return not measured.causes or saved > 0 or _kept_away(measured, prestop_s) > 0


def _kept_away(measured: Measured, prestop_s: float) -> int:
    """How many of those that were cut in hand so long a preStop keeps from the pod, or lets it finish: such as came, on
    connections of their own, when it had been told to stop."""
    needed_s = (measured.removal_s or 0.0) + (measured.answer_s or 0.0)
    return measured.cut_new if needed_s <= prestop_s and not measured.killed else 0


def sentences(measured: Measured, app: ApplicationSettings, prestop: Setting) -> tuple[str, ...]:
    """What must change besides settings and manifest: what only the application, or its client, can do.

    First what would have saved the most requests.
    """
    told = (
        (Cause.TERMINATION_RACE, cures.GRACE, measured.hurried > 0),
        (Cause.IN_FLIGHT_KILL, cures.GRACE, measured.hurried > 0),
        (Cause.IN_FLIGHT_KILL, cures.FINISH, not measured.hurried and _must_finish(measured, prestop)),
        (Cause.IN_FLIGHT_KILL, ending(measured), measured.killed_serving > 0 or measured.never_ends),
        (Cause.TERMINATION_RACE, cures.HOOK, not measured.hurried and measured.hooks_failed > 0),
        (Cause.TERMINATION_RACE, cures.SERVE, not measured.hurried and _serving_cures(measured, app, prestop)),
        (Cause.CREATION_RACE, cures.SAME_PORT, measured.never_listened > 0),
        (Cause.CREATION_RACE, cures.PROBE, _probing_cures(measured, app)),
        (Cause.IDLE_CLOSE, cures.RESEND, True),
        (Cause.BACKEND_CLOSE, cures.KEEP_LONGER, True),
        (Cause.NO_ENDPOINTS, _always_one(measured, app), not app.gap),
        (Cause.REROUTED, cures.LEAD_LATER, True),
    )
    lost = [(_lost(measured, cause), sentence) for cause, sentence, needed in told if needed]
    ordered = (sentence for requests, sentence in sorted(lost, key=lambda pair: -pair[0]) if requests)
    return tuple(dict.fromkeys(ordered))


def _must_finish(measured: Measured, prestop: Setting) -> bool:
    """Whether requests were cut in hand that neither a preStop nor a longer grace period would have saved."""
    saved = _kept_away(measured, prestop.recommended) if prestop.must_rise else 0
    return not measured.killed and _lost(measured, Cause.IN_FLIGHT_KILL) > saved


def _lost(measured: Measured, cause: Cause) -> int:
    """How many requests were lost by that cause, or may have been."""
    return sum(requests for label, requests in measured.causes.items() if cause in label)


def _serving_cures(measured: Measured, app: ApplicationSettings, prestop: Setting) -> bool:
    """Whether it takes an application that goes on answering: on kept connections, or with all the preStop needed."""
    enough = not (app.gap or app.listing or measured.hooks_failed or measured.unlisted) and _has_enough(prestop)
    others = _lost(measured, Cause.TERMINATION_RACE) > measured.beside
    return measured.turned_away_kept > 0 or (enough and others)


def _has_enough(setting: Setting) -> bool:
    return setting.have is not None and setting.have >= setting.recommended


def _unready(app: ApplicationSettings) -> str:
    """What mends a readiness probe that says nothing of the port that serves; empty where it does."""
    return app.probe_cure if app.probed else row(HazardId.NO_READINESS_PROBE).mend


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """As in `Remedy`."""

    needed: str
    why: str
    by_settings: bool = True


def remedies(measured: Measured, app: ApplicationSettings, raised: Mapping[str, Setting]) -> tuple[Remedy, ...]:
    """What each cause calls for; where two cannot be told apart, what both do. `raised`: as in `Sizing`."""
    found = []
    for label, requests in measured.causes.items():
        told = [of(measured, app, raised) for cause, of in _REMEDIES.items() if cause in label]
        if told:
            found.append(
                Remedy(
                    cause=label,
                    requests=requests,
                    needed="; ".join(dict.fromkeys(one.needed for one in told)),
                    why="; ".join(dict.fromkeys(one.why for one in told)),
                    by_settings=all(one.by_settings for one in told),
                )
            )
    return tuple(found)


def _termination_race(measured: Measured, app: ApplicationSettings, raised: Mapping[str, Setting]) -> _Told:
    if measured.hurried:
        return _hurry(measured)
    if app.beside_cure and measured.beside:
        return _beside(measured, app, raised)
    return _race_to_a_server(measured, app, raised)


def _beside(measured: Measured, app: ApplicationSettings, raised: Mapping[str, Setting]) -> _Told:
    """Where some were lost as a container stopped before the one that serves, that comes first."""
    lost, wrong = measured.beside, row(HazardId.SIDECAR_STOPS_FIRST).wrong
    if (others := _lost(measured, Cause.TERMINATION_RACE) - lost) <= 0:
        return _Told(needed=app.beside_cure, why=wrong)
    told = _race_to_a_server(measured, app, raised)
    why = f"{things(lost, 'request')} of them: {wrong}; {told.why}"
    needed = f"{app.beside_cure}; for the other {others}: {told.needed}"
    return _Told(needed=needed, why=why, by_settings=told.by_settings)


def _race_to_a_server(measured: Measured, app: ApplicationSettings, raised: Mapping[str, Setting]) -> _Told:
    """Where some were turned away on kept connections, the application's part of it comes first."""
    if not (kept := measured.turned_away_kept):
        return _race_to_a_pod(measured, app, raised)
    why = f"{things(kept, 'request')} came on kept connections, and a stopping pod answered with an error: {cures.KEPT}"
    if (others := _lost(measured, Cause.TERMINATION_RACE) - kept) <= 0:
        return _Told(needed=cures.SERVE, why=why, by_settings=False)
    told = _race_to_a_pod(measured, app, raised)
    needed = cures.SERVE if told.needed == cures.SERVE else f"{cures.SERVE}; for the other {others}: {told.needed}"
    return _Told(needed=needed, why=f"{why}; {told.why}", by_settings=False)


def _race_to_a_pod(measured: Measured, app: ApplicationSettings, raised: Mapping[str, Setting]) -> _Told:
    """Of requests that a preStop keeps from the pod, as far as it outlasts the lag."""
    words = _words(raised, app, "preStop", "terminationGracePeriodSeconds")
    if first := app.gap or app.listing:
        return _Told(needed=", ".join(filter(None, (app.gap_cure or app.listing_cure, words))), why=first)
    if measured.hooks_failed:
        why = f"the preStop hook of {things(measured.hooks_failed, 'pod')} failed, and the stop signal came at once"
        return _Told(needed=", ".join(filter(None, (cures.HOOK, words))), why=why, by_settings=False)
    have = f"its preStop of {app.prestop_s:g} s"
    took = "" if measured.removal_s is None else f", which took up to {measured.removal_s:.2f} s"
    if "preStop" not in raised:
        why = f"{have} outlasted the network's learning of it{took}: neither it nor a longer grace period cures it"
        return _Told(needed=cures.SERVE, why=why, by_settings=False)
    if not app.has_prestop:
        return _Told(needed=words, why=cures.UNHOOKED)
    if not app.prestop_s:
        return _Told(
            needed=words, why="its preStop hook is none that surely lets the server serve on, and may be what stops it"
        )
    return _Told(needed=words, why=f"{have} may be over before the network has learnt of it{took}")


def _probing_cures(measured: Measured, app: ApplicationSettings) -> bool:
    """Whether it takes a probe that says more than the one of the port that serves."""
    return not measured.external and not app.listing and not _unready(app) and _came_late(measured) > 0


def _came_late(measured: Measured) -> int:
    """How many requests may have met a pod that was only not listening yet, or not known yet."""
    return _lost(measured, Cause.CREATION_RACE) - measured.never_listened


def _creation_race(measured: Measured, app: ApplicationSettings, raised: Mapping[str, Setting]) -> _Told:
    """Where some pods never listened, that comes first."""
    if not (never := measured.never_listened):
        return _late(measured, app, raised)
    ready = f"their readiness probe asks {measured.probed}" if measured.probed else "they have no readiness probe of it"
    why = (
        f"new pods accepted no connection on {measured.target}, to which the Service sends, for as long as they were "
        f"listed ({ready}); {NO_SETTING}"
    )
    if (others := _came_late(measured)) <= 0:
        return _Told(needed=cures.SAME_PORT, why=why, by_settings=False)
    told = _late(measured, app, raised)
    needed = f"{cures.SAME_PORT}; for the other {others}: {told.needed}"
    return _Told(needed=needed, why=f"{things(never, 'request')} of them: {why}; {told.why}", by_settings=False)


def _late(measured: Measured, app: ApplicationSettings, raised: Mapping[str, Setting]) -> _Told:
    if app.listing:
        return _Told(needed=app.listing_cure, why=app.listing)
    if mend := _unready(app):
        wrong = row(HazardId.PROBE_ON_ANOTHER_PORT if app.probed else HazardId.NO_READINESS_PROBE).wrong
        return _Told(needed=mend, why=f"{wrong}; {cures.SENT_WHEN_READY}")
    if measured.external and "minReadySeconds" in raised:
        words = _words(raised, app, "minReadySeconds", "progressDeadlineSeconds")
        return _Told(needed=words, why=cures.BALANCER_IS_LATER)
    if measured.external:
        return _Told(needed=cures.GATE, why=cures.BALANCER_IS_LATER, by_settings=False)
    return _Told(needed=cures.PROBE, why=cures.SENT_WHEN_READY, by_settings=False)


def _in_flight_kill(measured: Measured, app: ApplicationSettings, raised: Mapping[str, Setting]) -> _Told:
    if measured.hurried:
        return _hurry(measured)
    over = f"{cures.pods(measured.killed)} killed when the grace period of {app.grace_s:g} s was over"
    if measured.never_ends:
        slowest = f"the slowest answer took {measured.answer_s:.2f} s" if measured.answer_s is not None else ""
        told = "; ".join(filter(None, (f"{over} (SIGKILL, exit code 137), and none ended before", slowest, UNENDING)))
        return _Told(needed=END, why=told, by_settings=False)
    if measured.killed_serving:
        return _Told(
            needed=ending(measured), why=f"{over}, and still took requests then; {NO_SETTING}", by_settings=False
        )
    if measured.killed:
        # A pod may be given less than its spec says, by whoever deletes it.
        words = _words(raised, app, "preStop", "terminationGracePeriodSeconds") or cures.GRACE
        return _Told(needed=words, why=over)
    lost = _lost(measured, Cause.IN_FLIGHT_KILL)
    prestop = raised.get("preStop")
    if not (late := _kept_away(measured, prestop.recommended) if prestop is not None else 0):
        return _Told(needed=cures.FINISH, why=cut_words(measured, lost), by_settings=False)
    words = _words(raised, app, "preStop", "terminationGracePeriodSeconds")
    why = f"{things(late, 'request')} came on new connections after the stop signal, and a preStop keeps those away"
    if late >= lost:
        return _Told(needed=words, why=why)
    others = replace(measured, cut_new=measured.cut_new - late)
    why = f"{why}; of the other {lost - late}: {cut_words(others, lost - late)}"
    return _Told(needed=f"{cures.FINISH}; for {late} on new connections: {words}", why=why, by_settings=False)


def _hurry(measured: Measured) -> _Told:
    """No setting of the application holds against who deletes its pods without waiting for them."""
    why = f"{cures.pods(measured.hurried)} given less when it was deleted, and no setting of it makes up for that"
    return _Told(needed=cures.GRACE, why=why, by_settings=False)


def _no_endpoints(measured: Measured, app: ApplicationSettings, raised: Mapping[str, Setting]) -> _Told:
    if measured.bare_node or measured.unlisted:
        own = "nodes that send only to their own pods had none" if measured.bare_node else ""
        why = own or f"{cures.pods(measured.unlisted)} Ready, and the Service listed none of them for its port"
        return _Told(needed=_always_one(measured, app), why=f"{why}; {NO_SETTING}", by_settings=False)
    if app.gap:
        return _Told(needed=app.gap_cure, why=f"{app.gap}; {NO_SETTING}", by_settings=bool(app.mends))
    needed = _always_one(measured, app)
    bridged = needed not in (*cures.BY_DEED.values(), cures.ALWAYS_ONE)
    why = f"for a moment no pod was Ready; {cures.TO_THOSE_THAT_SERVE if bridged else NO_SETTING}"
    return _Told(needed=needed, why=why, by_settings=bridged)


def _always_one(measured: Measured, app: ApplicationSettings) -> str:
    """What leaves a pod that can answer: of pods that were scaled away, only another number of them; of pods that all
    ended, before others were Ready, a preStop that outlasts that too."""
    if measured.bare_node or measured.unlisted:
        return cures.A_POD_ON_EACH_NODE if measured.bare_node else cures.SELECTED
    by_deed = {deed_words(name).noun: cure for name, cure in cures.BY_DEED.items()}
    if measured.words.noun in by_deed:
        return by_deed[measured.words.noun]
    if measured.bare_s is None or measured.external or app.prestop_s >= measured.bare_s:
        return cures.ALWAYS_ONE
    return f"{cures.ALWAYS_ONE}; or a preStop of {math.ceil(measured.bare_s)} s"


def _idle_close(measured: Measured, app: ApplicationSettings, raised: Mapping[str, Setting]) -> _Told:
    why = f"the server closed the connection as idle when the request was on its way; {NO_SETTING}"
    return _Told(needed=cures.RESEND, why=why, by_settings=False)


def _backend_close(measured: Measured, app: ApplicationSettings, raised: Mapping[str, Setting]) -> _Told:
    why = f"the server closed a connection that what stands before it still kept; {NO_SETTING}"
    return _Told(needed=cures.KEEP_LONGER, why=why, by_settings=False)


_REMEDIES: dict[Cause, Callable[[Measured, ApplicationSettings, Mapping[str, Setting]], _Told]] = {
    Cause.TERMINATION_RACE: _termination_race,
    Cause.CREATION_RACE: _creation_race,
    Cause.IN_FLIGHT_KILL: _in_flight_kill,
    Cause.NO_ENDPOINTS: _no_endpoints,
    Cause.REROUTED: lambda *_: _Told(needed=cures.LEAD_LATER, why=LED_TOO_SOON, by_settings=False),
    Cause.IDLE_CLOSE: _idle_close,
    Cause.BACKEND_CLOSE: _backend_close,
}


def _words(raised: Mapping[str, Setting], app: ApplicationSettings, *names: str) -> str:
    words = (f"{name} {raised[name].recommended} s{app.place_of(name)}" for name in names if name in raised)
    return ", ".join(words)
