"""What is counted for Prometheus: base units, `_total` on counters only, names of sources as labels, no addresses.

What happens at every frame is observed as it happens; all else is read where it stands, when it is asked for.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stream.recogniser import Recogniser
from stream.server.admission import Admission
from stream.server.desk import Post
from stream.server.standing import Standing, State
from stream.server.tracing import Tracing, Track

STAGES_S = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
AGES_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds: upper ends of the histograms' buckets."""
PUSHED, CONFIGURED = "pushed", "configured"
"""Where frames come from: clients, or sources of the operator's."""

Standings = Callable[[], Iterable[tuple[Standing, int]]]
"""Gives how each source is, and how many watch it."""
Posts = Callable[[], Iterable[Post]]
"""Gives how each output stands."""


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

    def watch(self, admission: Admission, standings: Standings, posts: Posts) -> None:
        """Read streams, sources and outputs, too."""
        self._registry.register(_Standing(admission, standings, posts))

    def text(self) -> bytes:
        """Return all numbers in Prometheus' text format."""
        return generate_latest(self._registry)


class _Standing(Collector):
    """Reads how streams, sources and outputs stand."""

    def __init__(self, admission: Admission, standings: Standings, posts: Posts) -> None:
        self._admission, self._standings, self._posts = admission, standings, posts

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("stream_open_streams", "Streams open now.", self._admission.open_count)
        opened = CounterMetricFamily("stream_streams", "Streams that were let in.", labels=["kind"])
        refused = CounterMetricFamily("stream_refused_streams", "Streams that were not.", labels=["reason"])
        for family, counts in ((opened, self._admission.opened), (refused, self._admission.refused)):
            for label, count in counts.items():
                family.add_metric([label], count)
            yield family
        yield from self._sources()
        yield from self._outputs()

    def _outputs(self) -> Iterator[Metric]:
        failing = GaugeMetricFamily("stream_output_failing", "1 where it cannot deliver now.", labels=["output"])
        waiting = GaugeMetricFamily("stream_output_waiting", "News and rows not delivered yet.", labels=["output"])
        taken = CounterMetricFamily("stream_output_taken", "News it took.", labels=["output"])
        lost = CounterMetricFamily("stream_output_lost", "News and rows given up.", labels=["output", "reason"])
        for now in self._posts():
            failing.add_metric([now.name], bool(now.trouble))
            waiting.add_metric([now.name], now.waiting_count)
            taken.add_metric([now.name], now.taken_count)
            for reason, count in now.lost.items():
                lost.add_metric([now.name, reason], count)
        yield from (failing, waiting, taken, lost)

    def _sources(self) -> Iterator[Metric]:
        state = GaugeMetricFamily("stream_source_state", "1 for the state it is in.", labels=["source", "state"])
        watchers = GaugeMetricFamily("stream_source_watchers", "Clients that watch it.", labels=["source"])
        frames = CounterMetricFamily("stream_source_frames", "Frames that came.", labels=["source"])
        updates = CounterMetricFamily("stream_source_updates", "Frames that were used.", labels=["source"])
        again = CounterMetricFamily("stream_source_reconnects", "Times it was opened again.", labels=["source"])
        drops = CounterMetricFamily("stream_source_dropped_frames", "Frames not used.", labels=["source", "cause"])
        for now, watcher_count in self._standings():
            for one in State:
                state.add_metric([now.name, one.value], now.state is one)
            watchers.add_metric([now.name], watcher_count)
            frames.add_metric([now.name], now.frame_count)
            updates.add_metric([now.name], now.update_count)
            again.add_metric([now.name], now.reconnect_count)
            for cause, count in asdict(now.drops).items():
                drops.add_metric([now.name, cause], count)
        yield from (state, watchers, frames, updates, again, drops)
