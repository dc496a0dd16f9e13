"""What is said of configured sources, on the wire."""

from dataclasses import asdict

from stream.server.news import Gap, News, Over, Used
from stream.server.standing import Standing
from stream.server.watched.keeper import Keeper
from stream.server.wire import told
from stream.server.wire.fields import fill
from stream.v1 import recognition_pb2 as pb


def watching(keeper: Keeper, watcher_count: int) -> pb.WatchResponse:
    """Say what is watched, and how it is."""
    card, wanted = keeper.recogniser.card, keeper.settings
    config = told.filled(card, wanted.session, keeper.policy, wanted.max_age_s)
    model, now = told.model(keeper.recogniser), status(keeper.standing(), watcher_count)
    return pb.WatchResponse(watching=pb.Watching(model=model, config=config, status=now))


def report(news: News, missed_count: int, watcher_count: int) -> pb.WatchResponse:
    """Say what has happened."""
    match news:
        case Used():
            said = pb.WatchResponse(update=told.update(news.number, news.update))
        case Gap():
            gap = pb.Gap(events=map(told.event, news.events))
            fill(gap.offset, news.offset_s)
            said = pb.WatchResponse(gap=gap)
        case Over():
            said = pb.WatchResponse(finished=told.finished(news.events, news.drops))
        case Standing():
            said = pb.WatchResponse(status=status(news, watcher_count))
    said.missed_count = missed_count
    return said


def status(standing: Standing, watcher_count: int) -> pb.SourceStatus:
    """Say how a source is."""
    said = pb.SourceStatus(
        name=standing.name,
        state=getattr(pb, f"SOURCE_STATE_{standing.state.name}"),
        last_error=standing.error,
        fps_in=standing.fps_in,
        fps_out=standing.fps_out,
        frame_count=standing.frame_count,
        update_count=standing.update_count,
        reconnect_count=standing.reconnect_count,
        drops=pb.Drops(**asdict(standing.drops)),
        watcher_count=watcher_count,
        model=standing.model,
    )
    said.since.FromMicroseconds(round(standing.since_s * 1e6))
    return said
