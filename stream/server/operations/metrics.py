"""What is counted for Prometheus: base units, `_total` on counters only, names of sources as labels, no addresses.

What happens at every frame is observed as it happens; all else is read where it stands (`web/gauges.py`).
"""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.registry import Collector

from stream.recogniser import Recogniser
from stream.server.operations.tracing import Tracing, Track

STAGES_S = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
AGES_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds: upper ends of the histograms' buckets."""
PUSHED, CONFIGURED = "pushed", "configured"
"""Where frames come from: clients, or sources of the operator's."""


class Stopwatch:
    """Times the stages of one session; what passes between two frames is no stage."""

    def __init__(self, observe: Callable[[str, float], None], track: Track) -> None:
        """Begin stopped; every stage is told to `observe` and to `track`, which is told more by others."""
        self._observe, self.track, self._at_ns = observe, track, 0

    def start(self) -> None:
        """Begin a frame."""
        self._at_ns = time.perf_counter_ns()

    def __call__(self, stage: str) -> None:
        """End a stage, and begin the next."""
        now_ns = time.perf_counter_ns()
        self._observe(stage, (now_ns - self._at_ns) / 1e9)
        self.track.lap(stage, self._at_ns, now_ns)
        self._at_ns = now_ns


class Metrics:
    """The numbers of one server, in a registry of its own."""

    def __init__(self, tracing: Tracing) -> None:
        """Begin at nothing; `tracing` is told of single frames."""
        self._tracing = tracing
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._stages = Histogram(
            "stream_stage_seconds",
            "Time of one stage for one frame.",
            ["stage"],
            buckets=STAGES_S,
            registry=self._registry,
        )
        self._ages = Histogram(
            "stream_frame_age_seconds",
            "From a frame's arrival until its labels were ready.",
            ["origin"],
            buckets=AGES_S,
            registry=self._registry,
        )
        self._drops = Counter(
            "stream_dropped_frames", "Frames not used, by cause.", ["origin", "cause"], registry=self._registry
        )
        self._reloads = Counter("stream_reloads", "Files read again, by result.", ["result"], registry=self._registry)

    def stopwatch(self, recogniser: Recogniser, **name: str) -> Stopwatch:
        """Return a stopwatch for one session; `id` names a client's stream, or `source` the operator's."""
        names = {**name, "model": recogniser.card.name, "engine": recogniser.runtime.name}
        track = self._tracing.track({f"stream.{kind}": one for kind, one in names.items()})
        return Stopwatch(lambda stage, seconds: self._stages.labels(stage).observe(seconds), track)

    def used(self, origin: str, age_s: float) -> None:
        """Count a frame that was used."""
        self._ages.labels(origin).observe(age_s)

    def dropped(self, origin: str, cause: str, count: int = 1) -> None:
        """Count frames that were not."""
        self._drops.labels(origin, cause).inc(count)

    def reloaded(self, result: str) -> None:
        """Count a file that was read again."""
        self._reloads.labels(result).inc()

    def read(self, gauges: Collector) -> None:
        """Ask `gauges`, too, whenever the numbers are asked for."""
        self._registry.register(gauges)

    def text(self) -> bytes:
        """Return all numbers in Prometheus' text format."""
        return generate_latest(self._registry)
