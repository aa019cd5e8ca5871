"""The command tree -> the reference of the command line: of every command its arguments, options and examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import typer.main

from harness.cli.app import PROGRAM, app
from harness.cli.examples import EXAMPLES
from harness.exit_codes import MEANINGS

HEAD = f"""# The command line

Made by `make reference` of what `{PROGRAM} --help` prints; never edited by hand. `{PROGRAM}
--install-completion` sets up the shell. `NO_COLOR` is obeyed, and there are no progress bars where standard output is
no terminal.

## Exit codes

All commands have them in common.

| exit code | meaning |
|---|---|
"""


def command_line() -> str:
    """The page."""
    parts = [HEAD.rstrip("\n"), *(f"| {code} | {meaning} |" for code, meaning in MEANINGS.items())]
    for name, command in _commands(typer.main.get_command(app)):
        parts += _section(name, command)
    return "\n".join(parts).rstrip() + "\n"


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        yield f"{before}{name}", command
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")


def _section(name: str, command: Any) -> Iterator[str]:
    yield f"\n## {name}\n"
    yield _paragraphs(command.help or "")
    if hasattr(command, "commands"):
        yield "\n" + ", ".join(f"[`{sub}`](#{name}-{sub})" for sub in command.commands)
    shown = [one for one in command.params if not one.hidden and one.name != "help"]
    if shown:
        yield "\n| argument or option | value | what it is |\n|---|---|---|"
        yield from (f"| {_names(one)} | {_value(one)} | {_words(one)} |" for one in shown)
    if examples := EXAMPLES.get(name):
        yield "\n```console\n" + "\n".join(f"$ {PROGRAM} {line}" for line in examples) + "\n```"


def _paragraphs(text: str) -> str:
    """Help texts are indented, and have a paragraph a block."""
    blocks = re.split(r"\n\s*\n", text.replace("\b", "").strip())
    return "\n\n".join(re.sub(r"\s*\n\s*", " ", block.strip()) for block in blocks)


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = parameter.metavar or parameter.name.upper()
        return f"`{name if parameter.required or name.startswith('[') else f'[{name}]'}`"
    return ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))


def _value(parameter: Any) -> str:
    if parameter.param_type_name == "argument" or getattr(parameter, "is_flag", False):
        return ""
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{one.value}`" for one in kind)
    many = ", can be repeated" if parameter.multiple else ""
    return f"{parameter.metavar or _KINDS.get(getattr(kind, '__name__', ''), 'text')}{many}"


_KINDS = {"Path": "path", "int": "whole number", "float": "number"}


def _words(parameter: Any) -> str:
    text = re.sub(r"\s+", " ", parameter.help or "").replace("|", "\\|")
    default = parameter.default
    if default in (None, False, (), []) or parameter.param_type_name == "argument":
        return text
    return f"{text} Default: `{default.value if isinstance(default, Enum) else default}`."
