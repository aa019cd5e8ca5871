"""The command line, one file a command. Heavy imports wait inside the commands, so that `--help` is quick."""

from __future__ import annotations

import signal

__all__ = ["main"]


def main() -> None:
    """Run the command line. Ctrl-C before anything was begun ends the program without a word, as it ends others."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from harness.cli import app

    signal.signal(signal.SIGINT, before)
    app.main()
