"""A small real collector of traces: OTLP over HTTP, as protobuf."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Trace = list[Span]
"""The spans of one trace: `frame`, then its stages in the order in which they began."""


class Collector:
    """What came; `is_open` is cleared to have it take its time, `status` changed to have it refuse."""

    def __init__(self, address: str) -> None:
        self.address, self.status = address, 200
        self.bodies: list[bytes] = []
        self.paths: set[str] = set()
        self.came, self.is_open = threading.Event(), threading.Event()
        self.is_open.set()

    @property
    def resources(self) -> list[dict[str, str]]:
        return [_told(one.resource.attributes) for body in self.bodies for one in _read(body).resource_spans]

    @property
    def spans(self) -> list[Span]:
        kinds = [kind for body in self.bodies for kind in _read(body).resource_spans]
        return [span for kind in kinds for scope in kind.scope_spans for span in scope.spans]

    @property
    def traces(self) -> list[Trace]:
        """All, by when their frames came."""
        found: dict[bytes, Trace] = {}
        for span in self.spans:
            found.setdefault(span.trace_id, []).append(span)
        ordered = (
            sorted(spans, key=lambda one: (one.parent_span_id != b"", one.start_time_unix_nano, one.end_time_unix_nano))
            for spans in found.values()
        )
        return sorted(ordered, key=lambda spans: spans[0].start_time_unix_nano)


@contextmanager
def collecting() -> Iterator[Collector]:
    """Take traces on a free port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.came.set()
            collector.is_open.wait(60)
            collector.paths.add(self.path)
            collector.bodies.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield collector
        finally:
            collector.is_open.set()
            server.shutdown()
            thread.join()


def attributes(span: Span) -> dict[str, str | float]:
    return _told(span.attributes)


def _read(body: bytes) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(body)


def _told(pairs: object) -> dict[str, str | float]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in pairs}
