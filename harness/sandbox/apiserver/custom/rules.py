"""The x-kubernetes-validations of a schema and an object -> the rules it breaks, in the words of the real API.

Rules are Common Expression Language, evaluated by Google's own implementation, with `self` and `oldSelf` as values
whose types are theirs at the time; so what only a type checker would refuse is not refused. A rule that needs a
function that is not here cannot be compiled: `unevaluated` names it, and it lets everything pass. Source:
apiextensions-apiserver `pkg/apiserver/schema/cel`; kubernetes.io/docs/reference/using-api/cel.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.api_errors import Cause, shown
from harness.sandbox.apiserver.custom.celvalues import cel_value
from harness.sandbox.apiserver.custom.structural import child_of, nested

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Schema = dict[str, Any]

_RULES = "x-kubernetes-validations"
_LIST_TYPE, _MAP_KEYS = "x-kubernetes-list-type", "x-kubernetes-list-map-keys"
# After causes with these reasons the real API evaluates no rule: they may have been written for sound objects.
_BLOCKING = ("FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany")
_BLOCKED = (
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing "
    "errors to complete validation"
)
_OLD = re.compile(r"\boldSelf\b")
_OPTIONAL_OLD = "cel.bind(oldSelf, hasOld ? optional.of(rawOld) : optional.none(), ({rule}))"
_NO_KEY = re.compile(r'Key not found in map : "?([^"]*)"?')


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, compiled; `program` is None where it cannot be, for the reason in `fault`."""

    source: dict[str, Any]
    program: Any
    message: Any = None
    fault: str = ""

    @property
    def transition(self) -> bool:
        """Whether it compares with what was before, and so needs something before."""
        return _OLD.search(self.source["rule"]) is not None and not self.source.get("optionalOldSelf")


class Rules:
    """All rules of one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._compiled: dict[int, tuple[Rule, ...]] = {}
        self._with_rules = self._found(schema)

    def causes(self, obj: Any, old: Any, before: Sequence[Cause]) -> list[Cause]:
        """What the object breaks; nothing is evaluated where `before`, what its schema found, is of the wrong shape."""
        if not self._with_rules:
            return []
        if any(cause.reason in (*_BLOCKING, "FieldValueTypeInvalid") for cause in before):
            return [Cause(field="<nil>", reason="FieldValueInvalid", message=_BLOCKED)]
        return list(self._broken(obj, old, self._schema, ""))

    def unevaluated(self) -> list[str]:
        """A sentence for each rule that cannot be evaluated here."""
        return [
            f'the sandbox does not evaluate the rule "{rule.source["rule"].strip()}": {rule.fault}'
            for rules in self._compiled.values()
            for rule in rules
            if rule.fault
        ]

    def _found(self, schema: Schema) -> bool:
        """Compiles the rules of a schema and those within it; whether there are any."""
        own = tuple(_compiled(source) for source in schema.get(_RULES) or ())
        within = [self._found(inner) for _, inner in nested(schema)]
        if own or any(within):
            self._compiled[id(schema)] = own
        return bool(own) or any(within)

    def _broken(self, value: Any, old: Any, schema: Schema, path: str) -> Iterator[Cause]:
        if id(schema) not in self._compiled or value is None:
            return
        for rule in self._compiled[id(schema)]:
            yield from _verdict(rule, value, old, schema, path)
        if isinstance(value, dict):
            properties = schema.get("properties") or {}
            before = old if isinstance(old, dict) and schema.get("x-kubernetes-map-type") != "atomic" else {}
            for key, item in value.items():
                if (inner := child_of(schema, key)) is not None:
                    where = f"{path}.{key}".removeprefix(".") if key in properties else f"{path}[{key}]"
                    yield from self._broken(item, before.get(key), inner, where)
        elif isinstance(value, list) and isinstance(items := schema.get("items"), dict):
            for n, item in enumerate(value):
                yield from self._broken(item, _counterpart(item, old, schema), items, f"{path}[{n}]")


def _compiled(source: dict[str, Any]) -> Rule:
    rule = source.get("rule") or "true"
    text = _OPTIONAL_OLD.format(rule=rule) if source.get("optionalOldSelf") else rule
    try:
        program = _program(text)
    except RuntimeError as error:
        return Rule(source, None, fault=_first_line(error))
    try:
        message = _program(source["messageExpression"]) if source.get("messageExpression") else None
    except RuntimeError:
        message = None  # the real API, too, falls back to the message where the expression fails
    return Rule(source, program, message)


@functools.lru_cache(maxsize=4096)
def _program(text: str) -> Any:
    from harness.sandbox.apiserver.custom.celenvironment import environment  # 16 MB, for those who need it

    return environment().compile(text)


def _first_line(error: RuntimeError) -> str:
    line = str(error).splitlines()[0]
    return re.sub(r"^INVALID_ARGUMENT: ERROR: <input>:\d+:\d+: ", "", line)


def _verdict(rule: Rule, value: Any, old: Any, schema: Schema, path: str) -> Iterator[Cause]:
    if rule.program is None or (rule.transition and old is None):
        return
    if value == old and not rule.transition:
        return  # what broke a rule before may stay as it is
    known = {"self": cel_value(value, schema), "oldSelf": None, "rawOld": None, "hasOld": old is not None}
    if old is not None:
        known["oldSelf"] = known["rawOld"] = cel_value(old, schema)
    result = rule.program.eval(data=known)
    kind, seen = result.type().name(), result.value()
    if seen is True:
        return
    where = path + str(rule.source.get("fieldPath") or "")
    where = where.removeprefix(".") or "<nil>"
    if kind == "ERROR":
        missing = _NO_KEY.search(str(result))
        if missing is not None:  # other errors are of types, which are only guessed here
            why = f"no such key: {missing[1]} evaluating rule: {_named(rule)}"
            seen = shown(schema.get("type", ""))
            yield Cause(field=path or "<nil>", reason="FieldValueInvalid", message=f"Invalid value: {seen}: {why}")
        return
    yield _broken_rule(rule, where, value, schema, _detail(rule, known))


def _named(rule: Rule) -> str:
    return str(rule.source.get("message") or rule.source["rule"]).strip()


def _detail(rule: Rule, known: dict[str, Any]) -> str:
    if rule.message is not None:
        told = rule.message.eval(data=known).value()
        if isinstance(told, str) and told.strip() and "\n" not in told.strip():
            return told.strip()
    return _named(rule) if rule.source.get("message") else f"failed rule: {_named(rule)}"


def _broken_rule(rule: Rule, field: str, value: Any, schema: Schema, detail: str) -> Cause:
    reason = rule.source.get("reason") or "FieldValueInvalid"
    seen = "" if schema.get("type") in ("object", "array") else f"{shown(value)}: "
    message = {
        "FieldValueForbidden": f"Forbidden: {detail}",
        "FieldValueRequired": f"Required value: {detail}",
        "FieldValueDuplicate": f"Duplicate value: {shown(value)}",
    }.get(reason, f"Invalid value: {seen}{detail}")
    return Cause(field=field, reason=reason, message=message)


def _counterpart(item: Any, old: Any, schema: Schema) -> Any:
    """What an item of a list was before: only where the list tells its items apart by keys."""
    if schema.get(_LIST_TYPE) != "map" or not isinstance(item, dict) or not isinstance(old, list):
        return None
    keys = schema.get(_MAP_KEYS) or ()

    def same(other: Any) -> bool:
        return isinstance(other, dict) and all(other.get(key) == item.get(key) for key in keys)

    return next((other for other in old if same(other)), None)
