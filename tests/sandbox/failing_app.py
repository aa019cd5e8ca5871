"""An application whose probes are well and whose answers are errors: `python failing_app.py` on port 80."""

from __future__ import annotations

import socket
import socketserver
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Failing(BaseHTTPRequestHandler):
    """200 on /healthz, 500 on everything else."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Every path."""
        self.send_response_only(200 if self.path == "/healthz" else 500)
        self.send_header("X-Pod", socket.gethostname())
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


class Server(ThreadingHTTPServer):
    """Binds without asking for its own name."""

    def server_bind(self) -> None:
        """`HTTPServer`'s own looks the name up, and there is nobody to ask."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "failing", 80


Server(("0.0.0.0", 80), Failing).serve_forever()
