"""The words of a command -> whether it tells a server to stop, as its own stop signal would.

https://nginx.org/en/docs/control.html, https://httpd.apache.org/docs/2.4/stopping.html,
https://caddyserver.com/docs/command-line#caddy-stop, https://tomcat.apache.org/tomcat-10.1-doc/RUNNING.txt
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

_STOPS = {
    "nginx": ("-s", "quit|stop"),
    "openresty": ("-s", "quit|stop"),
    "apachectl": ("-k", "stop|graceful-stop"),
    "apache2ctl": ("-k", "stop|graceful-stop"),
    "apache2": ("-k", "stop|graceful-stop"),
    "httpd": ("-k", "stop|graceful-stop"),
    "caddy": ("", "stop"),
    "catalina.sh": ("", "stop"),
    "shutdown.sh": ("", ""),
}
"""By program: the option before its word (none: the word stands first), and the words that stop; "": any, or none."""

_KILLERS = ("kill", "pkill", "killall")
_SIGNAL = re.compile(r"-(?:SIG)?(HUP|INT|QUIT|KILL|USR1|USR2|TERM|WINCH|CONT|STOP|[0-9]+)")
_ENDS = frozenset({"TERM", "15", "QUIT", "3", "INT", "2", "KILL", "9", "WINCH", "28"})
"""WINCH is httpd's signal to stop; HUP, USR1 and USR2 mean something else to each server, and 0 means nothing."""


def stops_server(words: Sequence[str]) -> bool:
    """Whether the command, once it is run, keeps a server from taking more connections.

    >>> [stops_server(line.split()) for line in ("/usr/sbin/nginx -s quit", "nginx -s reload", "kill -HUP 1", "kill 1")]
    [True, False, False, True]
    """
    if not words:
        return False
    program, rest = words[0].rpartition("/")[2], list(words[1:])
    if program in _KILLERS:
        return _signal(rest) in _ENDS
    if program not in _STOPS:
        return False
    option, stop = _STOPS[program]
    if not stop:
        return True
    if not option:
        return bool(rest) and re.fullmatch(stop, rest[0]) is not None
    short = program.endswith("ctl") and bool(rest) and re.fullmatch(stop, rest[0])  # apachectl stop
    return bool(short) or any(name == option and re.fullmatch(stop, word) for name, word in pairwise(rest))


def _signal(arguments: Sequence[str]) -> str:
    """The signal that is sent: TERM where none is named."""
    for at, word in enumerate(arguments):
        if word in ("-s", "--signal", "-n") and at + 1 < len(arguments):
            return arguments[at + 1].upper().removeprefix("SIG")
        if found := _SIGNAL.fullmatch(word.upper()):
            return found[1]
    return "TERM"
