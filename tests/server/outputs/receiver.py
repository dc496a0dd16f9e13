"""A receiver of webhooks on 127.0.0.1: keeps what came, and answers as a test says."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OK = 204


@dataclass
class Receiver:
    """What came, and how it is answered."""

    answer: Callable[[int], int] = lambda _count: OK
    """Count of the request, from 1 -> the status of its answer."""
    headers: dict[str, str] = field(default_factory=dict)
    """What every answer has besides."""
    port: int = 0
    requests: list[tuple[dict[str, str], dict[str, Any], int]] = field(default_factory=list)
    """Headers, body and status of every request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/s3cret"

    @property
    def accepted(self) -> list[dict[str, Any]]:
        return [body for _, body, status in self.requests if status == OK]


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """Serve at the receiver's port, any free one at first."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = receiver.answer(len(receiver.requests) + 1)
            receiver.requests.append((dict(self.headers), body, status))
            self.send_response(status)
            for name, value in {"Content-Length": "0", **receiver.headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", receiver.port), Handler) as server:
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
