"""What validation finds wrong -> the causes of a 422, in the real API's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.sandbox.apiserver.api_errors import Cause, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_LABEL_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_NAME_PART = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_CONFIG_KEY = r"[-._a-zA-Z0-9]+"
_ENV_NAME = r"[ -<>-~]+"
_PORT_NAME = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"

SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_LABEL_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    f"'{_LABEL_1035}')"
)
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{_LABEL_VALUE}')"
)
_NAME_PART_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{_NAME_PART}')"
)
_CONFIG_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    f"'key-name', regex used for validation is '{_CONFIG_KEY}')"
)


class FieldErrors:
    """Collects causes; each method adds one kind of them."""

    def __init__(self) -> None:
        self.causes: list[Cause] = []

    def invalid(self, field: str, value: Any, why: str) -> None:
        """A value that is wrong."""
        self._add(field, "FieldValueInvalid", f"Invalid value: {shown(value)}: {why}")

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

    def not_found(self, field: str, value: Any) -> None:
        """A name of something that is not there."""
        self._add(field, "FieldValueNotFound", f"Not found: {shown(value)}")

    def not_negative(self, field: str, value: Any) -> None:
        """Numbers from 0 up; a value that is absent is left alone."""
        if value is not None and value < 0:
            self.invalid(field, value, "must be greater than or equal to 0")

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
        elif not value or len(value) > 15 or not re.fullmatch(_PORT_NAME, value) or not re.search("[a-z]", value):
            self.invalid(
                field, value, "must contain at least one letter (a-z), only letters, digits and '-', at most 15"
            )

    def label(self, field: str, value: str) -> None:
        """A DNS label."""
        self._named(field, value, _LABEL, LABEL_TEXT, 63)

    def label_1035(self, field: str, value: str) -> None:
        """A DNS label that begins with a letter."""
        self._named(field, value, _LABEL_1035, _LABEL_1035_TEXT, 63)

    def subdomain(self, field: str, value: str) -> None:
        """A DNS name."""
        self._named(field, value, _SUBDOMAIN, SUBDOMAIN_TEXT, 253)

    def config_key(self, field: str, value: str) -> None:
        """A key of a ConfigMap or Secret."""
        self._named(field, value, _CONFIG_KEY, _CONFIG_KEY_TEXT, 253)

    def env_name(self, field: str, value: str) -> None:
        """The name of an environment variable."""
        text = "a valid environment variable name must consist only of printable ASCII characters other than '='"
        self._named(field, value, _ENV_NAME, text, 2**20)

    def labels(self, field: str, labels: dict[str, str]) -> None:
        """Keys and values of labels."""
        for key, value in labels.items():
            self.qualified(field, key)
            self._named(field, value, _LABEL_VALUE, _LABEL_VALUE_TEXT, 63)

    def qualified(self, field: str, key: str) -> None:
        """A key with an optional DNS prefix."""
        prefix, slash, name = key.rpartition("/")
        if slash and (not re.fullmatch(_SUBDOMAIN, prefix) or len(prefix) > 253):
            self.invalid(field, key, f"prefix part {SUBDOMAIN_TEXT}")
        self._named(field, name, _NAME_PART, _NAME_PART_TEXT, 63, shown_as=key)

    def _named(self, field: str, value: str, pattern: str, text: str, longest: int, shown_as: str = "") -> None:
        if len(value) > longest:
            self.invalid(field, shown_as or value, f"must be no more than {longest} bytes")
        if not re.fullmatch(pattern, value):
            self.invalid(field, shown_as or value, text)

    def _add(self, field: str, reason: str, message: str) -> None:
        self.causes.append(Cause(field=field, reason=reason, message=message))
