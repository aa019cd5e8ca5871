"""Turns the explanation of one failed request into a screen of plain text of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import wrap
from typing import Final

from harness.model.explanation import AskedRequest, Condition, Demand, Explanation, PodThen, TriedRule
from harness.model.quantity import things
from harness.reporters.escaping import visible

_WIDTH: Final = 80
_LABEL: Final = 12
_MOST_SERVING: Final = 4


def explanation_text(explained: Explanation) -> str:
    """The request, the pods around it, and the rules that were tried."""
    request = explained.request
    parts = [
        [f"{visible(request.name)}: {visible(request.outcome)}, {explained.cause}", *_text(f"{explained.means}.", 2)],
        ["The request", *_request(request)],
        [f"What was there {explained.moment}, at {explained.at:.2f} s", *_pods(explained)],
        ["Why it failed", *_text(f"{explained.evidence}.", 2), *_fault(explained)],
        [f"The rules about {visible(request.outcome)}, in the order in which they were tried", *_rules(explained)],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def brief(explained: Explanation) -> str:
    """The same in a paragraph: what failed, which rule decided, the evidence."""
    request = explained.request
    head = f"{explained.cause}: {things(explained.alike + 1, 'request')} by rule {explained.rule}"
    lines = [*_text(head, 0), *_text(f"e.g. {request.name}, {request.outcome}{_in_rollout(request)}", 2)]
    return "\n".join([*lines, *_text(f"{explained.evidence}.", 2)])


def request_text(request: AskedRequest) -> str:
    """A request that did not fail."""
    status = f" {request.status}" if request.status is not None else ""
    head = f"{visible(request.name)}: {visible(request.outcome)}{status}: it did not fail"
    return "\n".join([head, "", "The request", *_request(request)]) + "\n"


def _request(request: AskedRequest) -> Iterator[str]:
    times = request.times
    yield from _row("due", f"{times.due:.3f} s{_in_rollout(request)}")
    begun = times.sent if times.sent is not None else times.due
    yield from _row("sent", "never" if times.sent is None else f"{_ms(times.sent - times.due)} after it was due")
    if request.reused:
        yield from _row("connection", f"kept{_port(request)}: {request.before or 'what went over it is not known'}")
    else:
        connected = "never" if times.connected is None else f"{_ms(times.connected - begun)} after it was sent"
        yield from _row("connected", f"{connected}; a connection of its own{_port(request)}")
    if times.handshake_s is not None:
        taken_up = "; the session of an earlier connection" if request.resumed else ""
        yield from _row("TLS", f"{_ms(times.handshake_s)} after that{taken_up}")
    if request.tls_trouble:
        yield from _row("TLS", f"failed: {request.tls_trouble}")
    first = "never" if times.first_byte is None else f"{_ms(times.first_byte - begun)} after it was sent"
    yield from _row("first byte", first)
    since = "due" if times.sent is None else "sent"
    ended = "not known" if times.ended is None else f"{_ms(times.ended - begun)} after it was {since}"
    status = f" {request.status}" if request.status is not None else ""
    yield from _row("ended", f"{ended}: {request.outcome}{status}")
    if request.pod or request.via:
        yield from _row("answered by", ", via ".join(filter(None, (request.pod, request.via))))


def _in_rollout(request: AskedRequest) -> str:
    if request.rollout is None or request.since_update_s is None:
        return ", before the first update"
    side = "before" if request.since_update_s < 0 else "after"
    return f", {abs(request.since_update_s):.2f} s {side} the update of rollout {request.rollout}"


def _port(request: AskedRequest) -> str:
    port = f" from port {request.local_port}" if request.local_port is not None else ""
    return f"{port} of node {request.client_node}" if port and request.client_node else port


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms" if abs(seconds) < 1 else f"{seconds:.2f} s"


def _pods(explained: Explanation) -> Iterator[str]:
    for pod in explained.pods:
        yield from _pod(pod)
    if not explained.pods:
        yield from _text("no pod was coming or going, and the rule names none", 2)
    if explained.could_serve:
        names = ", ".join(explained.could_serve[:_MOST_SERVING])
        more = len(explained.could_serve) - _MOST_SERVING
        yield from _text(f"could have answered: {names}{f' and {more} more' if more > 0 else ''}", 2)
    else:
        yield from _text("could have answered: no other pod, as far as the API said", 2)
    yield from _text(f"data plane: {explained.plane}", 2)


def _pod(pod: PodThen) -> Iterator[str]:
    suspect = ": it may have been sent here" if pod.suspect else ""
    yield from _text(f"{pod.name}{f' ({pod.revision})' if pod.revision else ''}{suspect}", 2)
    for name, words in (("the pod", pod.pod), ("the API", pod.api), ("data plane", pod.data_plane)):
        yield from _row(name, words, indent=4)


def _fault(explained: Explanation) -> Iterable[str]:
    others = f"the same rule named {things(explained.alike, 'other')} in this run" if explained.alike else ""
    return _text("; ".join(filter(None, (f"fault: {explained.fault}", others))), 2)


def _rules(explained: Explanation) -> Iterator[str]:
    for same, rules in groupby(explained.tried, _stop):
        group = list(rules)
        if same and len(group) > 1:  # one condition stopped them all: said once
            yield from _text(f"no   {', '.join(rule.rule for rule in group)}", 2, further=7)
            yield from _text(same, 7)
        else:
            for rule in group:
                yield from _rule(rule, same)


def _rule(rule: TriedRule, stop: str) -> Iterator[str]:
    if not rule.holds:
        yield from _text(f"no   {rule.rule}", 2)
        yield from _text(stop, 7)
        return
    yield from _text(f"YES  {rule.rule}: {rule.cause}", 2)
    for condition in rule.conditions:
        if condition.demand != Demand.EXCLUDED and condition.found:
            yield from _text(f"since {_named(condition)}{_seen(condition)}", 7)
    excluded = [condition.name for condition in rule.conditions if condition.demand == Demand.EXCLUDED]
    if excluded:
        yield from _text(f"and none of these holds: {', '.join(excluded)}", 7)


def _named(condition: Condition) -> str:
    return f"{condition.name} ({condition.meaning})"


def _seen(condition: Condition) -> str:
    return f": {condition.seen}" if condition.seen else ""


def _stop(rule: TriedRule) -> str:
    """What kept a rule from holding; empty of the one that held."""
    stopped = [condition for condition in rule.conditions if condition.stopped]
    if not stopped:
        return ""
    if all(condition.demand == Demand.ANY_OF for condition in stopped):
        return f"none of {', '.join(condition.name for condition in stopped)} holds {rule.moment}"
    return "; ".join(map(_stopping, stopped))


def _stopping(condition: Condition) -> str:
    if condition.demand == Demand.EXCLUDED:
        return f"ruled out by {_named(condition)}{_seen(condition)}"
    return f"would need {_named(condition)}{_seen(condition) or ': it is not so'}"


def _row(name: str, words: str, *, indent: int = 2) -> list[str]:
    label = f"{name:<{_LABEL}}"
    return _text(f"{label}{visible(words)}", indent, further=indent + _LABEL)


def _text(words: str, indent: int, *, further: int | None = None) -> list[str]:
    return wrap(
        visible(words),
        _WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent if further is None else further),
        break_on_hyphens=False,
        drop_whitespace=True,
    )
