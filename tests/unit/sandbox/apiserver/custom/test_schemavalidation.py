"""What schemas and rules find wrong with custom objects, in the real API's words."""

from __future__ import annotations

import time
from typing import Any

import pytest

from harness.sandbox.apiserver.custom.formats import fits
from harness.sandbox.apiserver.custom.schemavalidation import SchemaValidator

Schema = dict[str, Any]


def field(**schema: Any) -> SchemaValidator:
    return SchemaValidator({"type": "object", "properties": {"spec": {"type": "object", "properties": {"x": schema}}}})


def told(validator: SchemaValidator, obj: Any, old: Any = None) -> list[str]:
    return [f"{cause.field}: {cause.message}" for cause in validator.causes(obj, old)]


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "integer", "maximum": 5}, 9,
         "spec.x: Invalid value: 9: spec.x in body should be less than or equal to 5"),
        ({"type": "integer", "maximum": 5, "exclusiveMaximum": True}, 5,
         "spec.x: Invalid value: 5: spec.x in body should be less than 5"),
        ({"type": "integer", "minimum": 1}, 0,
         "spec.x: Invalid value: 0: spec.x in body should be greater than or equal to 1"),
        ({"type": "integer", "multipleOf": 2}, 3, "spec.x: Invalid value: 3: spec.x in body should be a multiple of 2"),
        ({"type": "integer", "format": "int32"}, 2**31,
         '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.x'),
        ({"type": "integer"}, "1",
         'spec.x: Invalid value: "string": spec.x in body must be of type integer: "string"'),
        ({"type": "integer"}, True,
         'spec.x: Invalid value: "boolean": spec.x in body must be of type integer: "boolean"'),
        ({"type": "string"}, None, 'spec.x: Invalid value: "null": spec.x in body must be of type string: "null"'),
        ({"type": "string", "enum": ["a", "b"]}, "c",
         'spec.x: Unsupported value: "c": supported values: "a", "b"'),
        ({"type": "string", "pattern": "^a+$"}, "b",
         "spec.x: Invalid value: \"b\": spec.x in body should match '^a+$'"),
        ({"type": "string", "maxLength": 2, "pattern": "^b"}, "aaa", "spec.x: Too long: may not be more than 2 bytes"),
        ({"type": "string", "minLength": 2}, "a",
         'spec.x: Invalid value: "a": spec.x in body should be at least 2 chars long'),
        ({"type": "string", "format": "date-time"}, "no",
         'spec.x: Invalid value: "no": spec.x in body must be of type date-time: "no"'),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, ["a", "b"],
         "spec.x: Too many: 2: must have at most 1 items"),
        ({"type": "array", "items": {"type": "string"}, "minItems": 1}, [],
         "spec.x: Invalid value: 0: spec.x in body should have at least 1 items"),
        ({"type": "array", "items": {"type": "string"}}, ["a", 1],
         'spec.x[1]: Invalid value: "integer": spec.x[1] in body must be of type string: "integer"'),
        ({"type": "object", "required": ["a"]}, {}, "spec.x.a: Required value"),
        ({"type": "object", "minProperties": 1}, {},
         "spec.x: Invalid value: 0: spec.x in body should have at least 1 properties"),
        ({"type": "object", "not": {"required": ["a"]}}, {"a": 1},
         '<nil>: Invalid value: "": "spec.x" must not validate the schema (not)'),
        ({"x-kubernetes-int-or-string": True}, 1.5,
         'spec.x: Invalid value: "number": spec.x in body must be of type integer,string: "number"'),
        ({"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}, ["a", "b", "a"],
         'spec.x[2]: Duplicate value: "a"'),
        ({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["p", "q"],
          "items": {"type": "object"}}, [{"p": 1, "q": 1}, {"p": 1, "q": 2}, {"p": 1, "q": 1}],
         'spec.x[2]: Duplicate value: {"p":1,"q":1}'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_the_real_apis_words(schema: Schema, value: Any, message: str) -> None:
    assert told(field(**schema), {"spec": {"x": value}}) == [message]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 2.0),
        ({"type": "number"}, 2),
        ({"type": "string", "nullable": True}, None),
        ({"x-kubernetes-int-or-string": True}, "80%"),
        ({"x-kubernetes-int-or-string": True}, 80),
        ({"type": "string", "format": "no-such-format"}, "anything"),
        ({"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"b": 1}),
    ],
)
def test_what_kubernetes_takes_is_taken(schema: Schema, value: Any) -> None:
    assert told(field(**schema), {"spec": {"x": value}}) == []


def test_of_alternatives_the_nearest_is_explained() -> None:
    schema = {"type": "object", "oneOf": [{"required": ["a", "b"]}, {"required": ["c"]}]}
    assert told(field(**schema), {"spec": {"x": {}}}) == [
        '<nil>: Invalid value: "": "spec.x" must validate one and only one schema (oneOf). Found none valid',
        "spec.x.c: Required value",
    ]


def test_what_did_not_change_is_not_held_against_an_update() -> None:
    validator = SchemaValidator({"properties": {"a": {"type": "integer", "maximum": 1}, "b": {"required": ["c"]}}})
    assert told(validator, {"a": 5, "b": {}, "d": 1}, {"a": 5, "b": {}}) == []
    assert told(validator, {"a": 6, "b": {"x": 1}}, {"a": 5, "b": {}}) == [
        "a: Invalid value: 6: a in body should be less than or equal to 1",
        "b.c: Required value",
    ]


def test_a_pattern_that_explodes_elsewhere_takes_no_time() -> None:
    started = time.perf_counter()
    assert len(told(field(type="string", pattern="^(a+)+$"), {"spec": {"x": "a" * 5000 + "b"}})) == 1
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("date-time", "2026-01-02T03:04:05Z", "2026-01-02"),
        ("date", "2026-01-02", "2026-01-02T03:04:05Z"),
        ("ipv4", "10.0.0.1", "10.0.0.256"),
        ("ipv6", "fd00::1", "10.0.0.1"),
        ("cidr", "10.0.0.0/8", "10.0.0.0"),
        ("uuid", "82777ba7-43a1-4890-bb1a-a6709431e22f", "82777ba7"),
        ("byte", "YQ==", "*"),
        ("hostname", "a.example.org", "a_b"),
        ("duration", "1h30m", "soon"),
        ("email", "a@example.org", "a"),
        ("uri", "https://example.org/x", "no uri"),
    ],
)
def test_formats_are_looked_at(name: str, right: str, wrong: str) -> None:
    assert (fits(name, right), fits(name, wrong)) == (True, False)


RULES: Schema = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "x-kubernetes-validations": [
                {"rule": "self.min <= self.max", "messageExpression": "'%d is over %d'.format([self.min, self.max])"},
                {"rule": "self.key == oldSelf.key", "message": "key is immutable", "fieldPath": ".key"},
                {"rule": "!has(self.__namespace__) || self.a__dash__b == 1", "reason": "FieldValueForbidden"},
            ],
            "required": ["min"],
            "properties": {
                "min": {"type": "integer"},
                "max": {"type": "integer"},
                "key": {"type": "string"},
                "namespace": {"type": "string"},
                "a-b": {"type": "integer"},
                "urls": {
                    "type": "array",
                    "items": {"type": "string", "x-kubernetes-validations": [{"rule": "isURL(self)"}]},
                },
                "tags": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["k"],
                    "items": {
                        "type": "object",
                        "x-kubernetes-validations": [{"rule": "self.v >= oldSelf.v", "message": "v only grows"}],
                        "properties": {"k": {"type": "string"}, "v": {"type": "number"}},
                    },
                },
            },
        }
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("new", "old", "messages"),
    [
        ({"min": 1, "max": 2}, None, []),
        ({"min": 3, "max": 2}, None, ["spec: Invalid value: 3 is over 2"]),
        ({"min": 1}, None,
         ['spec: Invalid value: "object": no such key: max evaluating rule: self.min <= self.max']),
        ({"min": 1, "max": 2, "namespace": "n", "a-b": 2}, None,
         ["spec: Forbidden: failed rule: !has(self.__namespace__) || self.a__dash__b == 1"]),
        ({"min": 1, "max": 2, "urls": ["http://a", "b"]}, None,
         ['spec.urls[1]: Invalid value: "b": failed rule: isURL(self)']),
        ({"min": 1, "max": 2, "key": "b"}, {"min": 1, "max": 2, "key": "a"},
         ["spec.key: Invalid value: key is immutable"]),
        ({"min": 3, "max": 2, "key": "a"}, {"min": 3, "max": 2, "key": "a"}, []),
        ({"min": 1, "max": 2, "key": "a", "tags": [{"k": "y", "v": 1}, {"k": "x", "v": 1}]},
         {"min": 1, "max": 2, "key": "a", "tags": [{"k": "x", "v": 2}]}, ["spec.tags[1]: Invalid value: v only grows"]),
        ({"max": 1}, None,
         ["spec.min: Required value", "<nil>: Invalid value: null: some validation rules were not checked because the "
          "object was invalid; correct the existing errors to complete validation"]),
    ],
)  # fmt: skip
def test_rules_are_evaluated(new: Any, old: Any, messages: list[str]) -> None:
    assert told(SchemaValidator(RULES), {"spec": new}, None if old is None else {"spec": old}) == messages


def test_a_rule_that_may_be_without_its_past_is_told_whether_there_is_one() -> None:
    rule = {"rule": "oldSelf.hasValue() || self == 'new'", "optionalOldSelf": True}
    validator = field(type="string", **{"x-kubernetes-validations": [rule]})
    assert told(validator, {"spec": {"x": "new"}}) == []
    assert len(told(validator, {"spec": {"x": "other"}})) == 1
    assert told(validator, {"spec": {"x": "other"}}, {"spec": {"x": "new"}}) == []


def test_a_rule_that_cannot_be_evaluated_is_named_and_lets_all_pass() -> None:
    rule = {"rule": "url(self).getHost() == 'a'"}
    validator = field(type="string", **{"x-kubernetes-validations": [rule]})
    assert told(validator, {"spec": {"x": "anything"}}) == []
    (sentence,) = validator.unevaluated()
    assert sentence.startswith("the sandbox does not evaluate the rule \"url(self).getHost() == 'a'\": undeclared ref")
