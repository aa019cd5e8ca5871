"""The headers of a request, as the experiment has them -> their values, from where each is kept."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import ExperimentError
from harness.inputs.files import file_text
from harness.model.request_settings import HeaderSource, sendable
from harness.redaction import door


def header_values(
    headers: Mapping[str, str | HeaderSource], environment: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Names and values as they are sent; what an answer says of them is not written.

    Raises:
        ExperimentError: a variable is not set, a file cannot be read, or no header can have what is there.
    """
    return tuple((name, _value(name, value, environment)) for name, value in headers.items())


def _value(name: str, value: str | HeaderSource, environment: Mapping[str, str]) -> str:
    if isinstance(value, str):
        door().learn_header(name, value)
        return value
    tried = f"reading the value of header {name}"
    kept = _kept_elsewhere(value, environment, tried)
    if not sendable(kept):
        where = f"file {value.file}" if value.env is None else f"environment variable {value.env}"
        seen = f"the {where} has a line break or a NUL in it, which no header has"
        raise ExperimentError(tried, seen, "Keep one line in it.")
    door().learn(kept)
    return kept


def _kept_elsewhere(value: HeaderSource, environment: Mapping[str, str], tried: str) -> str:
    if value.env is not None:
        if value.env not in environment:
            raise ExperimentError(tried, f"the environment variable {value.env} is not set", "Set it.")
        return environment[value.env]
    assert value.file is not None
    try:
        return file_text(value.file, error=ExperimentError).strip()
    except ExperimentError as error:
        raise ExperimentError(tried, f"{error.tried}: {error.seen}", error.do) from None
