"""How streams, sources and outputs stand, for Prometheus: read where it stands, when it is asked for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stream import threads
from stream.server.access.admission import Admission
from stream.server.standing import Standing, State
from stream.server.watched.desk import Post

Standings = Callable[[], Iterable[tuple[Standing, int]]]
"""Gives how each source is, and how many watch it."""
Posts = Callable[[], Iterable[Post]]
"""Gives how each output stands."""


class Gauges(Collector):
    """Reads how streams, sources and outputs stand."""

    def __init__(self, admission: Admission, standings: Standings, posts: Posts) -> None:
        """Read from these."""
        self._admission, self._standings, self._posts = admission, standings, posts

    def collect(self) -> Iterator[Metric]:
        """Give all of it."""
        yield GaugeMetricFamily("stream_open_streams", "Streams open now.", self._admission.open_count)
        opened = CounterMetricFamily("stream_streams", "Streams that were let in.", labels=["kind"])
        refused = CounterMetricFamily("stream_refused_streams", "Streams that were not.", labels=["reason"])
        for family, counts in ((opened, self._admission.opened), (refused, self._admission.refused)):
            for label, count in counts.items():
                family.add_metric([label], count)
            yield family
        deaths = CounterMetricFamily("stream_thread_deaths", "Threads that ended by an error.", labels=["thread"])
        for name, count in threads.BOARD.deaths().items():
            deaths.add_metric([name], count)
        yield deaths
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
