"""How a command ended -> its exit code: the one table, which `--help` and the documentation print."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a caller, such as CI, may rely on. 0 and 1 of `run`, `demo` and `report` come from verdicts alone."""

    AS_EXPECTED = 0
    NOT_AS_EXPECTED = 1
    USAGE = 2
    INCONCLUSIVE = 3
    FAULT = 70  # EX_SOFTWARE of sysexits.h
    SIGNALLED = 128

    @classmethod
    def of_signal(cls, number: int) -> int:
        """What a shell would report of a process that this signal ended: 130 for Ctrl-C."""
        return cls.SIGNALLED + number


MEANINGS: dict[str, str] = {
    "0": "every scenario is as expected; other commands: done",
    "1": "one drops calls unexpectedly, or is seamless where dropping was expected; `trace diff`: they differ; "
    "`check`: errors were found; `compare --baseline`: a run is worse",
    "2": "the input cannot be used (options, files, cluster, machine), or the application does not come up; "
    "nothing was rolled, and what had been deployed was removed; `check`: a manifest cannot be checked",
    "3": "inconclusive, a damaged record, something left behind, or cut short after the first update or while judging",
    "70": "a bug in rollout-harness itself; the error names the file with the stack trace",
    "128 + n": "ended by signal n before the first update, after cleaning up: 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP",
}
"""Each code as people write it, and when it comes."""
