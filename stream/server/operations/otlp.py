"""Tells a collector of OpenTelemetry traces what was noted: OTLP over HTTP, from a thread of its own.

What waits for the collector is bounded, and no frame waits for it: one that is dead, slow or full costs spans alone.
"""

import logging
from collections.abc import Mapping, Sequence
from urllib.parse import SplitResult, urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import set_span_in_context

from stream import threads
from stream.config import check
from stream.errors import UsageError
from stream.server.operations.tracing import Noted, Noting, Tracing, Track

PATH = "/v1/traces"
"""Where collectors take traces; for an address without a path."""
ROOM = 4096
"""Count of spans that wait, a kilobyte or so each; the oldest go first when there are more."""
TIMEOUT_S = 5.0
"""Seconds that the collector has for one batch, attempts included."""
LEAVE_S = 2.0
"""Seconds that what waits has to be delivered, when the server ends."""

_log = logging.getLogger(__name__)
_theirs = logging.getLogger("opentelemetry")


class Collector(Tracing):
    """Tracks that note a share of the frames, and where these are told."""

    def __init__(self, to: str, share: float) -> None:
        """Begin; nothing is sent before there is something to tell.

        Args:
            to: "http://HOST:PORT" or https, with or without a path.
            share: of the frames that are traced, 0 to 1.

        Raises:
            UsageError: the address is none, or has something secret in it; or the share is out of range.
        """
        parts = _parts(to)
        check("trace_share", 0 <= share <= 1, f"{share:g}", "0 to 1")
        self._share = share
        self._provider = TracerProvider(ALWAYS_ON, _resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(_Exporter(parts), max_queue_size=ROOM))
        self._tracer = self._provider.get_tracer("stream.server")
        _log.info("%g of all frames are traced, at %s", share, parts.netloc)

    def track(self, about: Mapping[str, str]) -> Track:
        """Return that of a stream."""
        return Noting(self._share, lambda noted: self._tell(about, noted))

    def close(self) -> None:
        """Deliver what waits, in `LEAVE_S`; a collector that does not answer is left."""
        leaving = threads.start("last traces", self._provider.shutdown, has_second_life=False)
        leaving.join(LEAVE_S)

    def _tell(self, about: Mapping[str, str], noted: Noted) -> None:
        """Make spans of a frame and its stages; they wait for their batch."""
        shift_ns = noted.wall_ns
        told: dict[str, str | float] = {**about, "stream.offset_s": noted.offset_s}
        frame = self._tracer.start_span("frame", Context(), attributes=told, start_time=noted.arrival_ns + shift_ns)
        within = set_span_in_context(frame, Context())
        for stage, begin_ns, end_ns in noted.laps:
            self._tracer.start_span(stage, within, start_time=begin_ns + shift_ns).end(end_ns + shift_ns)
        frame.end(noted.laps[-1][2] + shift_ns)


class _Exporter(OTLPSpanExporter):
    """Says once that the collector takes nothing, and once that it does again."""

    def __init__(self, to: SplitResult) -> None:
        super().__init__(to.geturl(), timeout=TIMEOUT_S)  # type: ignore[arg-type, unused-ignore]  # lower ones say int
        self._place, self._is_well = to.netloc, True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        is_well = False
        try:
            result = super().export(spans)
            is_well = result is SpanExportResult.SUCCESS
        finally:  # some versions raise where nobody listens
            self._note(is_well)
        return result

    def _note(self, is_well: bool) -> None:
        if is_well != self._is_well:
            words = "takes them again" if is_well else "takes none; they are dropped"
            _log.warning("traces: %s %s", self._place, words)
            _theirs.setLevel(logging.WARNING if is_well else logging.CRITICAL)  # or each attempt is a line
        self._is_well = is_well


def _parts(to: str) -> SplitResult:
    """Take an address apart; an error shows nothing of it that may be secret."""
    accepted = "http://HOST:PORT or https://HOST:PORT; the environment's OTEL_EXPORTER_OTLP_HEADERS holds keys"
    try:
        parts = urlsplit(to)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # whose words may show a password
        raise UsageError(f"trace_to is no address; accepted: {accepted}") from None
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    is_bare = shown == parts.geturl()
    found = repr(shown) if is_bare else f"{shown!r} with a login, a query or a fragment"
    check("trace_to", parts.scheme in ("http", "https") and has_host and is_bare, found, accepted)
    return parts if parts.path.strip("/") else parts._replace(path=PATH)


def _resource() -> Resource:
    """Say whose traces these are; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES may say otherwise."""
    return Resource.create({"service.name": "stream-serve"}).merge(OTELResourceDetector().detect())
