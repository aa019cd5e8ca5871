"""What validation finds wrong -> the causes of a 422, in the real API's words."""

from __future__ import annotations

import re
from functools import cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver import field_forms as forms
from harness.sandbox.apiserver.api_errors import Cause, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.sandbox.apiserver.store import Object

_LARGEST_ANNOTATIONS_BYTES = 256 * 1024


class FieldErrors:
    """Collects causes; each method adds one kind of them.

    The attributes tell what is a rule in some versions of Kubernetes, or with some of their gates, and none in others.
    """

    toleration_operators: tuple[str, ...] = ("Equal", "Exists")
    fewest_scaled = 1

    def __init__(self) -> None:
        self.causes: list[Cause] = []

    def invalid(self, field: str, value: Any, why: str) -> None:
        """A value that is wrong."""
        self._add(field, "FieldValueInvalid", f"Invalid value: {shown(value)}: {why}")

    def invalid_whole(self, field: str, why: str) -> None:
        """A value of several parts that do not go together; it is not shown."""
        self._add(field, "FieldValueInvalid", f"Invalid value: {why}")

    def required(self, field: str, why: str = "") -> None:
        """A value that is missing."""
        self._add(field, "FieldValueRequired", f"Required value: {why}" if why else "Required value")

    def unsupported(self, field: str, value: Any, supported: Iterable[str]) -> None:
        """A value that is none of the few there are."""
        listed = ", ".join(shown(item) for item in supported)
        self._add(field, "FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {listed}")

    def forbidden(self, field: str, why: str) -> None:
        """A value that may not be there, or may not change."""
        self._add(field, "FieldValueForbidden", f"Forbidden: {why}")

    def duplicate(self, field: str, value: Any) -> None:
        """A value that was there before."""
        self._add(field, "FieldValueDuplicate", f"Duplicate value: {shown(value)}")

    def too_long(self, field: str, most_bytes: int) -> None:
        """A value, which is not shown, of more bytes than may be."""
        self._add(field, "FieldValueTooLong", f"Too long: may not be more than {most_bytes} bytes")

    def too_many(self, field: str, count: int, most: int) -> None:
        """A list of more items than may be."""
        self._add(field, "FieldValueTooMany", f"Too many: {count}: must have at most {most} items")

    def not_found(self, field: str, value: Any) -> None:
        """A name of something that is not there."""
        self._add(field, "FieldValueNotFound", f"Not found: {shown(value)}")

    def not_negative(self, field: str, value: Any) -> None:
        """Numbers from 0 up; a value that is absent is left alone."""
        if value is not None and value < 0:
            self.invalid(field, value, "must be greater than or equal to 0")

    def within(self, field: str, value: Any, least: int, most: int) -> None:
        """Numbers of a range; a value that is absent is left alone."""
        if value is not None and not least <= value <= most:
            self.invalid(field, value, f"must be between {least} and {most}, inclusive")

    def int_or_percent(self, field: str, value: Any) -> int | None:
        """The number in `3` or `25%`, which may not be negative; None where it is neither."""
        if isinstance(value, int):
            self.not_negative(field, value)
            return value
        if not re.fullmatch(r"[0-9]+%", value):
            self.invalid(field, value, forms.PERCENT_TEXT)
            return None
        return int(value[:-1])

    def at_most_all(self, field: str, value: Any) -> None:
        """Of percentages, those up to 100."""
        if isinstance(value, str) and re.fullmatch(r"[0-9]+%", value) and int(value[:-1]) > 100:
            self.invalid(field, value, "must not be greater than 100%")

    def immutable(self, field: str, new: Any, old: Any) -> None:
        """Values that stay as they were made."""
        if new != old:
            self.invalid(field, new, "field is immutable")

    def one_of(self, field: str, value: Any, supported: Iterable[str]) -> None:
        """One of few words."""
        words = tuple(supported)
        if value not in words:
            self.unsupported(field, value, sorted(words))

    def port(self, field: str, value: Any) -> None:
        """A port number."""
        if not 1 <= value <= 65535:
            self.invalid(field, value, "must be between 1 and 65535, inclusive")

    def port_or_name(self, field: str, value: Any) -> None:
        """A port number or the name of one."""
        if isinstance(value, int):
            self.port(field, value)
        else:
            for why in _port_name_faults(value):
                self.invalid(field, value, why)

    def ip(self, field: str, value: str) -> bool:
        """An address of a host. Returns whether it is one."""
        try:
            ip_address(value)
        except ValueError:
            self.invalid(field, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
            return False
        return True

    def cidr(self, field: str, value: str) -> bool:
        """A block of addresses. Returns whether it is one."""
        try:
            ip_network(value, strict=False)
        except ValueError:
            value_is_block = False
        else:
            value_is_block = "/" in value
        if not value_is_block:
            self.invalid(field, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")
        return value_is_block

    def segment(self, field: str, value: str) -> None:
        """A name that may stand in a path."""
        if not value:
            self.required(field)
        elif value in (".", "..") or "/" in value or "%" in value:
            self.invalid(field, value, "may not be '.' or '..', nor contain '/' or '%'")

    def host(self, field: str, value: str) -> None:
        """A DNS name, perhaps with a wildcard for its first label."""
        if "*" in value:
            self._named(field, value, forms.WILDCARD, forms.WILDCARD_TEXT, 253)
        else:
            self.subdomain(field, value)

    def descending_path(self, field: str, value: str) -> None:
        """A path that stays below where it begins."""
        if value.startswith("/"):
            self.invalid(field, value, "must be a relative path")
        self.no_way_back(field, value)

    def no_way_back(self, field: str, value: str) -> None:
        """A path without a step up."""
        if ".." in value.split("/"):
            self.invalid(field, value, "must not contain '..'")

    def selector(self, field: str, selector: Object | None) -> bool:
        """A label selector. Returns whether all of its terms can be matched."""
        if selector is None:
            return True
        before = len(self.causes)
        self.labels(f"{field}.matchLabels", selector.get("matchLabels") or {})
        for n, term in enumerate(selector.get("matchExpressions") or ()):
            self._term(f"{field}.matchExpressions[{n}]", term)
        return len(self.causes) == before

    def _term(self, at: str, term: Object) -> None:
        operator, values = term.get("operator", ""), term.get("values") or []
        if operator not in forms.OPERATORS:
            self.invalid(f"{at}.operator", operator, "not a valid selector operator")
        elif operator in ("In", "NotIn") and not values:
            self.required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'")
        elif operator not in ("In", "NotIn") and values:
            self.forbidden(f"{at}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        self.qualified(f"{at}.key", term.get("key", ""))
        for n, value in enumerate(values):
            self.label_value(f"{at}.values[{n}]", value)

    def label(self, field: str, value: str) -> None:
        """A DNS label."""
        self._named(field, value, forms.LABEL, forms.LABEL_TEXT, 63)

    def label_1035(self, field: str, value: str) -> None:
        """A DNS label that begins with a letter."""
        self._named(field, value, forms.LABEL_1035, forms.LABEL_1035_TEXT, 63)

    def subdomain(self, field: str, value: str) -> None:
        """A DNS name."""
        self._named(field, value, forms.SUBDOMAIN, forms.SUBDOMAIN_TEXT, 253)

    def path_segment(self, field: str, value: str) -> None:
        """A name that need only fit into a path."""
        if value in (".", ".."):
            self.invalid(field, value, f"may not be '{value}'")
        for wrong in ("/", "%"):
            if wrong in value:
                self.invalid(field, value, f"may not contain '{wrong}'")

    def config_key(self, field: str, value: str) -> None:
        """A key of a ConfigMap or Secret."""
        self._named(field, value, forms.CONFIG_KEY, forms.CONFIG_KEY_TEXT, 253)

    def env_name(self, field: str, value: str) -> None:
        """The name of an environment variable."""
        text = "a valid environment variable name must consist only of printable ASCII characters other than '='"
        self._named(field, value, forms.ENV_NAME, text, 2**20)

    def header(self, field: str, value: str) -> None:
        """The name of an HTTP header."""
        self._named(field, value, forms.HEADER, forms.HEADER_TEXT, 2**20)

    def label_value(self, field: str, value: str) -> None:
        """A value of a label."""
        self._named(field, value, forms.LABEL_VALUE, forms.LABEL_VALUE_TEXT, 63)

    def labels(self, field: str, labels: dict[str, str]) -> None:
        """Keys and values of labels."""
        for key, value in labels.items():
            self.qualified(field, key)
            self.label_value(field, value)

    def annotations(self, field: str, annotations: dict[str, str]) -> None:
        """Keys of annotations, in capitals too, and how large all of them are."""
        for key in annotations:
            self.qualified(field, key.lower())
        if sum(len(each.encode()) for pair in annotations.items() for each in pair) > _LARGEST_ANNOTATIONS_BYTES:
            self.too_long(field, _LARGEST_ANNOTATIONS_BYTES)

    def qualified(self, field: str, key: str) -> None:
        """A key with an optional DNS prefix."""
        prefix, slash, name = key.rpartition("/")
        if slash and (not re.fullmatch(forms.SUBDOMAIN, prefix) or len(prefix) > 253):
            self.invalid(field, key, f"prefix part {forms.SUBDOMAIN_TEXT}")
        if not name:
            self.invalid(field, key, "name part must be non-empty")
        self._named(field, name, forms.NAME_PART, forms.NAME_PART_TEXT, 63, shown_as=key)

    def _named(self, field: str, value: str, pattern: str, text: str, longest: int, shown_as: str = "") -> None:
        if len(value) > longest:
            self.invalid(field, shown_as or value, f"must be no more than {longest} bytes")
        if not _compiled(pattern).fullmatch(value):
            self.invalid(field, shown_as or value, text)

    def _add(self, field: str, reason: str, message: str) -> None:
        self.causes.append(Cause(field=field, reason=reason, message=message))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Each is used on every write; looking it up in `re`'s own cache takes as long as the match."""
    return re.compile(pattern)


def _port_name_faults(name: str) -> list[str]:
    faults = {
        "must be no more than 15 characters": len(name) > 15,
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)": not re.fullmatch(
            forms.PORT_NAME, name
        ),
        "must contain at least one letter (a-z)": not re.search("[a-z]", name),
        "must not contain consecutive hyphens": "--" in name,
        "must not begin or end with a hyphen": name.startswith("-") or name.endswith("-"),
    }
    return [why for why, is_so in faults.items() if is_so]
