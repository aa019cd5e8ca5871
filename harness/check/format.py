"""The word after `--format` into one of the formats in which a check's report is printed."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """As `--format` takes them; `harness.check.formats` has what makes each."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
