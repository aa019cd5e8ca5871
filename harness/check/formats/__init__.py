"""A check's report into what people and programs read, one file each: text, JSON, SARIF, GitHub's annotations."""

from __future__ import annotations

from collections.abc import Callable

from harness.check.format import Format
from harness.check.formats.as_json import as_json
from harness.check.formats.sarif import sarif
from harness.check.formats.text import text
from harness.check.formats.workflow_commands import workflow_commands
from harness.check.report import Report

__all__ = ["FORMATS", "Format"]

FORMATS: dict[Format, Callable[[Report], str]] = {
    Format.TEXT: text,
    Format.JSON: as_json,
    Format.SARIF: sarif,
    Format.GITHUB: workflow_commands,
}
"""Each ends without a line break."""
