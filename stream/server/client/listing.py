"""Asks a server how the sources are that it keeps open."""

from dataclasses import asdict
from datetime import UTC

from stream.rows import Row
from stream.server.client import messages
from stream.server.client.entry import Entry
from stream.server.client.lines import translated
from stream.v1 import recognition_pb2 as pb
from stream.v1 import recognition_pb2_grpc as rpc


def sources(target: str, entry: Entry, timeout_s: float = 5.0) -> list[Row]:
    """Return an object for each, by name; drops by cause.

    Raises:
        ServiceError: the server cannot be reached, or does not let this client in.
    """
    with entry.channel(target) as channel, translated(target):
        stub = rpc.RecognitionServiceStub(channel)  # type: ignore[no-untyped-call]
        answer = stub.ListSources(pb.ListSourcesRequest(), timeout=timeout_s, metadata=entry.metadata)
    return [_row(one) for one in answer.sources]


def _row(status: pb.SourceStatus) -> Row:
    return {
        "source": status.name,
        "state": pb.SourceState.Name(status.state).removeprefix("SOURCE_STATE_").lower(),
        "since": status.since.ToDatetime(UTC).isoformat(timespec="seconds"),
        "error": status.last_error,
        "model": status.model,
        "fps_in": round(status.fps_in, 1),
        "fps_out": round(status.fps_out, 1),
        "frames": status.frame_count,
        "updates": status.update_count,
        "reconnects": status.reconnect_count,
        "drops": asdict(messages.drops_of(status.drops)),
        "watchers": status.watcher_count,
    }
