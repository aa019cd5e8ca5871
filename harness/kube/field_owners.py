"""An object's managedFields before and after writes of ours -> who else wrote, and the entries that take ours back.

FieldsV1 is a tree of `f:NAME`, `k:{...}`, `v:...` and `i:N`; `.` beside others says that the field itself is owned too.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

MANAGER = "rollout-harness"
"""The field manager of our own writes that are put back."""

RESTARTER = "kubectl-rollout"
"""The one as which `kubectl rollout restart` writes, and so do we: it is the same thing to whoever deploys next."""

Entry = dict[str, Any]
Path = tuple[str, ...]
_Key = tuple[str, str, str, str]


def others_since(
    before: Sequence[Entry], now: Sequence[Entry], *, ours: str = MANAGER, under: Path = (), restart: Path = ()
) -> tuple[str, ...]:
    """Who else wrote fields below `under` after `before`: "kubectl-edit (Update) at 2026-11-27T09:00:00Z".

    `restart`: the field by which we have restarted it, as RESTARTER; that write is ours too, with the maps in which the
    field stands. Empty where the restart that stands there is not known to be ours.
    Writes of status and scale are left out: they have entries of their own, which controllers write all the time. An
    entry that only lost fields did so to another's write, and is no write itself (its time stays, as in Kubernetes).
    """
    known = {_key(entry): entry for entry in before}
    found = []
    for entry in now:
        if entry.get("subresource") or entry.get("manager") == ours:
            continue
        fields, past = _below(_paths(entry), under), known.get(_key(entry), {})
        had = _below(_paths(past), under)
        if restart in fields and entry.get("manager") == RESTARTER:
            fields -= {restart[:length] for length in range(len(restart) + 1)}
            if fields <= had:  # the time is that of our restart
                continue
        if fields - had or (fields and entry.get("time") != past.get("time")):
            found.append(f"{entry.get('manager')} ({entry.get('operation')}) at {entry.get('time')}")
    return tuple(found)


def as_before(before: Sequence[Entry], now: Sequence[Entry], *, ours: str = MANAGER) -> list[Entry]:
    """The entries with which an object whose values are as before is owned as before, too.

    What we took from others is theirs again; what others have written meanwhile stays theirs, and so do status and
    scale. An entry that comes out with the fields and the time of before is the one of before, to the letter.
    """
    mine: set[Path] = set().union(*(_paths(entry) for entry in now if entry.get("manager") == ours))
    known, live = {_key(entry): entry for entry in _main(before)}, {_key(entry): entry for entry in _main(now)}
    found: list[Entry] = [entry for entry in now if entry.get("subresource") and entry.get("manager") != ours]
    for key in dict.fromkeys((*known, *live)):
        past, present = known.get(key), live.get(key)
        if past is None:
            found += [present] if present is not None and present.get("manager") != ours else []
            continue
        if past.get("manager") == ours:  # of an earlier run that could not put it back
            found.append(past)
            continue
        has = _paths(present) if present is not None else set()
        fields = has | (_paths(past) & mine)
        if fields == _paths(past) and (present is None or present.get("time") == past.get("time")):
            found.append(past)
        elif fields:
            found.append({**(present or past), "fieldsV1": _tree(fields)})
    return found


def owner_of(field: Path, now: Iterable[Entry]) -> str | None:
    """The manager who owns the field, the one who wrote last where several do; None where it is nobody's."""
    entries = sorted(_main(now), key=lambda entry: str(entry.get("time") or ""))
    return next((str(entry.get("manager")) for entry in reversed(entries) if field in _paths(entry)), None)


def owned_alike(one: Iterable[Entry], other: Iterable[Entry]) -> bool:
    """Whether both say the same of who owns what."""
    first, second = ({_key(entry): _paths(entry) for entry in entries} for entries in (one, other))
    return first == second


def _main(entries: Iterable[Entry]) -> Iterator[Entry]:
    return (entry for entry in entries if not entry.get("subresource"))


def _key(entry: Entry) -> _Key:
    manager, operation, version = (str(entry.get(name)) for name in ("manager", "operation", "apiVersion"))
    return manager, operation, version, str(entry.get("subresource") or "")


def _below(paths: set[Path], under: Path) -> set[Path]:
    return {path for path in paths if path[: len(under)] == under}


def _paths(entry: Entry) -> set[Path]:
    return set(_walk(entry.get("fieldsV1") or {}, ()))


def _walk(node: Mapping[str, Any], path: Path) -> Iterator[Path]:
    if path and (not node or "." in node):
        yield path
    for key, child in node.items():
        if key != ".":
            yield from _walk(child, (*path, key))


def _tree(paths: Iterable[Path]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    paths = set(paths)
    for path in sorted(paths):
        node = tree
        for key in path:
            node = node.setdefault(key, {})
    for path in paths:
        node = tree
        for key in path:
            node = node[key]
        if node:
            node["."] = {}
    return tree
