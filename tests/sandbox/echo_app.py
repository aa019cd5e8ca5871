"""An application that gives everything away: its environment on stderr, and what it was sent in the headers of answers.

python echo_app.py serve     answers until SIGTERM; ends with status 3, after its environment on stderr
python echo_app.py broken    gives its environment away, and ends with status 3 at once
"""

from __future__ import annotations

import base64
import os
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    """Answers with the pod's name, and in `Server` and `Via` with the request's credentials."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Every path."""
        tenant = self.headers.get("X-Tenant", "-")
        self.send_response_only(200)
        self.send_header("X-Pod", socket.gethostname())
        self.send_header("Server", base64.b64encode(self.headers.get("Cookie", "-").encode()).decode())
        self.send_header("Via", f"{tenant} {self.headers.get('Authorization', '-')}")
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_: object) -> None:
        """Its log is its environment."""


def give_away() -> None:
    """The environment on stderr, as a framework in trouble prints it."""
    print("trouble, with", {name: value for name, value in os.environ.items() if "CANARY" in name}, file=sys.stderr)


def main() -> int:
    """Serve, or break down."""
    give_away()
    if sys.argv[1] == "serve":
        server = ThreadingHTTPServer(("", 8080), Echo)
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever()
        give_away()
    return 3


sys.exit(main())
